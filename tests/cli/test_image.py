"""``sightline image``: commands made from the catalogue."""

import json

import numpy as np
import pytest
from PIL import Image

from sightline.cli.app import main
from sightline.image import gaussian_blur, read


@pytest.fixture
def photo(tmp_path, photos, monkeypatch):
    monkeypatch.chdir(tmp_path)
    picture = photos["noise"]
    Image.fromarray(picture).save("photo.png")
    return picture


def test_options_come_from_the_signature(capsys):
    assert main(["image", "canny", "--help"]) == 0
    text = capsys.readouterr().out
    for part in ("--low", "--high", "0 to 1500", "--output -o", "default: 50"):
        assert part in text


def test_a_picture_is_written(photo, capsys):
    assert main(["image", "gaussian-blur", "photo.png", "--sigma", "2", "-o", "blurred.png"]) == 0
    assert (read("blurred.png") == gaussian_blur(photo, 2.0)).all()
    assert capsys.readouterr().out == "photo.png: blurred.png\n"


def test_numbers_are_kept_by_npy_and_told(photo, capsys):
    assert main(["image", "sobel", "photo.png", "-o", "edges.npy", "--gray", "--json"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert row["output"] == ["edges.npy"]
    assert np.load("edges.npy").dtype == np.float32


def test_a_folder_is_done_image_by_image_and_a_broken_file_is_named(photo, tmp_path, capsys):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name in ("a.png", "b.jpg"):
        Image.fromarray(photo).save(folder / name)
    (folder / "c.jpg").write_bytes((folder / "b.jpg").read_bytes()[:300])
    assert main(["image", "canny", str(folder), "-o", "edges"]) == 1
    assert sorted(path.name for path in (tmp_path / "edges").iterdir()) == ["a-canny.png", "b-canny.png"]
    told = capsys.readouterr()
    assert "c.jpg" in told.err
    assert told.out.splitlines()[-1].startswith("2 pictures, ")


def test_pictures_of_one_name_do_not_overwrite_each_other(photo, tmp_path):
    for folder in ("left", "right"):
        (tmp_path / "pair" / folder).mkdir(parents=True)
        Image.fromarray(photo if folder == "left" else photo[::-1]).save(tmp_path / "pair" / folder / "1.png")
    assert main(["image", "box_blur", "pair", "--size", "3", "-o", "out"]) == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["left-1-box_blur.png", "right-1-box_blur.png"]


def test_steps_are_written_as_a_page(photo, tmp_path):
    assert main(["image", "canny", "photo.png", "--steps", "steps.html"]) == 0
    assert "strong and weak" in (tmp_path / "steps.html").read_text("utf-8")


def test_the_source_is_not_overwritten(photo, capsys):
    assert main(["image", "sobel", "photo.png", "-o", "photo.png"]) == 2
    assert "must not be the source" in capsys.readouterr().err
    assert (read("photo.png") == photo).all()


def test_a_single_pixel_is_enough(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Image.new("L", (1, 1), 7).save("one.png")
    assert main(["image", "gaussian_blur", "one.png", "--sigma", "1", "-o", "out.png"]) == 0
    assert read("out.png", mode="gray").tolist() == [[7]]


def test_a_pair_of_numbers_may_stand_for_one(photo):
    assert main(["image", "gaussian_blur", "photo.png", "--sigma", "0,2.5", "-o", "across.png"]) == 0
    np.testing.assert_array_equal(read("across.png"), gaussian_blur(read("photo.png"), (0, 2.5)))


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (
            ["gaussian_blur", "photo.png", "--sigma", "1,x"],
            2,
            "sigma must be a number, or some like '1.5,3'; got '1,x'",
        ),
        (["gaussian_blur", "photo.png", "--sigma", "1,2,3"], 2, "sigma must be a number in 0–1000 pixels"),
        (["cany", "photo.png"], 2, 'Did you mean "canny"?'),
        (["canny", "photo.png", "--lo", "3"], 2, "Did you mean --low?"),
        (["canny", "photo.png", "--low", "9000"], 2, "low must be a number in 0–1500"),
        (["canny", "photo.png", "--norm", "l3"], 2, "l3"),
        (["canny", "nowhere.png"], 1, "'nowhere.png' does not exist"),
        (["canny", "*.gif"], 1, "nothing matches '*.gif'"),
        (["canny", "."], 0, ""),
        (["canny", "photo.png", "-o", "nowhere/x.png"], 1, "folder 'nowhere' does not exist"),
    ],
)
def test_what_is_wrong_is_said(words, code, sentence, photo, capsys):
    assert main(["image", *words]) == code
    said = capsys.readouterr().err.replace("\n", " ")
    assert sentence in said or sentence in said.replace('"', "")  # Cyclopts 4 puts options in quotation marks


def test_lines_are_sought_on_the_edges_of_a_photo_and_in_a_drawing_as_it_is(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    square = np.full((120, 160), 200, np.uint8)
    square[30:90, 40:120] = 60
    outline = np.zeros((120, 160), np.uint8)
    outline[30, 40:120] = outline[89, 40:120] = outline[30:90, 40] = outline[30:90, 119] = 255
    for name, picture in (("photo", square), ("drawing", outline)):
        Image.fromarray(picture).save(f"{name}.png")
        assert main(["image", "hough_lines", f"{name}.png", "--threshold", "40", "--json"]) == 0
        lines = np.array(json.loads(capsys.readouterr().out)["result"])
        turns = lines[:, 1] % (np.pi / 2)
        assert np.minimum(turns, np.pi / 2 - turns).max() < 0.06
        assert len(lines) < 40


def test_a_histogram_is_seen_as_curves(photo):
    assert main(["image", "histogram", "photo.png", "-o", "counts.png"]) == 0
    drawn = read("counts.png")
    assert drawn.shape[:2] == (256, 256)
    assert (drawn == 255).all(axis=2).mean() > 0.5
    assert len(np.unique(drawn.reshape(-1, 3), axis=0)) > 3

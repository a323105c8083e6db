"""``sightline image`` on videos, folders, second pictures, texts and files of numbers."""

import json

import numpy as np
import pytest
from PIL import Image

from sightline.apply.inputs import numbers
from sightline.apply.outputs import as_picture, side_by_side
from sightline.cli.app import main
from sightline.cli.live import is_moving
from sightline.core.errors import FormatError, InputError, MissingFileError
from sightline.image import canny, convert, convolve, draw, frames, read, region_grow, write_frames


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ramp = np.linspace(0, 200, 64, dtype=np.float32)[None, :, None] + np.zeros((48, 64, 3), np.float32)
    write_frames("clip.mp4", [(ramp + 5 * i).astype(np.uint8) for i in range(9)], fps=10)
    Image.fromarray(np.arange(48 * 64, dtype=np.uint16).reshape(48, 64).astype(np.uint8)).save("gray.png")
    return tmp_path


def test_a_video_becomes_a_video(folder, capsys):
    assert main(["image", "canny", "clip.mp4", "-o", "edges.mp4", "--json"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert (row["output"], row["frames"]) == ("edges.mp4", 9)
    assert row["fps"] > 0
    made = frames("edges.mp4")
    assert (made.fps, made.count) == (10, 9)
    assert next(made).shape == (48, 64, 3)


def test_a_folder_of_frames_side_by_side(folder, capsys):
    words = ["image", "canny", "clip.mp4", "-o", "edges", "--side-by-side", "--every", "2", "--limit", "3"]
    assert main(words) == 0
    assert "3 frames" in capsys.readouterr().out
    names = sorted(path.name for path in (folder / "edges").iterdir())
    assert names == ["000000.png", "000001.png", "000002.png"]
    first = next(frames("clip.mp4"))
    assert np.array_equal(read("edges/000000.png"), side_by_side(first, as_picture(canny(first))))


def test_numbers_of_each_frame_are_told(folder, capsys):
    assert main(["image", "otsu_threshold", "clip.mp4", "--gray", "--json", "--every", "4"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert len(row["result"]) == row["frames"] == 3
    assert row["output"] is None
    assert not list(folder.glob("*otsu*"))


def test_a_folder_becomes_a_video(folder):
    assert main(["image", "canny", "clip.mp4", "-o", "stills"]) == 0
    assert main(["image", "gaussian_blur", "stills", "--sigma", "1", "-o", "again.mkv"]) == 0
    assert sum(1 for _ in frames("again.mkv")) == 9


def test_a_still_side_by_side(folder):
    assert main(["image", "canny", "gray.png", "--side-by-side", "-o", "both.png"]) == 0
    assert read("both.png").shape == (48, 128, 3)


def test_rows_of_numbers_are_an_argument(folder):
    assert main(["image", "convolve", "gray.png", "--kernel", "0,-1,0; -1,5,-1; 0,-1,0", "-o", "sharp.png"]) == 0
    kernel = np.array([[0, -1, 0], [-1, 5, -1], [0, -1, 0]], float)
    expected = convolve(read("gray.png", mode="gray"), kernel)
    assert np.array_equal(read("sharp.png", mode="gray"), expected)


def test_one_row_of_numbers_is_a_table_of_one(folder):
    assert main(["image", "boxes", "gray.png", "--boxes", "10,8,40,30", "-o", "boxed.png"]) == 0
    expected = draw.boxes(read("gray.png", mode="gray"), np.array([[10, 8, 40, 30]]))
    assert np.array_equal(read("boxed.png"), expected)
    assert main(["image", "region_grow", "gray.png", "--seeds", "10,8", "--tolerance", "3", "-o", "grown.npy"]) == 0
    grown = region_grow(read("gray.png", mode="gray"), np.array([[10, 8]]), 3)
    assert np.array_equal(np.load("grown.npy"), grown)


def test_a_picture_where_floats_are_wanted_stands_for_0_to_1(folder):
    assert main(["image", "heat_map", "gray.png", "--values", "gray.png", "-o", "hot.png"]) == 0
    gray = read("gray.png", mode="gray")
    assert np.array_equal(read("hot.png"), draw.heat_map(gray, gray.astype(np.float32) / np.float32(255)))


def test_what_is_no_picture_can_be_drawn_or_kept(folder, capsys):
    assert main(["image", "otsu_threshold", "gray.png", "-o", "value.json"]) == 0
    assert isinstance(json.loads((folder / "value.json").read_text()), float)
    assert main(["image", "otsu_threshold", "gray.png", "-o", "seen.png"]) == 0
    assert read("seen.png").shape[:2] == (48, 64)
    assert main(["image", "otsu_threshold", "gray.png", "-o", "value.npy"]) == 2
    assert "must end in .json" in capsys.readouterr().err


def test_tables_of_numbers(tmp_path):
    table = np.array([[1.5, 2], [3, 4]])
    np.save(tmp_path / "t.npy", table)
    (tmp_path / "t.json").write_text("[[1.5, 2], [3, 4]]")
    (tmp_path / "t.csv").write_text("1.5,2\n3,4\n")
    for name in ("t.npy", "t.json", "t.csv"):
        assert np.array_equal(numbers("warp", "matrix", str(tmp_path / name)), table)
    assert np.array_equal(numbers("warp", "matrix", "1.5 2; 3,4"), table)
    assert numbers("warp", "points", "1,2,3").tolist() == [1, 2, 3]
    with pytest.raises(InputError, match="warp: matrix must be a file"):
        numbers("warp", "matrix", "one,two")
    with pytest.raises(MissingFileError, match="does not exist"):
        numbers("warp", "matrix", "nope.npy")
    (tmp_path / "bad.npy").write_bytes(b"no numbers")
    with pytest.raises(FormatError, match="is no table of numbers"):
        numbers("warp", "matrix", str(tmp_path / "bad.npy"))


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["canny", "nope.mp4"], 1, "'nope.mp4' does not exist"),
        (["canny", "webcam:99"], 1, "camera 99 does not exist"),
        (["canny", "clip.mp4", "-o", "clip.mp4"], 2, "must not be the source"),
        (["canny", "clip.mp4", "--steps", "x.html"], 2, "--steps shows one picture"),
        (["canny", "gray.png", "gray.png", "-o", "out.png"], 2, "must be a folder for several pictures"),
        (["canny", "clip.mp4", "--every", "0"], 2, "--every must be a whole number ≥ 1"),
        (["otsu_threshold", "gray.png", "--side-by-side", "-o", "x.txt"], 2, "path must end in one of"),
    ],
)
def test_what_is_wrong_is_said(words, code, sentence, folder, capsys):
    assert main(["image", *words]) == code
    assert sentence in capsys.readouterr().err.replace("\n", " ")


def test_ctrl_c_leaves_no_half_video(folder, monkeypatch):
    from sightline.cli import live

    def interrupted(self, frame):
        raise KeyboardInterrupt

    monkeypatch.setattr(live._Work, "picture", interrupted)
    assert main(["image", "canny", "clip.mp4", "-o", "edges.mp4"]) == 130
    assert not list(folder.glob("*edges*"))
    assert not list(folder.glob(".*part"))


def test_colour_and_grey_stand_beside_each_other():
    gray = np.full((4, 5), 7, np.uint8)
    both = side_by_side(convert(gray, "gray", "rgb"), np.full((2, 3), 9, np.uint8))
    assert both.shape == (4, 8, 3)
    assert both[3, 6].tolist() == [0, 0, 0]


def test_a_number_that_is_no_file_is_a_camera(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert is_moving(("7",), None)
    (tmp_path / "7").mkdir()
    assert not is_moving(("7",), None)

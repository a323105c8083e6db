"""``sightline image``: points, masks, tables and several alternatives said in words."""

import json

import numpy as np
import pytest
from PIL import Image

from sightline.apply.plain import plain
from sightline.cli.app import main
from sightline.core.errors import InputError
from sightline.image import box_blur, dilate, draw, match_template, read


@pytest.fixture
def photo(tmp_path, photos, monkeypatch):
    monkeypatch.chdir(tmp_path)
    picture = photos["noise"][:40, :50]
    Image.fromarray(picture).save("photo.png")
    return picture


def test_points_come_as_rows_or_as_a_file(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    square = np.array([[0, 0], [4, 0], [4, 4], [0, 4]], np.float32)
    np.save("square.npy", square)
    for words in ("0,0; 4,0; 4,4; 0,4", "square.npy"):
        assert main(["image", "contour_area", words, "--json"]) == 0
        assert abs(json.loads(capsys.readouterr().out)["result"]) == 16
    assert main(["image", "contour_area", "zero,one"]) == 2
    assert "must be a file" in capsys.readouterr().err


def test_a_number_a_pair_or_a_table(photo):
    for word, size in (("3", 3), ("3,5", (3, 5))):
        assert main(["image", "box_blur", "photo.png", "--size", word, "-o", "out.png"]) == 0
        assert np.array_equal(read("out.png"), box_blur(photo, size))
    cross = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], bool)
    assert main(["image", "dilate", "photo.png", "--footprint", "0,1,0; 1,1,1; 0,1,0", "-o", "out.png"]) == 0
    assert np.array_equal(read("out.png"), dilate(photo, cross))


def test_the_mask_of_a_template_is_a_picture(photo):
    mask = np.zeros((9, 11), bool)
    mask[2:7, 3:9] = True
    template = photo[5:14, 20:31]
    Image.fromarray(template).save("template.png")
    Image.fromarray(mask.astype(np.uint8) * 255).save("mask.png")
    words = ["image", "match_template", "photo.png", "--template", "template.png", "--mask", "mask.png"]
    assert main([*words, "-o", "fit.npy"]) == 0
    assert np.array_equal(np.load("fit.npy"), match_template(photo, template, mask=mask))


def test_a_second_picture_takes_the_units_of_the_first(tmp_path, photo):
    gray = photo[..., 0]
    Image.fromarray(gray.astype(np.uint16) * 257).save("deep.png")
    Image.fromarray(gray).save("gray.png")
    assert main(["image", "match_histogram", "deep.png", "--reference", "gray.png", "-o", "same.npy"]) == 0
    assert np.array_equal(np.load("same.npy"), gray.astype(np.uint16) * 257)


def test_blobs_are_circled(photo):
    assert main(["image", "blobs_dog", "photo.png", "-o", "blobs.png"]) == 0
    assert read("blobs.png").shape == photo.shape


def test_subbands_go_round_by_files(photo):
    assert main(["image", "subband_encode", "photo.png", "--lossless", "-o", "photo.bin"]) == 0
    assert main(["image", "subband_decode", "photo.bin", "-o", "back.png"]) == 0
    assert np.array_equal(read("back.png"), photo)


def test_masks_are_explained(capsys):
    assert main(["image", "label", "--help"]) == 0
    assert "brighter than the middle" in " ".join(capsys.readouterr().out.replace("│", " ").split())


def test_a_list_that_is_no_text(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "list.txt").write_bytes(b"\xff\xfe\x00caf\xe9")
    assert main(["image", "canny", "list.txt"]) == 1
    assert "no list of paths" in capsys.readouterr().err


def test_records_are_plain_values(photo, capsys):
    assert main(["image", "find_contours", "photo.png", "--json"]) == 0
    first = json.loads(capsys.readouterr().out)["result"][0]
    assert np.array(first["points"]).shape[1] == 2
    assert plain({"a": 1 + 2j}) == {"a": {"real": 1.0, "imaginary": 2.0}}


def test_what_is_no_list_is_refused_by_name(photo):
    for wrong in (None, 3, 1.5, object()):
        with pytest.raises(InputError, match=r"^boxes: labels"):
            draw.boxes(photo, np.array([[1.0, 1, 5, 5]]), labels=wrong)
        with pytest.raises(InputError, match=r"^contours: contours"):
            draw.contours(photo, wrong)


def test_a_pattern_and_a_page_by_words(photo):
    pattern = ["--pattern", "1,1,1; 0,1,0; -1,-1,-1"]
    assert main(["image", "hit_or_miss", "photo.png", *pattern, "-o", "corners.png"]) == 0
    assert main(["image", "find_page", "photo.png", "-o", "page.png"]) == 0
    assert read("page.png").shape == photo.shape

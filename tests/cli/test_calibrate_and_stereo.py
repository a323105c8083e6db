"""``sightline calibrate`` and ``sightline stereo`` as a person types them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import sightline as sl
from geometry.boards import SIZE, photo
from sightline.cli.app import main
from sightline.geometry import Camera, rodrigues

CAMERA = Camera(np.array([[520.0, 0, 310], [0, 515, 250], [0, 0, 1]]), (), SIZE)
TURNS = [(0.3, 0.1, 0), (0.1, 0.4, 0.2), (-0.3, -0.3, 0.1), (-0.35, 0.2, -0.3)]
FAR, APART = np.array([-0.1, -0.06, 0.4]), np.array([-0.06, 0, 0])


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Photos of a board by two cameras, and among the left ones one without a board and one that is no picture."""
    left, right = tmp_path_factory.mktemp("left"), tmp_path_factory.mktemp("right")
    for k, turn in enumerate(TURNS):
        rotation = np.asarray(rodrigues(np.array(turn)))
        sl.write(left / f"{k}.png", photo(CAMERA, rotation, FAR))
        sl.write(right / f"{k}.png", photo(CAMERA, rotation, FAR + APART))
    return left, right


def said(words: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    code = main(words)
    out, err = capsys.readouterr()
    return code, out, err


def test_a_camera_and_a_pair(folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    left, right = folders
    words = ["calibrate", str(left), "--board", "9x6", "--square", "0.025", "--lens", "none", "-o", str(tmp_path / "c")]
    code, out, _ = said([*words, "--right", str(right), "--yaml", "--json"], capsys)
    assert code == 0
    value = json.loads(out)
    assert value["rms"] < 0.2
    assert abs(value["camera"]["matrix"][0][0] / 520 - 1) < 0.01
    assert value["set_aside"] == {}
    np.testing.assert_allclose(value["pair"]["translation"], APART, atol=5e-4)
    for name in ("camera.json", "camera.yml"):
        np.testing.assert_allclose(Camera.read(tmp_path / "c" / name).matrix, value["camera"]["matrix"])
    assert "3.png" in (tmp_path / "c" / "report.html").read_text("utf-8")
    assert sl.read(tmp_path / "c" / "undistorted.jpg").shape[:2] == SIZE
    code, out, _ = said(words, capsys)
    assert code == 0
    assert "Focal lengths" in out


def test_a_bad_view_is_set_aside_and_a_photo_without_a_board_named(
    folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in folders[0].iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    crooked = sl.read(tmp_path / "0.png")
    y, x = np.mgrid[: SIZE[0], : SIZE[1]].astype(np.float32)
    bent = np.stack([x + 6 * np.sin(y / 30), y + 6 * np.sin(x / 40)], axis=2)
    sl.write(tmp_path / "bent.png", sl.image.warp(crooked, bent, border="edge"))
    sl.write(tmp_path / "empty.png", np.full(SIZE, 128, np.uint8))
    (tmp_path / "broken.png").write_text("no picture")
    words = ["calibrate", str(tmp_path), "--lens", "none", "-o", str(tmp_path / "out"), "--json"]
    code, out, _ = said(words, capsys)
    assert code == 0
    value = json.loads(out)
    assert list(value["set_aside"]) == ["bent.png"]
    assert value["without_board"] == ["broken.png", "empty.png"]


def test_what_cannot_be_calibrated(
    folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "none").mkdir()
    for words, sentence in (
        (["calibrate", str(tmp_path / "gone")], "must be a folder"),
        (["calibrate", str(tmp_path / "none")], "holds no photo"),
        (["calibrate", str(folders[0]), "--board", "8x6"], "inner corners"),
        (["calibrate", str(folders[0]), "--board", "9"], "like 9x6"),
        (["calibrate", str(folders[0]), "--square", "0"], "square"),
    ):
        code, _, err = said(words, capsys)
        assert code in (1, 2)
        assert sentence in err
        assert err.count("\n") == 1


def test_a_pair_of_photos_becomes_depth_and_a_cloud(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (60, 100, 3), dtype=np.uint8)
    picture = sl.image.gaussian_blur(picture, 0.7)
    sl.write(tmp_path / "right.png", picture[:, 10:])
    sl.write(tmp_path / "left.png", picture[:, 2:92])
    camera = {**Camera.from_focal(80.0, (60, 90)).to_json(), "baseline": 0.1}
    (tmp_path / "camera.json").write_text(json.dumps(camera))
    words = [
        "stereo",
        str(tmp_path / "left.png"),
        str(tmp_path / "right.png"),
        "--disparities",
        "32",
        "-o",
        str(tmp_path / "o"),
    ]
    code, out, _ = said([*words, "--camera", str(tmp_path / "camera.json"), "--json"], capsys)
    assert code == 0
    value = json.loads(out)
    assert abs(value["disparity"] - 8) < 0.1
    assert abs(value["depth"] - 1.0) < 0.02
    assert np.load(tmp_path / "o" / "depth.npy").shape == (60, 90)
    cloud = (tmp_path / "o" / "cloud.ply").read_bytes()
    head, _, body = cloud.partition(b"end_header\n")
    assert f"element vertex {value['points']}".encode() in head
    assert len(body) == 15 * value["points"]
    assert said(words, capsys)[0] == 0  # without a camera: disparities alone


def test_what_is_no_pair(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (2, 40, 50), dtype=np.uint8)
    for name, picture in zip("ab", noise, strict=True):
        sl.write(tmp_path / f"{name}.png", picture)
    sl.write(tmp_path / "c.png", noise[0][:30])
    (tmp_path / "camera.json").write_text('{"matrix": 3}')
    a, b, c = (str(tmp_path / f"{name}.png") for name in "abc")
    for words, sentence in (
        (["stereo", a, c], "height and width"),
        (["stereo", a, str(tmp_path / "gone.png")], "gone.png"),
        (["stereo", a, b, "--camera", str(tmp_path / "camera.json")], "baseline"),
    ):
        code, _, err = said([*words, "-o", str(tmp_path / "o")], capsys)
        assert code in (1, 2)
        assert sentence in err

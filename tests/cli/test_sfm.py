"""``sightline sfm``: a folder of photos in, a run folder out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from room_corner import corner_views
from sightline.cli.app import main
from sightline.geometry import Reconstruction
from sightline.image import read, write

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corner")
    for number, view in enumerate(corner_views(3, spread=0.2)[0]):
        write(folder / f"view{number}.png", view)
    (folder / "notes.txt").write_text("not a photo")
    return folder


def test_a_run_folder_is_written_and_a_second_run_goes_on(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    assert main(["sfm", str(photos), "--out", str(out), "--json"]) == 0
    value = json.loads(capsys.readouterr().out)
    assert (value["registered"], value["images"], value["left_out"]) == (3, 3, [])
    assert value["mean_reprojection_px"] < 1
    assert value["seconds"] > 0
    assert set(value["timings"]) == {"features", "matches", "structure"}
    found = Reconstruction.load(out / "reconstruction.npz")
    assert len(found.points) == value["points"]
    assert (out / "cloud.ply").read_bytes().startswith(b"ply\n")
    assert sorted(json.loads((out / "cameras.json").read_text())) == ["view0.png", "view1.png", "view2.png"]
    assert "data:image/jpeg" in (out / "report.html").read_text("utf-8")
    drawn = sorted((out / "matches").iterdir())
    assert len(drawn) == 2
    assert read(drawn[0]).shape == (360, 960, 3)
    kept = {path: path.stat().st_mtime_ns for path in (out / "kept").iterdir()}
    assert len(kept) == 3 + 3
    assert main(["sfm", str(photos), "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "3 of 3 photos placed" in said
    assert kept == {path: path.stat().st_mtime_ns for path in (out / "kept").iterdir()}


def test_a_camera_file_is_used(photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from sightline.geometry import Camera

    Camera.from_focal(420, (360, 480)).write(tmp_path / "camera.json")
    words = ["--camera", str(tmp_path / "camera.json"), "--keep-camera", "--out", str(tmp_path / "run"), "--json"]
    assert main(["sfm", str(photos), *words]) == 0
    cameras = json.loads((tmp_path / "run" / "cameras.json").read_text())
    np.testing.assert_allclose(cameras["view0.png"]["matrix"][0][0], 420)


def test_what_is_wrong_is_said_in_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def said(*words: str) -> tuple[int, str]:
        code = main(["sfm", *words, "--out", str(tmp_path / "run")])
        return code, capsys.readouterr().err

    code, text = said(str(tmp_path / "nothing"))
    assert (code, "must be a folder of photos" in text) == (1, True)
    empty = tmp_path / "empty"
    empty.mkdir()
    code, text = said(str(empty))
    assert (code, "holds no photo" in text) == (1, True)
    write(empty / "one.png", np.full((80, 80), 90, np.uint8))
    code, text = said(str(empty))
    assert (code, "at least two photos" in text) == (2, True)
    write(empty / "two.png", np.full((80, 80), 70, np.uint8))
    code, text = said(str(empty))
    assert (code, "must show texture" in text) == (2, True)
    assert text.count("\n") == 1
    (empty / "two.png").write_bytes(b"broken")
    code, text = said(str(empty))
    assert (code, "two.png" in text) == (1, True)

"""``sightline flow``: films and pairs, sizes that change, cuts and damaged files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import sightline as sl
from motion.flow_scenes import waves
from sightline.cli.app import main


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for k in range(4):
        picture = np.uint8(waves(48, 64, 1.0 * k, 0.0)[1] * 255)
        (tmp_path / "film").mkdir(exist_ok=True)
        sl.image.write(tmp_path / "film" / f"{k}.png", picture)
    return tmp_path


def test_a_film_becomes_colours_and_numbers(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["flow", "film", "--method", "farneback", "-o", "out.gif", "--flo", "numbers", "--beside", "--json"]
    assert main(words) == 0
    value = json.loads(capsys.readouterr().out)
    assert value["pairs"] == 3
    assert value["mean_motion"] == pytest.approx(1.0, abs=0.2)
    shown = list(sl.image.frames("out.gif"))
    assert len(shown) == 3
    assert shown[0].shape == (48, 128, 3)
    files = sorted(Path("numbers").iterdir())
    assert [file.name for file in files] == ["000000.flo", "000001.flo", "000002.flo"]
    assert np.median(sl.motion.read_flow(files[1])[..., 0]) == pytest.approx(1.0, abs=0.1)
    assert main(["flow", "film", "--method", "farneback", "-o", "pictures", "--limit", "2"]) == 0
    assert "2 pairs" in capsys.readouterr().out
    assert len(list(Path("pictures").iterdir())) == 2


def test_two_pictures_become_one(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["flow", "film/0.png", "film/2.png", "--method", "lucas_kanade", "--flo", "pair.png"]) == 0
    assert "flow.png: 2" in capsys.readouterr().out.replace("flow.png: 1.9", "flow.png: 2")
    assert sl.image.read("flow.png").shape == (48, 64, 3)
    assert np.nanmedian(sl.motion.read_flow("pair.png")[..., 0]) == pytest.approx(2.0, abs=0.1)


def test_a_cut_is_said_and_a_change_of_size_keeps_what_came(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sl.image.write(folder / "film" / "4.png", np.full((48, 64), 3, np.uint8))
    sl.image.write(folder / "film" / "5.png", np.zeros((20, 30), np.uint8))
    assert main(["flow", "film", "--method", "farneback", "-o", "out.gif", "--json"]) == 1
    value = json.loads(capsys.readouterr().out)
    assert value["cuts"] == [4]
    assert value["trouble"] == "flow: frame 5 is 20×30, those before it 48×64"
    shown = list(sl.image.frames("out.gif"))
    assert len(shown) == 4
    assert not shown[3].any()


def test_a_truncated_film_keeps_what_came(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("av")
    sl.image.write_frames("whole.avi", (np.uint8(waves(48, 64, k / 2, 0)[1] * 255) for k in range(12)))
    data = Path("whole.avi").read_bytes()
    Path("cut.avi").write_bytes(data[: len(data) * 2 // 3])
    code = main(["flow", "cut.avi", "--method", "farneback", "-o", "out.gif", "--json"])
    value = json.loads(capsys.readouterr().out)
    assert code == (1 if "trouble" in value else 0)
    assert 3 <= value["pairs"] < 11


def test_wrong_words_are_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["flow", "film", "--method", "magic"]) == 2
    assert "method must be one of 'tv_l1'" in capsys.readouterr().err
    Path("one").mkdir()
    Path("film/0.png").rename("one/0.png")
    assert main(["flow", "one", "-o", "out.gif"]) == 1
    assert "must hold at least two frames" in capsys.readouterr().err
    assert not Path("out.gif").exists()

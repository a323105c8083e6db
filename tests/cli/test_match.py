"""``sightline features match`` as a person types it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import sightline as sl
from sightline.cli.app import main

SHIFT = np.array([23.0, -11.0])


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Two windows of one photo: what is at p in the first is at p + SHIFT in the second."""
    folder = tmp_path_factory.mktemp("pair")
    photo = sl.data.sample("cat")[:260, :340]
    sl.write(folder / "a.png", photo[20:240, 40:300])
    sl.write(folder / "b.png", photo[31:251, 17:277])
    return str(folder / "a.png"), str(folder / "b.png")


@pytest.mark.parametrize(("by", "off"), [("sift", 0.1), ("orb", 0.5)])  # ORB's corners are whole pixels of a level
def test_pairs_lie_the_shift_apart(
    pair: tuple[str, str], by: str, off: float, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drawn = tmp_path / "matches.png"
    words = ["features", "match", *pair, "--by", by, "--agree", "homography", "-o", str(drawn), "--json"]
    assert main(words) == 0
    told = json.loads(capsys.readouterr().out)
    ends = np.array(told["pairs"])
    assert len(ends) == told["agree"] > 20
    assert told["agree"] <= told["matches"] <= min(told["points"])
    assert np.median(np.abs(ends[:, 2:] - ends[:, :2] - SHIFT)) < off
    assert sl.read(drawn).shape == (220, 520, 3)


def test_pairs_are_kept_as_numbers(pair: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("pairs.npy", "pairs.json"):
        assert main(["features", "match", *pair, "--by", "orb", "-o", str(tmp_path / name)]) == 0
    kept = np.load(tmp_path / "pairs.npy")
    assert kept.shape[1] == 4
    assert np.allclose(kept, json.loads((tmp_path / "pairs.json").read_text()), atol=1e-3)
    assert f"{len(kept)} matches" in capsys.readouterr().out


def test_a_photo_without_texture_is_named(
    pair: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flat = tmp_path / "flat.png"
    sl.write(flat, np.full((64, 64, 3), 90, np.uint8))
    assert main(["features", "match", pair[0], str(flat)]) == 2
    assert f"'{flat}' must have texture" in capsys.readouterr().err

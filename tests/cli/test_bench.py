"""``sightline bench NAME`` builds the cases of the files alone that speak of it, and misses none."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from sightline.cli.folders import load_file

ROOT = Path(__file__).parents[2]


def test_other_files_are_not_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    runner = load_file("bench", "run")
    loaded: list[str] = []

    def load(name: str) -> SimpleNamespace:
        loaded.append(name)
        made = [SimpleNamespace(name="motion.KalmanFilter 4 states"), SimpleNamespace(name="motion.Sort 20 things")]
        return SimpleNamespace(cases=lambda: made)

    monkeypatch.setattr(runner, "_load", load)
    assert {case.name for case in runner.find_cases(["KalmanFilter"])} == {"motion.KalmanFilter 4 states"}
    assert "tracking" in loaded
    assert len(loaded) < 4
    loaded.clear()
    assert list(runner.find_cases(["no such thing"])) == []
    list(runner.find_cases(None))
    assert {"tracking", "image", "flow"} <= set(loaded)


def test_every_row_of_the_table_is_spoken_of_by_a_file() -> None:
    runner = load_file("bench", "run")
    files = sorted(path for path in runner.FOLDER.glob("*.py") if path.stem not in runner._NOT_CASES)
    rows = [row["name"] for row in json.loads((ROOT / "docs" / "speed.json").read_text("utf-8"))["rows"]]
    assert [row for row in rows if not any(runner.may_hold(path, [row]) for path in files)] == []

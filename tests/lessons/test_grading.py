"""Grading: whatever the answer does, a grade comes back that says what is wrong; progress is kept."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sightline.cli.app import main
from sightline.core.errors import FormatError, MissingFileError
from sightline.lab import grading

RIGHT = """
import numpy as np


def brighten(image, amount):
    print("thinking")
    return np.clip(image.astype(int) + amount, 0, 255).astype(np.uint8)
"""


@pytest.fixture
def learn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    assert main(["learn", "w1d1"]) == 0
    return tmp_path / "learn"


def test_the_exercise_is_made_once_and_refused_unsolved(learn: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = learn / "w1d1.py"
    assert "Write `brighten(image, amount)`" in file.read_text("utf-8")
    assert main(["check", "w1d1"]) == 1
    assert "the function is not written yet" in capsys.readouterr().out
    file.write_text("# mine\n" + RIGHT)
    assert main(["learn", "w1d1"]) == 0
    assert file.read_text("utf-8").startswith("# mine")


def test_a_right_answer_passes_and_stays_passed(learn: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (learn / "w1d1.py").write_text(RIGHT)
    assert main(["check", "w1d1"]) == 0
    assert "all 5 cases hold" in capsys.readouterr().out
    assert grading.progress(learn) == {"w1d1": True}
    (learn / "w1d1.py").write_text("def brighten(image, amount): return image")
    assert main(["check", "w1d1"]) == 1
    assert grading.progress(learn) == {"w1d1": True}
    capsys.readouterr()
    assert main(["learn", "--json"]) == 0
    (first, *_) = json.loads(capsys.readouterr().out)["weeks"][0]["days"]
    assert first["passed"]
    assert main(["learn", "--next"]) == 0
    assert "w1d2" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def brighten(image:\n", "w1d1.py is not Python: line 1"),
        ("1 / 0\n", "stops while it is read: ZeroDivisionError"),
        ("raise SystemExit(3)\n", "stops while it is read: SystemExit: 3"),
        ("import os; os._exit(7)\n", "ended Python (exit code 7)"),
        ("x = 1\n", "must define the function brighten"),
        ("def brighten(image, amount):\n    return image + amount[0]\n", "it raised TypeError"),
        ("def brighten(image, amount):\n    raise SystemExit\n", "ended Python (exit code 0)"),
        ("def brighten(image, amount):\n    image + amount\n", "it returned None. Is the return missing?"),
        ("def brighten(image, amount):\n    return image[:1]\n", "expected shape (2, 13), got (1, 13)"),
        (
            "def brighten(image, amount):\n    return 'bright'\n",
            "must return an array of shape (2, 13); it returned str",
        ),
        ("def brighten(image):\n    return image\n", "takes 1 positional argument but 2 were given"),
    ],
)
def test_a_wrong_answer_is_told_what_is_wrong(learn: Path, text: str, said: str) -> None:
    (learn / "w1d1.py").write_text(text)
    grade = grading.check("w1d1", learn)
    assert not grade.passed
    assert said in grade.problems[0]


@pytest.mark.slow
def test_an_endless_loop_ends(learn: Path) -> None:
    (learn / "w1d1.py").write_text("def brighten(image, amount):\n    while True: pass\n")
    grade = grading.check("w1d1", learn, seconds=8)
    assert "did not end within 8 s" in grade.problems[0]


def test_a_notebook_is_graded_by_its_exercise_cell(learn: Path) -> None:
    (learn / "w1d1.py").unlink()
    code = {"cell_type": "code", "metadata": {}, "source": ["%matplotlib inline\n", "raise ValueError"]}
    solved = {"cell_type": "code", "metadata": {"tags": ["exercise"]}, "source": RIGHT.splitlines(keepends=True)}
    (learn / "w1d1.ipynb").write_text(json.dumps({"cells": [code, solved]}))
    assert grading.check("w1d1", learn).passed
    (learn / "w1d1.ipynb").write_text("[]")
    assert "is not a notebook" in grading.check("w1d1", learn).problems[0]


def test_the_lesson_becomes_a_notebook(learn: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("jupytext")
    assert main(["learn", "--jupyter", "--json"]) == 0  # the first day that has not passed
    book = json.loads((learn / "w1d1.ipynb").read_text("utf-8"))
    assert any("exercise" in cell["metadata"].get("tags", []) for cell in book["cells"])
    assert json.loads(capsys.readouterr().out)["notebook"] == "learn/w1d1.ipynb"


def test_a_lesson_is_opened_in_the_lab(learn: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: dict[str, Any] = {}
    monkeypatch.setattr("sightline.cli.learn.open_lab", lambda root, **options: opened.update(options) or 0)
    assert main(["learn", "w1d6", "--lab", "--no-browser"]) == 0
    assert (opened["page"], opened["browser"]) == ("lessons/w1d6", False)
    assert main(["learn", "--lab"]) == 0
    assert opened["page"] == "lessons/w1d1"
    assert (learn / "w1d1.py").exists()
    assert main(["learn", "--lab", "--jupyter"]) != 0


def test_without_jupytext_the_way_to_it_is_said(
    learn: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "jupytext", None)
    assert main(["learn", "w1d1", "--jupyter"]) != 0
    assert "--jupyter needs jupytext: pip install jupytext" in capsys.readouterr().err


def test_what_is_missing_or_damaged_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MissingFileError, match=r"does not exist\. Make it: sightline learn w1d1"):
        grading.check("w1d1", tmp_path / "learn")
    (tmp_path / "progress.json").write_text("[]")
    with pytest.raises(FormatError, match="must hold an object; got list"):
        grading.progress(tmp_path)
    assert main(["check", "w9d9"]) == 2


@pytest.mark.parametrize(
    ("expected", "got", "said"),
    [
        (np.array([1, 2]), np.array([1, 3]), "expected [1, 2], got [1, 3]."),
        (np.zeros((9, 9)), np.eye(9), "9 of 81 values differ; the first is [0, 0]: expected 0.0, got 1.0."),
        (np.zeros(2, np.uint8), np.zeros(2), "expected dtype uint8, got float64."),
        (np.zeros(2), np.array(["a", "b"]), "expected dtype float64, got <U1."),
        (1.0, "1", "it must return a number; it returned str '1'."),
        (1.0, float("nan"), "expected 1.0, got nan."),
        (float("nan"), float("nan"), ""),
        (True, np.True_, ""),
        (True, 1, "expected True, got 1."),
        ((1, 2.0), (1, 2.5), "value 2 of 2: expected 2.0, got 2.5."),
        ((1, 2), 1, "it must return 2 values; it returned int 1."),
        ([1], [1], ""),
        ("a", "b", "expected 'a', got 'b'."),
    ],
)
def test_differences_are_one_sentence(expected: object, got: object, said: str) -> None:
    assert grading.difference(expected, got, 1e-6) == said

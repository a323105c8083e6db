"""Every lesson runs, holds what it claims, teaches the methods that name it, and has an exercise that grades."""

from __future__ import annotations

import ast
import importlib.util
import re
from pathlib import Path

import pytest

from sightline.core.catalogue import methods
from sightline.core.errors import FormatError, InputError, MissingExtraError
from sightline.core.shipped import folder_of
from sightline.lab import grading, lessons

WRITTEN = [day.id for day in lessons.days()]
QUICK = ("w1d1",)  # all of them run when the docs are built, which one that fails stops


@pytest.mark.parametrize("lesson", QUICK)
def test_a_lesson_runs_and_holds_what_it_claims(lesson: str) -> None:
    ran = lessons.run(lesson)
    assert ran.error == ""
    outputs = [output for cell, output in ran.cells if cell.kind == "code"]
    assert all(output is not None for output in outputs)
    assert any(output.trace for output in outputs if output), "a lesson shows pictures"


@pytest.mark.parametrize("lesson", WRITTEN)
def test_a_lesson_has_its_parts(lesson: str) -> None:
    text = lessons.source(lesson).read_text("utf-8")
    cells = lessons.parse(text)
    assert sum("assert " in cell.text for cell in cells if cell.kind == "code") >= 5, "a lesson asserts its own claims"
    found = "\n".join(cell.text for cell in cells if cell.kind == "markdown")
    assert found.startswith(f"# {lesson} · {lessons.find(lesson).title}\n")
    for part in ("**Question.**", "## Predict first", "## The idea", "$$", "## Where it fails", "## Exercise"):
        assert part in found, part
    assert 120 <= text.count("\n") <= 320


@pytest.mark.parametrize("lesson", WRITTEN)
def test_the_exercise_takes_the_solution_and_refuses_the_rest(lesson: str) -> None:
    checks = grading.checks_of(lesson)
    name = grading.function_name(lesson)
    accepted = grading.grade_function(lesson, checks.solution)
    assert accepted.passed, accepted.problems
    assert accepted.cases >= 3
    wrong = {key: value for key, value in vars(checks).items() if key.startswith("wrong_")}
    assert len(wrong) >= 2
    for key, function in wrong.items():
        assert not grading.grade_function(lesson, function).passed, key
    _, stub = grading.exercise(lesson)
    spec = importlib.util.spec_from_loader("stub", loader=None)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    exec(stub, module.__dict__)
    unsolved = grading.grade_function(lesson, module.__dict__[name])
    assert len(unsolved.problems) == unsolved.cases
    assert all("not written yet" in problem for problem in unsolved.problems)


def test_every_method_is_taught_where_it_says() -> None:
    taught = {lesson: set(lessons.mentions(lesson)) for lesson in WRITTEN}
    missing = [
        f"{entry.field}.{entry.name}: {entry.lesson or 'no lesson'}"
        for entry in methods()
        if f"{entry.field}.{entry.name}" not in taught.get(entry.lesson, ())
    ]
    assert missing == []


def test_every_file_is_a_day_of_the_path() -> None:
    assert {file.stem for file in folder_of("lessons").glob("*.py")} == set(WRITTEN)
    assert {file.stem for file in (folder_of("lessons") / "checks").glob("*.py")} == set(WRITTEN)
    assert [week.number for week in lessons.path()] == list(range(1, 13))
    for week in lessons.path():
        for number, day in enumerate(week.days, 1):
            assert day.id == f"w{week.number}d{number}"


def test_cells_are_read_as_jupytext_reads_them() -> None:
    jupytext = pytest.importorskip("jupytext")
    for lesson in WRITTEN[::6]:  # theirs takes its time, and the form is the same in all
        text = lessons.source(lesson).read_text("utf-8")
        theirs = [(c.cell_type, c.source.strip()) for c in jupytext.reads(text, fmt="py:percent").cells]
        assert [(cell.kind, cell.text.strip()) for cell in lessons.parse(text)] == theirs, lesson


def test_an_unknown_lesson_is_refused_by_name() -> None:
    with pytest.raises(InputError, match=r"no lesson is named 'w1d8'\. Did you mean"):
        lessons.find("w1d8")
    with pytest.raises(InputError, match=r"w12d4 \(Splats\) is planned and not written yet"):
        lessons.find("w12d4")


def test_a_lesson_reads_as_a_plain_script() -> None:
    for lesson in WRITTEN:
        ast.parse(lessons.source(lesson).read_text("utf-8"))


@pytest.mark.parametrize("lesson", WRITTEN)
def test_no_picture_is_made_and_not_shown(lesson: str) -> None:
    for cell in lessons.cells(lesson):
        if cell.kind == "code":  # what is shown of a cell is its last expression
            calls = [node.value for node in ast.parse(cell.text).body[:-1] if isinstance(node, ast.Expr)]
            names = [ast.unparse(call.func) for call in calls if isinstance(call, ast.Call)]
            assert not {"pictures", "sl.trace"} & set(names), cell.text


@pytest.mark.parametrize("lesson", WRITTEN)
def test_every_question_has_its_answer(lesson: str) -> None:
    text = lessons.source(lesson).read_text("utf-8")
    questions = text.partition("## Predict first")[2].partition("# %%")[0]
    asked = set(re.findall(r"^# (\d)\. ", questions, re.MULTILINE))
    answered = {
        number
        for found in re.findall(r"[Aa]nswers? (\d(?:(?:, | and )\d)*)", text)
        for number in re.findall(r"\d", found)
    }
    assert asked
    assert asked <= answered, f"no answer to {sorted(asked - answered)}"


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lessons.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"pip install 'sightline\[deep\]'"):
        lessons.run("w4d1")


@pytest.mark.slow
def test_a_lesson_that_does_not_end_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "w1d1.py").write_text("# %%\nprint('begun')\n\n# %%\nwhile True:\n    pass\n")
    monkeypatch.setattr(lessons, "source", lambda lesson: tmp_path / "w1d1.py")
    ran = lessons.run("w1d1", seconds=8)
    assert "did not end within 8 s" in ran.error
    assert ran.cells[0][1] is not None
    assert ran.cells[0][1].text == "begun\n"


def test_an_error_ends_the_lesson_with_its_own_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "w1d1.py").write_text("# %%\n1 + 1\n\n# %%\n1 / 0\n\n# %%\n3\n")
    monkeypatch.setattr(lessons, "source", lambda lesson: tmp_path / "w1d1.py")
    first, second, third = (output for _, output in lessons.run("w1d1").cells)
    assert first is not None and first.text == "2\n"  # noqa: PT018
    assert second is not None and "line 5, in <module>" in second.error  # noqa: PT018
    assert third is None


def test_a_lesson_without_an_exercise_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lessons, "cells", lambda lesson: [])
    with pytest.raises(FormatError, match="w1d1 has no cell with the tag 'exercise'"):
        grading.exercise("w1d1")

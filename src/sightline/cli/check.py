"""``sightline check``: grade an exercise and say what is wrong."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter
from rich.console import Console

from sightline.cli.learn import FOLDER
from sightline.cli.terminal import FAILED, OK, Answer, program
from sightline.lab import grading, lessons


def check(lesson: str, /, *, json: Annotated[bool, Parameter(negative="")] = False) -> Answer:
    """Grade the exercise of a day: learn/w1d6.py, or the notebook of that name where it is newer.

    Parameters
    ----------
    lesson
        The day, for example w1d6.
    json
        Give passed, cases and problems as JSON.
    """
    day = lessons.find(lesson)
    grade = grading.check(day.id, FOLDER)

    def show(console: Console) -> None:
        if grade.passed:
            console.print(f"✓ {day.id} · {day.title}: all {grade.cases} cases hold.", markup=False)
            console.print(f"Next: {program()} learn --next", markup=False)
            return
        told = f"{len(grade.problems)} of {grade.cases} cases do not hold" if grade.cases else "could not be graded"
        console.print(f"✗ {day.id} · {day.title}: {told}.", markup=False)
        for problem in grade.problems:
            console.print(f"  {problem}", markup=False, soft_wrap=True)

    return Answer(grade, show, json, OK if grade.passed else FAILED)

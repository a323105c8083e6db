"""``sightline learn``: the twelve-week path, and the exercise of a day."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import Console

from sightline.cli.lab import open_lab
from sightline.cli.terminal import Answer, program, table
from sightline.core.errors import InputError, MissingExtraError
from sightline.core.files import write_text
from sightline.lab import grading, lessons

FOLDER = Path("learn")  # under the working folder
_Flag = Annotated[bool, Parameter(negative="")]


def learn(
    lesson: str | None = None,
    /,
    *,
    next: _Flag = False,
    lab: _Flag = False,
    jupyter: _Flag = False,
    port: int = 8600,
    browser: bool = True,
    json: _Flag = False,
) -> Answer | int:
    """Show the twelve-week path and how far you are, or begin the exercise of a day in learn/.

    Parameters
    ----------
    lesson
        A day of the path, for example w1d6.
    next
        The first day whose exercise has not passed yet; --lab and --jupyter open it when no day is named.
    lab
        Open the day in the lab.
    jupyter
        Write the day as a notebook (needs jupytext), and open it where Jupyter is installed.
    port
        Port of the lab; 0 takes a free one.
    browser
        Whether --lab and --jupyter open the browser.
    json
        Give the path with its progress, or the files of the day, as JSON.
    """
    if lab and jupyter:
        raise InputError("learn: --lab or --jupyter must be given, not both.")
    done = grading.progress(FOLDER)
    if lesson is None and (next or lab or jupyter):
        waiting = [day.id for day in lessons.days() if not done.get(day.id)]
        if not waiting and not (lab or jupyter):
            return _path(done, json)
        lesson = waiting[0] if waiting else lessons.days()[-1].id
    if lesson is None:
        return _path(done, json)
    day = lessons.find(lesson)
    if lab:
        grading.write_exercise(day.id, FOLDER)
        return open_lab(Path(), port=port, browser=browser, page=f"lessons/{day.id}", command="learn")
    return _begin(day, jupyter, browser, json)


def _path(done: dict[str, bool], json: bool) -> Answer:
    value = {
        "weeks": [
            {
                "number": week.number,
                "title": week.title,
                "days": [
                    {"id": day.id, "title": day.title, "question": day.question, "written": day.written}
                    | {"passed": done.get(day.id, False)}
                    for day in week.days
                ],
            }
            for week in lessons.path()
        ]
    }

    def show(console: Console) -> None:
        for week in lessons.path():
            rows = [(day.id, _state(day, done), day.title, day.question) for day in week.days]
            head = f"\n[bold]Week {week.number} · {week.title}[/bold]"
            console.print(table(("day", "", "title", "question"), rows, title=head))
        written = lessons.days()
        passed = sum(done.get(day.id, False) for day in written)
        console.print(f"\n{passed} of {len(written)} exercises pass. Next: {program()} learn --next")

    return Answer(value, show, json)


def _state(day: lessons.Day, done: dict[str, bool]) -> str:
    if not day.written:
        return "planned"
    return {True: "✓ passed", False: "tried", None: "–"}[done.get(day.id)]


def _begin(day: lessons.Day, notebook: bool, opens: bool, json: bool) -> Answer:
    file = grading.write_exercise(day.id, FOLDER)
    value: dict[str, Any] = {"lesson": day.id, "source": str(lessons.source(day.id)), "exercise": str(file)}
    if notebook:
        value["notebook"] = str(_write_notebook(day))

    def show(console: Console) -> None:
        console.print(f"[bold]{day.id} · {day.title}[/bold]\n{day.question}\n")
        console.print(f"Read it:   {program()} learn {day.id} --lab; or {value['source']}", soft_wrap=True)
        if notebook:
            console.print(f"Jupyter:   jupyter lab {value['notebook']}", soft_wrap=True)
        else:
            console.print(f"Jupyter:   {program()} learn {day.id} --jupyter", soft_wrap=True)
        console.print(f"Exercise:  {file}", soft_wrap=True)
        console.print(f"Check it:  {program()} check {day.id}", soft_wrap=True)
        if day.needs:
            console.print(f"It needs:  pip install 'sightline\\[{day.needs}]'", soft_wrap=True)
        if notebook and opens and find_spec("jupyterlab") is not None:
            subprocess.run([sys.executable, "-m", "jupyterlab", value["notebook"]], check=False)

    return Answer(value, show, json)


def _write_notebook(day: lessons.Day) -> Path:
    """Write the whole lesson as ``learn/<day>.ipynb``; a notebook that is there is the reader's and stays."""
    try:
        import jupytext
    except ModuleNotFoundError as error:
        raise MissingExtraError("learn: --jupyter needs jupytext: pip install jupytext", name="jupytext") from error
    target = FOLDER / f"{day.id}.ipynb"
    if target.exists():
        return target
    book: Any = jupytext.reads(lessons.source(day.id).read_text("utf-8"), fmt="py:percent")
    book.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    write_text(target, jupytext.writes(book, fmt="ipynb"))
    return target

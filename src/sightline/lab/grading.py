"""Grading an exercise: the reader's function beside the solution, case by case, and what exactly differs.

The checks of a lesson live in ``lessons/checks/w1d6.py``: ``solution`` (the reference), ``cases()`` and, for our own
tests, wrong answers. The reader's file runs in a process of its own, so that nothing in it can end the grader.
"""

from __future__ import annotations

import ast
import contextlib
import copy
import importlib.util
import io
import json
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from sightline.core.errors import FormatError, InputError, MissingFileError
from sightline.core.files import read_json, write_json, write_text
from sightline.core.shipped import folder_of
from sightline.core.types import PathLike
from sightline.lab import lessons

LIMIT = 30.0  # seconds that an exercise may run
PROGRESS = "progress.json"
_MANY = 12  # arrays up to this size are shown whole


@dataclass(frozen=True)
class Case:
    """One call of the exercise's function.

    Parameters
    ----------
    name
        What is special about it: ``a flat row``.
    arguments
        Positional arguments.
    tolerance
        How far numbers may be from the solution's.
    hint
        A sentence for those who fail here.
    """

    name: str
    arguments: tuple[Any, ...]
    tolerance: float = 1e-6
    hint: str = ""


@dataclass(frozen=True)
class Grade:
    """What became of an exercise.

    Parameters
    ----------
    lesson
        ``w1d6``.
    passed
        Whether every case holds.
    cases
        How many cases were tried.
    problems
        One sentence for each case that does not hold.
    """

    lesson: str
    passed: bool
    cases: int = 0
    problems: tuple[str, ...] = field(default_factory=tuple)

    def to_json(self) -> dict[str, Any]:
        """Return the grade as plain JSON values."""
        return {**asdict(self), "problems": list(self.problems)}


def exercise(lesson: str) -> tuple[str, str]:
    """Return the exercise of a lesson: the Markdown that sets it, and the code to complete."""
    before = ""
    for cell in lessons.cells(lesson):
        if "exercise" in cell.tags:
            return before, cell.text
        before = cell.text if cell.kind == "markdown" else before
    raise FormatError(f"lessons: {lesson} has no cell with the tag 'exercise'.")


def function_name(lesson: str) -> str:
    """Return the name of the function that a lesson's exercise asks for: the last one of its cell."""
    _, code = exercise(lesson)
    return [node.name for node in ast.parse(code).body if isinstance(node, ast.FunctionDef)][-1]


def write_exercise(lesson: str, place: PathLike) -> Path:
    """Write the exercise of a lesson to ``<place>/<lesson>.py``, where there is no such file yet; return the file.

    Parameters
    ----------
    lesson
        ``w1d6``.
    place
        Folder, made when it does not exist.
    """
    day = lessons.find(lesson)
    task, stub = exercise(day.id)
    file = Path(place) / f"{day.id}.py"
    file.parent.mkdir(parents=True, exist_ok=True)
    if not file.exists():
        head = f"# %% [markdown]\n# # {day.id} · {day.title}\n#\n# {day.question}\n#\n"
        text = "\n".join(f"# {line}".rstrip() for line in task.splitlines())
        write_text(file, f"{head}{text}\n#\n# Check it: sightline check {day.id}\n\n# %%\n{stub}\n")
    return file


def answer_file(lesson: str, place: PathLike) -> Path:
    """Return the reader's file for a lesson, the newer one of ``.py`` and ``.ipynb``.

    Raises :class:`MissingFileError` when there is neither.
    """
    files = [file for file in (Path(place) / f"{lesson}{suffix}" for suffix in (".py", ".ipynb")) if file.is_file()]
    if not files:
        wanted = Path(place) / f"{lesson}.py"
        raise MissingFileError(f"check: '{wanted}' does not exist. Make it: sightline learn {lesson}")
    return max(files, key=lambda file: file.stat().st_mtime)


def check(lesson: str, place: PathLike, *, seconds: float = LIMIT) -> Grade:
    """Grade the reader's answer and note it in ``<place>/progress.json``.

    Whatever the answer does (loop for ever, end Python, raise), a grade comes back.

    Parameters
    ----------
    lesson
        ``w1d6``.
    place
        Folder of the reader's files, ``learn``.
    seconds
        Time limit.
    """
    day = lessons.find(lesson)
    grade = grade_file(day.id, answer_file(day.id, place), seconds=seconds)
    noted = progress(place)
    # Once passed, a lesson stays passed: later experiments with the file take nothing away.
    write_json(Path(place) / PROGRESS, {**noted, day.id: grade.passed or noted.get(day.id, False)})
    return grade


def progress(place: PathLike) -> dict[str, bool]:
    """Return which lessons were tried, and whether they passed: ``{"w1d6": True}``."""
    file = Path(place) / PROGRESS
    if not file.is_file():
        return {}
    found = read_json(file)
    if not isinstance(found, dict):
        raise FormatError(f"learn: '{file}' must hold an object; got {type(found).__name__}. Delete it to start anew.")
    return {str(name): bool(passed) for name, passed in found.items()}


def grade_file(lesson: str, file: Path, *, seconds: float = LIMIT) -> Grade:
    """Grade one file, a ``.py`` or a notebook, in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="sightline-check-") as folder:
        program = [sys.executable, "-m", "sightline.lab.grading", lesson, str(file.resolve())]
        try:
            ended = subprocess.run(
                program, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, check=False
            )
        except subprocess.TimeoutExpired:
            return Grade(
                lesson, False, 0, (f"{file.name} did not end within {seconds:g} s: is there an endless loop?",)
            )
    lines = ended.stdout.decode("utf-8", "replace").splitlines()
    if lines and lines[-1].startswith('{"lesson"'):
        found = json.loads(lines[-1])
        return Grade(found["lesson"], found["passed"], found["cases"], tuple(found["problems"]))
    noise = ended.stderr.decode("utf-8", "replace").strip().splitlines()
    reason = f" Last line: {noise[-1]}" if noise else ""
    return Grade(lesson, False, 0, (f"{file.name} ended Python (exit code {ended.returncode}).{reason}",))


def checks_of(lesson: str) -> ModuleType:
    """Return the module of a lesson's checks."""
    return _load(folder_of("lessons") / "checks" / f"{lesson}.py", f"_sightline_checks_{lesson}")


def grade_function(lesson: str, function: Callable[..., Any]) -> Grade:
    """Grade a function in this process."""
    checks = checks_of(lesson)
    cases: Sequence[Case] = list(checks.cases())
    problems = [text for case in cases if (text := _problem(case, checks.solution, function))]
    return Grade(lesson, not problems, len(cases), tuple(problems))


def _problem(case: Case, solution: Callable[..., Any], function: Callable[..., Any]) -> str:
    expected = solution(*copy.deepcopy(case.arguments))
    given = copy.deepcopy(case.arguments)
    where = f"Case '{case.name}':"
    hint = f" {case.hint}" if case.hint else ""
    try:
        got = function(*given)
    except NotImplementedError:
        return f"{where} the function is not written yet."
    except Exception as error:
        return f"{where} it raised {type(error).__name__}: {error}{_line_of(error)}.{hint}"
    if difference(case.arguments, given):
        return f"{where} it changed its input. Work on a copy: value.copy()."
    text = difference(expected, got, case.tolerance)
    return f"{where} {text}{hint}" if text else ""


def _line_of(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f" (line {frames[-1].lineno} of {Path(frames[-1].filename).name})" if frames else ""


def difference(expected: Any, got: Any, tolerance: float = 0.0) -> str:
    """Return in one sentence how ``got`` differs from ``expected``; empty when it does not."""
    if got is None and expected is not None:
        return "it returned None. Is the return missing?"
    if isinstance(expected, (tuple, list)):
        return _difference_of_rows(expected, got, tolerance)
    if isinstance(expected, np.ndarray):
        return _difference_of_arrays(expected, got, tolerance)
    if isinstance(expected, (bool, np.bool_, str, type(None))):
        return "" if type(got) in (type(expected), bool, np.bool_) and got == expected else _both(expected, got)
    if isinstance(expected, (int, float, np.number)):
        if not isinstance(got, (int, float, np.number, np.ndarray)) or np.size(got) != 1:
            return f"it must return a number; it returned {_kind(got)}."
        close = np.isclose(float(got), float(expected), rtol=tolerance, atol=tolerance, equal_nan=True)
        return "" if close else _both(expected, got)
    return "" if expected == got else _both(expected, got)


def _difference_of_rows(expected: Sequence[Any], got: Any, tolerance: float) -> str:
    if not isinstance(got, (tuple, list)) or len(got) != len(expected):
        return f"it must return {len(expected)} values; it returned {_kind(got)}."
    found = [
        (i, text) for i, (a, b) in enumerate(zip(expected, got, strict=True)) if (text := difference(a, b, tolerance))
    ]
    return f"value {found[0][0] + 1} of {len(expected)}: {found[0][1]}" if found else ""


def _difference_of_arrays(expected: np.ndarray, got: Any, tolerance: float) -> str:
    if not isinstance(got, np.ndarray):
        return f"it must return an array of shape {expected.shape}; it returned {_kind(got)}."
    if got.shape != expected.shape:
        return f"expected shape {expected.shape}, got {got.shape}."
    strict = expected.dtype in (np.bool_, np.uint8, np.uint16)
    if (strict and got.dtype != expected.dtype) or got.dtype.kind not in "buif":
        return f"expected dtype {expected.dtype}, got {got.dtype}."
    a, b = expected.astype(np.float64), got.astype(np.float64)
    wrong = ~np.isclose(b, a, rtol=tolerance, atol=tolerance, equal_nan=True)
    if not wrong.any():
        return ""
    if expected.size <= _MANY:
        return _both(_short(expected), _short(got))
    at = tuple(int(i) for i in np.argwhere(wrong)[0])
    share = f"{int(wrong.sum())} of {expected.size} values differ"
    return f"{share}; the first is [{', '.join(map(str, at))}]: {_both(_short(expected[at]), _short(got[at]))}"


def _short(value: Any) -> Any:
    value = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(value, list):
        return [_short(item) for item in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value


def _both(expected: Any, got: Any) -> str:
    return f"expected {_short(expected)!r}, got {_short(got)!r}."


def _kind(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    if isinstance(value, (tuple, list)):
        return f"a {type(value).__name__} of {len(value)}"
    return f"{type(value).__name__} {value!r}"[:80]


def _load(file: Path, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None or not file.is_file():
        raise MissingFileError(f"check: '{file}' cannot be loaded.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _answer_of(lesson: str, file: Path) -> Grade:
    """Grade the reader's file here: load it, find the function, try it."""
    name = function_name(lesson)
    if file.suffix == ".ipynb":
        file = _notebook_as_program(file)
    try:
        module = _load(file, "answer")
    except SyntaxError as error:
        return Grade(lesson, False, 0, (f"{file.name} is not Python: line {error.lineno}: {error.msg}.",))
    except (Exception, SystemExit) as error:
        told = f"{type(error).__name__}: {error}"
        return Grade(lesson, False, 0, (f"{file.name} stops while it is read: {told}.",))
    function = getattr(module, name, None)
    if not callable(function):
        return Grade(lesson, False, 0, (f"{file.name} must define the function {name}; there is none of that name.",))
    return grade_function(lesson, function)


def _notebook_as_program(file: Path) -> Path:
    """Write the exercise's cells of a notebook as a program beside nothing of the reader's: in this empty folder."""
    found = read_json(file)
    try:
        code = [cell for cell in found["cells"] if cell["cell_type"] == "code"]
        tagged = [cell for cell in code if "exercise" in cell.get("metadata", {}).get("tags", [])] or code
        texts = ["".join(cell["source"]) for cell in tagged]
    except (KeyError, TypeError) as error:
        raise FormatError(f"check: '{file}' is not a notebook.") from error
    lines = [line for text in texts for line in text.splitlines() if not line.lstrip().startswith(("%", "!"))]
    target = Path.cwd() / f"{file.stem}.py"
    write_text(target, "\n".join(lines) + "\n")
    return target


def main(argv: list[str] | None = None) -> int:
    """``python -m sightline.lab.grading LESSON FILE``: print the grade as the last line of stdout."""
    lesson, file = sys.argv[1:] if argv is None else argv
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            grade = _answer_of(lesson, Path(file))
        except (FormatError, InputError) as error:
            grade = Grade(lesson, False, 0, (str(error),))
    sys.stdout.write("\n" + json.dumps(grade.to_json(), ensure_ascii=False) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

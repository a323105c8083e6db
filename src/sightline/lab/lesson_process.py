"""The process that runs a lesson: cell by cell in one namespace, one line of JSON a cell on stdout.

``python -m sightline.lab.lesson_process FILE``; :func:`sightline.lab.lessons.run` calls it.
"""

from __future__ import annotations

import ast
import base64
import code
import contextlib
import io
import json
import sys
import time
import traceback
from dataclasses import asdict
from pathlib import Path
from types import CodeType
from typing import Any

from sightline.core.trace import Trace
from sightline.core.trace_bytes import Form
from sightline.lab.lessons import Cell, Output, parse

_SCREEN = Form(quality=92, pixels=300_000)  # a lesson of thirty pictures goes over the wire as a whole


class Cells(code.InteractiveInterpreter):
    """A namespace in which cells run one after another, and which keeps what the last expression of a cell gave."""

    def __init__(self, file: Path) -> None:
        super().__init__({"__name__": "__main__", "__file__": str(file)})
        self._file = str(file)
        self._error = ""
        self._shown: list[Any] = []

    def showtraceback(self) -> None:
        """Keep the traceback of the cell, from the lesson's own line on."""
        kind, error, trace = sys.exc_info()
        while trace is not None and trace.tb_frame.f_code.co_filename != self._file:
            trace = trace.tb_next
        self._error = "".join(traceback.format_exception(kind, error, trace))

    def run(self, cell: Cell) -> Output:
        """Run one cell and return what it gave."""
        self._error, self._shown = "", []
        printed = io.StringIO()
        begun = time.perf_counter()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            sys.displayhook = self._shown.append
            try:
                for piece in self._pieces(cell):
                    if not self._error:
                        self.runcode(piece)
            except SystemExit as error:
                self._error = f"The cell ended Python: SystemExit({error.code!r})."
            except SyntaxError:
                self._error = traceback.format_exc(limit=0)
            finally:
                sys.displayhook = sys.__displayhook__
        milliseconds = (time.perf_counter() - begun) * 1000
        value = next((item for item in reversed(self._shown) if item is not None), None)
        return _output(printed.getvalue(), value, self._error, milliseconds)

    def _pieces(self, cell: Cell) -> list[CodeType]:
        """Return the statements, and the last one by itself when it is an expression: its value is displayed."""
        tree = ast.parse(cell.text, self._file)
        ast.increment_lineno(tree, cell.line - 1)  # tracebacks show the line of the file
        last = [tree.body.pop()] if tree.body and isinstance(tree.body[-1], ast.Expr) else []
        pieces = [compile(tree, self._file, "exec")]
        return [*pieces, compile(ast.Interactive(last), self._file, "single")] if last else pieces


def _output(printed: str, value: Any, error: str, milliseconds: float) -> Output:
    trace = base64.b64encode(value.to_bytes(_SCREEN)).decode() if isinstance(value, Trace) else ""
    shown = value._repr_html_() if hasattr(value, "_repr_html_") and not trace else ""
    text = printed if value is None or shown or trace else printed + repr(value) + "\n"
    return Output(text, shown, trace, error, round(milliseconds, 1))


def main(argv: list[str] | None = None) -> int:
    """Run the lesson that is named; stop at its first error, with exit code 1."""
    (name,) = sys.argv[1:] if argv is None else argv
    file = Path(name)
    interpreter = Cells(file)
    for cell in parse(file.read_text("utf-8")):
        if cell.kind != "code":
            continue
        output = interpreter.run(cell)
        sys.stdout.write(json.dumps(asdict(output), ensure_ascii=False) + "\n")
        sys.stdout.flush()
        if output.error:
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

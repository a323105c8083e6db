"""Benchmarks against the peers, losses included: ``python bench/run.py [names…] [--repeats N] [--json]``.

``run(names, repeats)`` is the same as a function; the command line loads this file by its path, from a checkout's
``bench/`` or from the installed ``sightline/_bench``. Every file beside it that defines ``cases()`` takes part: it
returns a list of :class:`timing.Case`.
"""

from __future__ import annotations

import argparse
import importlib
import json
import math
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .timing import Case, Row

FOLDER = Path(__file__).resolve().parent
PACKAGE = "sightline_bench"  # the folder under a name of its own, wherever it lies
_NOT_CASES = ("run", "timing", "scenes", "first_call", "scaling", "beside_timm")


def run(names: list[str] | None = None, repeats: int = 15, progress: Callable[[Row], None] | None = None) -> list[Row]:
    """Measure the cases whose name contains one of ``names`` (all when None or empty), each in ``repeats`` turns.

    Parameters
    ----------
    names
        Parts of case names, for example ``["median", "resize"]``.
    repeats
        Alternations, at least 15 for figures that are quoted.
    progress
        Called with each row as soon as it is measured.
    """
    from sightline.core.kernels import set_threads

    timing = _load("timing")
    _limit_peers(timing.THREADS)
    set_threads(timing.THREADS)
    bandwidth = timing.copy_bandwidth()
    rows = []
    for case in find_cases(names):
        row = timing.measure(case, repeats, bandwidth)
        rows.append(row)
        if progress is not None:
            progress(row)
    return rows


def find_cases(names: list[str] | None = None) -> Iterator[Case]:
    """Yield the cases of every file in this folder, or those whose name contains one of ``names``."""
    for path in sorted(FOLDER.glob("*.py")):
        if path.stem in _NOT_CASES or not may_hold(path, names):
            continue
        for case in getattr(_load(path.stem), "cases", list)():
            if not names or any(name in case.name for name in names):
                yield case


def may_hold(path: Path, names: list[str] | None) -> bool:
    """Return whether a file's text has all words of one of ``names``: building cases to see their names takes long."""
    text = path.read_text("utf-8").lower()
    return not names or any(all(word in text for word in re.findall(r"[^\W\d_]+", name.lower())) for name in names)


def geometric_mean(rows: list[Row]) -> float:
    """Return the geometric mean of the ratios."""
    return math.exp(sum(math.log(row.ratio) for row in rows) / len(rows))


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("names", nargs="*", help="only cases whose name contains one of these")
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    if options.json:
        print(json.dumps([row.to_json() for row in run(options.names, options.repeats)], indent=1, ensure_ascii=False))
        return 0
    print(f"{'operation':44s} {'peer':8s} {'ours':>8s} {'peer':>8s} {'ratio':>6s}  {'10–90 %':13s} {'copy':>6s}   ms")
    rows = run(options.names, options.repeats, lambda row: print(format_row(row), flush=True))
    if rows:
        print(f"geometric mean of {len(rows)}: {geometric_mean(rows):.2f}")
    return 0 if rows else 2


def format_row(row: Row) -> str:
    """Return one line of the table; ``copy`` is what one thread needs to move the bytes alone."""
    spread = f"{row.low:.2f}–{row.high:.2f}"
    return (
        f"{row.name:44s} {row.peer:8s} {row.ours_ms:8.3f} {row.peer_ms:8.3f} {row.ratio:6.2f}  {spread:13s}"
        f" {row.limit_ms:6.3f}"
    )


def _limit_peers(threads: int) -> None:
    import cv2

    cv2.setNumThreads(threads)


def _load(name: str) -> ModuleType:
    if PACKAGE not in sys.modules:
        package = ModuleType(PACKAGE)
        package.__path__ = [str(FOLDER)]
        sys.modules[PACKAGE] = package
    return importlib.import_module(f"{PACKAGE}.{name}")


if __name__ == "__main__":
    sys.exit(main())

"""Hostile and odd image files, each with what must happen when it is read.

``python corpus.py FOLDER`` writes them to FOLDER, reads each one, and prints one JSON line a case: the test reads that,
so that a crash, a hang or noise on stderr is seen from outside.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from hostile_files import bombs, damaged, odd_paths, strangers
from made_files import Case
from sound_files import whole


def all_cases(folder: Path) -> Iterator[Case]:
    yield from bombs()  # first, so that each one's growth shows in the peak
    yield from odd_paths(folder)
    yield from strangers()
    yield from whole()
    yield from damaged()


def judge(case: Case, path: Path) -> dict[str, Any]:
    """Read one case; say what happened and whether it may."""
    import sightline
    from sightline.core.errors import FormatError, MissingFileError

    before, start, problem, outcome = peak(), time.perf_counter(), "", "loaded"
    pixels = None
    try:
        pixels = sightline.read(path, mode=case.mode)
    except (FormatError, MissingFileError) as error:
        outcome, text = "refused", str(error)
        name = os.fsencode(path).decode("utf-8", "backslashreplace")
        if name not in text or not text.startswith("read: ") or "\n" in text or not text.endswith("."):
            problem = f"the sentence is not one that names the file: {text}"
        elif case.says not in text:
            problem = f"the sentence does not say {case.says!r}: {text}"
    except BaseException as error:
        outcome, problem = "crashed", f"{type(error).__name__}: {error}"
    seconds, grown = time.perf_counter() - start, peak() - before
    expect = case.expect
    if isinstance(expect, tuple):
        expect = expect[1] if outcome == "loaded" else "any"
    if isinstance(expect, np.ndarray):
        if outcome == "refused":
            problem = problem or f"refused: {text}"
        elif pixels is not None and not same(pixels, expect):
            problem = f"other pixels: {pixels.shape} {pixels.dtype} for {expect.shape} {expect.dtype}"
    elif expect == "refused" and outcome == "loaded":
        problem = f"loaded as {pixels.shape} {pixels.dtype}"
    return {
        "name": case.name,
        "outcome": outcome,
        "problem": problem,
        "seconds": seconds,
        "grown": grown,
        "bomb": case.bomb,
    }


def same(a: np.ndarray, b: np.ndarray) -> bool:
    return a.shape == b.shape and a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main(folder: Path) -> None:
    import sightline

    sightline.read(b"P2 1 1 255 7")  # imports are not part of any case
    for index, case in enumerate(all_cases(folder)):
        path = case.path
        if path is None:
            path = folder / f"{index}.img"
            path.write_bytes(case.data or b"")
        print(json.dumps(judge(case, path)), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

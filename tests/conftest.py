"""Fixtures that every test shares: real photos, the shared data folder, and the recorder of evidence."""

from __future__ import annotations

import gc
import inspect
import os
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sightline.core.evidence import Evidence, record

ROOT = Path(__file__).parent.parent

if "PYTEST_XDIST_WORKER" in os.environ:  # parallel workers would fight over the processors
    os.environ.setdefault("OMP_NUM_THREADS", "1")


def find_shared_data() -> Path | None:
    """Return the folder of real data: ``SIGHTLINE_DATA``, or ``shared/data`` beside the checkout; None without one."""
    places = [os.environ.get("SIGHTLINE_DATA", ""), str(ROOT.parent / "shared" / "data")]
    return next((Path(place) for place in places if place and (Path(place) / "README.md").exists()), None)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real data, or skip."""
    folder = find_shared_data()
    if folder is None:
        pytest.skip("the shared data folder is absent (set SIGHTLINE_DATA)")
    return folder


@pytest.fixture(scope="session")
def photos() -> dict[str, np.ndarray]:
    """Return uint8 images by name, gray and RGB, odd sizes among them: real photos where the data folder is there."""
    folder = find_shared_data()
    y, x = np.mgrid[0:97, 0:131]
    rings = (127 + 90 * np.sin(np.hypot(x - 60, y - 40) / 4)).astype(np.uint8)
    noise = np.random.default_rng(7).integers(0, 256, (64, 50, 3), dtype=np.uint8)
    found = {"rings": rings, "noise": noise, "column": rings[:, :1].copy(), "row": rings[:1].copy()}
    if folder is None:
        return found
    real = {
        "camera": "skimage_samples/camera.png",
        "coins": "skimage_samples/coins.png",
        "coffee": "skimage_samples/coffee.png",
        "chelsea": "skimage_samples/chelsea.png",
        "building": "opencv_samples/building.jpg",
        "sudoku": "opencv_samples/sudoku.png",
        "fruits": "opencv_samples/fruits.jpg",
    }
    for name, path in real.items():
        if (folder / path).exists():
            picture = Image.open(folder / path)
            found[name] = np.array(picture.convert("L" if picture.mode in ("L", "1", "I;16") else "RGB"))
    return found


@pytest.fixture
def measured(request: pytest.FixtureRequest) -> Callable[[float], None]:
    """Return the recorder of an evidence test: call it once with the measured error, agreement or figure."""

    def recorder(value: float) -> None:
        request.node.measured = float(value)

    return recorder


# --- the ledger: entries travel from the workers to the controller as user properties of the reports ---

_results: list[Evidence] = []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report = yield
    claims = getattr(getattr(item, "function", None), "__evidence__", [])
    if call.when == "call" and claims and not report.skipped:
        value = getattr(item, "measured", None)
        if report.passed and value is None:
            report.outcome = "failed"
            report.longrepr = f"{item.nodeid}: an evidence test must call measured(value)"
        command = f"pytest {item.nodeid.partition('[')[0]}"
        rows = [replace(claim, measured=value, holds=report.passed, command=command) for claim in claims]
        report.user_properties.append(("evidence", [row.__dict__ for row in rows]))
    return report


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call":
        for name, rows in report.user_properties:
            if name == "evidence":
                _results.extend(Evidence(**row) for row in rows)


def pytest_sessionfinish(session: pytest.Session) -> None:
    if hasattr(session.config, "workerinput") or not _results:
        return
    # A parametrised test is one claim: it holds when every case does; the worst case comes last and is kept.
    merged: dict[tuple[str, ...], Evidence] = {}
    for entry in _results:
        before = merged.get(entry.key)
        holds = entry.holds and (before is None or before.holds)
        keep = entry if before is None or not entry.holds else before
        merged[entry.key] = replace(keep, holds=holds)
    record(list(merged.values()), still_there=_test_exists)


def _test_exists(entry: Evidence) -> bool:
    """Return whether the test behind an old claim is still in the source (it may have been left out of this run)."""
    if not entry.command.startswith("pytest "):
        return True
    path, _, name = entry.command.removeprefix("pytest ").partition("::")
    source = ROOT / path
    return source.exists() and f"def {name.rpartition('::')[2]}(" in source.read_text("utf-8")


LANES = ("slow", "oracle", "browser")  # tests that run where they are asked for
MANY = 4  # cases of a test


def is_whole(config: pytest.Config) -> bool:
    """Return whether the whole suite is run, and not files that somebody named."""
    given = getattr(config, "workerinput", {}).get("whole")
    return config.args_source is not pytest.Config.ArgsSource.ARGS if given is None else given


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker what it cannot see: it is started with the tests by name."""
    node.workerinput["whole"] = is_whole(node.config)


def left_for_later(items: list[pytest.Item]) -> Iterator[pytest.Item]:
    """Yield about two of three cases of each test that has many: drawn once and for all, by their names."""
    groups: dict[tuple[Path, str], list[pytest.Item]] = {}
    for item in items:
        if not any(item.get_closest_marker(name) for name in LANES):
            groups.setdefault((item.path, getattr(item, "originalname", item.name)), []).append(item)
    for cases in groups.values():
        if len(cases) > MANY:
            yield from (case for case in cases[1:] if zlib.crc32(case.name.encode()) % 3)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave slow, oracle and browser tests to the lanes that ask for them; refusals to the lane without shapes.

    Where the whole suite is run, most cases of tests with many cases are slow ones, too.
    """
    if is_whole(config):
        for item in left_for_later(items):
            item.add_marker(pytest.mark.slow)
    if os.environ.get("SIGHTLINE_CHECK_SHAPES"):  # the checker would refuse first, in its own words
        kept = [item for item in items if not item.get_closest_marker("loose")]
        items[:] = [item for item in kept if "pytest.raises" not in inspect.getsource(item.function)]
    if not config.option.markexpr:
        left_out = [item for item in items if any(item.get_closest_marker(name) for name in LANES)]
        config.hook.pytest_deselected(items=left_out)
        known = set(left_out)
        items[:] = [item for item in items if item not in known]
    items.sort(key=_place)


COMPILED = {"cli", "faces", "features", "geometry", "image", "lab", "learn", "lessons", "metrics", "motion", "tests"}


def _place(item: pytest.Item) -> tuple[bool, str, str]:
    """Return whether kernels are compiled there, the folder, the subject: contracts stand beside their method's tests.

    Each worker begins with a half of the list: of two, one has the networks and the other almost every kernel. So one
    seldom compiles what the other one is compiling, nor for itself again the parts of Numba that all kernels share.
    """
    method = getattr(item, "callspec", None) and item.callspec.params.get("method")
    if method is not None and hasattr(method, "field"):
        return method.field in COMPILED, method.field, method.name
    folder = item.path.parent.name
    return folder in COMPILED, folder, item.path.stem.removeprefix("test_")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Keep what was loaded and collected out of the garbage collector's rounds, and make those rarer.

    Thousands of tests make a full round take a third of a second; compiling a kernel makes many rounds.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)

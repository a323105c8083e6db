"""Code on disk is used as long as every file that it was compiled from is as it was, and no longer."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sightline.core import kernel_cache

HEAD = "from sightline.core.kernels import kernel\n{}\n\n@kernel\ndef {}(x):\n    return {}\n"
MODULES = {
    "inner": HEAD.format("", "inner", "x + 1"),
    "middle": HEAD.format("from sightline.made.inner import inner", "middle", "inner(x)"),
    "outer": HEAD.format("from sightline.made.middle import middle", "outer", "10 * middle(x)"),
}
RUN = """
import sys, types
made = types.ModuleType("sightline.made")
made.__path__ = [sys.argv[1]]
import sightline
sys.modules["sightline.made"] = made
from sightline.made.outer import outer
print(outer(1), sum(outer.stats.cache_hits.values()))
"""


def run(folder: Path) -> str:
    program = [sys.executable, "-c", RUN, str(folder)]
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(folder / "kept")}
    return subprocess.run(program, env=environment, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.slow
def test_a_kernel_is_compiled_again_when_what_it_calls_has_changed(tmp_path: Path) -> None:
    for name, text in MODULES.items():
        (tmp_path / f"{name}.py").write_text(text)
    assert run(tmp_path) == "20 0"
    assert run(tmp_path) == "20 1"  # from disk
    (tmp_path / "inner.py").write_text(MODULES["inner"].replace("x + 1", "x + 200"))
    assert run(tmp_path) == "2010 0"
    assert run(tmp_path) == "2010 1"


def test_the_files_behind_a_module_are_found() -> None:
    import sightline.image.median_blur  # noqa: F401

    names = {Path(file).name for file in kernel_cache.files_behind("sightline.image.median_blur")}
    assert {"median_blur.py", "lanes.py"} <= names

"""The folder of a run: its name, its lock, and the files in it that people read."""

from __future__ import annotations

import contextlib
import csv
import io
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from sightline.core.errors import FormatError, InputError
from sightline.core.files import read_toml, write_json, write_text
from sightline.train.toml import to_toml

CONFIG, METRICS, ENVIRONMENT, LOCK, CHECKPOINTS, DIVERGED = (
    "config.toml",
    "metrics.csv",
    "environment.json",
    ".lock",
    "checkpoints",
    "diverged.safetensors",
)
_VERSIONS = ("sightline", "torch", "numpy", "pillow", "numba", "safetensors")
_held: set[str] = set()  # locks of this process: the system's locks do not stop a second one in the same process


def is_run(folder: Path) -> bool:
    """Return whether a run was begun in ``folder``."""
    return (folder / CONFIG).is_file()


def claim(name: str, parent: Path) -> Path:
    """Make and return the first folder ``parent/name-1``, ``-2``, … that does not exist yet."""
    parent.mkdir(parents=True, exist_ok=True)
    stem = re.sub(r"[^\w.-]+", "-", name).strip("-.") or "run"
    number = 1 + max((_number(path, stem) for path in parent.glob(f"{stem}-*")), default=0)
    while True:
        folder = parent / f"{stem}-{number}"
        with contextlib.suppress(FileExistsError):  # another training was quicker: the next number
            folder.mkdir()
            return folder
        number += 1


def give_up(folder: Path) -> None:
    """Remove a claimed folder in which no run was begun: what was asked for could not be built."""
    if {path.name for path in folder.iterdir()} <= {LOCK}:
        shutil.rmtree(folder, ignore_errors=True)


def newest(name: str, parent: Path, recipe: str) -> Path | None:
    """Return the newest run of ``recipe`` called ``name-N`` in ``parent``, None when there is none."""
    stem = re.sub(r"[^\w.-]+", "-", name).strip("-.") or "run"
    for folder in sorted(parent.glob(f"{stem}-*"), key=lambda path: _number(path, stem), reverse=True):
        if _number(folder, stem) and is_run(folder) and read_config(folder)["recipe"] == recipe:
            return folder
    return None


def _number(path: Path, stem: str) -> int:
    digits = path.name[len(stem) + 1 :]
    return int(digits) if digits.isdigit() else 0


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the run's lock, or refuse: two trainings in one folder would destroy each other's checkpoints.

    The lock ends with the process, however that ends.
    """
    key = str(folder.resolve())
    refusal = InputError(f"train: another training uses the folder '{folder}'. Wait for it, or choose another one.")
    if key in _held:  # asked first: to open and close the file here again would give up the system's lock
        raise refusal
    handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        if not _try_lock(handle):
            raise refusal
        _held.add(key)
        try:
            yield
        finally:
            _held.discard(key)
    finally:
        os.close(handle)


def _try_lock(handle: int) -> bool:
    # Record locks, which children do not inherit: data workers that outlive a killed training hold nothing.
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def write_config(folder: Path, config: Mapping[str, Any]) -> None:
    """Write ``config.toml``."""
    write_text(folder / CONFIG, to_toml(config))


def read_config(folder: Path) -> dict[str, Any]:
    """Return ``config.toml``, or raise an error that names it."""
    path = folder / CONFIG
    config = read_toml("load", path, f"'{folder}' is not a run: it has no {CONFIG}")
    missing = [name for name in ("recipe", "settings", "model") if name not in config]
    if missing:
        raise FormatError(f"load: '{path}' does not say {', '.join(missing)}. Was it changed?")
    return config


def write_metrics(folder: Path, history: Sequence[Mapping[str, Any]]) -> None:
    """Write ``metrics.csv``, whole: it always says what the newest checkpoint says."""
    names = list(dict.fromkeys(name for row in history for name in row))
    text = io.StringIO()
    table = csv.DictWriter(text, names, lineterminator="\n")
    table.writeheader()
    table.writerows(dict(row) for row in history)
    write_text(folder / METRICS, text.getvalue())


def read_metrics(folder: Path) -> list[dict[str, Any]]:
    """Return the rows of ``metrics.csv``, numbers as numbers and empty cells as None; none before the first epoch."""
    path = folder / METRICS
    if not path.exists():
        return []
    with open(path, encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    return [{name: _cell(name, text) for name, text in row.items()} for row in rows]


def _cell(name: str, text: str | None) -> Any:
    if not text:
        return None
    return int(text) if name in ("epoch", "step") else float(text)


def write_environment(folder: Path, plan: Mapping[str, Any], machine: Mapping[str, Any]) -> None:
    """Write ``environment.json``: versions, machine, command, and what was about to be trained."""
    values = {
        "versions": {name: found for name in _VERSIONS if (found := _version(name))},
        "python": platform.python_version(),
        "system": platform.platform(),
        "processors": os.cpu_count(),
        "command": sys.argv,
        "commit": _commit(),
        "plan": dict(plan),
        **machine,
    }
    write_json(folder / ENVIRONMENT, values)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _commit() -> str | None:
    """Return the git commit of the working folder, None outside a repository or without git."""
    try:
        found = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() or None

"""A folder that is made beside its place and then put there whole; what others made is never touched."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from sightline.core.errors import InputError

_MARK = ".sightline-demo"  # only a folder with this file in it is ever replaced


def check_replaceable(target: Path) -> None:
    """Raise :class:`InputError` when ``target`` exists and was not made by :func:`new_folder`."""
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise InputError(f"demo: '{target}' exists and is not a folder. Choose another one with --out.")
    if target.is_dir() and any(target.iterdir()) and not (target / _MARK).exists():
        raise InputError(f"demo: '{target}' is not the demo's and stays as it is. Choose another one with --out.")


@contextlib.contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """Give a fresh folder beside ``target`` to fill; when the block ends without an error it takes that place.

    Parameters
    ----------
    target
        Where the folder shall stand. One that an earlier run made is replaced, any other one is refused.
    """
    check_replaceable(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        (fresh / _MARK).touch()
        fresh.chmod(0o755)
        yield fresh
        _take_place(fresh, target)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise


def _take_place(fresh: Path, target: Path) -> None:
    check_replaceable(target)
    if not target.exists():
        fresh.rename(target)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{target.name}-old-", dir=target.parent)) / target.name
    target.rename(old)
    try:
        fresh.rename(target)
    except OSError:
        old.rename(target)
        raise
    finally:
        if target.exists():
            shutil.rmtree(old.parent, ignore_errors=True)

"""The one way to write a file: temporary file beside it, flush, fsync, rename, fsync of the folder; SHA-256 on the way.

Whatever goes wrong (a full disk, a kill, an error in the caller), the old file is whole or the new one is.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from sightline.core.errors import DiskError, FormatError, MissingFileError
from sightline.core.types import PathLike


class HashingFile:
    """A binary file to write to that knows the SHA-256 of what went through."""

    def __init__(self, stream: IO[bytes], target: Path) -> None:
        self._stream, self._target, self._hash = stream, target, hashlib.sha256()

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Append ``data``; return its length in bytes."""
        with _naming(self._target):
            written = self._stream.write(data)
        self._hash.update(data)
        return written

    @property
    def sha256(self) -> str:
        """Hexadecimal digest of everything written so far."""
        return self._hash.hexdigest()


@contextlib.contextmanager
def atomic_writer(path: PathLike) -> Iterator[HashingFile]:
    """Open ``path`` for writing; it changes only when the block ends without an error.

    Raises :class:`DiskError` when the disk is full or the folder may not be written to.

    Parameters
    ----------
    path
        File to write. Its folder must exist; an existing file is replaced.
    """
    target = Path(path)
    with _naming(target):
        handle, name = tempfile.mkstemp(prefix=".", suffix=".part", dir=target.parent)
    try:
        stream = os.fdopen(handle, "wb")
        writer = HashingFile(stream, target)
        try:
            yield writer
        except BaseException:
            with contextlib.suppress(OSError):  # closing flushes, which fails again on a full disk
                stream.close()
            raise
        with _naming(target):
            with stream:
                stream.flush()
                os.fsync(stream.fileno())
            part = Path(name)
            part.chmod(_mode_for(target))
            part.replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)


@contextlib.contextmanager
def _naming(target: Path) -> Iterator[None]:
    """Turn the system's errors into one sentence that names the file."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as error:
        raise MissingFileError(f"write: folder '{_printable(target.parent)}' does not exist.") from error
    except OSError as error:
        reason = os.strerror(error.errno).lower() if error.errno else str(error)
        failure = DiskError(f"write: '{_printable(target)}' cannot be written: {reason}.")
        failure.errno = error.errno
        raise failure from error


def _printable(path: Path) -> str:
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _mode_for(target: Path) -> int:
    """Return the permissions of the file that is replaced, or those that a new file gets."""
    try:
        return stat.S_IMODE(target.stat().st_mode)
    except FileNotFoundError:
        return 0o666 & ~_umask()


def publish(part: PathLike, path: PathLike) -> None:
    """Give a finished file its name: flush it to the disk, rename it, flush the folder.

    Parameters
    ----------
    part
        A closed file beside ``path``, for what is written over many runs (a resumed download).
    path
        Its final name; an existing file is replaced.
    """
    with open(part, "rb+") as stream:
        os.fsync(stream.fileno())
    Path(part).replace(path)
    _sync_folder(Path(path).parent)


def link_file(source: PathLike, path: PathLike) -> None:
    """Give the file ``source`` a second name ``path``, atomically; where the file system has no links, copy it."""
    origin, target = Path(source), Path(path)
    name = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        name.unlink(missing_ok=True)
        os.link(origin, name)
    except OSError:
        with atomic_writer(target) as stream, open(origin, "rb") as content:
            while block := content.read(1 << 20):
                stream.write(block)
        return
    try:
        with _naming(target):
            name.replace(target)
    except BaseException:
        name.unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)


def write_bytes(path: PathLike, data: bytes) -> str:
    """Write ``data`` to ``path`` atomically; return its SHA-256."""
    with atomic_writer(path) as stream:
        stream.write(data)
    return stream.sha256


def write_text(path: PathLike, text: str) -> str:
    """Write ``text`` to ``path`` as UTF-8, atomically; return its SHA-256."""
    return write_bytes(path, text.encode("utf-8"))


def write_json(path: PathLike, value: Any) -> str:
    """Write ``value`` as indented JSON, atomically; return the SHA-256. NaN is refused: it is not JSON."""
    return write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: PathLike) -> Any:
    """Read a JSON file; raise :class:`FormatError` that names the file and the line when it is not JSON."""
    path = Path(path)
    try:
        return json.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise MissingFileError(f"read_json: '{path}' does not exist.") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise FormatError(f"read_json: '{path}' is not JSON: {error}.") from error


def read_toml(function: str, path: PathLike, missing: str = "") -> dict[str, Any]:
    """Read a TOML file.

    Parameters
    ----------
    function
        Of the error's sentence: who reads.
    path
        The file.
    missing
        What is said where there is no such file; ``'path' does not exist`` when empty.

    Raises
    ------
    MissingFileError, FormatError
        When there is no such file, or it is not TOML.
    """
    try:
        return tomllib.loads(Path(path).read_text("utf-8"))
    except FileNotFoundError as error:
        said = missing or f"'{path}' does not exist"
        raise MissingFileError(f"{function}: {said}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FormatError(f"{function}: '{path}' is not TOML: {error}.") from error


def sha256_of(path: PathLike) -> str:
    """Return the hexadecimal SHA-256 of a file's bytes."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


_UMASK: int | None = None


def _umask() -> int:
    # The mask can only be read by setting it; done once, early, before threads matter.
    global _UMASK
    if _UMASK is None:
        _UMASK = os.umask(0o022)
        os.umask(_UMASK)
    return _UMASK


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # Windows cannot open a folder for syncing; the rename itself is durable there
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

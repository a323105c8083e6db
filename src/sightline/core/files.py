"""The one way to write a file: temporary file beside it, flush, fsync, rename, fsync of the folder; SHA-256 on the way.

Whatever goes wrong (a full disk, a kill, an error in the caller), the old file is whole or the new one is.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from sightline.core.errors import FormatError, MissingFileError
from sightline.core.types import PathLike


class HashingFile:
    """A binary file to write to that knows the SHA-256 of what went through."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream, self._hash = stream, hashlib.sha256()

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Append ``data``; return its length in bytes."""
        self._hash.update(data)
        return self._stream.write(data)

    @property
    def sha256(self) -> str:
        """Hexadecimal digest of everything written so far."""
        return self._hash.hexdigest()


@contextlib.contextmanager
def atomic_writer(path: PathLike) -> Iterator[HashingFile]:
    """Open ``path`` for writing; it changes only when the block ends without an error.

    Parameters
    ----------
    path
        File to write. Its folder must exist; an existing file is replaced.
    """
    target = Path(path)
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
    except FileNotFoundError as error:
        raise MissingFileError(f"write: folder '{target.parent}' does not exist.") from error
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            writer = HashingFile(stream)
            yield writer
            stream.flush()
            os.fsync(stream.fileno())
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)


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
    os.replace(name, target)
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

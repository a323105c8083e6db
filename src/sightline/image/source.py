"""Where an image comes from: a path, bytes or a file object, opened without ever blocking on what is no file."""

from __future__ import annotations

import errno
import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from sightline.core.checks import describe
from sightline.core.errors import FormatError, InputError, MissingFileError, SightlineError
from sightline.core.types import BinaryFile, PathLike

Source = PathLike | bytes | bytearray | memoryview | BinaryFile

_MAX_STREAM = 1 << 30  # bytes taken from a file object


def name_of(function: str, source: Any) -> str:
    """Return what to call the source in a sentence; printable whatever bytes the file's name holds."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        return f"the data ({memoryview(source).nbytes} bytes)"
    if isinstance(source, (str, os.PathLike)):
        return f"'{os.fsencode(source).decode('utf-8', 'backslashreplace')}'"
    if hasattr(source, "read"):
        inner = getattr(source, "name", "")
        return f"'{inner}'" if isinstance(inner, str) and inner else "the stream"
    raise InputError(f"{function}: path must be a path, bytes or a binary file object; got {describe(source)}.")


@contextmanager
def open_source(function: str, source: Any, name: str) -> Iterator[IO[bytes]]:
    """Yield a seekable binary stream at its start; a path is closed afterwards."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        yield io.BytesIO(source)
    elif isinstance(source, (str, os.PathLike)):
        with _open_path(function, source, name) as stream:
            yield stream
    else:
        yield _drain(function, source, name)


def _open_path(function: str, path: PathLike, name: str) -> IO[bytes]:
    try:
        kind = Path(path).stat().st_mode
        if not stat.S_ISREG(kind):
            raise FormatError(f"{function}: {name} is {_kind_of(kind)}, not an image file.")
        # Not blocking, and looked at again: between the two calls the path may have become a FIFO.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except (FileNotFoundError, NotADirectoryError) as error:
        hint = " Download it first." if "://" in name else ""
        raise MissingFileError(f"{function}: {name} does not exist.{hint}") from error
    except (OSError, ValueError) as error:
        if isinstance(error, SightlineError):
            raise
        raise MissingFileError(f"{function}: {name} cannot be opened: {reason_of(error)}.") from error
    stream = os.fdopen(handle, "rb")
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        stream.close()
        raise FormatError(f"{function}: {name} is not a regular file.")
    return stream


def _kind_of(kind: int) -> str:
    named = ((stat.S_ISDIR, "a folder"), (stat.S_ISFIFO, "a pipe"), (stat.S_ISSOCK, "a socket"))
    return next((text for test, text in named if test(kind)), "a device")


def _drain(function: str, stream: Any, name: str) -> IO[bytes]:
    """Return what is left in a file object as a seekable stream."""
    collected = io.BytesIO()
    while block := stream.read(1 << 20):
        if not isinstance(block, (bytes, bytearray, memoryview)):
            raise InputError(f"{function}: path must be opened in binary mode, open(…, 'rb'); got a text stream.")
        if collected.write(block) and collected.tell() > _MAX_STREAM:
            raise FormatError(f"{function}: {name} holds more than {_MAX_STREAM:,} bytes.")
    collected.seek(0)
    return collected


def reason_of(error: Exception) -> str:
    """Say in a few words why something failed."""
    if isinstance(error, MemoryError):
        return "it needs more memory than there is"
    if isinstance(error, OSError) and error.errno is not None:
        return f"{os.strerror(error.errno).lower()} ({errno.errorcode.get(error.errno, error.errno)})"
    text = str(error).strip().rstrip(".").partition("\n")[0]
    return text or f"the decoder gave up ({type(error).__name__})"

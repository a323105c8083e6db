"""Fetching files: by address and checksum, resumable, moved to their name only when they are whole."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import shutil
import tarfile
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import IO

from sightline.core.errors import DataError, InputError
from sightline.core.files import atomic_writer, publish
from sightline.core.types import PathLike

Progress = Callable[[str, int, "int | None"], None]  # file name, bytes so far, total bytes where it is known

_CHUNK = 1 << 18
_BROKEN = (http.client.HTTPException, ConnectionError, TimeoutError)


def download(
    url: str,
    path: PathLike,
    *,
    sha256: str = "",
    md5: str = "",
    size: int | None = None,
    progress: Progress | None = None,
    attempts: int = 3,
    timeout: float = 30.0,
) -> Path:
    """Fetch a file; it appears under its name only when its checksum is right.

    What has come is kept in ``<path>.part``; the next call asks the server for the rest. A server that cannot send the
    rest sends all of it again.

    Parameters
    ----------
    url
        Address, ``http://`` or ``https://``.
    path
        File to write; its folder must exist. A file that is there already is checked and kept.
    sha256, md5
        Expected checksums, hexadecimal; at least one of them. Where a publisher states only the first digits, those.
    size
        Expected size in bytes; more than that is never stored. None where it is not known.
    progress
        Called with ``(file name, bytes so far, total bytes or None)``.
    attempts
        How often a connection that breaks is taken up again, ≥ 1.
    timeout
        Seconds of silence after which a connection counts as broken, > 0.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    DataError
        When the server refuses, the connection breaks too often, or the checksum is wrong.
    """
    target = Path(path)
    part = target.with_name(target.name + ".part")
    if not url.lower().startswith(("http://", "https://")):
        raise InputError(f"download: url must begin with http:// or https://; got '{url}'.")
    if not (sha256 or md5):
        raise InputError("download: sha256 or md5 must be given: nothing is fetched without a checksum.")
    if target.exists() and not _wrong(target, sha256, md5):
        return target
    for attempt in range(1, attempts + 1):
        try:
            _fetch_rest(url, part, size, progress, timeout)
            break
        except urllib.error.HTTPError as error:
            raise DataError(f"download: {url} answers {error.code} {error.reason}.") from error
        except (urllib.error.URLError, *_BROKEN) as error:
            if attempt == attempts:
                kept = part.stat().st_size if part.exists() else 0
                raise DataError(
                    f"download: {url} broke off ({error}); {kept} bytes are kept. Run it again to go on."
                ) from error
    wrong = _wrong(part, sha256, md5)
    if wrong:
        part.unlink()
        raise DataError(f"download: {url} is not the published file: {wrong}. It was thrown away; try again later.")
    publish(part, target)
    return target


def _fetch_rest(url: str, part: Path, size: int | None, progress: Progress | None, timeout: float) -> None:
    """Append what is missing to the part file; start over when the server cannot resume."""
    have = part.stat().st_size if part.exists() else 0
    if size is not None and have > size:
        part.unlink()
        have = 0
    if size is not None and have == size:
        return
    request = urllib.request.Request(url, headers={"User-Agent": "sightline"})  # noqa: S310 - the scheme was checked
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        answer = urllib.request.urlopen(request, timeout=timeout)  # noqa: S310 - the scheme was checked
    except urllib.error.HTTPError as error:
        with error:
            if (
                error.code == 416 and have
            ):  # nothing lies beyond: the part is whole, or it is wrong and its checksum tells
                return
            raise
    with answer:
        resumed = answer.status == 206 and answer.headers.get("Content-Range", "").startswith(f"bytes {have}-")
        start = have if resumed else 0
        length = answer.headers.get("Content-Length")
        total = start + int(length) if length and length.isdecimal() else size
        with part.open("ab" if resumed else "wb") as stream:
            done = _pump(answer, stream, start, total, size, part.name.removesuffix(".part"), progress)
        if total is not None and done < total:
            raise ConnectionError(f"{done} of {total} bytes came")


def _pump(
    answer: IO[bytes],
    stream: IO[bytes],
    done: int,
    total: int | None,
    limit: int | None,
    name: str,
    progress: Progress | None,
) -> int:
    while chunk := answer.read(_CHUNK):
        done += len(chunk)
        if limit is not None and done > limit:
            raise DataError(f"download: {name} is larger than the published {limit} bytes; the rest was refused.")
        stream.write(chunk)
        if progress is not None:
            progress(name, done, total)
    return done


def _wrong(path: Path, sha256: str, md5: str) -> str:
    """Return which checksum differs and how, or an empty string."""
    for name, wanted in (("sha256", sha256), ("md5", md5)):
        if wanted:
            with path.open("rb") as stream:
                # MD5 guards against accidents only; it is used where the publisher gives nothing better.
                found = hashlib.file_digest(stream, lambda n=name: hashlib.new(n, usedforsecurity=False)).hexdigest()
            if not found.startswith(wanted.lower()):
                return f"its {name} is {found}, expected {wanted}"
    return ""


def extract(archive: PathLike, folder: PathLike, names: Sequence[str]) -> list[Path]:
    """Take named files out of a ``.tar.gz``; only regular files, each to a name that the caller chose.

    Parameters
    ----------
    archive
        The archive.
    folder
        Existing folder to write to.
    names
        File names without folders; where they lie in the archive does not matter, nothing else is written.

    Returns
    -------
    list of Path
        The files, in the order of ``names``.
    """
    missing = dict.fromkeys(names)
    if any("/" in name or "\\" in name or name in ("", ".", "..") for name in missing):
        raise InputError(f"extract: names must be plain file names; got {list(names)}.")
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for member in tar:
                name = PurePosixPath(member.name).name
                source = tar.extractfile(member) if member.isreg() and name in missing else None
                if source is None:
                    continue
                with contextlib.closing(source), atomic_writer(Path(folder) / name) as target:
                    shutil.copyfileobj(source, target, _CHUNK)  # type: ignore[arg-type]
                del missing[name]
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        raise DataError(f"extract: '{os.fspath(archive)}' is not a whole .tar.gz: {error}.") from error
    if missing:
        raise DataError(f"extract: '{os.fspath(archive)}' does not hold {', '.join(missing)}.")
    return [Path(folder) / name for name in names]

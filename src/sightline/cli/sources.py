"""Where images come from: a file, a folder, a pattern, a list of paths, or stdin."""

from __future__ import annotations

import glob
import os.path
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from sightline.apply.source import Source
from sightline.cli.terminal import STDIN
from sightline.core.errors import DataError, FormatError, InputError, MissingFileError
from sightline.data.naming import is_image_name


def find_sources(words: Iterable[str]) -> list[Source]:
    """Return the images that the words name, in order: files, folders, patterns, ``.txt`` lists, ``-`` for stdin.

    No two files have one stem: ``a/x.png`` and ``b/x.png`` become ``a-x`` and ``b-x``, and ``x.png`` beside ``x.jpg``
    ``x-png``, so that what is made of one does not overwrite what is made of another.
    """
    found = [source for word in words for source in _expand(word)]
    if not found:
        raise DataError("sources: no image was named.")
    _tell_apart(found)
    return found


def find_picture(command: str, word: str, what: str) -> Source:
    """Return the one picture that a word names, or refuse a folder and whatever else holds several.

    Parameters
    ----------
    command, what
        Of the error's sentence: who asks, and what the picture is.
    word
        A file, or ``-`` for stdin.
    """
    if Path(word).is_dir():
        raise InputError(f"{command}: {what} must be one picture; got the folder '{word}'. Name a file in it.")
    sources = find_sources([word])
    if len(sources) > 1:
        raise InputError(f"{command}: {what} must be one picture; '{word}' names {len(sources)}.")
    return sources[0]


def keep_source(command: str, source: str, target: Path) -> None:
    """Refuse to write a result over the file that it is made from."""
    if target.exists() and Path(source).exists() and target.samefile(source):
        raise InputError(f"{command}: the output must not be the source; got '{target}'.")


def _tell_apart(sources: list[Source]) -> None:
    """Lengthen the stems that different files share, by their folders, then by their suffixes, then by a number."""
    for lengthened in (_with_folders, _with_suffix, _with_number):
        # Folded: two names that differ in case alone are one on some disks.
        files = {(source.stem.casefold(), os.path.realpath(source.name)) for source in sources}
        times = Counter(stem for stem, _ in files)
        shared = [source for source in sources if times[source.stem.casefold()] > 1]
        if not shared:
            return
        lengthened(shared)


def _with_folders(sources: list[Source]) -> None:
    paths = [Path(source.name).resolve() for source in sources]
    common = os.path.commonpath([path.parent for path in paths])
    for source, path in zip(sources, paths, strict=True):
        source.stem = "-".join((*path.parent.relative_to(common).parts, path.stem))


def _with_suffix(sources: list[Source]) -> None:
    for source in sources:
        source.stem += Path(source.name).suffix.replace(".", "-")


def _with_number(sources: list[Source]) -> None:
    for number, source in enumerate(sources, 1):
        source.stem += f"-{number}"


def _expand(word: str) -> Iterator[Source]:
    path = Path(word)
    if not word.strip():  # `Path("")` would be the folder that one is in
        raise InputError("sources: a source must be named; got an empty word. The folder one is in is '.'.")
    if word in ("-", STDIN):
        yield from _from_stdin()
    elif path.is_dir():
        files = sorted(item for item in path.rglob("*") if is_image_name(item.name) and item.is_file())
        if not files:
            raise DataError(f"sources: folder '{word}' holds no image.")
        yield from (Source(str(item)) for item in files)
    elif path.exists():
        if path.suffix != ".txt":
            yield Source(word)
            return
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError as error:
            raise FormatError(f"sources: '{word}' is no list of paths in UTF-8.") from error
        yield from _from_list(text, path.parent)
    elif any(sign in word for sign in "*?["):
        matches = sorted(glob.glob(word, recursive=True))  # noqa: PTH207
        if not matches:
            raise MissingFileError(f"sources: nothing matches '{word}'.")
        yield from (Source(item) for item in matches if Path(item).is_file())
    else:
        raise MissingFileError(f"sources: '{word}' does not exist.")


def _from_list(text: str, folder: Path) -> Iterator[Source]:
    for line in text.splitlines():
        if line.strip():
            yield Source(str(folder / line.strip()))


def _from_stdin() -> Iterator[Source]:
    data = sys.stdin.buffer.read()
    if not data:
        raise FormatError("sources: stdin is empty.")
    # Every image format has bytes that no text has, most of them a NUL.
    if b"\0" in data:
        yield Source("-", data)
        return
    try:
        yield from _from_list(data.decode("utf-8"), Path())
    except UnicodeDecodeError as error:
        raise FormatError("sources: stdin is neither an image nor a list of paths.") from error

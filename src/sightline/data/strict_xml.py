"""XML of annotation files: elements, attributes and text only. No document types, so no entities of any kind.

Entities are what XML attacks are made of: they read files, open addresses, and grow a few bytes to gigabytes.
Annotations need none, so a file that declares a document type is refused before anything of it is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from sightline.core.errors import DataError, FormatError

_DEEPEST, _MOST = 100, 3_000_000  # levels, elements
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


@dataclass(slots=True)
class Element:
    """One element of a file.

    Parameters
    ----------
    tag
        Its name.
    attributes
        Its attributes by name.
    line
        Where it begins, from 1.
    text
        The text directly inside it.
    children
        The elements directly inside it.
    """

    tag: str
    attributes: dict[str, str]
    line: int
    text: str = ""
    children: list[Element] = field(default_factory=list)

    def all(self, tag: str) -> Iterator[Element]:
        """Yield the elements of a name directly inside this one."""
        return (child for child in self.children if child.tag == tag)

    def find(self, path: str) -> Element | None:
        """Return the first element at a path of names divided by ``/``; None when there is none."""
        here: Element | None = self
        for tag in path.split("/"):
            here = next(here.all(tag), None) if here is not None else None
        return here

    def words(self, path: str) -> str:
        """Return the text at a path, without spaces around it; empty when there is no such element."""
        found = self.find(path)
        return "" if found is None else found.text.strip()


def read_xml(path: Path, function: str = "read_xml") -> Element:
    """Return the root element of a file; refuse document types, and what is not well formed, with its line.

    Parameters
    ----------
    path
        The file.
    function
        Name for the error's sentence.
    """
    return _Reader(f"{function}: '{path}'").read(path.read_bytes())


def root_tag(path: Path) -> str:
    """Return the name of a file's root element, reading no further; empty when it is no XML that is read here.

    Parameters
    ----------
    path
        The file.
    """
    found: list[str] = []
    parser = expat.ParserCreate()
    parser.StartElementHandler = lambda tag, attributes: found.append(tag)
    try:
        with path.open("rb") as stream:
            parser.Parse(stream.read(4096), False)
    except (expat.ExpatError, ValueError, LookupError, OSError):
        return found[0] if found else ""
    return found[0] if found else ""


def escaped(text: str) -> str:
    """Return text to stand between tags; refuse characters that XML cannot hold.

    Parameters
    ----------
    text
        Any text.
    """
    if _UNWRITABLE.search(text):
        raise DataError(f"write_xml: {text!r} holds characters that XML cannot. Rename it.")
    return escape(text)


def attribute(text: str) -> str:
    """Return text as an attribute's value, in quotes.

    Parameters
    ----------
    text
        Any text.
    """
    return quoteattr(escaped(text).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))


class _Reader:
    def __init__(self, name: str) -> None:
        self.name, self.count = name, 0
        self.open: list[Element] = []
        self.root: Element | None = None
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = self.data
        self.parser.StartDoctypeDeclHandler = self.doctype

    def read(self, data: bytes) -> Element:
        try:
            self.parser.Parse(data, True)
        except (expat.ExpatError, ValueError, LookupError) as error:  # also: an encoding that nobody knows
            if isinstance(error, FormatError):
                raise
            raise FormatError(f"{self.name} is not XML: {error}.") from error
        if self.root is None:
            self.refuse("has no element")
        return self.root

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self.count += 1
        if len(self.open) >= _DEEPEST or self.count > _MOST:
            self.refuse(f"has more than {_DEEPEST} levels or {_MOST:,} elements, which no annotation has")
        element = Element(tag, attributes, self.parser.CurrentLineNumber)
        if self.open:
            self.open[-1].children.append(element)
        else:
            self.root = element
        self.open.append(element)

    def end(self, tag: str) -> None:
        self.open.pop()

    def data(self, text: str) -> None:
        if len(self.open[-1].children) == 0 or text.strip():
            self.open[-1].text += text

    def doctype(self, *_: object) -> None:
        self.refuse("declares a document type; annotation files need none, and entities are not read. Remove the line")

    def refuse(self, reason: str) -> NoReturn:
        raise FormatError(f"{self.name} line {self.parser.CurrentLineNumber} {reason}.")

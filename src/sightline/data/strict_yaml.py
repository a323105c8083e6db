"""The part of YAML that describes a dataset: words, numbers, lists, one level of tables. Data only: nothing is run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from sightline.core.errors import FormatError

_KEY = re.compile(r"""^(?P<key>"[^"]*"|'[^']*'|[^\s:#'"\[\]{}&*!|>%@`-][^:#]*?|-?\d+)\s*:(?:\s+(?P<value>.*))?$""")


def read_yaml(path: Path, function: str = "read_yaml") -> dict[str, Any]:
    """Return a file's entries: text, or a list of texts, or a table of texts. Blocks of text are passed over.

    Parameters
    ----------
    path
        The file.
    function
        Name for the error's sentence.
    """
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise FormatError(f"{function}: '{path}' is not text in UTF-8: {error}.") from error
    found: dict[str, Any] = {}
    key, block = "", False
    for number, whole in enumerate(lines, 1):
        line = _without_comment(whole).rstrip()
        inside = line[:1] in (" ", "\t", "-")
        if not line.strip() or line == "---" or (block and inside):
            continue
        match = _KEY.match(line.strip())
        if inside and key and line.lstrip().startswith("- ") and isinstance(found[key], (list, type(None))):
            found[key] = [*(found[key] or []), _plain(line.lstrip()[2:])]
        elif inside and key and match and isinstance(found[key], (dict, type(None))):
            found[key] = {**(found[key] or {}), _plain(match["key"]): _plain(match["value"] or "")}
        elif not inside and match:
            key, text = _plain(match["key"]), (match["value"] or "").strip()
            block = text[:1] in ("|", ">")
            found[key] = _value(text)
        elif inside and key and isinstance(found[key], str) and found[key].startswith("["):
            found[key] = _value(f"{found[key]} {line.strip()}")  # a list in brackets goes on
        else:
            raise FormatError(f"{function}: '{path}' line {number} is not understood: '{whole.strip()[:60]}'.")
    return found


def _value(text: str) -> Any:
    if not text:
        return None
    if text.startswith("[") and text.endswith("]"):
        return [_plain(item) for item in _parts(text[1:-1])]
    if text.startswith("{") and text.endswith("}"):
        pairs = [item.split(":", 1) for item in _parts(text[1:-1]) if ":" in item]
        return {_plain(name): _plain(value) for name, value in pairs}
    return _plain(text)


def _parts(text: str) -> list[str]:
    """Return what stands between commas that are in no quotes."""
    return [
        part for part in re.findall(r"""\s*("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^,]+)\s*(?:,|$)""", text) if part.strip()
    ]


def _plain(text: str) -> str:
    text = text.strip()
    if len(text) >= 2 and text[0] == text[-1] == "'":
        return text[1:-1].replace("''", "'")
    if len(text) >= 2 and text[0] == text[-1] == '"':
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    return text


def _without_comment(line: str) -> str:
    quote = ""
    for place, letter in enumerate(line):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter == "#" and (place == 0 or line[place - 1] in " \t"):
            return line[:place]
    return line


def quoted(text: str) -> str:
    """Return a text as YAML reads it back, whatever it holds.

    Parameters
    ----------
    text
        One line.
    """
    return "'" + text.replace("'", "''") + "'"

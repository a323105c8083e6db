"""TOML out: the standard library reads it only. Scalars, lists and nested tables, as a run's ``config.toml`` needs."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from sightline.core.checks import describe
from sightline.core.errors import InputError


def to_toml(table: Mapping[str, Any]) -> str:
    """Return ``table`` as TOML text: scalars first, then one ``[section]`` for each nested table.

    Parameters
    ----------
    table
        Texts, numbers, booleans, lists and mappings of them, by text keys. None is refused: TOML has none.
    """
    sections = {key: value for key, value in table.items() if isinstance(value, Mapping)}
    lines = [f"{_key(key)} = {_value(value)}" for key, value in table.items() if key not in sections]
    for name, section in sections.items():
        lines += ["", f"[{_key(name)}]", *(f"{_key(key)} = {_value(value)}" for key, value in section.items())]
    return "\n".join(lines).lstrip("\n") + "\n"


def _key(key: str) -> str:
    bare = key and all(sign.isascii() and (sign.isalnum() or sign in "_-") for sign in key)
    return key if bare else _text(key)


def _text(value: str) -> str:
    # A JSON text is a TOML basic string, but for DEL, which TOML wants escaped.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else str(value)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(key)} = {_value(item)}" for key, item in value.items()) + "}"
    raise InputError(f"to_toml: values must be texts, numbers, booleans, lists or tables; got {describe(value)}.")

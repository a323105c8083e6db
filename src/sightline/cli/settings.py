"""Settings of a training: ``key=value`` and ``--key value`` from the command line over those of a TOML file."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sightline.core.errors import InputError
from sightline.core.files import read_toml


def read_value(text: str) -> Any:
    """Return the TOML value that ``text`` spells (a number, ``true``, a list …), or ``text`` itself."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def read_pairs(words: Iterable[str]) -> dict[str, Any]:
    """Return ``{key: value}`` of words like ``lr=0.1``."""
    found: dict[str, Any] = {}
    for word in words:
        key, sign, value = word.partition("=")
        if not sign or not key.strip():
            raise InputError(f"train: settings must be key=value; got '{word}'.")
        found[full_name(key)] = read_value(value.strip())
    return found


def read_config(path: Path | None) -> dict[str, Any]:
    """Return the settings of a TOML file; one level of tables is flattened, so that ``[optimizer] lr`` is ``lr``.

    Of a run's own ``config.toml`` the settings and options count; the rest says what came of them.
    """
    if path is None:
        return {}
    table = read_toml("train", path, f"settings file '{path}' does not exist")
    if {"recipe", "settings"} <= table.keys():
        table = {key: table[key] for key in ("settings", "options") if key in table}
    flat: dict[str, Any] = {}
    for key, value in table.items():
        flat.update(value if isinstance(value, Mapping) else {key: value})
    return {full_name(key): value for key, value in flat.items()}


def full_name(key: str) -> str:
    """Return a setting's name in the engine's spelling: ``lr`` and ``batch-size`` have two."""
    from sightline.train.settings import ALIASES

    name = key.strip().replace("-", "_")
    return ALIASES.get(name, name)

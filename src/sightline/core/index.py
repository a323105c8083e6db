"""The catalogue's index: what every method says of itself, without importing it.

``catalogue.json`` travels with the package and holds what was read off each module, with a digest of its source. Where
the source is as it was, the module is not imported; where it changed, it is read anew, and the user's cache keeps that.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

from sightline.core.cache import cache_folder, keep_text
from sightline.core.catalogue import Method, as_json, registered
from sightline.core.catalogue import fields as all_fields
from sightline.core.errors import InputError, MissingExtraError, missing_extra, suggest
from sightline.core.evidence import Evidence, evidence_of
from sightline.core.files import write_text
from sightline.core.lazy import read_stub
from sightline.core.parameters import Parameter

_PACKAGE = Path(__file__).parent.parent
_FILE = "catalogue.json"
SHIPPED = _PACKAGE / _FILE
_READERS = ("catalogue", "index", "parameters", "types")  # the files of this folder that say what is read
_PLAIN = (bool, int, float, str, type(None))

Row = dict[str, Any]


@dataclass(frozen=True)
class Entry:
    """A catalogued method as the index tells it; see :class:`~sightline.core.catalogue.Method` for what is alike.

    Parameters
    ----------
    name, field, path, task, paper, lesson, summary, returns
        As the method says.
    module
        The module that it is written in.
    steps
        Whether it can show its steps.
    is_object
        Whether it is a class, whose objects keep what they have seen.
    example
        Names of the parameters that its example gives.
    parameters
        Its parameters. Defaults that are no plain values are told in words.
    """

    name: str
    field: str
    module: str
    path: str
    task: str
    paper: str
    lesson: str
    summary: str
    returns: str
    steps: bool
    is_object: bool
    example: tuple[str, ...]
    parameters: tuple[Parameter, ...]

    @property
    def method(self) -> Method:
        """The method itself: its module alone is imported."""
        try:
            importlib.import_module(self.module)
        except ModuleNotFoundError as error:
            raise missing_extra(error) from error
        return registered(self.field, self.name)

    @property
    def evidence(self) -> list[Evidence]:
        """What the ledger holds for this method."""
        return evidence_of(self.field, self.name)

    def to_json(self) -> dict[str, Any]:
        """Return the entry as plain JSON values, as the method's own are."""
        return as_json(self)


class Index:
    """The entries of some fields; what changed since they were read is ``stale`` until it is read anew.

    Parameters
    ----------
    names
        The fields; all when None.
    folder
        Where it is kept what was read anew; the user's cache when None.

    Attributes
    ----------
    stale
        The modules that are not listed yet: they are new, or changed.
    """

    def __init__(self, names: Iterable[str] | None = None, folder: Path | None = None) -> None:
        self._kept = (folder or cache_folder()) / _FILE
        self._exports = {
            module: exports
            for name in sorted(all_fields() if names is None else names)
            for module, exports in _exports_of(name).items()
        }
        self._rows: dict[str, Row] = {}
        for known in (_read(SHIPPED), _read(self._kept)):
            for module, row in known.items():
                if module in self._exports and row["digest"] == self._digest([module, *row["sources"]]):
                    self._rows[module] = row
        self.stale = [module for module in self._exports if module not in self._rows]

    @property
    def digest(self) -> str:
        """What changes when the source of anything that is listed does."""
        return hashlib.sha256("".join(row["digest"] for row in self._rows.values()).encode()).hexdigest()[:16]

    def entries(self) -> list[Entry]:
        """Return what is listed, sorted by field and name."""
        found = {(row["field"], row["name"]): row for kept in self._rows.values() for row in kept["methods"]}
        return [_entry(row) for _, row in sorted(found.items())]

    def refresh(self) -> None:
        """Import what is stale, list it, and keep what was read; modules whose extra is not installed are left out."""
        read = {}
        for module in self.stale:
            try:
                importlib.import_module(module)
            except ModuleNotFoundError as error:
                if isinstance(missing_extra(error), MissingExtraError):
                    continue
                raise
            read[module] = self._read_off(module)
        self._rows |= read
        self.stale = [module for module in self.stale if module not in read]
        if read:
            keep_text(self._kept, _packed(_read(self._kept) | read))

    def write(self, path: Path) -> None:
        """Write everything that is listed, one module a line, as ``catalogue.json`` is."""
        write_text(path, _packed(self._rows))

    def _read_off(self, module: str) -> Row:
        """Return the methods of a module, those included that it shows as its own from a module beside it."""
        field = module.split(".")[1]
        held = [entry for value in vars(sys.modules[module]).values() if (entry := _method_of(value)) is not None]
        elsewhere = self._exports.keys() - {module}
        found = [entry for entry in held if entry.field == field and entry.function.__module__ not in elsewhere]
        sources = sorted({name for entry in found for name in _sources(entry.function)} - {module})
        rows = [_row(entry) for entry in sorted(found, key=lambda entry: entry.name)]
        return {"digest": self._digest([module, *sources]), "sources": sources, "methods": rows}

    def _digest(self, modules: Sequence[str]) -> str:
        """Return what changes when the sources of ``modules`` do, or the names that the first is exported by."""
        seen = hashlib.sha256(repr(self._exports[modules[0]]).encode())
        for module in modules:
            seen.update(_source_digest(module))
        return seen.hexdigest()[:16]


def entries(field: str | None = None, folder: Path | None = None) -> list[Entry]:
    """Return the entries of a field or of all, by field and name; modules whose extra is not installed are left out.

    Parameters
    ----------
    field
        ``image``, ``motion``, …; all when None.
    folder
        As for :class:`Index`.
    """
    if field is not None and field not in all_fields():
        raise InputError(f"methods: no field is named '{field}'.{suggest(field, all_fields())}")
    index = Index(None if field is None else [field], folder)
    index.refresh()
    return index.entries()


def _exports_of(field: str) -> dict[str, list[tuple[str, str | None]]]:
    """Return the modules that a field exports, each with its public names."""
    stub = _PACKAGE / field / "__init__.pyi"
    found: dict[str, list[tuple[str, str | None]]] = {}
    for public, (module, attribute) in read_stub(f"sightline.{field}", stub).items() if stub.exists() else ():
        found.setdefault(module, []).append((public, attribute))
    return {module: sorted(names, key=str) for module, names in found.items()}


def _method_of(value: Any) -> Method | None:
    """Return the catalogue's entry of what a module holds, None when it is no method."""
    if not callable(value) or not str(getattr(value, "__module__", "")).startswith("sightline."):
        return None
    try:
        entry = registered(value.__module__.split(".")[1], getattr(value, "__name__", ""))
    except InputError:
        return None
    return entry if entry.function is value else None


def _sources(function: Any) -> set[str]:
    """Return the modules that say what a method takes: its own, and those of the classes that it is built on."""
    kinds = function.__mro__ if isinstance(function, type) else (function,)
    return {kind.__module__ for kind in kinds if kind.__module__.startswith("sightline.")}


def _row(entry: Method) -> Row:
    row = {item.name: getattr(entry, item.name) for item in fields(Entry) if hasattr(entry, item.name)}
    return row | {
        "module": entry.function.__module__,
        "steps": entry.steps is not None,
        "example": sorted(entry.example),
        "parameters": [_parameter_row(parameter) for parameter in entry.parameters],
    }


def _parameter_row(parameter: Parameter) -> Row:
    """Return a parameter as plain values, without what is as usual."""
    usual = asdict(Parameter(parameter.name, parameter.kind, required=False))
    row = {key: value for key, value in asdict(parameter).items() if key in ("name", "kind") or value != usual[key]}
    default = row.get("default")
    plain = isinstance(default, _PLAIN) or (
        isinstance(default, tuple) and all(isinstance(item, _PLAIN) for item in default)
    )
    return row if plain else row | {"default": str(default)}


def _entry(row: Row) -> Entry:
    whole: Row = {**row, "example": tuple(row["example"]), "parameters": tuple(map(_parameter, row["parameters"]))}
    return Entry(**whole)


def _parameter(item: Row) -> Parameter:
    whole: Row = {"required": False, **{k: tuple(v) if isinstance(v, list) else v for k, v in item.items()}}
    return Parameter(**whole)


def _packed(modules: dict[str, Row]) -> str:
    lines = [f"{json.dumps(name)}: {json.dumps(row, ensure_ascii=False)}" for name, row in sorted(modules.items())]
    return f'{{"reader": "{_reader()}", "modules": {{\n' + ",\n".join(lines) + "\n}}\n"


def _read(path: Path) -> dict[str, Row]:
    """Return what a file holds, nothing where it is missing, broken, or read off by other code than today's."""
    try:
        found = json.loads(path.read_text("utf-8"))
        return found["modules"] if found["reader"] == _reader() else {}
    except (OSError, ValueError, TypeError, KeyError):
        return {}


@lru_cache(1)
def _reader() -> str:
    seen = hashlib.sha256(b"".join(_source_digest(f"sightline.core.{name}") for name in _READERS))
    return seen.hexdigest()[:16]


@lru_cache(None)
def _source_digest(module: str) -> bytes:
    place = _PACKAGE.parent.joinpath(*module.split("."))
    source = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
    return hashlib.sha256(source.read_bytes()).digest() if source.exists() else b""

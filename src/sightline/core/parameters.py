"""What a method takes and gives, read off its signature and its docstring: names, kinds, ranges, defaults, texts."""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import UnionType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sightline.core import types

_KINDS: list[tuple[Any, str]] = [
    (types.Image, "image"),
    (types.NewImage, "image"),
    (types.AnyImage, "image"),
    (types.AnyPoints, "points"),
    (types.Gray, "image"),
    (types.Mask, "mask"),
    (types.Labels, "labels"),
    (types.Flow, "flow"),
    (types.Points, "points"),
    (types.PointList, "points"),
    (types.Boxes, "boxes"),
    (bool, "bool"),
    (int, "int"),
    (float, "float"),
    (str, "choice"),
    (bytes, "bytes"),
    (np.ndarray, "array"),
    (ArrayLike, "other"),
]


@dataclass(frozen=True)
class Parameter:
    """One parameter of a method, as a command line or a slider needs it.

    Parameters
    ----------
    name
        The name in the signature.
    kind
        ``image images mask labels flow points boxes array bool int float choice text bytes`` or ``other``.
    required
        Whether it has no default.
    default
        The default, None when there is none.
    low, high, step
        The closed range of a number, where the signature states one.
    choices
        The words that it takes, where the signature states them.
    words
        What it is in the words of a command line: ``int``, ``float | None``, ``tuple[int, int]``, ``list[float]``;
        empty when words do not do.
    text
        Its description in the docstring.
    """

    name: str
    kind: str
    required: bool
    default: Any = None
    low: float | None = None
    high: float | None = None
    step: float | None = None
    choices: tuple[str, ...] = ()
    words: str = ""
    text: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the parameter as plain JSON values."""
        row: dict[str, Any] = {"name": self.name, "kind": self.kind, "required": self.required, "text": self.text}
        if not self.required:
            plain = isinstance(self.default, (bool, int, float, str, type(None)))
            row["default"] = self.default if plain else str(self.default)
        if self.low is not None:
            row.update(low=self.low, high=self.high)
        if self.step is not None:
            row["step"] = self.step
        if self.choices:
            row["choices"] = list(self.choices)
        return row


def parameters_of(function: Callable[..., Any]) -> tuple[Parameter, ...]:
    """Return the parameters of a function, or of a class's constructor, in order."""
    made = function.__init__ if isinstance(function, type) else function
    hints = typing.get_type_hints(made, include_extras=True)
    texts = _texts(function)
    signature = inspect.signature(function)
    return tuple(
        _parameter(item, hints.get(name, Any), texts.get(name, "")) for name, item in signature.parameters.items()
    )


def result_kind(function: Callable[..., Any]) -> str:
    """Return the kind of what a function returns: ``image mask labels float text …`` or ``other``."""
    kind, _ = _kind(typing.get_type_hints(function, include_extras=True).get("return", Any))
    return "text" if kind == "choice" else kind


def documented_parameters(docstring: str) -> dict[str, str]:
    """Return ``{name: description}`` of a numpydoc ``Parameters`` section (``a, b`` share one description)."""
    match = re.search(r"^Parameters\n-+\n(.*?)(?=^\S[^\n]*\n-{3,}|\Z)", docstring, re.DOTALL | re.MULTILINE)
    found: dict[str, str] = {}
    names: list[str] = []
    for line in (match.group(1) if match else "").splitlines():
        if line.strip() and not line[0].isspace():
            names = [name.strip().lstrip("*") for name in line.partition(":")[0].split(",")]
            found.update(dict.fromkeys(names, ""))
        elif line.strip():
            for name in names:
                found[name] = f"{found[name]} {line.strip()}".strip()
    return found


def _texts(function: Any) -> dict[str, str]:
    """Return what is said of each parameter; ``As in :class:`Base``` is looked up in the base that it names."""
    texts = documented_parameters(inspect.getdoc(function) or "")
    bases = {base.__name__: base for base in (inspect.getmro(function)[1:] if isinstance(function, type) else ())}
    for name, text in texts.items():
        named = re.fullmatch(r"As in :class:`~?(?:\w+\.)*(\w+)`\.", text)
        if named and named[1] in bases:
            texts[name] = _texts(bases[named[1]]).get(name, text)
    return texts


def _parameter(item: inspect.Parameter, annotation: Any, text: str) -> Parameter:
    kind, metadata = _kind(annotation)
    span = next((data for data in metadata if isinstance(data, types.Range)), None)
    words = next((data for data in metadata if isinstance(data, types.Choice)), None)
    required = item.default is inspect.Parameter.empty
    return Parameter(
        name=item.name,
        kind=kind if kind != "choice" or words else "text",
        required=required,
        default=None if required else item.default,
        low=span.low if span else None,
        high=span.high if span else None,
        step=span.step if span else None,
        choices=words.options if words else (),
        words=_words(annotation),
        text=text,
    )


def _kind(annotation: Any) -> tuple[str, tuple[Any, ...]]:
    metadata: tuple[Any, ...] = ()
    if typing.get_origin(annotation) is typing.Annotated:
        annotation, *extra = typing.get_args(annotation)
        metadata = tuple(extra)
    for known, kind in _KINDS:
        if annotation is known or annotation == known:
            return kind, metadata
    if getattr(annotation, "array_type", None) is np.ndarray:  # with a shape of its own
        return "array", metadata
    if typing.get_origin(annotation) in (list, tuple, Sequence) and typing.get_args(annotation)[:1] in (
        (types.Image,),
        (types.AnyImage,),
    ):
        return "images", metadata
    if typing.get_origin(annotation) not in (typing.Union, UnionType):
        return "other", metadata
    options = [option for option in typing.get_args(annotation) if option is not type(None)]
    for pictures in (types.Image, types.AnyImage):  # an image or something else besides: a mask, nothing
        if set(typing.get_args(pictures)) <= set(options):
            return "image", metadata
    found = [_kind(option) for option in options]
    # The first alternative that a command line can say, a file of numbers last.
    kind, inner = min(found, key=lambda item: {"other": 2, "array": 1}.get(item[0], 0))
    return kind, (*metadata, *inner)


def _words(hint: Any) -> str:
    """Return the type that a command line's words can be read as, in words itself; empty when there is none."""
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        return _words(parts[0])
    if hint == ArrayLike:  # a union of what differs between versions of NumPy and Python
        return ""
    if hint in (int, float, bool, str):
        return hint.__name__
    if origin is tuple and all(part in (int, float) for part in parts):
        return f"tuple[{', '.join(part.__name__ for part in parts)}]"
    if origin is Sequence and parts[:1] in ((int,), (float,), (str,)):
        return f"list[{parts[0].__name__}]"
    if origin not in (typing.Union, UnionType):
        return ""
    given = [part for part in parts if part is not type(None)]
    said = [words for part in given if (words := _words(part))]
    if len(given) > 1 and said[:1] in (["int"], ["float"]):  # a number, a pair or a table: "5", "5,3", "0,1,0; 1,1,1"
        said = [f"{said[0]} | str"]
    return f"{said[0]} | None" if said and len(given) < len(parts) else "".join(said[:1])

"""The catalogue: what every list of methods (command line, lab, docs, generic tests) is made from.

``@method`` registers a public function and returns it as it was. The rest is read off the function itself: the field
from its folder, parameters with types, ranges and defaults from the signature, texts from the docstring.
"""

from __future__ import annotations

import importlib
import inspect
import os
import pkgutil
import re
import typing
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import UnionType
from typing import Any, ParamSpec, Protocol, TypeVar, cast

import numpy as np

from sightline.core import types
from sightline.core.errors import InputError, MissingExtraError, missing_extra, suggest
from sightline.core.evidence import Evidence, ledger

F = TypeVar("F", bound=Callable[..., Any])
P = ParamSpec("P")
R = TypeVar("R", covariant=True)

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
    (types.Boxes, "boxes"),
    (bool, "bool"),
    (int, "int"),
    (float, "float"),
    (str, "choice"),
    (bytes, "bytes"),
    (np.ndarray, "array"),
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


@dataclass(frozen=True)
class Method:
    """A catalogued method.

    Parameters
    ----------
    name, field
        Public name and the folder that it lives in.
    function
        The function itself.
    task
        What it is for, in one or two words: ``edges``, ``classification``.
    paper
        Author and year of its source.
    lesson
        The day of the twelve-week path that teaches it, like ``w1d6``; empty when none does.
    example
        Keyword arguments that call it sensibly, for those that have no default; see :meth:`arguments`.
    """

    name: str
    field: str
    function: Callable[..., Any]
    task: str
    paper: str
    lesson: str = ""
    example: dict[str, Any] = field(default_factory=dict)

    @property
    def steps(self) -> Callable[..., Iterator[Any]] | None:
        """The generator of its steps, or None."""
        return _steps.get((self.field, self.name))

    @property
    def path(self) -> str:
        """Where it is called: ``sightline.image.canny``, or in a module, ``sightline.image.draw.boxes``."""
        package = importlib.import_module(f"sightline.{self.field}")
        exports = getattr(package, "_exports", {})
        if getattr(package, self.name, None) is self.function:
            return f"sightline.{self.field}.{self.name}"
        for name, (module, attribute) in exports.items():
            if attribute is None and getattr(importlib.import_module(module), self.name, None) is self.function:
                return f"sightline.{self.field}.{name}.{self.name}"
        return f"{self.function.__module__}.{self.name}"

    @cached_property
    def summary(self) -> str:
        """First line of the docstring."""
        return (inspect.getdoc(self.function) or "").partition("\n")[0]

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """The parameters, read off the signature and the docstring."""
        made = self.function.__init__ if isinstance(self.function, type) else self.function
        hints = typing.get_type_hints(made, include_extras=True)
        texts = _texts(self.function)
        signature = inspect.signature(self.function)
        return tuple(
            _parameter(item, hints.get(name, Any), texts.get(name, "")) for name, item in signature.parameters.items()
        )

    @cached_property
    def returns(self) -> str:
        """Kind of the result: ``image mask labels float text …`` or ``other``."""
        kind, _ = _kind(typing.get_type_hints(self.function, include_extras=True).get("return", Any))
        return "text" if kind == "choice" else kind

    def arguments(self, image: Any) -> dict[str, Any]:
        """Return the example's arguments for a given first argument: what depends on it is made from it."""
        return {name: value(image) if callable(value) else value for name, value in self.example.items()}

    @property
    def evidence(self) -> list[Evidence]:
        """What the ledger holds for this method."""
        return [entry for entry in ledger() if (entry.field, entry.method) == (self.field, self.name)]

    def to_json(self) -> dict[str, Any]:
        """Return the method as plain JSON values."""
        return {
            "name": self.name,
            "field": self.field,
            "path": self.path,
            "task": self.task,
            "summary": self.summary,
            "paper": self.paper,
            "lesson": self.lesson,
            "steps": self.steps is not None,
            "parameters": [parameter.to_json() for parameter in self.parameters],
            "evidence": [entry.to_json() for entry in self.evidence],
        }


class Listed(Protocol[P, R]):
    """A catalogued function, for type checkers: the function itself, and the decorator that gives it steps."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function."""
        ...

    def steps(self, generator: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
        """Register the generator of the function's steps."""
        ...


_methods: dict[tuple[str, str], Method] = {}
_steps: dict[tuple[str, str], Callable[..., Iterator[Any]]] = {}


def method(
    *, task: str, paper: str, lesson: str = "", example: dict[str, Any] | None = None
) -> Callable[[Callable[P, R]], Listed[P, R]]:
    """List a public function in the catalogue; the function comes back unchanged, with a ``.steps`` decorator on it.

    Parameters
    ----------
    task
        What it is for, in one or two words.
    paper
        Author and year of the source that the code follows.
    lesson
        The day that teaches it, ``w1d6``; empty when none does.
    example
        Keyword arguments for parameters without a default, so that generic tests and pages can call it. A function
        in the place of a value makes it from the first argument: ``{"markers": corners_of}``. A method that takes
        no pixels first names its first parameter here, too.
    """

    def register(function: Any) -> Any:
        if os.environ.get("SIGHTLINE_CHECK_SHAPES"):
            function = _check_shapes(function)
        folder = function.__module__.split(".")[1]
        entry = Method(function.__name__, folder, function, task, paper, lesson, dict(example or {}))
        _methods[folder, entry.name] = entry

        def steps(generator: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
            _steps[folder, entry.name] = generator
            return generator

        function.steps = steps
        return function

    return register


def _check_shapes(function: F) -> F:
    """Return the function with its annotated shapes checked at each call: one test lane runs so, nothing else does."""
    from beartype import BeartypeConf, beartype
    from jaxtyping import jaxtyped

    return cast(F, jaxtyped(function, typechecker=beartype(conf=BeartypeConf(is_pep484_tower=True))))


def fields() -> list[str]:
    """Return the folders of the package that export methods, in alphabetical order."""
    import sightline

    return sorted(item.name for item in pkgutil.iter_modules(sightline.__path__) if item.ispkg and item.name[0] != "_")


def methods(folder: str | None = None) -> list[Method]:
    """Return the catalogued methods, sorted by field and name; folders whose extra is not installed are left out.

    Parameters
    ----------
    folder
        Only this field, for example ``"image"``; raises when its extra is missing.
    """
    if folder is not None and folder not in fields():
        raise InputError(f"methods: no field is named '{folder}'.{suggest(folder, fields())}")
    for name in fields() if folder is None else [folder]:
        try:
            _load(name)
        except MissingExtraError:
            if folder is not None:
                raise
    return [entry for key, entry in sorted(_methods.items()) if folder in (None, key[0])]


def find(name: str) -> Method:
    """Return the method called ``name`` (``"canny"``) or ``field.name`` (``"image.canny"``)."""
    folder, _, short = name.rpartition(".")
    found = [entry for entry in methods(folder or None) if entry.name == short]
    if len(found) == 1:
        return found[0]
    if found:
        listed = ", ".join(f"{entry.field}.{entry.name}" for entry in found)
        raise InputError(f"methods: '{name}' is ambiguous: {listed}.")
    raise InputError(f"methods: no method is named '{name}'.{suggest(short, [entry.name for entry in methods()])}")


def method_of(function: Callable[..., Any]) -> Method:
    """Return the catalogue's entry of a public function."""
    for entry in _methods.values():
        if entry.function is function:
            return entry
    raise InputError(f"methods: {getattr(function, '__name__', function)!r} is not in the catalogue.")


def _load(folder: str) -> None:
    package = importlib.import_module(f"sightline.{folder}")
    for module_name, _ in getattr(package, "_exports", {}).values():
        try:
            importlib.import_module(module_name)
        except ModuleNotFoundError as error:
            raise missing_extra(error) from error


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

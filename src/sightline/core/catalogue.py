"""The catalogue: what every list of methods (command line, lab, docs, generic tests) is made from.

``@method`` registers a public function and returns it as it was. The rest is read off the function itself: the field
from its folder, parameters with types, ranges and defaults from the signature, texts from the docstring.
"""

from __future__ import annotations

import importlib
import inspect
import os
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ParamSpec, Protocol, TypeVar, cast

from sightline.core.errors import InputError, MissingExtraError, missing_extra, suggest
from sightline.core.evidence import Evidence, evidence_of
from sightline.core.parameters import Parameter, parameters_of, result_kind

F = TypeVar("F", bound=Callable[..., Any])
P = ParamSpec("P")
R = TypeVar("R", covariant=True)


def as_json(entry: Any) -> dict[str, Any]:
    """Return what a method, or its entry in the index, tells of itself as plain JSON values."""
    return {
        "name": entry.name,
        "field": entry.field,
        "path": entry.path,
        "task": entry.task,
        "summary": entry.summary,
        "paper": entry.paper,
        "lesson": entry.lesson,
        "steps": bool(entry.steps),
        "parameters": [parameter.to_json() for parameter in entry.parameters],
        "evidence": [claim.to_json() for claim in entry.evidence],
    }


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
    def is_object(self) -> bool:
        """Whether it is a class, whose objects keep what they have seen."""
        return isinstance(self.function, type)

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
        return parameters_of(self.function)

    @cached_property
    def returns(self) -> str:
        """Kind of the result: ``image mask labels float text …`` or ``other``."""
        return result_kind(self.function)

    def arguments(self, image: Any) -> dict[str, Any]:
        """Return the example's arguments for a given first argument: what depends on it is made from it."""
        return {name: value(image) if callable(value) else value for name, value in self.example.items()}

    @property
    def evidence(self) -> list[Evidence]:
        """What the ledger holds for this method."""
        return evidence_of(self.field, self.name)

    def to_json(self) -> dict[str, Any]:
        """Return the method as plain JSON values."""
        return as_json(self)


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


def registered(field: str, name: str) -> Method:
    """Return the entry of a method whose module is imported already."""
    if (field, name) not in _methods:
        raise InputError(f"methods: no method is named '{field}.{name}'.")
    return _methods[field, name]


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

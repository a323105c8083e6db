"""Lazy packages: a folder's ``__init__.pyi`` is its table of contents, and nothing is imported before it is used.

One line in the stub, ``from .canny import canny as canny``, exports a method to people, to type checkers and to the
catalogue. A method and its file may share a name: the package then always answers with the method.
"""

from __future__ import annotations

import ast
import importlib
import re
import sys
from pathlib import Path
from types import ModuleType

from sightline.core.errors import missing_extra, suggest

_SNAKE = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")  # where a name in camel case is cut: GaussianBlur, gaussian_blur


class LazyPackage(ModuleType):
    """A package that resolves its exported names on first use."""

    _exports: dict[str, tuple[str, str | None]]

    def __getattr__(self, name: str) -> object:
        # `__dict__` and not attribute access: this very method would be asked for what is missing.
        exports = self.__dict__.get("_exports", {})
        if name not in exports:
            hint = "" if name.startswith("_") else suggest(_SNAKE.sub("_", name).lower(), exports)
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}.{hint}".rstrip("."))
        module_name, attribute = exports[name]
        try:
            module = importlib.import_module(module_name)
        except ModuleNotFoundError as error:
            raise missing_extra(error) from error
        value = module if attribute is None else getattr(module, attribute)
        self.__dict__[name] = value
        return value

    def __setattr__(self, name: str, value: object) -> None:
        # The import system binds a submodule on its parent; `image.canny` shall stay the method, not its file.
        target = self.__dict__.get("_exports", {}).get(name)
        if isinstance(value, ModuleType) and target is not None and target[1] is not None:
            if value.__name__ == target[0]:
                self.__dict__[name] = getattr(value, target[1])
            return
        super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        return sorted({*self.__dict__, *self.__dict__.get("_exports", {})})


def read_stub(package: str, stub: Path) -> dict[str, tuple[str, str | None]]:
    """Return ``{public name: (module, attribute or None)}`` from the relative imports of a ``__init__.pyi``."""
    exports: dict[str, tuple[str, str | None]] = {}
    for node in ast.parse(stub.read_text("utf-8")).body:
        if not isinstance(node, ast.ImportFrom) or node.level != 1:
            continue
        for alias in node.names:
            public = alias.asname or alias.name
            if node.module is None:
                exports[public] = (f"{package}.{alias.name}", None)
            else:
                exports[public] = (f"{package}.{node.module}", alias.name)
    return exports


def make_lazy(package: str, kind: type[LazyPackage] = LazyPackage) -> list[str]:
    """Turn the package ``package`` (its ``__name__``) into a lazy one; return the public names for ``__all__``."""
    module = sys.modules[package]
    exports = read_stub(package, Path(str(module.__file__)).with_suffix(".pyi"))
    module.__dict__["_exports"] = exports
    module.__class__ = kind
    return sorted(exports)

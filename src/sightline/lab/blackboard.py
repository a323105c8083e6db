"""The blackboard of the lessons: pictures beside one another, and our own source to read."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from sightline.core.layers import Heat, Layer, Mask, Picture
from sightline.core.trace import Step, Trace

_PACKAGE = Path(__file__).parent.parent


def pictures(**named: Any) -> Trace:
    """Return pictures under their names, to show as the last line of a cell; a script shows nothing.

    Parameters
    ----------
    **named
        H×W or H×W×3 images, bool masks, or H×W arrays of signed or large numbers, which are shown as heat.
    """
    steps = tuple(Step(name.replace("_", " "), _layer(np.asarray(value))) for name, value in named.items())
    return Trace("lesson.pictures", {}, steps)


def _layer(value: np.ndarray) -> Layer:
    if value.dtype == np.bool_:
        return Mask(value)
    unit = value.dtype == np.float32 and value.size and value.min() >= 0 and value.max() <= 1
    if value.dtype in (np.uint8, np.uint16) or unit:
        return Picture(value)
    return Heat(value.astype(np.float32))


def source_of(function: Callable[..., Any]) -> str:
    """Return the code that runs when ``function`` is called, without its docstring, under the name of its file.

    Parameters
    ----------
    function
        A method, a plain function or a kernel.
    """
    python = getattr(function, "py_func", function)
    text = textwrap.dedent(inspect.getsource(python))
    node = ast.parse(text).body[0]
    lines = text.splitlines()
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and ast.get_docstring(node) is not None:
        first = node.body[0]
        del lines[first.lineno - 1 : first.end_lineno]
    file = Path(inspect.getsourcefile(python) or "")
    place = file.relative_to(_PACKAGE.parent) if file.is_relative_to(_PACKAGE.parent) else file.name
    return "\n".join([f"# {place}", *lines])

"""``sightline image NAME SOURCE``: one command for each method of a field, generated from the catalogue."""

from __future__ import annotations

import functools
import inspect
import operator
import re
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from sightline.apply.inputs import FILE_KINDS
from sightline.apply.runnable import is_picture_by_name
from sightline.cli.apply import Wish, run_method
from sightline.core.index import Entry, entries
from sightline.core.parameters import Parameter as Option

_TAKEN = ("out",)  # buffers are no business of a command line
_FIRST = ("image", "mask", "labels", "images", "text", "bytes", "points", "boxes")
_NAMED: dict[str, Any] = {"int": int, "float": float, "str": str, "bool": bool, "None": None}
_NO_COMMAND = ("show", "read", "write", "frames", "write_frames")  # every command reads and writes


def has_command(entry: Entry) -> bool:
    """Return whether a method can be a command: a picture in, and all else that it needs can be written in words."""
    first, *others = entry.parameters or (None,)
    if first is None or entry.name in _NO_COMMAND or not (first.kind in _FIRST or is_picture_by_name(first)):
        return False
    return all(_plain_type(option) is not None for option in others if option.required)


def command_of(entry: Entry) -> Callable[..., Any]:
    """Return a function with the method's options as its signature, for cyclopts to read."""
    options = {
        option.name: kind
        for option in entry.parameters[1:]
        if option.name not in (*_TAKEN, *_own_options(), "images") and (kind := _plain_type(option)) is not None
    }

    def command(*images: str, **values: Any) -> Any:
        own = {item.name: values.pop(item.name) for item in fields(Wish) if item.name in values}
        return run_method(entry.method, images, values, Wish(**own))

    signature = _signature(entry, options)
    command.__signature__ = signature  # type: ignore[attr-defined]
    command.__annotations__ = {name: item.annotation for name, item in signature.parameters.items()}
    command.__name__ = entry.name
    command.__doc__ = _plain_text(entry.summary)
    return command


_PICTURES = "Picture, folder, pattern, .txt list of paths, video, webcam, address, or - for stdin."
_SOURCES = {
    "images": "All pictures, folders or patterns together.",
    "text": "The text.",
    "bytes": "File to read.",
    "points": "Points (x, y): a .npy .json .csv .txt file, or the rows themselves, like '10,20; 30,25; 18,40'.",
    "boxes": "Boxes xyxy: a .npy .json .csv .txt file, or the rows themselves, like '10,20,60,80; 30,25,90,70'.",
    "mask": f"{_PICTURES} A picture becomes a mask: true is what is brighter than the middle (127 of 255).",
    "labels": f"{_PICTURES} The grey values of a picture are the labels.",
}
_FILES = {
    "image": "Picture",
    "mask": "Picture, true where it is brighter than the middle",
    "labels": "Picture whose grey values are the labels, or .npy",
    "array": "File, picture or rows of numbers",
}


def _own_options() -> dict[str, tuple[Any, Any]]:
    """Return the type and default of the options that every command has, by the names of :class:`Wish`."""

    def flag(text: str) -> Any:
        return Annotated[bool, Parameter(negative="", help=text)]

    target = Parameter(
        alias="-o", help="File to write, or folder for several; .npy and .json keep numbers, .mp4 moves."
    )
    most = Parameter(help="Of a video, stop after this many frames.")
    return {
        "output": (Annotated[Path | None, target], None),
        "steps": (Annotated[Path | None, Parameter(help="HTML file to write the steps to.")], None),
        "gray": (flag("Turn colour to grey first."), False),
        "side_by_side": (flag("Show the source beside the result."), False),
        "every": (Annotated[int, Parameter(help="Of a video, take every n-th frame.")], 1),
        "limit": (Annotated[int | None, most], None),
        "json": (flag("Give what was computed as JSON."), False),
    }


def _signature(entry: Entry, options: dict[str, Any]) -> inspect.Signature:
    known = {option.name: option for option in entry.parameters}
    words = Annotated[str, Parameter(required=True, help=_SOURCES.get(entry.parameters[0].kind, _PICTURES))]
    only = inspect.Parameter.KEYWORD_ONLY
    items = [inspect.Parameter("images", inspect.Parameter.VAR_POSITIONAL, annotation=words)]
    for name, kind in options.items():
        default = inspect.Parameter.empty if known[name].required else known[name].default
        negative = None if kind is bool else ""
        hint = Annotated[kind, Parameter(help=_help(known[name]), negative=negative)]
        items.append(inspect.Parameter(name, only, default=default, annotation=hint))
    items += [inspect.Parameter(name, only, default=d, annotation=hint) for name, (hint, d) in _own_options().items()]
    return inspect.Signature(items)


def _help(option: Option) -> str:
    text = _plain_text(option.text)
    if option.kind in FILE_KINDS:
        text = f"{_FILES.get(option.kind, 'File or rows of numbers')}: {text}"
    if option.low is not None and option.high is not None:
        text += f" [{option.low:g} to {option.high:g}]"
    return text


def _plain_text(text: str) -> str:
    """Return a docstring's text without the marks of reStructuredText."""
    return re.sub(r":\w+:`([^`]*)`", r"\1", text).replace("`", "")


def _plain_type(option: Option) -> Any:
    """Return the type that words of a command line can be read as, or None when there is none."""
    if option.kind in FILE_KINDS:
        return str if option.required else str | None
    if option.choices:
        words = Literal[option.choices]  # pyrefly: ignore
        return words | None if option.default is None and not option.required else words
    return functools.reduce(operator.or_, map(_type_of, option.words.split(" | "))) if option.words else None


def _type_of(word: str) -> Any:
    """Return the type that a word of :attr:`~sightline.core.parameters.Parameter.words` names."""
    outer, _, inner = word.rstrip("]").partition("[")
    parts = tuple(_NAMED[part] for part in inner.split(", ") if part)
    return _NAMED[outer] if not parts else list[parts[0]] if outer == "list" else tuple[parts]  # pyrefly: ignore


def build(folder: str) -> App:
    """Return the commands of a field: one for each method that takes a picture and can be asked for in words.

    Parameters
    ----------
    folder
        The field: ``image``, ``features``, ``geometry``.
    """
    made = App(name=folder, help="Run one method on a picture, a folder or a list.", help_format="plaintext")
    for entry in entries(folder):
        if has_command(entry):
            made.command(command_of(entry), name=entry.name)
    return made


app = build("image")

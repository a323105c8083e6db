"""Options of a recipe: fields of its record and keyword arguments of its model, from values or words of a command."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Mapping
from typing import Any, TypeVar

from sightline.core.errors import InputError, suggest

T = TypeVar("T")


def split_options(
    kind: type[T], given: Mapping[str, Any], model: Mapping[str, inspect.Parameter]
) -> tuple[T, dict[str, Any]]:
    """Return the record made of what it knows among ``given``, and the rest, which is the model's; refuse other names.

    Parameters
    ----------
    kind
        A dataclass whose fields all have defaults; the type of a default says how a word is read.
    given
        Values by name; texts are read as the option's type.
    model
        The model's keyword arguments.
    """
    kinds = {item.name: type(item.default) for item in dataclasses.fields(kind)}  # pyrefly: ignore
    own: dict[str, Any] = {}
    rest: dict[str, Any] = {}
    for name, value in given.items():
        if name in kinds:
            own[name] = read_word(name, value, kinds[name])
        elif name in model:
            default = model[name].default
            wanted = type(default) if isinstance(default, (bool, int, float, str, tuple)) else type(value)
            rest[name] = read_word(name, value, wanted)
        else:
            known = sorted([*kinds, *model])
            raise InputError(
                f"train: no setting is named '{name}'.{suggest(name, known)} "
                f"Of this recipe there are: {', '.join(known)}."
            )
    return kind(**own), rest


def read_word(name: str, value: Any, kind: type) -> Any:
    """Return a word of the command line as the type that is wanted; other values as they are.

    Parameters
    ----------
    name
        Of the option, for the error's sentence.
    value
        As it came.
    kind
        ``bool``, ``int``, ``float``, ``str`` or ``tuple`` (of numbers).
    """
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if kind is tuple and isinstance(value, (int, float)):  # one number alone is a row of one
        return (value,)
    if not isinstance(value, str) or kind is str:
        return value
    if kind is bool:
        words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
        if value.lower() not in words:
            raise InputError(f"train: {name} must be true or false; got {value!r}.")
        return words[value.lower()]
    try:
        return tuple(_number(part) for part in value.replace(",", " ").split()) if kind is tuple else kind(value)
    except (TypeError, ValueError) as error:
        raise InputError(f"train: {name} must be a number; got {value!r}.") from error


def _number(word: str) -> int | float:
    return float(word) if any(sign in word for sign in ".eE") else int(word)

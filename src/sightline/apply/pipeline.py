"""A chain of methods: each works on the picture that the one before gave. Kept as a TOML file of ``[[steps]]``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sightline.apply.call import Call, prepare
from sightline.apply.outputs import parts_of
from sightline.apply.runnable import takes_picture
from sightline.apply.traced import array_layer, no_stop, result_steps, run_call
from sightline.core.catalogue import Method
from sightline.core.errors import FormatError, InputError
from sightline.core.files import read_toml
from sightline.core.trace import Step, Trace
from sightline.core.types import PathLike

MOST = 32  # methods of a chain


@dataclass(frozen=True)
class Link:
    """One method of a chain.

    Parameters
    ----------
    entry
        The method.
    parameters
        JSON values by parameter.
    pictures
        Other pictures that it takes, by parameter: an array, or a list of them.
    """

    entry: Method
    parameters: Mapping[str, Any] = field(default_factory=dict)
    pictures: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Done:
    """One link that ran.

    Parameters
    ----------
    call
        The call as it was made.
    result
        What it returned.
    milliseconds
        How long it took.
    """

    call: Call
    result: Any
    milliseconds: float

    def part(self) -> tuple[str, np.ndarray] | None:
        """Return the array that the next method works on, and the name of the part of the result that it is."""
        pictures, _ = parts_of(self.call.entry, self.result, self.call.first)
        return next(iter(pictures.items()), None)


def run_chain(links: Sequence[Link], image: np.ndarray | None, *, stop: Callable[[], None] = no_stop) -> Iterator[Done]:
    """Run a chain link by link.

    Parameters
    ----------
    links
        The methods.
    image
        What the first one works on; None for one that makes its picture from nothing.
    stop
        Called between links; raises to cancel.
    """
    if not 1 <= len(links) <= MOST:
        raise InputError(f"pipeline: must have 1 to {MOST} steps; got {len(links)}.")
    current = image
    for number, link in enumerate(links):
        entry = link.entry
        if number > 0 and not takes_picture(entry):
            raise InputError(f"pipeline: {entry.name} takes no picture first, so it can only begin a chain.")
        given = {} if current is None else {"image": current}
        result, milliseconds, call = run_call(prepare(entry, {**link.pictures, **given}, link.parameters))
        done = Done(call, result, milliseconds)
        yield done
        stop()
        if number + 1 == len(links):
            return
        part = done.part()
        if part is None:
            following = links[number + 1].entry.name
            raise InputError(f"pipeline: {entry.name} gives no picture that {following} could work on. Put it last.")
        current = part[1]


def trace_chain(
    links: Sequence[Link], image: np.ndarray | None, *, stop: Callable[[], None] = no_stop, scale: float = 1.0
) -> Trace:
    """Run a chain and return its trace: a step for what went in and one for each method.

    Parameters
    ----------
    links, image, stop
        See :func:`run_chain`.
    scale
        What the picture was shrunk by, for the trace's header.
    """
    steps: list[Step] = [] if image is None else [Step("input", array_layer(image))]
    about: dict[str, Any] = {"milliseconds": 0.0}
    if image is not None:
        about |= {"size": [image.shape[1], image.shape[0]], "scale": scale}
    names = {"input"} if steps else set()
    for done in run_chain(links, image, stop=stop):
        entry = done.call.entry
        name = _free(entry.name, names)
        about["milliseconds"] = round(about["milliseconds"] + done.milliseconds, 3)
        shown = next(iter(result_steps(done.call, done.result)))
        note = f"{entry.field}.{entry.name}, {done.milliseconds:.1f} ms"
        steps.append(Step(name, *shown.layers, note=note))
    method = " → ".join(f"{link.entry.field}.{link.entry.name}" for link in links)
    return Trace(method, {}, tuple(steps), about)


def _free(name: str, taken: set[str]) -> str:
    number, found = 2, name
    while found in taken:
        found, number = f"{name} {number}", number + 1
    taken.add(found)
    return found


def load_pipeline(path: PathLike) -> list[tuple[str, dict[str, Any]]]:
    """Read a chain: the method's name and its JSON values for each step.

    Raises :class:`FormatError` when the file is no TOML, or says something else than ``[[steps]]`` with ``method`` and
    ``parameters``.

    Parameters
    ----------
    path
        TOML file.
    """
    table = read_toml("pipeline", path)
    rows = table.get("steps")
    if set(table) != {"steps"} or not isinstance(rows, list) or not rows:
        raise FormatError(
            f"pipeline: '{path}' must hold [[steps]] and nothing else; got {', '.join(table) or 'nothing'}."
        )
    found = []
    for number, row in enumerate(rows, 1):
        parameters = row.get("parameters", {}) if isinstance(row, dict) else None
        named = isinstance(row, dict) and isinstance(row.get("method"), str) and set(row) <= {"method", "parameters"}
        if not named or not isinstance(parameters, dict):
            raise FormatError(
                f"pipeline: '{path}', step {number}, must have a method and its parameters, nothing else."
            )
        found.append((row["method"], parameters))
    return found

"""Traces: the steps of a method as pictures, numbers and curves, from the same code that computes its result.

A trace is one file, the same bytes wherever it is played; :mod:`sightline.core.trace_bytes` lays them out.
"""

from __future__ import annotations

import base64
import html
import inspect
import io
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import GeneratorType
from typing import Any

import numpy as np
from PIL import Image as PillowImage

from sightline.core.canvas import Canvas
from sightline.core.catalogue import Method, method_of
from sightline.core.errors import InputError
from sightline.core.files import write_bytes
from sightline.core.layers import Curve, Layer, Matches, Picture, Value, paint, paint_pair, polyline
from sightline.core.trace_bytes import Form, pack, unpack
from sightline.core.types import PathLike

_SOURCES = Path(__file__).parents[2]
_PLAYER = Path(__file__).with_name("player.js")
_PLAYED_BYTES, _PLAYED_PIXELS = 3_000_000, 300_000  # larger traces are packed for a screen before they are embedded


@dataclass(frozen=True, eq=False)
class Step:
    """One named moment of a method.

    Parameters
    ----------
    name
        What happened, in a word or two.
    *layers
        What there is to see; the first one carries the step's value.
    note
        One sentence on why.
    file, line
        Where in the source the step was taken, as :func:`trace` saw it: ``src/sightline/image/canny.py``, 89.
    """

    name: str
    layers: tuple[Layer, ...]
    note: str = ""
    file: str = ""
    line: int | None = None

    def __init__(self, name: str, *layers: Layer, note: str = "", file: str = "", line: int | None = None) -> None:
        if not layers:
            raise InputError(f"Step: '{name}' must have at least one layer; got none.")
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "layers", layers)
        object.__setattr__(self, "note", note)
        object.__setattr__(self, "file", file)
        object.__setattr__(self, "line", line)

    @property
    def value(self) -> Any:
        """The value of the first layer."""
        return self.layers[0].value

    def picture(self) -> np.ndarray | None:
        """Return the layers painted over one another, H×W×3 uint8; None when nothing of it is a picture.

        Matches join the two pictures that follow them, which then lie beside each other.
        """
        matches = [layer for layer in self.layers if isinstance(layer, Matches)]
        pictures = [layer for layer in self.layers if isinstance(layer, Picture)]
        if matches and len(pictures) == 2:
            return paint_pair(matches[0], *pictures).image()
        canvas: Canvas | None = None
        for layer in self.layers:
            canvas = paint(layer, canvas)
        return None if canvas is None else canvas.image()


@dataclass(frozen=True)
class Trace:
    """The steps of one call.

    Parameters
    ----------
    method
        ``field.name``.
    parameters
        The keyword arguments of the call.
    steps
        In order; the last one's value is the method's result.
    about
        What else is known of the call, as JSON values: ``milliseconds`` of the plain call, ``size`` (width, height)
        of the input, ``scale`` that the input was shrunk by.
    """

    method: str
    parameters: dict[str, Any] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()
    about: dict[str, Any] = field(default_factory=dict)

    @property
    def result(self) -> Any:
        """What the method returned."""
        return self.steps[-1].value

    def __len__(self) -> int:
        return len(self.steps)

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    def __getitem__(self, key: int | str) -> Step:
        """Return a step by position or name."""
        if isinstance(key, int):
            return self.steps[key]
        for step in self.steps:
            if step.name == key:
                return step
        raise KeyError(key)

    def to_bytes(self, form: Form = Form()) -> bytes:  # noqa: B008 - frozen, and without state
        """Return the trace as one file's bytes.

        Parameters
        ----------
        form
            How pictures are packed: lossless in files, JPEG of bounded size for a screen that waits.
        """
        steps = [
            {"name": step.name, "note": step.note, "file": step.file, "line": step.line, "layers": step.layers}
            for step in self.steps
        ]
        return pack({"method": self.method, "parameters": self.parameters, **self.about}, steps, form)

    def save(self, path: PathLike) -> str:
        """Write the trace to ``path``; return the file's SHA-256."""
        return write_bytes(path, self.to_bytes())

    def to_html(self, width: int = 320, *, plays: bool = False) -> str:
        """Return the steps as a strip of figures, self-contained.

        Parameters
        ----------
        width
            Of a figure, in CSS pixels.
        plays
            Whether the player comes along, and takes the figures' place wherever scripts may run.
        """
        figures = "".join(_figure(step, width) for step in self.steps)
        strip = f'<div class="trace" style="display:flex;flex-wrap:wrap;gap:12px">{figures}</div>'
        if not plays or not _PLAYER.is_file():
            return strip
        data = self.to_bytes()
        if len(data) > _PLAYED_BYTES:
            data = self.to_bytes(Form(quality=92, pixels=_PLAYED_PIXELS))
        name = f"trace-{secrets.token_hex(4)}"
        mount = f'SightlinePlayer.mount(document.getElementById("{name}"),"{base64.b64encode(data).decode()}")'
        script = _PLAYER.read_text("utf-8").replace("</script", "<\\/script")
        return f'<div id="{name}">{strip}</div><script>{script};{mount}</script>'

    def _repr_html_(self) -> str:
        return self.to_html(plays=True)


def trace(function: Callable[..., Any], *inputs: Any, **parameters: Any) -> Trace:
    """Run a method step by step.

    Parameters
    ----------
    function
        A catalogued method that has steps, for example ``sightline.image.canny``.
    *inputs
        Its data arguments, as in a call.
    **parameters
        Its options, as in a call.
    """
    entry: Method = method_of(function)
    return Trace(f"{entry.field}.{entry.name}", parameters, tuple(steps_of(entry, *inputs, **parameters)))


def steps_of(entry: Method, *inputs: Any, **parameters: Any) -> Iterator[Step]:
    """Yield a method's steps as they are taken, each with the place in the source where it was.

    Parameters
    ----------
    entry
        A method that has steps.
    *inputs, **parameters
        As in a call.
    """
    if entry.steps is None:
        raise InputError(f"trace: {entry.field}.{entry.name} does not show its steps.")
    running = entry.steps(*inputs, **parameters)
    for step in running:
        file, line = _place(running)
        yield Step(step.name, *step.layers, note=step.note, file=file, line=line)


def _place(running: Any) -> tuple[str, int | None]:
    """Return where a generator waits: file and line of the innermost one that it yields from."""
    while isinstance(inner := getattr(running, "gi_yieldfrom", None), GeneratorType):
        running = inner
    frame = getattr(running, "gi_frame", None)
    if frame is None:
        return "", None
    file = Path(inspect.getfile(frame))
    shown = f"src/{file.relative_to(_SOURCES).as_posix()}" if file.is_relative_to(_SOURCES) else file.name
    return shown, frame.f_lineno


def load_trace(path: PathLike) -> Trace:
    """Read a trace file; raise :class:`FormatError` when it is none, or was changed since it was written.

    Parameters
    ----------
    path
        File written by :meth:`Trace.save`.
    """
    return trace_from_bytes(Path(path).read_bytes(), f"'{path}'")


def trace_from_bytes(data: bytes, name: str = "the data") -> Trace:
    """Return the trace that a file's bytes hold; see :func:`load_trace`.

    Parameters
    ----------
    data
        What :meth:`Trace.to_bytes` gave.
    name
        What to call it in an error's sentence.
    """
    header, steps = unpack(data, name)
    made = tuple(Step(step.pop("name"), *step.pop("layers"), **step) for step in steps)
    return Trace(header.pop("method"), header.pop("parameters"), made, header)


def _figure(step: Step, width: int) -> str:
    parts = []
    picture = step.picture()
    if picture is not None:
        stream = io.BytesIO()
        made = PillowImage.fromarray(picture)
        if made.width > 2 * width:  # a screen of double density shows no more
            made = made.resize((2 * width, max(1, round(made.height * 2 * width / made.width))))
        made.save(stream, "png")
        source = base64.b64encode(stream.getvalue()).decode()
        parts.append(
            f'<img alt="{html.escape(step.name)}" style="width:100%;image-rendering:pixelated" '
            f'src="data:image/png;base64,{source}">'
        )
    for layer in step.layers:
        if isinstance(layer, Value):
            parts.append(f"<p>{html.escape(str(layer.text))}</p>")
        elif isinstance(layer, Curve):
            parts.append(polyline(layer))
    note = f"<br><small>{html.escape(step.note)}</small>" if step.note else ""
    caption = f"<figcaption><b>{html.escape(step.name)}</b>{note}</figcaption>"
    return f'<figure style="margin:0;width:{width}px;max-width:100%">{"".join(parts)}{caption}</figure>'

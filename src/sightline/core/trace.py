"""Traces: the steps of a method as pictures, numbers and curves, from the same code that computes its result.

A trace is one file, the same bytes wherever it is played: ``u32 header length | JSON header | blobs``. The header holds
the SHA-256 of the blobs; pictures are PNG, other arrays raw little-endian.
"""

from __future__ import annotations

import base64
import hashlib
import html
import io
import json
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from PIL import Image as PillowImage

from sightline.core.canvas import Canvas, colour_of, heat_colours
from sightline.core.catalogue import Method, method_of
from sightline.core.errors import FormatError, InputError
from sightline.core.files import write_bytes
from sightline.core.types import PathLike


@dataclass(frozen=True, eq=False)
class Layer:
    """One thing to look at. The first field of each kind is the value that it shows."""

    kind: ClassVar[str] = ""

    @property
    def value(self) -> Any:
        """What the layer shows."""
        return getattr(self, fields(self)[0].name)


@dataclass(frozen=True, eq=False)
class Picture(Layer):
    """An image: H×W or H×W×3, uint8, uint16 or float32 0–1."""

    kind = "picture"
    image: np.ndarray


@dataclass(frozen=True, eq=False)
class Heat(Layer):
    """Signed or unsigned values, H×W float; shown from their minimum to their maximum."""

    kind = "heat"
    values: np.ndarray


@dataclass(frozen=True, eq=False)
class Mask(Layer):
    """A bool H×W mask."""

    kind = "mask"
    mask: np.ndarray


@dataclass(frozen=True, eq=False)
class Boxes(Layer):
    """N×4 boxes with their labels."""

    kind = "boxes"
    boxes: np.ndarray
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Points(Layer):
    """N×2 points (x, y)."""

    kind = "points"
    points: np.ndarray


@dataclass(frozen=True, eq=False)
class Lines(Layer):
    """N×4 segments (x1, y1, x2, y2) in point coordinates."""

    kind = "lines"
    lines: np.ndarray


@dataclass(frozen=True, eq=False)
class Matches(Layer):
    """N×4 correspondences (x, y in the first picture, x, y in the second)."""

    kind = "matches"
    matches: np.ndarray


@dataclass(frozen=True, eq=False)
class Grid(Layer):
    """N×H×W (or N×H×W×3) tiles: feature maps, filters, samples."""

    kind = "grid"
    tiles: np.ndarray


@dataclass(frozen=True, eq=False)
class Table(Layer):
    """Rows of numbers under named columns."""

    kind = "table"
    rows: np.ndarray
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Curve(Layer):
    """N×2 points of a function, with the names of its axes and, where there is one, the position that was chosen."""

    kind = "curve"
    points: np.ndarray
    axes: tuple[str, str] = ("x", "y")
    mark: float | None = None


@dataclass(frozen=True, eq=False)
class Cloud(Layer):
    """N×3 points in space or N×6 with colours 0–1."""

    kind = "cloud"
    points: np.ndarray


@dataclass(frozen=True, eq=False)
class Value(Layer):
    """A number or a sentence; ``formula`` is its LaTeX, where there is one."""

    kind = "text"
    text: Any
    formula: str = ""


LAYERS: dict[str, type[Layer]] = {
    layer.kind: layer
    for layer in (Picture, Heat, Mask, Boxes, Points, Lines, Matches, Grid, Table, Curve, Cloud, Value)
}


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
    """

    name: str
    layers: tuple[Layer, ...]
    note: str = ""

    def __init__(self, name: str, *layers: Layer, note: str = "") -> None:
        if not layers:
            raise InputError(f"Step: '{name}' must have at least one layer; got none.")
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "layers", layers)
        object.__setattr__(self, "note", note)

    @property
    def value(self) -> Any:
        """The value of the first layer."""
        return self.layers[0].value

    def picture(self) -> np.ndarray | None:
        """Return the layers painted over one another, H×W×3 uint8; None when nothing of it is a picture."""
        canvas: Canvas | None = None
        for layer in self.layers:
            canvas = _paint(layer, canvas)
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
    """

    method: str
    parameters: dict[str, Any] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()

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

    def to_bytes(self) -> bytes:
        """Return the trace as one file's bytes."""
        blobs: list[bytes] = []
        offset = 0

        def blob(array: np.ndarray) -> dict[str, Any]:
            nonlocal offset
            encoding, data = _encode(array)
            entry = {"at": offset, "bytes": len(data), "as": encoding, "dtype": array.dtype.name, "shape": array.shape}
            blobs.append(data)
            offset += len(data)
            return {"blob": entry}

        steps = [
            {"name": step.name, "note": step.note, "layers": [_layer_to_json(layer, blob) for layer in step.layers]}
            for step in self.steps
        ]
        body = b"".join(blobs)
        parameters = {
            k: v if isinstance(v, (bool, int, float, str, type(None))) else str(v) for k, v in self.parameters.items()
        }
        header = json.dumps(
            {
                "format": "sightline-trace 1",
                "method": self.method,
                "parameters": parameters,
                "steps": steps,
                "sha256": hashlib.sha256(body).hexdigest(),
            },
            ensure_ascii=False,
        ).encode()
        return struct.pack("<I", len(header)) + header + body

    def save(self, path: PathLike) -> str:
        """Write the trace to ``path``; return the file's SHA-256."""
        return write_bytes(path, self.to_bytes())

    def to_html(self, width: int = 320) -> str:
        """Return the steps as a strip of figures, self-contained; ``width`` of a figure in CSS pixels."""
        figures = "".join(_figure(step, width) for step in self.steps)
        return f'<div class="trace" style="display:flex;flex-wrap:wrap;gap:12px">{figures}</div>'

    def _repr_html_(self) -> str:
        return self.to_html()


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
    if entry.steps is None:
        raise InputError(f"trace: {entry.field}.{entry.name} does not show its steps.")
    return Trace(f"{entry.field}.{entry.name}", parameters, tuple(entry.steps(*inputs, **parameters)))


def load_trace(path: PathLike) -> Trace:
    """Read a trace file; raise :class:`FormatError` when it is none, or was changed since it was written.

    Parameters
    ----------
    path
        File written by :meth:`Trace.save`.
    """
    data = Path(path).read_bytes()
    try:
        (length,) = struct.unpack_from("<I", data)
        header = json.loads(data[4 : 4 + length])
        body = data[4 + length :]
        if header["format"] != "sightline-trace 1" or hashlib.sha256(body).hexdigest() != header["sha256"]:
            raise FormatError(f"load_trace: '{path}' was changed since it was written, or is of another version.")
        steps = tuple(
            Step(step["name"], *(_layer_from_json(layer, body) for layer in step["layers"]), note=step["note"])
            for step in header["steps"]
        )
        return Trace(header["method"], header["parameters"], steps)
    except (struct.error, ValueError, KeyError, TypeError, OSError) as error:
        if isinstance(error, FormatError):
            raise
        raise FormatError(f"load_trace: '{path}' is not a trace: {error}.") from error


def _encode(array: np.ndarray) -> tuple[str, bytes]:
    picture = array.ndim == 2 or (array.ndim == 3 and array.shape[2] == 3)
    if picture and array.size and array.dtype in (np.uint8, np.bool_):
        stream = io.BytesIO()
        pixels = array if array.dtype == np.uint8 else array.astype(np.uint8) * np.uint8(255)
        PillowImage.fromarray(pixels).save(stream, "png", compress_level=3)
        return "png", stream.getvalue()
    little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    return "raw", little.tobytes()


def _decode(entry: dict[str, Any], body: bytes) -> np.ndarray:
    data = body[entry["at"] : entry["at"] + entry["bytes"]]
    if entry["as"] == "png":
        array = np.asarray(PillowImage.open(io.BytesIO(data)))
        return array > 0 if entry["dtype"] == "bool" else array
    dtype = np.dtype(entry["dtype"]).newbyteorder("<")
    return np.frombuffer(data, dtype).reshape(entry["shape"]).astype(entry["dtype"])


def _layer_to_json(layer: Layer, blob: Callable[[np.ndarray], dict[str, Any]]) -> dict[str, Any]:
    row: dict[str, Any] = {"kind": layer.kind}
    for item in fields(layer):
        value = getattr(layer, item.name)
        row[item.name] = blob(value) if isinstance(value, np.ndarray) else value
    return row


def _layer_from_json(row: dict[str, Any], body: bytes) -> Layer:
    values = {
        name: _decode(value["blob"], body)
        if isinstance(value, dict) and "blob" in value
        else tuple(value)
        if isinstance(value, list)
        else value
        for name, value in row.items()
        if name != "kind"
    }
    return LAYERS[row["kind"]](**values)


def _stretch(values: np.ndarray) -> np.ndarray:
    low, high = (np.nanmin(values), np.nanmax(values)) if np.isfinite(values).any() else (0.0, 1.0)
    return (values - low) / (high - low if high > low else 1.0)


def _paint(layer: Layer, canvas: Canvas | None) -> Canvas | None:
    if isinstance(layer, Picture):
        return Canvas(layer.image)
    if isinstance(layer, Heat):
        return Canvas(heat_colours(_stretch(layer.values.astype(np.float32))))
    if isinstance(layer, Mask):
        if canvas is None:
            return Canvas(layer.mask.astype(np.uint8) * np.uint8(255))
        canvas.mask(layer.mask, colour_of(0))
    elif isinstance(layer, Grid):
        return Canvas(_mosaic(layer.tiles))
    elif canvas is not None and isinstance(layer, Boxes):
        for i, box in enumerate(layer.boxes):
            canvas.box(box, colour_of(i), layer.labels[i] if i < len(layer.labels) else "")
    elif canvas is not None and isinstance(layer, Points):
        canvas.dots(layer.points, colour_of(0))
    elif canvas is not None and isinstance(layer, Lines):
        for x1, y1, x2, y2 in layer.lines:
            canvas.line(np.array([(x1, y1), (x2, y2)]), colour_of(0))
    return canvas


def _mosaic(tiles: np.ndarray) -> np.ndarray:
    """Return the tiles on one sheet, each stretched to its own range, with a pixel between them."""
    count, height, width = tiles.shape[:3]
    columns = max(1, int(np.ceil(np.sqrt(count))))
    sheet = np.ones((-(-count // columns) * (height + 1) - 1, columns * (width + 1) - 1, *tiles.shape[3:]), np.float32)
    for i, tile in enumerate(tiles.astype(np.float32)):
        y, x = i // columns * (height + 1), i % columns * (width + 1)
        sheet[y : y + height, x : x + width] = _stretch(tile)
    return sheet


def _figure(step: Step, width: int) -> str:
    parts = []
    picture = step.picture()
    if picture is not None:
        stream = io.BytesIO()
        PillowImage.fromarray(picture).save(stream, "png")
        source = base64.b64encode(stream.getvalue()).decode()
        parts.append(
            f'<img alt="{html.escape(step.name)}" style="width:100%;image-rendering:pixelated" '
            f'src="data:image/png;base64,{source}">'
        )
    for layer in step.layers:
        if isinstance(layer, Value):
            parts.append(f"<p>{html.escape(str(layer.text))}</p>")
        elif isinstance(layer, Curve):
            parts.append(_polyline(layer))
    note = f"<br><small>{html.escape(step.note)}</small>" if step.note else ""
    caption = f"<figcaption><b>{html.escape(step.name)}</b>{note}</figcaption>"
    return f'<figure style="margin:0;width:{width}px;max-width:100%">{"".join(parts)}{caption}</figure>'


def _polyline(curve: Curve) -> str:
    x, y = _stretch(curve.points[:, 0].astype(np.float64)), _stretch(curve.points[:, 1].astype(np.float64))
    points = " ".join(f"{300 * a:.1f},{100 - 96 * b:.1f}" for a, b in zip(x, y, strict=True))
    mark = ""
    if curve.mark is not None:
        low, high = float(curve.points[:, 0].min()), float(curve.points[:, 0].max())
        at = 300 * (curve.mark - low) / (high - low if high > low else 1)
        mark = f'<line x1="{at:.1f}" x2="{at:.1f}" y1="0" y2="100" stroke="#d55e00" stroke-width="2"/>'
    label = html.escape(f"{curve.axes[1]} against {curve.axes[0]}")
    return (
        f'<svg viewBox="0 0 300 100" role="img" aria-label="{label}" style="width:100%">'
        f'<polyline fill="none" stroke="currentColor" stroke-width="1.5" points="{points}"/>{mark}</svg>'
        f"<small>{label}</small>"
    )

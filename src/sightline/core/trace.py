"""Traces: the steps of a method as pictures, numbers and curves, from the same code that computes its result.

A trace is one file, the same bytes wherever it is played: ``u32 header length | JSON header | blobs``. The header holds
the SHA-256 of itself and the blobs; pictures are PNG, other arrays raw little-endian.
"""

from __future__ import annotations

import base64
import hashlib
import html
import io
import json
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as PillowImage

from sightline.core.canvas import Canvas
from sightline.core.catalogue import Method, method_of
from sightline.core.errors import FormatError, InputError
from sightline.core.files import write_bytes
from sightline.core.layers import LAYERS, Curve, Layer, Value, paint, polyline
from sightline.core.types import PathLike


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
        header = {
            "format": "sightline-trace 1",
            "method": self.method,
            "parameters": parameters,
            "steps": steps,
        }
        text = json.dumps({**header, "sha256": _digest(header, body)}, ensure_ascii=False).encode()
        return struct.pack("<I", len(text)) + text + body

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
        if header.pop("sha256") != _digest(header, body) or header["format"] != "sightline-trace 1":
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


def _digest(header: dict[str, Any], body: bytes) -> str:
    text = json.dumps(header, ensure_ascii=False, sort_keys=True).encode()
    return hashlib.sha256(text + body).hexdigest()


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
    return {"kind": layer.kind} | {item.name: _to_json(getattr(layer, item.name), blob) for item in fields(layer)}


def _to_json(value: Any, blob: Callable[[np.ndarray], dict[str, Any]]) -> Any:
    """Return a value as JSON with its arrays as blobs: a tuple is an array, all else that holds values an object."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, np.generic):
        return _to_json(value.item(), blob)
    if isinstance(value, np.ndarray):
        return blob(value)
    if isinstance(value, tuple):
        return [_to_json(item, blob) for item in value]
    if isinstance(value, list):
        return {"type": "list", "items": [_to_json(item, blob) for item in value]}
    if isinstance(value, dict):
        return {"type": "dict", "items": [[_to_json(k, blob), _to_json(v, blob)] for k, v in value.items()]}
    if is_dataclass(value) and not isinstance(value, type):
        record = {item.name: _to_json(getattr(value, item.name), blob) for item in fields(value)}
        return {"type": type(value).__name__, "fields": record}
    return str(value)


def _layer_from_json(row: dict[str, Any], body: bytes) -> Layer:
    values = {name: _from_json(value, body) for name, value in row.items() if name != "kind"}
    return LAYERS[row["kind"]](**values)


def _from_json(value: Any, body: bytes) -> Any:
    """Return what a value was, in plain containers: a record is a dict of its fields."""
    if isinstance(value, list):
        return tuple(_from_json(item, body) for item in value)
    if not isinstance(value, dict):
        return value
    if "blob" in value:
        return _decode(value["blob"], body)
    if value["type"] == "list":
        return [_from_json(item, body) for item in value["items"]]
    if value["type"] == "dict":
        return {_from_json(k, body): _from_json(v, body) for k, v in value["items"]}
    return {name: _from_json(item, body) for name, item in value["fields"].items()}


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
            parts.append(polyline(layer))
    note = f"<br><small>{html.escape(step.note)}</small>" if step.note else ""
    caption = f"<figcaption><b>{html.escape(step.name)}</b>{note}</figcaption>"
    return f'<figure style="margin:0;width:{width}px;max-width:100%">{"".join(parts)}{caption}</figure>'

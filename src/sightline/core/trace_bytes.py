"""The bytes of a trace: ``u32 header length | JSON header | blobs``.

The header holds the SHA-256 of itself and the blobs. Pictures are PNG (JPEG on a live connection, where that is asked
for), other arrays raw little-endian. A live frame, which is seen once, is packed to be quick: masks as bits, maps of
values in 256 levels.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import numpy as np
from PIL import Image as PillowImage

from sightline.core.checks import describe
from sightline.core.conversions import to_uint8
from sightline.core.errors import FormatError
from sightline.core.layers import LAYERS, Heat, Layer, Picture, Value

FORMAT = "sightline-trace 1"
_LEVELLED = 300_000  # values of a map: a smaller one is told as it is
_FEW = 32  # colours of a picture that is no photo
_GRAYS = bytes(value for value in range(256) for _ in range(3))


@dataclass(frozen=True)
class Form:
    """How the pictures of a trace are packed.

    Parameters
    ----------
    quality
        JPEG quality of photos, 1–100; None keeps every bit.
    pixels
        Pictures of more pixels are packed smaller; the ``shape`` beside them stays that of the array.
    sealed
        Whether the header holds the digest. A frame that is seen once and thrown away needs none; with a quality, it
        is packed to be quick rather than small.
    """

    quality: int | None = None
    pixels: int | None = None
    sealed: bool = True

    @property
    def quick(self) -> bool:
        """Whether time counts more than bytes."""
        return self.quality is not None and not self.sealed


def pack(about: Mapping[str, Any], steps: Sequence[Mapping[str, Any]], form: Form) -> bytes:
    """Return the bytes of a trace.

    Parameters
    ----------
    about
        ``method``, ``parameters``, and what else the header shall say.
    steps
        Records with ``name``, ``note``, ``file``, ``line`` and ``layers``.
    form
        How pictures are packed.
    """
    blobs: list[bytes | memoryview] = []
    offset = 0

    def blob(array: np.ndarray) -> dict[str, Any]:
        nonlocal offset
        told, data = _encode(array, form)
        entry = {"at": offset, "bytes": len(data), **told, "dtype": array.dtype.name, "shape": array.shape}
        blobs.append(data)
        offset += len(data)
        return {"blob": entry}

    def layers(items: Sequence[Layer]) -> list[dict[str, Any]]:
        return [_layer_to_json(item if form.quality is None else _for_screen(item), blob) for item in items]

    rows = [{**step, "layers": layers(step["layers"])} for step in steps]
    parameters = {name: _parameter(value) for name, value in about["parameters"].items()}
    header = {"format": FORMAT, **about, "parameters": parameters, "steps": rows}
    seal = {"sha256": _digest(header, b"".join(blobs))} if form.sealed else {}
    text = json.dumps({**header, **seal}, ensure_ascii=False, allow_nan=False).encode()
    return b"".join([struct.pack("<I", len(text)), text, *blobs])


def unpack(data: bytes, name: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return what the header says of the call, and the steps with their layers.

    Parameters
    ----------
    data
        The bytes of a trace.
    name
        What to call them in an error's sentence.
    """
    try:
        (length,) = struct.unpack_from("<I", data)
        header = json.loads(data[4 : 4 + length])
        body = data[4 + length :]
        sealed = "sha256" in header or "id" not in header  # only frames of a live connection have no seal
        if (sealed and header.pop("sha256") != _digest(header, body)) or header.pop("format") != FORMAT:
            raise FormatError(f"load_trace: {name} was changed since it was written, or is of another version.")
        steps = [
            {**step, "layers": [_layer_from_json(layer, body) for layer in step["layers"]]}
            for step in header.pop("steps")
        ]
    except (struct.error, ValueError, KeyError, TypeError, OSError) as error:
        if isinstance(error, FormatError):
            raise
        raise FormatError(f"load_trace: {name} is not a trace: {error}.") from error
    return header, steps


def _digest(header: Mapping[str, Any], body: bytes) -> str:
    text = json.dumps(header, ensure_ascii=False, sort_keys=True).encode()
    digest = hashlib.sha256(text)
    digest.update(body)
    return digest.hexdigest()


def _parameter(value: Any) -> Any:
    """Return an option as the header tells it: plain values as they are, all else as text."""
    if isinstance(value, (list, tuple)) and len(value) <= 64:
        return [_parameter(item) for item in value]
    if isinstance(value, np.generic):
        return _parameter(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if isinstance(value, (bool, int, float, str, type(None))) else str(value)


def _encode(array: np.ndarray, form: Form) -> tuple[dict[str, Any], bytes | memoryview]:
    """Return how an array is packed, and its bytes."""
    picture = array.ndim == 2 or (array.ndim == 3 and array.shape[2] == 3)
    if picture and array.size and array.dtype in (np.uint8, np.bool_):
        return _encode_picture(array, form)
    if form.quick and array.ndim == 2 and array.dtype == np.float32 and array.size >= _LEVELLED:
        low, high = float(array.min()), float(array.max())
        if math.isfinite(low) and math.isfinite(high):
            levels = array - np.float32(low)
            levels *= np.float32(255 / (high - low) if high > low else 0)
            levels += np.float32(0.5)
            return {"as": "levels", "low": low, "high": high}, levels.astype(np.uint8).tobytes()
    little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    return {"as": "raw"}, little.tobytes()


def _encode_picture(array: np.ndarray, form: Form) -> tuple[dict[str, Any], bytes | memoryview]:
    stream = io.BytesIO()
    few = not _is_photo(array)
    if few and form.quick and array.shape[0] * array.shape[1] <= (form.pixels or math.inf):
        if array.dtype == np.bool_:
            return {"as": "bits"}, np.packbits(array, bitorder="little").tobytes()
        return {"as": "raw"}, memoryview(np.ascontiguousarray(array)).cast("B")  # pyrefly: ignore
    # A mask takes one bit a pixel. With a palette no filter is searched for each row: twice as quick, and as small.
    made = PillowImage.fromarray(np.ascontiguousarray(array))
    if few and made.mode == "L":
        made.putpalette(_GRAYS)
    photo = form.quality is not None and not few
    if form.pixels is not None and made.width * made.height > form.pixels:
        share = (form.pixels / (made.width * made.height)) ** 0.5
        size = max(1, round(made.width * share)), max(1, round(made.height * share))
        made = made.resize(size, PillowImage.Resampling.BOX if photo else PillowImage.Resampling.NEAREST)
    if photo:
        made.save(stream, "jpeg", quality=form.quality)
        return {"as": "jpeg"}, stream.getvalue()
    made.save(stream, "png", compress_level=3 if form.quality is None else 1)
    return {"as": "png"}, stream.getvalue()


def _is_photo(array: np.ndarray) -> bool:
    """Return whether a picture has many colours, seen in up to some 4,000 of its pixels."""
    if array.dtype == np.bool_:
        return False
    apart = max(1, int((array.shape[0] * array.shape[1] / 4000) ** 0.5))
    seen = array[::apart, ::apart]
    if seen.ndim == 3:
        seen = seen[..., 0] + seen[..., 1] * np.float32(256) + seen[..., 2] * np.float32(65536)
    seen = np.sort(seen, axis=None)
    return int(np.count_nonzero(seen[1:] != seen[:-1])) >= _FEW


def _for_screen(layer: Layer) -> Layer:
    """Return a layer with no more digits than a screen shows: pictures of 8 bits, other numbers of at most 32."""
    if isinstance(layer, Picture) and layer.image.dtype in (np.uint16, np.float32):
        return Picture(to_uint8(layer.image))
    if isinstance(layer, Heat) and layer.values.dtype.itemsize > 4:
        return Heat(layer.values.astype(np.float32))
    if isinstance(layer, Value):
        return Value(_summed_up(layer.text), layer.formula)
    return layer


def _summed_up(value: Any) -> Any:
    """Return a value with its large arrays as words: the layers beside it show them."""
    if isinstance(value, np.ndarray) and value.size > 1024:
        return describe(value)
    if isinstance(value, (list, tuple)):
        return [_summed_up(item) for item in value[:256]]
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: _summed_up(getattr(value, item.name)) for item in fields(value)}
    return value


def _decode(entry: dict[str, Any], body: bytes) -> np.ndarray:
    data = body[entry["at"] : entry["at"] + entry["bytes"]]
    if entry["as"] in ("png", "jpeg"):
        array = np.asarray(PillowImage.open(io.BytesIO(data)))
        return array > 0 if entry["dtype"] == "bool" else array
    if entry["as"] == "bits":
        bits = np.unpackbits(np.frombuffer(data, np.uint8), count=math.prod(entry["shape"]), bitorder="little")
        return bits.reshape(entry["shape"]) != 0
    if entry["as"] == "levels":
        share = np.frombuffer(data, np.uint8).reshape(entry["shape"]) / np.float32(255)
        return np.float32(entry["low"]) + share * np.float32(entry["high"] - entry["low"])
    dtype = np.dtype(entry["dtype"]).newbyteorder("<")
    return np.frombuffer(data, dtype).reshape(entry["shape"]).astype(entry["dtype"])


def _layer_to_json(layer: Layer, blob: Callable[[np.ndarray], dict[str, Any]]) -> dict[str, Any]:
    return {"kind": layer.kind} | {item.name: _to_json(getattr(layer, item.name), blob) for item in fields(layer)}


def _to_json(value: Any, blob: Callable[[np.ndarray], dict[str, Any]]) -> Any:
    """Return a value as JSON with its arrays as blobs: a tuple is an array, all else that holds values an object."""
    if isinstance(value, float) and not math.isfinite(value):  # JSON has no word for these
        return {"type": "float", "text": str(value)}
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
    if value["type"] == "float":
        return float(value["text"])
    if value["type"] == "list":
        return [_from_json(item, body) for item in value["items"]]
    if value["type"] == "dict":
        return {_from_json(k, body): _from_json(v, body) for k, v in value["items"]}
    return {name: _from_json(item, body) for name, item in value["fields"].items()}

"""What comes with a request: pictures as files of a form or as the raw body, options as fields or as JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from sightline.core.errors import FormatError
from sightline.serve.failures import RequestError, TooLargeError
from sightline.serve.guard import MAX_BYTES

MAX_PIXELS = 100_000_000
_TOO_MANY = "more than the limit of"  # so the decoder refuses what it finds too large in the header
MAX_FILES = 64
MAX_FIELDS = 200
MAX_PART = 1 << 20  # bytes of one field that is no file


@dataclass
class Sent:
    """A request's body, taken apart.

    Parameters
    ----------
    files
        Bytes by field; several files of one field in order.
    fields
        Texts by field.
    raw
        The body itself, where it is no form.
    """

    files: dict[str, list[bytes]] = field(default_factory=dict)
    fields: dict[str, str] = field(default_factory=dict)
    raw: bytes = b""

    def all_files(self) -> list[bytes]:
        """Return the files in the order of their fields, or the raw body."""
        found = [data for group in self.files.values() for data in group]
        return found or ([self.raw] if self.raw else [])


async def read_body(request: Request) -> Sent:
    """Read a multipart form or a raw body; the guard counts its bytes.

    Parameters
    ----------
    request
        The request, its body not yet read.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "multipart/form-data":
        return Sent(raw=await request.body())
    parser = MultiPartParser(
        request.headers, request.stream(), max_files=MAX_FILES, max_fields=MAX_FIELDS, max_part_size=MAX_PART
    )
    parser.spool_max_size = MAX_BYTES  # nothing of a client is put on the disk
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError) as error:
        raise RequestError(400, f"The form is broken: {getattr(error, 'message', 'it has no boundary')}.") from error
    sent = Sent()
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            sent.files.setdefault(name, []).append(await value.read())
        else:
            sent.fields[name] = value
    await form.close()
    return sent


def read_json(data: bytes) -> dict[str, Any]:
    """Return a JSON object, or raise the sentence that says why it is none."""
    try:
        value = json.loads(data or b"{}", parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise RequestError(400, f"The body is not JSON: {error}.") from error
    if not isinstance(value, dict):
        raise RequestError(400, f"The body must be a JSON object; got {type(value).__name__}.")
    return value


def _refuse_constant(word: str) -> Any:
    raise ValueError(f"{word} is no JSON number")


def decode_picture(data: bytes, name: str = "upload") -> np.ndarray:
    """Return the pixels of an image file, H×W or H×W×3 uint8.

    Raises :class:`TooLargeError` for more than 100 megapixels before a pixel is decoded, :class:`FormatError` for what
    is no image.

    Parameters
    ----------
    data
        The file's bytes.
    name
        Name for the error's sentence.
    """
    from sightline.core.conversions import to_uint8
    from sightline.image.decode import decode

    if not data:
        raise FormatError(f"{name}: no picture came. Send one as a form's file, or as the body.")
    try:
        pixels = decode(data, mode="unchanged", max_pixels=MAX_PIXELS, function=name)
    except FormatError as error:
        if _TOO_MANY not in str(error):
            raise
        raise TooLargeError(str(error).partition(" Pass a larger")[0]) from error
    if pixels.ndim == 3 and pixels.shape[2] != 3:
        pixels = decode(data, max_pixels=MAX_PIXELS, function=name)
    if pixels.dtype == np.float32 and pixels.size and not (np.nanmin(pixels) >= 0 and np.nanmax(pixels) <= 1):
        low, high = float(np.nanmin(pixels)), float(np.nanmax(pixels))
        pixels = ((pixels - low) / max(high - low, 1e-12)).astype(np.float32)
    return pixels if pixels.dtype == np.uint8 else to_uint8(np.nan_to_num(pixels))

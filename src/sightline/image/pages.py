"""The pictures of one file, one after another: the frames of an animation, the pages of a TIFF."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import IO

import numpy as np

from sightline.core.errors import FormatError, SightlineError
from sightline.image.decode import Fenced, arrange, eight_bits, to_array
from sightline.image.source import reason_of


@dataclass(frozen=True)
class Pages:
    """The pictures of one file: seconds since the first and pixels, pictures a second (0: not said), their number."""

    moments: Iterator[tuple[float | None, np.ndarray]]
    fps: float
    count: int


def decode_pages(stream: IO[bytes], name: str, max_pixels: int, function: str = "frames") -> Pages:
    """Return the frames of an animation or the pages of a TIFF, H×W×3 each, decoded when they are asked for.

    Parameters
    ----------
    stream
        Seekable, at its start.
    name, function
        For the error's sentence.
    max_pixels
        Largest width × height that is decoded.
    """
    try:
        file = Fenced(function, name, stream, max_pixels)
        count = int(getattr(file.picture, "n_frames", 1))
        file.picture.seek(0)
        if count > 1:
            file.picture.load()  # some formats tell the time of a frame only then
        milliseconds = float(file.picture.info.get("duration", 0) or 0)
    except SightlineError:
        raise
    except Exception as error:  # the fence of `decode`
        raise FormatError(f"{function}: {name} cannot be decoded: {reason_of(error)}.") from error
    return Pages(_pages(file, count), 1000 / milliseconds if milliseconds > 0 and count > 1 else 0.0, count)


def _pages(file: Fenced, count: int) -> Iterator[tuple[float | None, np.ndarray]]:
    if count == 1:  # also 16-bit and floating-point pictures
        try:
            yield None, file.pixels("rgb", False)
        except SightlineError:
            raise
        except Exception as error:
            raise FormatError(f"{file.function}: {file.name} cannot be decoded: {reason_of(error)}.") from error
        return
    elapsed = 0.0
    for number in range(count):
        try:
            file.picture.seek(number)
            file.check_size(file.picture.size)
            image = arrange(to_array(file.picture, partial(eight_bits, keep_alpha=False)), "rgb")
        except SightlineError:
            raise
        except Exception as error:
            reason = f"is damaged after {number} frames: {reason_of(error)}"
            raise FormatError(f"{file.function}: {file.name} {reason}.") from error
        milliseconds = float(file.picture.info.get("duration", 0) or 0)
        yield elapsed if milliseconds > 0 else None, image
        elapsed += milliseconds / 1000

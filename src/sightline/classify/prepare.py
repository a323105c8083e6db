"""Images for a classifier: one size, one number of channels, decoded once and kept in memory when they fit."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from sightline.core.checks import describe
from sightline.core.conversions import to_uint8
from sightline.core.errors import InputError
from sightline.data import Split
from sightline.image import convert, resize

_BUDGET = 1 << 30  # bytes of prepared images that are kept; larger sets are read again in every epoch
FEWEST = 16  # pixels a side of what a network learns from
_LOOKED_AT = 64  # images that decide on size and channels


@dataclass(frozen=True)
class Form:
    """What every image becomes.

    Parameters
    ----------
    size
        Height and width in pixels.
    channels
        1 grey, 3 RGB.
    share
        Part of the largest centred window that is looked at, by its sides, in 0–1; images of this size already are
        taken whole.
    """

    size: tuple[int, int]
    channels: int
    share: float = 1.0

    @property
    def shape(self) -> tuple[int, int, int]:
        """C, H and W of what a network gets."""
        return self.channels, *self.size

    def prepare(self, image: np.ndarray) -> np.ndarray:
        """Return H×W×C uint8: the largest centred window of the form's proportions, resized; channels as asked.

        Parameters
        ----------
        image
            H×W, H×W×1, H×W×3 or H×W×4; uint8, uint16 or float32. NaN and infinity are refused.
        """
        if isinstance(image, np.ndarray) and image.dtype == np.uint8 and image.shape == (*self.size, self.channels):
            return image
        return self._repeated(self._fit(self._reduced(image)))

    def coloured(self, image: np.ndarray) -> np.ndarray:
        """Return H×W×C uint8 of the image's own size, with the form's channels.

        Parameters
        ----------
        image
            H×W, H×W×1, H×W×3 or H×W×4; uint8, uint16 or float32.
        """
        return self._repeated(self._reduced(image))

    def _reduced(self, image: np.ndarray) -> np.ndarray:
        if isinstance(image, np.ndarray) and image.dtype.kind == "f" and not np.isfinite(image).all():
            raise InputError("predict: image must be finite; got NaN or infinite values.")
        image = to_uint8(image)
        if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] not in (1, 3, 4)):
            raise InputError(
                f"predict: image must be H×W, H×W×1, H×W×3 or H×W×4; got {describe(image)}. "
                "For channel-first arrays use sightline.channels_last(image)."
            )
        if image.ndim == 3 and image.shape[2] in (1, 4):
            image = image[..., 0] if image.shape[2] == 1 else image[..., :3]
        return convert(image, "rgb", "gray") if image.ndim == 3 and self.channels == 1 else image

    def _repeated(self, image: np.ndarray) -> np.ndarray:
        if image.ndim == 2:
            image = image[..., None]
        return np.repeat(image, self.channels, axis=2) if image.shape[2] != self.channels else image

    def _fit(self, image: np.ndarray) -> np.ndarray:
        height, width = self.size
        if image.shape[:2] == self.size:
            return image
        # The largest window of the form's proportions, so that even a very long strip costs no more than its pixels.
        scale = min(image.shape[0] / height, image.shape[1] / width) * self.share
        window = max(1, round(height * scale)), max(1, round(width * scale))
        top, left = (image.shape[0] - window[0]) // 2, (image.shape[1] - window[1]) // 2
        return resize(image[top : top + window[0], left : left + window[1]], self.size)


def choose_form(split: Split, size: int, limit: int | None = None, least: int = FEWEST) -> Form:
    """Return the form that suits a set: small pictures keep their size, photos become 64 or 128 pixels a side.

    Pictures below 16 pixels a side are enlarged two times or more: half a pixel of shift or a few degrees of turn could
    not be told apart otherwise.

    Parameters
    ----------
    split
        Training images; up to 64 of them are looked at.
    size
        Side in pixels that the user wants; 0 chooses.
    limit
        Largest side that the model takes.
    least
        Smallest side that it takes.
    """
    places = np.unique(np.linspace(0, len(split) - 1, min(len(split), _LOOKED_AT)).astype(int))
    looked = [split[int(place)][0] for place in places]
    channels = 1 if all(image.ndim == 2 for image in looked) else 3
    if size:
        return Form((size, size), channels)
    shapes = {image.shape[:2] for image in looked}
    height, width = next(iter(shapes))
    if len(shapes) == 1 and max(height, width) <= 64 and (limit is None or max(height, width) <= limit):
        times = -(-least // min(height, width)) if least > FEWEST else -(-FEWEST // max(height, width))
        return Form((height * times, width * times), channels)
    middle = int(np.median([min(image.shape[:2]) for image in looked]))
    side = max(least, 8 * round(middle / 8)) if middle <= 64 else max(least, 64) if middle <= 256 else 128
    return Form((min(side, limit or side),) * 2, channels)


class Prepared:
    """A split's images in one form: ``prepared[i]`` is H×W×C uint8.

    Parameters
    ----------
    split
        Where they come from.
    form
        What they become.
    keep
        Whether to decode all of them on first use and keep them, as long as they take less than 1 GiB.
    """

    def __init__(self, split: Split, form: Form, keep: bool = True) -> None:
        self._split, self._form = split, form
        size = len(split) * form.size[0] * form.size[1] * form.channels
        self._keep = keep and size <= _BUDGET
        self._array: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self._split)

    @property
    def labels(self) -> np.ndarray:
        """Labels of all samples."""
        return self._split.labels

    @property
    def keys(self) -> Sequence[str]:
        """Where each sample comes from."""
        return self._split.keys

    def __getitem__(self, index: int) -> np.ndarray:
        self.load()
        return self._read(index) if self._array is None else self._array[index]

    def load(self) -> Prepared:
        """Decode all images now, where they are to be kept: before worker processes start, which then share them."""
        if self._array is None and self._keep:
            self._array = self._decode_all()
        return self

    def statistics(self, limit: int = 5000) -> tuple[list[float], list[float]]:
        """Return mean and deviation of each channel in 0–1, over at most ``limit`` images, spread evenly.

        Parameters
        ----------
        limit
            Whole number ≥ 1.
        """
        places = np.unique(np.linspace(0, len(self) - 1, min(len(self), limit)).astype(int))
        total, squares, count = np.zeros(self._form.channels), np.zeros(self._form.channels), 0
        for place in places:
            image = self[int(place)].reshape(-1, self._form.channels) / 255.0
            total += image.sum(axis=0)
            squares += np.square(image).sum(axis=0)
            count += len(image)
        mean = total / count
        deviation = np.sqrt(np.maximum(squares / count - mean**2, 0))
        # A channel that never changes tells nothing; a deviation of zero would divide by zero.
        return [round(float(v), 4) for v in mean], [round(float(max(v, 0.01)), 4) for v in deviation]

    def _read(self, index: int) -> np.ndarray:
        return self._form.prepare(self._split[index][0])

    def _decode_all(self) -> np.ndarray:
        whole = self._split.array
        shape = (len(self), *self._form.size, self._form.channels)
        if (
            whole is not None
            and whole.dtype == np.uint8
            and whole.size == np.prod(shape)
            and whole.shape[:3] == shape[:3]
        ):
            return whole.reshape(shape)
        array = np.empty(shape, np.uint8)

        def fill(index: int) -> None:
            array[index] = self._read(index)

        with ThreadPoolExecutor(max_workers=4) as pool:  # decoding releases the interpreter's lock
            list(pool.map(fill, range(len(self))))
        return array

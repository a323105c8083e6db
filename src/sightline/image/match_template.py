"""Template matching: how well a small picture fits at each place of a large one.

Lewis 1995, "Fast Template Matching", Vision Interface: products in the frequency domain, the sums over each window by
adding what enters and taking away what leaves it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated, Any

import numpy as np
from jaxtyping import Bool, Float32

from sightline.core.buffers import empty
from sightline.core.catalogue import method
from sightline.core.checks import as_image, as_mask, choice, describe, output
from sightline.core.errors import InputError
from sightline.core.kernels import kernel, over_rows
from sightline.core.layers import Boxes, Heat, Picture
from sightline.core.trace import Step
from sightline.core.types import Choice, Image, NewImage
from sightline.image.template_products import Products, products

SCORES = ("ncc", "covariance", "normed_correlation", "correlation", "normed_difference", "difference")
_PIXELS = 1 << 21  # that are held as float32 at a time
_FLAT = 1e-9  # share of a template's power that its contrast must exceed

Map = Float32[np.ndarray, "rows columns"]


def part_of(image: Any) -> Any:
    """Return the middle of an image, a third as large: something that is there."""
    if not isinstance(image, np.ndarray) or image.ndim not in (2, 3) or 0 in image.shape:
        return image
    height, width = image.shape[:2]
    part = image[height // 3 : height - height // 3, width // 3 : width - width // 3].copy()
    return np.nan_to_num(part) if part.dtype == np.float32 else part


@method(task="matching", paper="Lewis 1995", lesson="w2d2", example={"template": part_of})
def match_template(
    image: Image,
    template: NewImage,
    score: Annotated[str, Choice(*SCORES)] = "ncc",
    *,
    mask: Bool[np.ndarray, "new_h new_w"] | None = None,
    out: np.ndarray | None = None,
) -> Map:
    """Return how well a template fits at each place where all of it lies on the image.

    With I the window and T the template, sums over all pixels and channels, and I′, T′ less their channels' means:
    ``ncc`` is Σ I′T′ / √(Σ I′² · Σ T′²), from −1 to 1; ``covariance`` Σ I′T′; ``normed_correlation``
    Σ IT / √(Σ I² · Σ T²); ``correlation`` Σ IT; ``normed_difference`` Σ (I − T)² / √(Σ I² · Σ T²); ``difference``
    Σ (I − T)². The best place has the largest value, with a difference the smallest. NaN and infinity are refused.

    Parameters
    ----------
    image
        H×W or H×W×3; uint8, uint16 or float32.
    template
        h×w, with the channels and the dtype of the image, no larger than it.
    score
        What is measured, see above, in the image's units.
    mask
        h×w bool: the template's pixels that count; None takes all.
    out
        Float32 array to write to, of the shape that is returned; None for a new one.

    Returns
    -------
    scores
        (H − h + 1)×(W − w + 1) float32: element (y, x) is for the window whose top-left pixel is (x, y). A flat
        window fits nothing: its ``ncc`` and ``normed_correlation`` are 0, its ``normed_difference`` is 1.

    Raises
    ------
    InputError
        When the template is larger than the image, has other channels or another dtype; when no pixel of the mask is
        true; when a score that is normed meets a template without contrast (``ncc``) or of zeros.

    References
    ----------
    J. P. Lewis, "Fast Template Matching", Vision Interface, 1995.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.arange(48, dtype=np.uint8).reshape(6, 8) ** 2
    >>> scores = match_template(image, image[2:5, 3:7])
    >>> scores.shape, np.unravel_index(scores.argmax(), scores.shape) == (2, 3), round(float(scores.max()), 5)
    ((4, 5), True, 1.0)
    """
    image, template, mask = _checked(image, template, mask)
    kind = choice("match_template", "score", score, SCORES)
    shape = image.shape[0] - template.shape[0] + 1, image.shape[1] - template.shape[1] + 1
    out = output("match_template", out, shape, np.float32, [image, template])
    if kind == "ncc" and not has_contrast(template, mask):
        raise InputError(
            "match_template: template must have contrast for the score 'ncc'; got the same value everywhere. "
            "Use 'difference'."
        )
    if kind.startswith("normed") and not template[... if mask is None else mask].any():
        raise InputError(f"match_template: template must not be all zeros for '{kind}'; got zeros. Use 'difference'.")
    return score_places("match_template", image, template, kind, mask, out)


def has_contrast(template: np.ndarray, mask: np.ndarray | None = None) -> bool:
    """Return whether the pixels of an h×w or h×w×C template that the mask takes differ by more than rounding."""
    values = np.atleast_3d(template)[... if mask is None else mask].reshape(-1, np.atleast_3d(template).shape[2])
    values = values.astype(np.float64)
    return float(((values - values.mean(axis=0)) ** 2).sum()) > _FLAT * _FLAT * float((values**2).sum())


def score_places(
    function: str, image: np.ndarray, template: np.ndarray, kind: str, mask: np.ndarray | None, out: np.ndarray
) -> np.ndarray:
    """Write into ``out`` how well the template fits at each place, and return it.

    Parameters
    ----------
    function
        Name for the error's sentence.
    image, template
        H×W×C and h×w×C, no larger, of one dtype, finite.
    kind
        One of ``SCORES``; for ``ncc`` the template must have contrast, for the normed ones another value than 0.
    mask
        h×w bool, or None for all pixels.
    out
        (H−h+1)×(W−w+1) float32.

    Raises
    ------
    InputError
        When the template has far more pixels than a transform can hold.
    """
    for _ in score_strips(function, image, template, kind, mask, lambda y0, y1: out[y0:y1]):
        pass
    return out


def score_strips(
    function: str,
    image: np.ndarray,
    template: np.ndarray,
    kind: str,
    mask: np.ndarray | None,
    target: Callable[[int, int], np.ndarray],
) -> Iterator[np.ndarray]:
    """Yield the scores of :func:`score_places` in strips, from the top down, each as soon as it is done.

    Parameters
    ----------
    function, image, template, kind, mask
        As there.
    target
        Returns the float32 array for the rows from ``y0`` to ``y1``.

    Raises
    ------
    InputError
        When the template has far more pixels than a transform can hold.
    """
    height, shifts = image.shape[0] - template.shape[0] + 1, _shifts(image)
    weights, power, constant = _prepared(template, mask, kind, shifts)
    if mask is not None:
        out = target(0, height)
        out[...] = constant
        planes = _planes(image, shifts)
        for plane, weight in zip(planes, weights, strict=True):
            products(function, plane, weight, out)
        if kind not in ("covariance", "correlation"):
            window_power, floor = _masked(function, planes, shifts, mask, kind)
            over_rows(_score_masked, height, SCORES.index(kind), power, floor, window_power, out)
        yield out
        return
    channels = [Products(function, image.shape, weight) for weight in weights]
    tall, wide = template.shape[:2]
    # Strip by strip, for floats take the memory of several images of whole numbers, whose sums are exact anyhow.
    exact = image.dtype != np.float32
    many = channels[0].rows(max(_PIXELS // image.shape[1], 4 * tall)) if exact else height
    for y in range(0, height, many):
        part = target(y, min(y + many, height))
        part[...] = constant
        planes = _planes(image[y : y + len(part) + tall - 1], shifts)
        for plane, channel in zip(planes, channels, strict=True):
            channel.add(plane, part)
        if kind not in ("covariance", "correlation"):
            scalars = tall, wide, SCORES.index(kind), power, 1e-14 if exact else 1e-9
            over_rows(_score_rows, len(part), planes, shifts, *scalars, part, strip=max(64, 4 * tall))
        del planes, plane  # before the next ones are made
        yield part


@match_template.steps
def _steps(
    image: Image, template: NewImage, score: str = "ncc", *, mask: np.ndarray | None = None, out: Any = None
) -> Iterator[Step]:
    yield Step("image", Picture(image))
    yield Step("template", Picture(template), note="It is laid on each place where all of it fits.")
    scores = match_template(image, template, score, mask=mask, out=out)
    y, x = best_place(scores, score)
    box = np.array([[x, y, x + template.shape[1], y + template.shape[0]]], np.float32)
    yield Step("best place", Boxes(box), Picture(image), Boxes(box), note=f"{score} = {scores[y, x]:.4g}.")
    yield Step("scores", Heat(scores), note="Of the window whose top-left pixel is here.")


def best_place(scores: np.ndarray, score: str) -> tuple[int, int]:
    """Return row and column of the best score: the smallest of a difference, the largest of the others."""
    place = scores.argmin() if "difference" in score else scores.argmax()
    y, x = np.unravel_index(int(place), scores.shape)
    return int(y), int(x)


def as_alike(function: str, image: Any, template: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return an image and a template of its dtype and channels, or refuse them in the function's name."""
    image = as_image(function, image, finite=True, most=1e12)
    template = as_image(function, template, argument="template", finite=True, most=1e12)
    if template.dtype != image.dtype or template.shape[2:] != image.shape[2:]:
        raise InputError(
            f"{function}: template must have the image's dtype and channels; "
            f"got {describe(template)} for {describe(image)}. Convert one of them."
        )
    return image, template


def _checked(image: Any, template: Any, mask: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    image, template = as_alike("match_template", image, template)
    if template.shape[0] > image.shape[0] or template.shape[1] > image.shape[1]:
        raise InputError(
            f"match_template: template must be no larger than the image; got {describe(template)} for "
            f"{describe(image)}. Swap them, or resize one."
        )
    if mask is not None:
        mask = as_mask("match_template", mask, shape=(template.shape[0], template.shape[1]), owner="template")
        if not mask.any():
            raise InputError("match_template: mask must have a true pixel; got none. Pass None to take all.")
    return np.atleast_3d(image), np.atleast_3d(template), mask


def _shifts(image: np.ndarray) -> np.ndarray:
    """Return what is taken from each channel so that its values lie around zero, in float64."""
    shifts = image[::8, ::8].mean(axis=(0, 1), dtype=np.float64)  # about the mean: any value would do
    return shifts.astype(np.float32).astype(np.float64) if image.dtype == np.float32 else np.rint(shifts)


def _planes(image: np.ndarray, shifts: np.ndarray) -> np.ndarray:
    """Return the channels as C×H×W float32, less their shifts."""
    planes = empty((image.shape[2], *image.shape[:2]), np.float32)
    for channel, plane in enumerate(planes):
        np.subtract(image[..., channel], np.float32(shifts[channel]), out=plane, dtype=np.float32)
    return planes


def _prepared(
    template: np.ndarray, mask: np.ndarray | None, kind: str, shifts: np.ndarray
) -> tuple[np.ndarray, float, float]:
    """Return what the shifted channels are multiplied by, the template's power, and what the shift takes away."""
    values = np.moveaxis(template, 2, 0).astype(np.float64)
    weights = np.ones(template.shape[:2]) if mask is None else mask.astype(np.float64)
    means = (values * weights).sum(axis=(1, 2)) / weights.sum()
    deviations = (values - means[:, None, None]) * weights
    contrast, power = float((deviations**2).sum()), float((values**2 * weights).sum())
    if kind in ("ncc", "covariance"):  # these sum to zero: the shift changes nothing
        return deviations.astype(np.float32), contrast, 0.0
    values *= weights
    return values.astype(np.float32), power, float((values.sum(axis=(1, 2)) * shifts).sum())


@kernel
def _score_rows(planes, shifts, tall, wide, number, power, least, out, y0, y1):
    """Turn the sums of products in rows ``y0`` to ``y1`` of ``out`` into scores, by running sums over the windows."""
    channels, width = planes.shape[0], planes.shape[2]
    columns, squares = np.zeros((channels, width)), np.zeros((channels, width))  # over the rows of a window
    size = out.shape[1]
    nothing = np.zeros(width, np.float32)
    gains, sums, window_power = np.empty(size), np.empty(size), np.empty(size)
    count, centred = np.float64(tall * wide), number == 0
    for y in range(y0 - tall + 1, y1):
        window_power[:] = 0
        largest = 0.0
        for c in range(channels):
            shift = np.float32(0 if centred else shifts[c])
            leaving = planes[c, y - 1] if y > y0 else nothing
            column, square = columns[c], squares[c]
            _replace_row(leaving, planes[c, y + tall - 1], shift, y > y0, column, square)
            if y < y0:
                continue
            _run(square, wide, gains, sums)
            for x in range(size):
                window_power[x] += sums[x]
            if centred:
                for x in range(size):
                    largest = max(largest, sums[x])
                _run(column, wide, gains, sums)
                for x in range(size):
                    window_power[x] -= sums[x] * sums[x] / count
        if y >= y0:
            _finish(number, power, least * largest, window_power, out[y])


@kernel
def _replace_row(leaving, entering, shift, leaves, column, square):
    """Take one row away from the sums of columns and of their squares, add another one."""
    back = shift if leaves else np.float32(0)
    for x in range(column.size):
        gone, fresh = np.float64(leaving[x] + back), np.float64(entering[x] + shift)
        column[x] += fresh - gone
        square[x] += fresh * fresh - gone * gone


@kernel
def _run(values, wide, gains, sums):
    """Sum ``wide`` neighbours at each place; four places at once, so that few additions wait for one another."""
    size = sums.size
    ahead = values[wide:]
    for x in range(size - 1):
        gains[x] = ahead[x] - values[x]
    total = 0.0
    for x in range(wide):
        total += values[x]
    x = 0
    while x + 4 < size:
        a, b, c, d = gains[x], gains[x + 1], gains[x + 2], gains[x + 3]
        sums[x], sums[x + 1] = total, total + a
        sums[x + 2], sums[x + 3] = total + (a + b), total + (a + b + c)
        total += (a + b) + (c + d)
        x += 4
    while x < size:
        sums[x] = total
        if x < size - 1:
            total += gains[x]
        x += 1


@kernel
def _finish(number, power, floor, window_power, out):
    """Turn a row of sums of products into the score of this number in SCORES."""
    normed, difference = number % 2 == 0, number >= 4
    one, flat = np.float32(1), np.float32(1 if difference else 0)
    scale = np.float32(1 / np.sqrt(power)) if power > 0 else np.float32(0)
    if difference:
        for x in range(out.size):
            out[x] = np.float32(max(window_power[x] + power - 2 * np.float64(out[x]), 0.0))
    if normed:
        for x in range(out.size):
            filled = window_power[x] > floor
            root = np.sqrt(np.float32(window_power[x] if filled else 1.0))
            value = out[x] * scale / root
            value = min(max(value, -one), one)
            out[x] = value if filled else flat


def _masked(
    function: str, planes: np.ndarray, shifts: np.ndarray, mask: np.ndarray, kind: str
) -> tuple[np.ndarray, float]:
    """Return the windows' power under the mask, and the power up to which a window is flat."""
    weights, count = mask.astype(np.float32), int(mask.sum())
    power, floor = np.zeros([planes.shape[i + 1] - mask.shape[i] + 1 for i in (0, 1)]), 0.0
    for plane, shift in zip(planes, shifts, strict=True):
        squares = products(function, plane * plane, weights).astype(np.float64)
        sums = products(function, plane, weights).astype(np.float64)
        power += squares
        if kind == "ncc":
            power -= sums * sums / count
            floor = max(floor, 1e-6 * float(squares.max()))
        else:
            power += shift * (2 * sums + count * shift)
    return power, floor


@kernel
def _score_masked(number, power, floor, window_power, out, y0, y1):
    for y in range(y0, y1):
        _finish(number, power, floor, window_power[y], out[y])

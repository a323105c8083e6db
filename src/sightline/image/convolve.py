"""Convolution: slide a small table of weights over the image and sum what lies under it.

Gonzalez & Woods 2018, "Digital Image Processing", 4th ed., section 3.4, whose order the page follows: correlation is
the sum of products under the window, convolution is correlation with the window turned by half a turn.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np
from jaxtyping import Real

from sightline.core.catalogue import method
from sightline.core.checks import as_image, choice, describe, flag, integer, number, output, size_2d
from sightline.core.errors import InputError
from sightline.core.layers import Heat, Picture, Value
from sightline.core.trace import Step
from sightline.core.types import Array, Choice, Image, NewImage, Range
from sightline.image.border import BORDERS
from sightline.image.correlation import Frame, correlate_window, factors, result_shape

Window = Real[np.ndarray, "rows columns"]
EMBOSS = np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]], np.float32)  # light from the bottom right


_MOST_STRIDE = 1_000_000  # beyond any picture


def _emboss(_: Any) -> Array:
    return EMBOSS


@method(task="linear filtering", paper="Gonzalez & Woods 2018", lesson="w1d4", example={"kernel": _emboss})
def convolve(
    image: Image,
    kernel: Window,
    stride: Annotated[int, Range(1, 16, 1)] | tuple[int, int] = 1,
    padding: Annotated[str, Choice("same", "valid")] = "same",
    *,
    border: Annotated[str, Choice("reflect", "symmetric", "edge", "constant", "wrap")] = "reflect",
    value: Annotated[float, Range(0, 255, 1)] = 0.0,
    signed: bool = False,
    out: Array | None = None,
) -> NewImage:
    """Return the convolution of an image with any table of weights.

    The kernel is turned by half a turn and its middle, ``kernel[rows // 2, columns // 2]``, is laid on each pixel, for
    even sizes too. A kernel that is a column times a row is found to be so and costs two short passes; a large one
    is multiplied in the frequency domain. NaN and infinity spoil the pixels that a non-zero weight carries them to.

    Parameters
    ----------
    image
        H×W or H×W×C, each channel on its own; uint8, uint16 or float32.
    kernel
        Weights, rows × columns, of any real dtype, finite; they are not normalised.
    stride
        Distance from one result to the next in pixels, or (down, across); ≥ 1. The first one belongs to the top-left
        pixel (``"same"``) or window (``"valid"``).
    padding
        ``"same"``: one result a pixel, ⌈H / stride⌉ × ⌈W / stride⌉; ``"valid"``: only windows within the image,
        ⌈(H - rows + 1) / stride⌉ × ….
    border
        What lies beyond the border under ``"same"``: ``"reflect"`` (2 1 | 0 1 2), ``"symmetric"`` (1 0 | 0 1 2),
        ``"edge"`` (0 0 | 0 1 2), ``"wrap"`` (8 9 | 0 1 2) or ``"constant"`` (``value`` everywhere).
    value
        The border ``"constant"``, in the image's units: 0–255, 0–65535, or any number for float32.
    signed
        Return the sums as float32, in the image's units and not clipped, for every dtype.
    out
        Array to write to, of the shape and dtype that is returned; None for a new one.

    Returns
    -------
    The sums, rounded and clipped to the image's dtype (float32 is not clipped).

    Raises
    ------
    InputError
        When the kernel is larger than the image under ``"valid"``, or an argument is out of its range.

    References
    ----------
    R. C. Gonzalez, R. E. Woods, "Digital Image Processing", 4th ed., Pearson, 2018, section 3.4.

    Examples
    --------
    >>> import numpy as np
    >>> dot = np.zeros((3, 5), np.uint8)
    >>> dot[1, 2] = 10
    >>> convolve(dot, np.array([[1, 2, 3]]))[1]
    array([ 0, 10, 20, 30,  0], dtype=uint8)
    """
    window = _checked_window("convolve", kernel)[::-1, ::-1]
    image, frame = _checked("convolve", image, window, stride, padding, border, value, flipped=True)
    return _filtered("convolve", image, window, frame, signed, out)


@method(task="linear filtering", paper="Gonzalez & Woods 2018", lesson="w1d4", example={"kernel": _emboss})
def correlate(
    image: Image,
    kernel: Window,
    stride: Annotated[int, Range(1, 16, 1)] | tuple[int, int] = 1,
    padding: Annotated[str, Choice("same", "valid")] = "same",
    *,
    border: Annotated[str, Choice("reflect", "symmetric", "edge", "constant", "wrap")] = "reflect",
    value: Annotated[float, Range(0, 255, 1)] = 0.0,
    signed: bool = False,
    out: Array | None = None,
) -> NewImage:
    """Return the correlation of an image with any table of weights: a convolution that does not turn its kernel.

    The middle of the kernel, ``kernel[rows // 2, columns // 2]``, is laid on each pixel, for even sizes too. NaN and
    infinity spoil the pixels that a non-zero weight carries them to.

    Parameters
    ----------
    image
        H×W or H×W×C, each channel on its own; uint8, uint16 or float32.
    kernel
        Weights, rows × columns, of any real dtype, finite; they are not normalised.
    stride
        Distance from one result to the next in pixels, or (down, across); ≥ 1.
    padding
        ``"same"``: one result a pixel; ``"valid"``: only windows within the image.
    border
        What lies beyond the border: as in :func:`convolve`.
    value
        The border ``"constant"``, in the image's units.
    signed
        Return the sums as float32, in the image's units and not clipped, for every dtype.
    out
        Array to write to, of the shape and dtype that is returned; None for a new one.

    Returns
    -------
    The sums, rounded and clipped to the image's dtype (float32 is not clipped).

    References
    ----------
    R. C. Gonzalez, R. E. Woods, "Digital Image Processing", 4th ed., Pearson, 2018, section 3.4.

    Examples
    --------
    >>> import numpy as np
    >>> dot = np.zeros((3, 5), np.uint8)
    >>> dot[1, 2] = 10
    >>> correlate(dot, np.array([[1, 2, 3]]))[1]
    array([ 0, 30, 20, 10,  0], dtype=uint8)
    """
    window = _checked_window("correlate", kernel)
    image, frame = _checked("correlate", image, window, stride, padding, border, value, flipped=False)
    return _filtered("correlate", image, window, frame, signed, out)


@convolve.steps
def _(image: Image, kernel: Window, *args: Any, **options: Any) -> Iterator[Step]:
    yield from _story(convolve, image, kernel, args, options)


@correlate.steps
def _(image: Image, kernel: Window, *args: Any, **options: Any) -> Iterator[Step]:
    yield from _story(correlate, image, kernel, args, options)


def _story(function: Any, image: Image, kernel: Window, args: Any, options: Any) -> Iterator[Step]:
    result = function(image, kernel, *args, **options)
    product = "a column times a row" if factors(_checked_window(function.__name__, kernel)) else "no product"
    size = "×".join(map(str, kernel.shape))
    yield Step("kernel", Heat(np.asarray(kernel, np.float32)), note=f"{size} weights, {product}.")
    yield Step("picture", Picture(image))
    if options.get("signed"):
        flat = result if result.ndim == 2 else result.mean(axis=2)
        yield Step("response", Value(result), Heat(flat), note="The sums, of either sign.")
    else:
        yield Step("response", Picture(result), note="The sum under the kernel at each place.")


def _checked_window(function: str, kernel: Any) -> Array:
    if not isinstance(kernel, np.ndarray) or kernel.ndim != 2 or kernel.size == 0 or kernel.dtype.kind not in "iufb":
        raise InputError(f"{function}: kernel must be rows × columns of real numbers; got {describe(kernel)}.")
    window = kernel.astype(np.float64)
    if not np.isfinite(window).all() or np.abs(window).max() > 1e30:
        raise InputError(f"{function}: kernel must be finite, at most 1e30; got a {describe(kernel)} that is not.")
    return window


def _checked(
    function: str, image: Any, window: Array, stride: Any, padding: str, border: str, value: float, *, flipped: bool
) -> tuple[Array, Frame]:
    image = as_image(function, image, channels=())
    choice(function, "padding", padding, ("same", "valid"))
    choice(function, "border", border, (*BORDERS, "constant"))
    pair = size_2d(function, "stride", stride) if isinstance(stride, (tuple, list)) else (stride, stride)
    steps = integer(function, "stride", pair[0], 1, _MOST_STRIDE), integer(function, "stride", pair[1], 1, _MOST_STRIDE)
    largest = 1e30 if image.dtype == np.float32 else np.iinfo(image.dtype).max
    value = number(function, "value", value, -largest if image.dtype == np.float32 else 0, largest)
    tall, broad = window.shape
    if padding == "valid":
        if tall > image.shape[0] or broad > image.shape[1]:
            raise InputError(
                f"{function}: kernel must fit into the image for padding 'valid'; got {tall}×{broad} on "
                f"{image.shape[0]}×{image.shape[1]}. Use padding='same'."
            )
        return image, Frame((0, 0), (0, 0), steps, border, value)
    anchor = (tall - 1 - tall // 2, broad - 1 - broad // 2) if flipped else (tall // 2, broad // 2)
    return image, Frame(anchor, (tall - 1 - anchor[0], broad - 1 - anchor[1]), steps, border, value)


def _filtered(function: str, image: Array, window: Array, frame: Frame, signed: bool, out: Array | None) -> Array:
    dtype = np.float32 if flag(function, "signed", signed) else image.dtype
    result = output(function, out, result_shape(image.shape, window.shape, frame), dtype, [image])
    correlate_window(image, window, frame, result)
    return result

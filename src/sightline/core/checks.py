"""Checks at the door: every public function turns its arguments into what its kernels expect, or refuses by name.

The sentences follow one form: ``canny: image must be …; got …. <the likely fix>``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from sightline.core.buffers import empty
from sightline.core.errors import InputError, suggest

IMAGE_DTYPES = ("uint8", "uint16", "float32")
_LARGEST = 2**63 - 1  # what a kernel can count
_MOST_PIXELS = 2**40  # no memory holds more, and NumPy counts the bytes of no array much larger
_CONVERT = {
    "bool": "Use mask.astype(np.uint8) * 255 for a picture of a mask.",
    "float64": "Use image.astype(np.float32).",
    "float16": "Use image.astype(np.float32).",
    "int64": "Use image.astype(np.uint8) when the values lie in 0–255.",
    "int32": "Use image.astype(np.uint8) when the values lie in 0–255.",
    "uint16": "Use sightline.to_uint8(image) or sightline.to_float(image).",
    "uint8": "Use sightline.to_float(image).",
    "float32": "Use sightline.to_uint8(image).",
}
# `dtype.name` is computed anew at each call, and costs more than all the other checks.
_NAMES = {np.dtype(name): name for name in (*IMAGE_DTYPES, "bool", "int32", "float64")}


def describe(value: object) -> str:
    """Say what came, briefly: shape and dtype of an array, type and value of anything else."""
    if isinstance(value, np.ndarray):
        shape = "×".join(map(str, value.shape)) if value.ndim else "a scalar"
        return f"{shape} {value.dtype.name}"
    if isinstance(value, (list, tuple)) and value and all(isinstance(part, np.ndarray) for part in value):
        return f"{type(value).__name__} of {len(value)}: {describe(value[0])}{', …' if len(value) > 1 else ''}"
    text = " ".join(repr(value).split())
    return f"{type(value).__name__} {text if len(text) <= 60 else text[:57] + '…'}"


def array_of(values: object) -> np.ndarray:
    """Return what was given as an array; one object without a dimension where its rows differ in length."""
    try:
        return np.asarray(values)
    except ValueError:
        return np.array(None)


def as_image(
    function: str,
    image: object,
    *,
    argument: str = "image",
    channels: Sequence[int] = (1, 3),
    dtypes: Sequence[str] = IMAGE_DTYPES,
    finite: bool = False,
    most: float = math.inf,
    cut: bool = False,
) -> np.ndarray:
    """Return ``image`` as a C-contiguous, native-endian array, or raise :class:`InputError`.

    Parameters
    ----------
    function, argument
        Names for the error's sentence.
    image
        The argument as it came.
    channels
        Accepted numbers of channels; 1 stands for H×W. An empty sequence accepts any H×W or H×W×C.
    dtypes
        Accepted dtypes, by NumPy name.
    finite
        Refuse NaN and infinity (one pass over a float image).
    most
        With ``finite``, refuse what lies beyond ±most, too: numbers whose sums or squares float32 cannot hold.
    cut
        Leave what is cut out of a larger picture as it is: its rows are contiguous, the whole is not.
    """
    if not isinstance(image, np.ndarray):
        hint = ""
        if type(image).__module__.startswith("PIL."):
            hint = " Use np.asarray(image)."
        elif type(image).__module__.startswith("torch"):
            hint = " Use sightline.channels_last(image.cpu().numpy())."
        elif isinstance(image, (str, bytes)) or hasattr(image, "__fspath__"):
            hint = " Read a file with sightline.read(path)."
        elif image is None:
            hint = " Was the file read?"
        raise InputError(
            f"{function}: {argument} must be {_expectation(channels, dtypes)}; got {describe(image)}.{hint}"
        )
    _check_shape(function, argument, image, channels, dtypes)
    if (_NAMES.get(image.dtype) or image.dtype.name) not in dtypes:
        hint = _CONVERT.get(image.dtype.name, f"Convert it to {dtypes[0]} first.")
        raise InputError(
            f"{function}: {argument} must be {_expectation(channels, dtypes)}; got {describe(image)}. {hint}"
        )
    if 0 in image.shape:
        raise InputError(f"{function}: {argument} must have at least one pixel; got {describe(image)}.")
    if not (cut and image.dtype.isnative and image.flags.aligned and image[:1].flags.c_contiguous and _rises(image)):
        image = contiguous(image)
    if image.dtype.kind != "f" or not finite or _lies_within(image, most):
        return image
    if not np.isfinite(image).all():
        count = int(image.size - np.count_nonzero(np.isfinite(image)))
        raise InputError(
            f"{function}: {argument} must be finite; got {count} NaN or infinite values. Use np.nan_to_num(image)."
        )
    raise InputError(f"{function}: {argument} must lie within ±{most:g}; got values beyond. Images are 0–1.")


def _rises(image: np.ndarray) -> bool:
    """Return whether each row lies behind the one before, whole numbers of values away."""
    step = image.strides[0]
    return step >= image[0].nbytes and step % image.itemsize == 0


def _lies_within(image: np.ndarray, most: float) -> bool:
    """Return whether all values are finite and within ±most."""
    if most == math.inf:
        return bool(np.isfinite(image).all())
    return bool(image.min() >= -most and image.max() <= most)  # NaN is neither


def _expectation(channels: Sequence[int], dtypes: Sequence[str]) -> str:
    shapes = ["H×W" if c == 1 else f"H×W×{c}" for c in channels] or ["H×W", "H×W×C"]
    names = [*shapes, *dtypes]
    return f"{' or '.join(names[: len(shapes)])}, {' or '.join(names[len(shapes) :])}"


def _check_shape(
    function: str, argument: str, image: np.ndarray, channels: Sequence[int], dtypes: Sequence[str]
) -> None:
    count = image.shape[2] if image.ndim == 3 else 1
    fits = (
        image.ndim == 2 or (image.ndim == 3 and not channels) or (image.ndim == 3 and count != 1 and count in channels)
    )
    if image.ndim == 2 and channels and 1 not in channels:
        fits = False
    if fits:
        return
    hint = ""
    if image.ndim == 3 and image.shape[0] in (1, 3, 4) and image.shape[2] not in (1, 3, 4):
        hint = " For channel-first arrays use sightline.channels_last(image)."
    elif image.ndim == 3 and count == 1:
        hint = " Drop the last axis: image[..., 0]."
    elif image.ndim == 3 and count == 4 and 3 in channels:
        hint = " Drop the alpha channel: image[..., :3]."
    elif image.ndim == 3 and tuple(channels) == (1,):
        hint = ' Use sightline.image.convert(image, "rgb", "gray").'
    elif image.ndim == 2 and channels:
        hint = ' Use sightline.image.convert(image, "gray", "rgb").'
    elif image.ndim == 4:
        hint = " Pass one image at a time."
    raise InputError(f"{function}: {argument} must be {_expectation(channels, dtypes)}; got {describe(image)}.{hint}")


def contiguous(array: np.ndarray) -> np.ndarray:
    """Return ``array`` C-contiguous, aligned and in native byte order; the same object when it already is."""
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    if array.flags.c_contiguous and array.flags.aligned:
        return array
    return np.require(array, requirements=("C", "A"))


def as_mask(
    function: str,
    mask: object,
    *,
    argument: str = "mask",
    shape: tuple[int, int] | None = None,
    owner: str = "image",
) -> np.ndarray:
    """Return a bool H×W mask, C-contiguous; refuse anything else, and another shape than that of its owner."""
    if not isinstance(mask, np.ndarray) or mask.ndim != 2 or mask.dtype != np.bool_ or 0 in mask.shape:
        hint = " Compare first: image > 127." if isinstance(mask, np.ndarray) and mask.dtype != np.bool_ else ""
        raise InputError(f"{function}: {argument} must be H×W bool; got {describe(mask)}.{hint}")
    if shape is not None and mask.shape != tuple(shape):
        raise InputError(
            f"{function}: {argument} must have the {owner}'s shape {shape[0]}×{shape[1]}; got {describe(mask)}."
        )
    return contiguous(mask)


def number(
    function: str,
    argument: str,
    value: Any,
    low: float = -math.inf,
    high: float = math.inf,
    *,
    above: float | None = None,
    unit: str = "",
) -> float:
    """Return ``value`` as a float within ``[low, high]`` (and greater than ``above``, where given)."""
    if isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, (bool, np.bool_)):
        try:
            result = float(value)
        except OverflowError:  # a whole number beyond the floats is in no range
            result = math.nan
        if low <= result <= high and (above is None or result > above):
            return result
        got = _figure(value)
    else:
        got = describe(value)
    span = _span(low, high, above) + (f" {unit}" if unit else "")
    raise InputError(f"{function}: {argument} must be a number {span}; got {got}.")


def integer(function: str, argument: str, value: Any, low: int, high: int | None = None, *, odd: bool = False) -> int:
    """Return ``value`` as an int within ``[low, high]``, odd where asked; without ``high``, up to what int64 holds."""
    top = _LARGEST if high is None else high
    hint = ""
    if isinstance(value, (int, np.integer)) and not isinstance(value, (bool, np.bool_)):
        result = int(value)
        inside, even = low <= result <= top, result % 2 == 0
        if inside and not (odd and even):
            return result
        got = _figure(result)
        hint = f" Use {result + 1}." if inside else ""
    else:
        got = describe(value)
    kind = "an odd whole number" if odd else "a whole number"
    span = _span(low, math.inf if high is None else high, None)
    raise InputError(f"{function}: {argument} must be {kind} {span}; got {got}.{hint}")


def choice(function: str, argument: str, value: Any, options: Sequence[str]) -> str:
    """Return ``value`` when it is one of ``options``; raise with the nearest one otherwise."""
    if isinstance(value, str) and value in options:
        return value
    hint = suggest(value, options) if isinstance(value, str) else ""
    listed = ", ".join(repr(option) for option in options)
    raise InputError(f"{function}: {argument} must be one of {listed}; got {value!r}.{hint}")


def flag(function: str, argument: str, value: Any) -> bool:
    """Return ``value`` as a bool; raise for anything but true and false."""
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    raise InputError(f"{function}: {argument} must be True or False; got {describe(value)}.")


def size_2d(function: str, argument: str, value: Any) -> tuple[int, int]:
    """Return ``(height, width)`` from a pair of whole numbers: at least 1×1, at most 2⁴⁰ pixels."""
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise InputError(f"{function}: {argument} must be (height, width); got {describe(value)}.")
    height = integer(function, f"{argument}[0] (height)", value[0], 1)
    width = integer(function, f"{argument}[1] (width)", value[1], 1)
    if height * width > _MOST_PIXELS:
        raise InputError(f"{function}: {argument} must be at most {_MOST_PIXELS} pixels; got {height}×{width}.")
    return height, width


def output(
    function: str, out: np.ndarray | None, shape: tuple[int, ...], dtype: Any, inputs: Sequence[np.ndarray] = ()
) -> np.ndarray:
    """Return the array to write to: a recycled buffer, or ``out`` when it has the right shape, dtype and layout.

    Parameters
    ----------
    function
        Name for the error's sentence.
    out
        The caller's array, or None for a fresh one.
    shape, dtype
        What the function is about to write.
    inputs
        Arrays that ``out`` may not share memory with.
    """
    if out is None:
        return empty(shape, dtype)
    if not isinstance(out, np.ndarray) or out.shape != tuple(shape) or out.dtype != np.dtype(dtype):
        wanted = f"{'×'.join(map(str, shape))} {np.dtype(dtype).name}"
        raise InputError(f"{function}: out must be {wanted}; got {describe(out)}.")
    if not (out.flags.carray and out.dtype.isnative):  # contiguous, aligned and writeable, in one question
        raise InputError(f"{function}: out must be a writeable C-contiguous array of native byte order.")
    for array in inputs:
        if np.may_share_memory(out, array):
            raise InputError(f"{function}: out must not share memory with the input.")
    return out


def _figure(value: Any) -> str:
    """Return a number as text; of a whole one with too many digits to read, how large it is."""
    whole = isinstance(value, int) and abs(value) > _LARGEST
    return f"one of {value.bit_length()} bits, too large to count with" if whole else str(value)


def _span(low: float, high: float, above: float | None) -> str:
    if above is not None:
        return f"> {above:g}" if math.isinf(high) else f"> {above:g} and ≤ {high:g}"
    if math.isinf(low) and math.isinf(high):
        return "(finite)"
    if math.isinf(high):
        return f"≥ {low:g}"
    return f"≤ {high:g}" if math.isinf(low) else f"in {low:g}–{high:g}"

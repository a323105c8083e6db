"""Colour spaces: the same picture under other coordinates.

The spaces form a tree. RGB is its root; HSV, HSL, CMYK, YCrCb, grey and XYZ hang on it, Lab and Luv hang on XYZ. A
conversion walks from one to the other, some thousand pixels at a time, in planes of float32 that stay in the cache;
the common conversions of bytes have kernels of their own. Poynton 2012, "Digital Video and HD", 2nd ed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Annotated

import numpy as np

from sightline.core.buffers import empty
from sightline.core.catalogue import method
from sightline.core.checks import as_image, choice, output
from sightline.core.kernels import over_rows
from sightline.core.streaming import is_large
from sightline.core.types import Array, Choice, Image, NewImage
from sightline.core.vectors import LANES
from sightline.image import colour_cie as cie
from sightline.image import colour_hue as hue
from sightline.image import colour_mix as mix

SPACES = ("cmyk", "gray", "hsl", "hsv", "lab", "luv", "rgb", "xyz", "ycrcb")
CHANNELS = {space: {"gray": 1, "cmyk": 4}.get(space, 3) for space in SPACES}
_STRIP = 1 << 15  # pixels whose planes stay in the second-level cache
_NEVER = np.float32(1e9)


@method(task="colour", paper="Poynton 2012", lesson="w1d2", example={"source": "rgb", "target": "gray"})
def convert(
    image: Image,
    source: Annotated[str, Choice("cmyk", "gray", "hsl", "hsv", "lab", "luv", "rgb", "xyz", "ycrcb")],
    target: Annotated[str, Choice("cmyk", "gray", "hsl", "hsv", "lab", "luv", "rgb", "xyz", "ycrcb")],
    *,
    gamma: Annotated[str, Choice("srgb", "linear")] = "srgb",
    out: Array | None = None,
) -> NewImage:
    """Return ``image`` in another colour space.

    What the numbers mean, by dtype:

    ========= ======================================= ===================================== ===========================
    space     float32                                 uint8                                 uint16
    ========= ======================================= ===================================== ===========================
    rgb, gray 0–1                                     0–255                                 0–65535
    hsv       hue in turns 0–1, saturation, value 0–1 0–179 (steps of 2°), 0–255, 0–255     0–65535 each
    hsl       hue in turns, saturation, lightness 0–1 as hsv                                as hsv
    cmyk      ink 0–1                                 0–255                                 0–65535
    ycrcb     Y 0–1, Cr and Cb around 0.5             Cr and Cb around 128                  Cr and Cb around 32768
    xyz       Y of white is 1, Z of white 1.089       255 · value, clipped                  65535 · value, clipped
    lab       L 0–100, a and b about ±110             L · 255/100, a + 128, b + 128         257 · the number of uint8
    luv       L 0–100, u and v about ±180             L · 2.55, (u + 134) · 255/354,        257 · the number of uint8
                                                      (v + 140) · 255/262
    ========= ======================================= ===================================== ===========================

    RGB is sRGB and white is D65. Whole numbers are rounded to nearest; for uint8 they are OpenCV's, but that XYZ is
    that of the light (as in scikit-image), where OpenCV's takes RGB for linear: ``gamma="linear"`` gives that. A hue
    outside its range counts modulo a turn; what has no hue has hue 0. What no RGB can show is clipped on its way to
    RGB. A NaN or an infinity stays within its pixel, and makes NaN of all of it (gray has no more than its own value).

    Parameters
    ----------
    image
        H×W when ``source`` is ``"gray"``, H×W×4 when it is ``"cmyk"``, H×W×3 otherwise; uint8, uint16 or float32.
    source
        Space that the values are in, one of the names in the table.
    target
        Space to return, one of the same names.
    gamma
        How RGB stands for light, on the way to and from XYZ, Lab and Luv: ``"srgb"``, or ``"linear"`` in proportion.
    out
        Array to write to, of the result's shape and dtype; None for a new one.

    Returns
    -------
    H×W for ``"gray"``, H×W×4 for ``"cmyk"``, H×W×3 otherwise, in the dtype of ``image``.

    Raises
    ------
    InputError
        When a name is unknown or the image has another number of channels than ``source``.

    Examples
    --------
    >>> import numpy as np
    >>> import sightline as sl
    >>> orange = np.array([[[255, 128, 0]]], np.uint8)
    >>> sl.image.convert(orange, "rgb", "gray")
    array([[151]], dtype=uint8)
    >>> sl.image.convert(orange, "rgb", "hsv")
    array([[[ 15, 255, 255]]], dtype=uint8)
    >>> sl.image.convert(sl.to_float(orange), "rgb", "lab").astype(int).tolist()
    [[[67, 42, 74]]]

    References
    ----------
    C. Poynton, "Digital Video and HD: Algorithms and Interfaces", 2nd ed., Morgan Kaufmann, 2012.
    A. R. Smith, "Color Gamut Transform Pairs", Computer Graphics 12(3), 1978.
    CIE 15:2004, "Colorimetry", 3rd ed.
    """
    source = choice("convert", "source", source, SPACES)
    target = choice("convert", "target", target, SPACES)
    gamma = choice("convert", "gamma", gamma, ("srgb", "linear"))
    image = as_image("convert", image, channels=(CHANNELS[source],))
    shape = image.shape[:2] if CHANNELS[target] == 1 else (*image.shape[:2], CHANNELS[target])
    result = output("convert", out, shape, image.dtype, [image])
    count = image.shape[0] * image.shape[1]
    if source == target:
        np.copyto(result, image)
        return result
    flat = image.reshape(-1), result.reshape(-1)
    floats = _of_floats(source, target, gamma) if image.dtype == np.float32 and count >= LANES else None
    direct = _direct(source, target, image.dtype, gamma)
    if floats is not None:
        kernel, constants = floats
        strip = max(4 * _STRIP, -(-count // 4))  # memory has no more to give to more than four
        over_rows(kernel, count, *flat, *constants, is_large(*flat), strip=strip)
    elif direct is not None:
        kernel, constants = direct
        over_rows(kernel, count, *flat, *constants, strip=4 * _STRIP)
    else:
        walk = _Walk(source, target, image.dtype, gamma)
        over_rows(walk.strip, count, *flat, strip=_STRIP)
    return result


class _Walk:
    """The way from one space to another, through planes of float32."""

    def __init__(self, source: str, target: str, dtype: np.dtype, gamma: str) -> None:
        self.kernels = _steps_between(source, target, gamma)
        self.channels = CHANNELS[source], CHANNELS[target]
        scale, zero, _ = _code(source, dtype)
        self.decode = (1 / scale).astype(np.float32), (-zero / scale).astype(np.float32)
        scale, zero, self.turn = _code(target, dtype)
        self.encode = scale.astype(np.float32), zero.astype(np.float32)

    def strip(self, image: Array, result: Array, x0: int, x1: int) -> None:
        planes = empty((max(3, *self.channels), x1 - x0), np.float32)
        given, wanted = self.channels
        mix.unpack(image, given, *self.decode, planes, x0, x1)
        for function, constants in self.kernels:
            function(planes, *constants)
        mix.pack(planes, wanted, *self.encode, self.turn, result, x0, x1)


def _steps_between(source: str, target: str, gamma: str) -> list[tuple[Callable, tuple]]:
    """Return the kernels on the way, up the tree to where both meet and down again, with their constants."""
    up, down = _path(source), _path(target)
    while up and down and up[-1] == down[-1]:
        up.pop()
        down.pop()
    names = [(space, _PARENT[space]) for space in up] + [(_PARENT[space], space) for space in reversed(down)]
    steps = [step for name in names for step in _STEPS[name]]
    bends = (cie.gamma_to_linear, cie.linear_to_gamma)
    return steps if gamma == "srgb" else [step for step in steps if step[0] not in bends]


@lru_cache
def _of_floats(source: str, target: str, gamma: str) -> tuple[Callable, tuple] | None:
    """Return the kernel that does it for eight float32 pixels at once, with its constants, where there is one."""
    if (source, target) in _HUE:
        return _HUE_OF_FLOATS[source, target], ()
    kernel, constants = _direct(source, target, np.dtype(np.float32), gamma) or (None, ())
    return (mix.mix_floats, constants) if kernel is mix.mix_pixels else None


@lru_cache
def _direct(source: str, target: str, dtype: np.dtype, gamma: str) -> tuple[Callable, tuple] | None:
    """Return the kernel that does it in one go, with its constants, where there is one."""
    kernel = _DIRECT.get((source, target, dtype.name))
    if kernel is not None:
        return kernel, ()
    kernel = _HUE.get((source, target))
    if kernel is not None:
        scale, _, _ = _code(source if target == "rgb" else target, dtype)
        return kernel, (np.float32(scale[1]), np.float32(scale[0]))
    if gamma == "srgb" and {source, target} in ({"rgb", "lab"}, {"rgb", "luv"}):
        return _perceptual(source, target, dtype)
    steps = _steps_between(source, target, gamma)
    if len(steps) == 1 and steps[0][0] is mix.mix and "gray" not in (source, target):
        matrix, offset = steps[0][1]
        (a, b, _), (c, d, _) = _code(source, dtype), _code(target, dtype)
        return mix.mix_pixels, (
            (c[:, None] * matrix / a).astype(np.float32),
            (c * (offset - matrix @ (b / a)) + d).astype(np.float32),
        )
    return None


def _perceptual(source: str, target: str, dtype: np.dtype) -> tuple[Callable, tuple]:
    """Return the kernel from RGB to Lab or Luv, or back, with its constants."""
    (a, b, _), (c, d, _) = _code(source, dtype), _code(target, dtype)
    gain, zero, scale, offset = ((array).astype(np.float32) for array in (1 / a, -b / a, c, d))
    if target == "rgb":
        return cie.to_rgb_pixels, (source == "lab", gain, zero, cie.XYZ_TO_RGB.astype(np.float32), scale[0])
    matrix = cie.RGB_TO_XYZ.astype(np.float32)
    if target == "luv":
        return cie.rgb_to_luv_pixels, (gain[0], matrix, scale, offset)
    matrix = matrix / matrix.sum(axis=1, keepdims=True)
    if dtype == np.uint8:  # as coarse as OpenCV, so that the bytes are the same to one level
        return cie.rgb_to_lab_pixels, (
            gain[0],
            np.float32(8 * 255),
            np.rint(matrix * np.float32(4096)) / np.float32(4096),
            scale,
            offset,
        )
    return cie.rgb_to_lab_pixels, (gain[0], np.float32(0), matrix, scale, offset)


_PARENT = {space: "xyz" if space in ("lab", "luv") else "rgb" for space in SPACES if space != "rgb"}


def _path(space: str) -> list[str]:
    """Return ``space`` and what it hangs on, without the root."""
    steps = []
    while space != "rgb":
        steps.append(space)
        space = _PARENT[space]
    return steps


def _code(space: str, dtype: np.dtype) -> tuple[Array, Array, np.float32]:
    """Return scale and zero of ``code = value · scale + zero`` per channel, and the code at which hue starts anew."""
    count = CHANNELS[space]
    full = {"uint8": 255.0, "uint16": 65535.0, "float32": 1.0}[dtype.name]
    scale, zero, turn = np.full(count, full), np.zeros(count), _NEVER
    if dtype == np.float32:
        return scale, zero, turn
    if space in ("hsv", "hsl") and dtype == np.uint8:
        scale[0], turn = 180.0, np.float32(180)
    elif space == "lab":
        scale, zero = full / 255 * np.array([2.55, 1, 1]), full / 255 * np.array([0, 128.0, 128])
    elif space == "luv":
        scale = full * np.array([1 / 100, 1 / 354, 1 / 262])
        zero = scale * [0, 134, 140]
    elif space == "ycrcb":
        zero[1:] = 0.5  # the middle is 128 (32768), half a step above 0.5 · 255
    return scale, zero, turn


def _mixture(matrix: Array, offset: tuple[float, float, float] | Array = (0, 0, 0)) -> tuple[Callable, tuple]:
    return mix.mix, (np.asarray(matrix, np.float32), np.asarray(offset, np.float32))


def _alone(*kernels: Callable) -> list[tuple[Callable, tuple]]:
    return [(kernel, ()) for kernel in kernels]


# --- the tables: to add a space, its name above, its code, and the way to its parent and back ---

_CENTRE = np.array([0, 0.5, 0.5])
_STEPS: dict[tuple[str, str], list[tuple[Callable, tuple]]] = {
    ("rgb", "gray"): [_mixture(np.tile(mix.LUMA, (3, 1)))],
    ("gray", "rgb"): [],
    ("rgb", "hsv"): _alone(hue.rgb_to_hsv),
    ("hsv", "rgb"): _alone(hue.hsv_to_rgb),
    ("rgb", "hsl"): _alone(hue.rgb_to_hsl),
    ("hsl", "rgb"): _alone(hue.hsl_to_rgb),
    ("rgb", "cmyk"): _alone(mix.rgb_to_cmyk),
    ("cmyk", "rgb"): _alone(mix.cmyk_to_rgb),
    ("rgb", "ycrcb"): [_mixture(mix.RGB_TO_YCRCB, _CENTRE)],
    ("ycrcb", "rgb"): [_mixture(mix.YCRCB_TO_RGB, -mix.YCRCB_TO_RGB @ _CENTRE)],
    ("rgb", "xyz"): [*_alone(cie.gamma_to_linear), _mixture(cie.RGB_TO_XYZ)],
    ("xyz", "rgb"): [_mixture(cie.XYZ_TO_RGB), *_alone(cie.linear_to_gamma)],
    ("xyz", "lab"): _alone(cie.xyz_to_lab),
    ("lab", "xyz"): _alone(cie.lab_to_xyz),
    ("xyz", "luv"): _alone(cie.xyz_to_luv),
    ("luv", "xyz"): _alone(cie.luv_to_xyz),
}
_DIRECT: dict[tuple[str, str, str], Callable] = {
    ("rgb", "gray", "uint8"): mix.rgb_to_gray_bytes,
    ("rgb", "gray", "uint16"): mix.rgb_to_gray_words,
    ("rgb", "gray", "float32"): mix.rgb_to_gray_floats,
    ("gray", "rgb", "uint8"): mix.gray_to_rgb,
    ("gray", "rgb", "uint16"): mix.gray_to_rgb,
    ("gray", "rgb", "float32"): mix.gray_to_rgb,
    ("rgb", "hsv", "uint8"): hue.rgb_to_hsv_bytes,
    ("rgb", "ycrcb", "uint8"): mix.rgb_to_ycrcb_bytes,
    ("ycrcb", "rgb", "uint8"): mix.ycrcb_to_rgb_bytes,
}
_HUE: dict[tuple[str, str], Callable] = {
    ("rgb", "hsv"): hue.rgb_to_hsv_pixels,
    ("hsv", "rgb"): hue.hsv_to_rgb_pixels,
    ("rgb", "hsl"): hue.rgb_to_hsl_pixels,
    ("hsl", "rgb"): hue.hsl_to_rgb_pixels,
}
_HUE_OF_FLOATS: dict[tuple[str, str], Callable] = {
    ("rgb", "hsv"): hue.rgb_to_hsv_floats,
    ("hsv", "rgb"): hue.hsv_to_rgb_floats,
    ("rgb", "hsl"): hue.rgb_to_hsl_floats,
    ("hsl", "rgb"): hue.hsl_to_rgb_floats,
}

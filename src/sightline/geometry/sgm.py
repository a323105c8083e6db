"""Semi-global matching: a disparity for each pixel that agrees with its neighbours' along eight straight paths.

Hirschmüller 2008, "Stereo Processing by Semiglobal Matching and Mutual Information", IEEE PAMI 30(2), whose order the
code follows; the costs are those of ``census``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np
from jaxtyping import Float32

from sightline.core.buffers import empty
from sightline.core.catalogue import method
from sightline.core.checks import flag, integer, number
from sightline.core.kernels import kernel, over_rows
from sightline.core.layers import Heat, Picture
from sightline.core.trace import Step
from sightline.core.types import AnyImage, Array, Image, Range
from sightline.geometry.census import BITS, matching_costs
from sightline.geometry.disparity_choice import choose_row, limits_of
from sightline.geometry.sgm_paths import path_sums
from sightline.geometry.speckles import fill_gaps, remove_speckles
from sightline.geometry.stereo_pair import as_bright, as_disparities, as_pair, example_right


@method(task="stereo", paper="Hirschmüller 2008", lesson="w3d5", example={"right": example_right})
def sgm(
    left: Image,
    right: AnyImage,
    disparities: int | tuple[int, int] = 64,
    *,
    p1: Annotated[int, Range(0, 180, 1)] = 18,
    p2: Annotated[int, Range(1, 180, 1)] = 60,
    paths: Annotated[int, Range(4, 8, 4)] = 8,
    check: Annotated[float, Range(-1, 10, 1)] = 2.0,
    unique: Annotated[float, Range(0, 0.5, 0.01)] = 0.0,
    speckles: Annotated[int, Range(0, 1000, 10)] = 100,
    fill: bool = False,
) -> Float32[np.ndarray, "h w"]:
    """Return how far each pixel of the left picture lies to the right of the same thing in the right picture.

    The pictures must be rectified: what is at (x, y) in the left one is at (x - disparity, y) in the right one. Costs
    say which neighbours are darker, and, up to 20 grey levels of 255, how much the brightness differs once both
    pictures have the same mean and spread of it. NaN and infinity are refused.

    Parameters
    ----------
    left, right
        H×W, or H×W×3, which are turned to grey; uint8, uint16 or finite float32; of one height and width.
    disparities
        How many whole disparities are tried, from 0 on; or (first, end), of which ``end`` is not tried. 2–1024 of them.
    p1, p2
        Penalty for a step of one pixel between neighbours, and for a larger one; 0 ≤ p1 ≤ p2 ≤ 180. A pixel's own cost
        is 0–51.
    paths
        8, or 4 without the slanting ones.
    check
        A disparity is kept when that of a pixel it points to (it may point between two) differs by at most this; a
        negative number keeps all.
    unique
        Share by which every other disparity but the neighbours must cost more, 0–1.
    speckles
        Patches of at most so many pixels that differ from what is around them are dropped; 0 keeps them.
    fill
        Fill what is unknown from the farther side of the row.

    Returns
    -------
    ndarray
        H×W float32 in pixels, to a fraction of one; NaN where it is not known.

    Raises
    ------
    InputError
        When the pictures differ in size, or an option is out of its range.

    Examples
    --------
    >>> import numpy as np
    >>> right = np.random.default_rng(0).random((40, 60), np.float32)
    >>> left = np.roll(right, 7, axis=1)
    >>> float(np.nanmedian(sgm(left, right, 16)))
    7.0

    References
    ----------
    H. Hirschmüller, "Stereo Processing by Semiglobal Matching and Mutual Information", IEEE Transactions on Pattern
    Analysis and Machine Intelligence 30(2), 2008.
    """
    first, count = as_disparities("sgm", disparities)
    p2 = integer("sgm", "p2", p2, 1, 180)
    p1 = integer("sgm", "p1", p1, 0, p2)
    paths = integer("sgm", "paths", paths, 4, 8)
    check, unique = number("sgm", "check", check, -np.inf, np.inf), number("sgm", "unique", unique, 0, 1)
    speckles, fill = integer("sgm", "speckles", speckles, 0), flag("sgm", "fill", fill)
    a, b = as_pair("sgm", left, right)
    volumes = path_sums(matching_costs(a, as_bright(b, a), first, count), p1, p2, paths)
    found = _chosen(volumes, first, count, check, unique)
    if speckles:
        remove_speckles(found, speckles, 2.0)
    if fill:
        fill_gaps(found)
    return found


@sgm.steps
def _steps(left: Image, right: AnyImage, disparities: Any = 64, **options: Any) -> Iterator[Step]:
    first, count = as_disparities("sgm", disparities)
    a, b = as_pair("sgm", left, right)
    yield Step("pair", Picture(left), Picture(right), note="What is nearer lies further to the left in the right one.")
    costs = matching_costs(a, as_bright(b, a), first, count)
    alone = costs[..., :count].argmin(axis=2).astype(np.float32) + first
    yield Step(
        "each pixel alone", Heat(alone), note=f"The disparity whose census differs in the fewest of {BITS} bits."
    )
    p1, p2 = options.get("p1", 18), options.get("p2", 60)
    across, down, up = path_sums(costs, p1, p2, options.get("paths", 8))
    nothing = np.zeros_like(across)
    for name, volumes in (
        ("paths along the row", (across, nothing, nothing)),
        ("and from above", (across, down, nothing)),
    ):
        yield Step(name, Heat(_chosen(volumes, first, count, -1, 0)), note="The sums so far, each pixel's least.")
    all_paths = _chosen((across, down, up), first, count, -1, 0)
    yield Step("all paths", Heat(all_paths), note="Streaks of one direction are outvoted by the others.")
    checked = _chosen((across, down, up), first, count, options.get("check", 2.0), options.get("unique", 0.0))
    yield Step("held from both sides", Heat(checked), note="What only one of the two pictures sees is not known.")
    yield Step("disparity", Heat(sgm(left, right, disparities, **options)), note="Without speckles.")


def _chosen(volumes: tuple[Array, ...], first: int, count: int, check: float, unique: float) -> Array:
    out = empty(volumes[0].shape[:2], np.float32)
    over_rows(_choose, len(out), *volumes, first, count, np.float32(check), limits_of(unique), out)
    return out


@kernel
def _choose(a, b, c, first, count, check, limits, out, y0, y1):
    sums = np.empty(a.shape[1:], np.uint16)
    right, found = np.empty((2, a.shape[1] + a.shape[2]), np.uint16), np.empty((2, a.shape[1]), np.float32)
    for y in range(y0, y1):
        _add(a[y].reshape(-1), b[y].reshape(-1), c[y].reshape(-1), sums.reshape(-1))
        choose_row(sums, first, count, check, limits, right, found, out[y])


@kernel
def _add(a, b, c, out):
    for k in range(out.size):
        out[k] = np.uint16(np.uint16(a[k] + b[k]) + c[k])

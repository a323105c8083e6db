"""Panorama: overlapping photos, taken from one place, joined into one picture.

Brown & Lowe 2007, "Automatic Panoramic Image Stitching using Invariant Features", International Journal of Computer
Vision 74(1), which the code follows in its order, with the patches of Brown, Szeliski & Winder 2005 for the features.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import as_image, choice, contiguous, describe, flag, integer
from sightline.core.conversions import to_float
from sightline.core.errors import InputError
from sightline.core.layers import Grid, Labels, Matches, Picture, Table
from sightline.core.trace import Step
from sightline.core.types import AnyImage, Array, Choice, Image, Range
from sightline.image.corners import GrayRows, Rows
from sightline.image.gradient import as_gray
from sightline.image.oriented_patches import patches_of
from sightline.image.panorama import (
    Link,
    Placement,
    chained,
    focal_length,
    linked,
    spanning_tree,
    turns_on_cylinder,
)
from sightline.image.panorama_seams import Laying, blended, largest_rectangle, seams_of
from sightline.image.panorama_sheet import lay, survey

PROJECTIONS = ("auto", "planar", "cylindrical")
_WIDE = math.radians(75)  # across the whole panorama: a plane would stretch its ends
_LARGEST = 1 << 26  # pixels of a sheet
_LARGE = 1 << 22  # pixels: to mix them to grey several times takes less than their memory is worth
_POINTS = 1200
_ROWS = 128  # of a photo, turned to grey at once


@dataclass(frozen=True, eq=False)
class _Layout:
    pictures: list[Array]
    links: list[Link]
    tree: list[Link]
    placements: list[Placement]
    sheet: tuple[int, int]


def _halves(_: Any) -> list[Array]:
    """Return two overlapping cuts of one scene, for an example."""
    scene = np.random.default_rng(0).integers(0, 256, (90, 160, 3), np.uint8)
    return [scene[:, :100], scene[:, 50:]]


@method(task="registration", paper="Brown & Lowe 2007", lesson="w2d2", example={"images": _halves})
def stitch(
    images: list[AnyImage],
    *,
    projection: Annotated[str, Choice(*PROJECTIONS)] = "auto",
    crop: bool = True,
    gain: bool = True,
    levels: Annotated[int, Range(1, 10, 1)] = 5,
    points: Annotated[int, Range(100, 10000, 100)] = _POINTS,
    seed: int = 0,
) -> AnyImage:
    """Return the panorama of photos that overlap, in whatever order they come.

    NaN and infinity are refused.

    Parameters
    ----------
    images
        Two photos or more, of one dtype, all H×W or all H×W×3, of any sizes; uint8, uint16 or finite float32.
    projection
        ``planar`` keeps lines straight, ``cylindrical`` keeps the ends of a wide panorama in shape (for cameras that
        turn on an upright axis); ``auto`` takes the cylinder when the whole view is wider than 75°.
    crop
        Cut the largest rectangle that is filled; otherwise the whole sheet is returned, black where there is no photo.
    gain
        Make the photos equally bright where they overlap.
    levels
        Bands of the blending, 1–10: seams are as soft as 2 to the power of ``levels`` pixels.
    points
        Corners sought in each photo, 100–10000.
    seed
        Whole number ≥ 0: of the samples that match the photos.

    Returns
    -------
    The panorama in the frame of the photo in the middle, same dtype.

    Raises
    ------
    InputError
        When a photo overlaps with none of the others; the sentence says which.

    References
    ----------
    M. Brown, D. G. Lowe, "Automatic Panoramic Image Stitching using Invariant Features", International Journal of
    Computer Vision 74(1), 2007.

    Examples
    --------
    >>> import numpy as np
    >>> scene = np.random.default_rng(0).integers(0, 256, (90, 160), np.uint8)
    >>> stitch([scene[:, :100], scene[:, 50:]]).shape
    (90, 160)
    """
    pictures = _checked(images)
    choice("stitch", "projection", projection, PROJECTIONS)
    levels = integer("stitch", "levels", levels, 1, 10)
    layout = _layout(pictures, projection, integer("stitch", "points", points, 100, 10000), seed)
    inside, gains = survey(layout.pictures, layout.placements, layout.sheet)
    laying = _laying(layout, gains if flag("stitch", "gain", gain) else None)
    owner = seams_of(inside)
    whole = slice(0, len(owner)), slice(0, owner.shape[1])
    window = largest_rectangle(owner >= 0) if flag("stitch", "crop", crop) else whole
    return blended(laying, owner, levels, pictures[0].shape[2:], pictures[0].dtype, window)


@stitch.steps
def _steps(
    images: list[Image],
    *,
    projection: str = "auto",
    crop: bool = True,
    gain: bool = True,
    levels: int = 5,
    points: int = _POINTS,
    seed: int = 0,
) -> Iterator[Step]:
    layout = _layout(_checked(images), projection, points, seed)
    rows = np.array([(k.first, k.second, len(k.points)) for k in layout.links], np.float64)
    yield Step("pairs", Table(rows, ("first", "second", "matches")), note="Matches that agree with one homography.")
    best = layout.tree[0]
    both = [Picture(to_float(layout.pictures[index])) for index in (best.first, best.second)]
    yield Step("matches", Matches(best.points.astype(np.float32)), *both, note="Of the pair that agrees best.")
    inside, gains = survey(layout.pictures, layout.placements, layout.sheet)
    plain = _laid(layout, None)
    shown = [np.where(m if p.ndim == 2 else m[..., None], p, 0) for p, m in zip(plain, inside, strict=True)]
    yield Step("warped", Grid(np.stack(shown)), note="Each photo in its place.")
    laid = _laid(layout, gains if gain else None)
    owner = seams_of(inside.copy())
    cut = np.zeros_like(laid[0])
    for i, picture in enumerate(laid):
        cut[owner == i] = picture[owner == i]
    yield Step("brightness", Picture(cut.clip(0, 1)), note="Cut at the seams, after the gains.")
    yield Step("seams", Labels((owner + 1).astype(np.int32)), note="From the photo whose border is farthest.")
    result = stitch(images, projection=projection, crop=crop, gain=gain, levels=levels, points=points, seed=seed)
    yield Step("blended", Picture(result), note=f"{levels} bands, each mixed as far as its waves are long.")


def _checked(images: Any) -> list[Array]:
    if not isinstance(images, (list, tuple)) or len(images) < 2:
        raise InputError(f"stitch: images must be a list of two photos or more; got {describe(images)}.")
    found = [as_image("stitch", p, argument=f"images[{i}]", finite=True, cut=True) for i, p in enumerate(images)]
    for i, picture in enumerate(found):
        if picture.ndim != found[0].ndim or picture.dtype != found[0].dtype:
            raise InputError(
                f"stitch: images[{i}] must be like images[0], {describe(found[0])}; got {describe(picture)}."
            )
        if min(picture.shape[:2]) < 16:
            raise InputError(f"stitch: images[{i}] must have at least 16×16 pixels; got {describe(picture)}.")
    return found


def _layout(pictures: list[Array], projection: str, points: int, seed: int) -> _Layout:
    seed = integer("stitch", "seed", seed, 0)
    patches = [patches_of(_brightness(picture), points) for picture in pictures]
    links = linked(patches, seed)
    tree, lost = spanning_tree(links, len(pictures))
    if lost:
        alone = " and ".join(f"images[{i}]" for i in lost)
        fits = "fits" if len(lost) == 1 else "fit"
        raise InputError(
            f"stitch: images must overlap; got {alone}, which {fits} none of the others. "
            "Leave out what shows another scene, or use more points."
        )
    shapes = [(p.shape[0], p.shape[1]) for p in pictures]
    _, matrices = chained(tree, [link.matrix for link in tree], len(pictures))
    focal = focal_length(links, shapes)
    if projection == "cylindrical" and focal is None:
        raise InputError(
            "stitch: projection must be 'planar' for these images; got 'cylindrical', but they don't turn."
        )
    if projection == "auto":
        projection = "cylindrical" if focal and _is_wide(matrices, shapes, focal) else "planar"
    used = focal if projection == "cylindrical" and focal else 0.0
    if used:
        _, matrices = chained(tree, turns_on_cylinder(tree, used, shapes), len(pictures))
    return _Layout(pictures, links, tree, *_sheet(matrices, used, shapes))


def _is_wide(matrices: list[Array], shapes: list[tuple[int, int]], focal: float) -> bool:
    """Return whether the view of all photos together is wide; what lies behind the plane is."""
    ends = [Placement(m, 0.0, s).forward(_outline(s)) for m, s in zip(matrices, shapes, strict=True)]
    xs = np.concatenate(ends)[:, 0]
    if not np.isfinite(xs).all():
        return True
    middle = (shapes[0][1] - 1) / 2
    return math.atan((xs.max() - middle) / focal) - math.atan((xs.min() - middle) / focal) > _WIDE


def _outline(shape: tuple[int, int]) -> Array:
    """Return points all along the border of a picture."""
    (height, width), t = shape, np.linspace(0, 1, 33)
    x, y = t * (width - 1), t * (height - 1)
    zero, right, bottom = np.zeros(33), np.full(33, width - 1.0), np.full(33, height - 1.0)
    return np.concatenate([np.stack(p, axis=1) for p in ((x, zero), (x, bottom), (zero, y), (right, y))])


def _sheet(
    matrices: list[Array], focal: float, shapes: list[tuple[int, int]]
) -> tuple[list[Placement], tuple[int, int]]:
    """Return the photos' placements on the smallest sheet that holds them, and its height and width."""
    ends = [project_outline(m, focal, s) for m, s in zip(matrices, shapes, strict=True)]
    everything = np.concatenate(ends)
    finite = bool(np.isfinite(everything).all())
    low = np.floor(everything.min(axis=0) + 0.01) if finite else np.zeros(2)
    high = np.ceil(everything.max(axis=0) - 0.01) if finite else np.zeros(2)
    width, height = (high - low + 1).tolist()
    if not finite or width * height > _LARGEST:
        raise InputError(
            f"stitch: images must fit on a sheet of {_LARGEST} pixels; got a view too wide for a plane. Use projection "
            "'cylindrical', or fewer images."
        )
    shift = np.array([[1, 0, -low[0]], [0, 1, -low[1]], [0, 0, 1.0]])
    return [Placement(shift @ m, focal, s) for m, s in zip(matrices, shapes, strict=True)], (int(height), int(width))


def project_outline(matrix: Array, focal: float, shape: tuple[int, int]) -> Array:
    """Return where the border of a photo comes to lie, N×2."""
    return Placement(matrix, focal, shape).forward(_outline(shape))


def _brightness(picture: Array) -> Rows:
    """Return a photo in grey: as it is, or mixed of colours, float32 0–1; of a large one, when rows are read."""
    if picture.ndim == 2 and picture.flags.c_contiguous:
        return picture
    if math.prod(picture.shape[:2]) > _LARGE:
        return GrayRows(picture)
    if picture.ndim == 2:
        return contiguous(picture)
    gray = np.empty(picture.shape[:2], np.float32)
    for y in range(0, len(gray), _ROWS):
        gray[y : y + _ROWS] = as_gray("stitch", to_float(picture[y : y + _ROWS]))
    return gray


def _laying(layout: _Layout, gains: Array | None) -> Laying:
    """Return what lays a part of a photo on the sheet, as bright as its gain makes it."""

    def part(i: int, rows: slice, columns: slice) -> Array:
        ends = (rows.start, rows.stop), (columns.start, columns.stop)
        on_sheet = lay(layout.pictures[i], layout.placements[i], *ends)
        return on_sheet if gains is None else np.multiply(on_sheet, np.float32(gains[i]), out=on_sheet)

    return part


def _laid(layout: _Layout, gains: Array | None) -> list[Array]:
    """Return each photo on the whole sheet."""
    laying, (height, width) = _laying(layout, gains), layout.sheet
    return [laying(i, slice(0, height), slice(0, width)) for i in range(len(layout.pictures))]

"""Find a template at any place, size and angle: match it many times, and keep the best of what overlaps.

Lewis 1995, "Fast Template Matching", Vision Interface; Neubeck & Van Gool 2006, "Efficient Non-Maximum Suppression",
ICPR.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

import numpy as np

from sightline.core.buffers import empty
from sightline.core.catalogue import method
from sightline.core.checks import array_of, describe, integer, number
from sightline.core.errors import InputError
from sightline.core.layers import Boxes, Heat, Picture, Value
from sightline.core.trace import Step
from sightline.core.types import Image, NewImage, Range
from sightline.image.dilate import dilate
from sightline.image.match_template import as_alike, has_contrast, part_of, score_strips
from sightline.image.resize import resize
from sightline.image.warp_affine import warp_affine

_BAND = 64  # rows of scores whose peaks are sought at a time
_JOINT = 2  # rows of scores that two strips share
_MOST = 1000  # places of one score map that are looked at
_ALL_BUT = 0.999  # share of a turned template's pixel that must be its own


@dataclass(frozen=True, eq=False)
class TemplateMatches:
    """Where a template was found, the best match first.

    Parameters
    ----------
    boxes
        N×4 float32 boxes (x1, y1, x2, y2) around the template as it was scaled and turned.
    scores
        N float32, normalised cross-correlation, −1 to 1.
    scales
        N float32, size of the match over the template's.
    angles
        N float32, radians by which the template is turned in the image, from its x axis towards its y axis.
    """

    boxes: np.ndarray
    scores: np.ndarray
    scales: np.ndarray
    angles: np.ndarray

    def __len__(self) -> int:
        return len(self.boxes)


@method(task="matching", paper="Lewis 1995", lesson="w2d2", example={"template": part_of})
def find_template(
    image: Image,
    template: NewImage,
    *,
    scales: Sequence[float] = (1.0,),
    rotations: Sequence[float] = (0.0,),
    threshold: Annotated[float, Range(-1, 1, 0.01)] = 0.8,
    overlap: Annotated[float, Range(0, 1, 0.01)] = 0.3,
    max_matches: Annotated[int, Range(1, 1000, 1)] = 20,
) -> TemplateMatches:
    """Return the places where a template is found, at the given scales and angles.

    The score is the normalised cross-correlation of :func:`sightline.image.match_template`. Of matches that overlap
    only the best one stays. NaN and infinity are refused.

    Parameters
    ----------
    image
        H×W or H×W×3; uint8, uint16 or float32.
    template
        h×w, with the channels and the dtype of the image, and with contrast.
    scales
        Sizes to look for, as factors of the template's, each > 0 and ≤ 100. Sizes that do not fit into the image, or
        have fewer than 2×2 pixels, are passed over.
    rotations
        Angles to look for, in radians, from the x axis towards the y axis.
    threshold
        Score that a match must reach, −1 to 1.
    overlap
        Share of common area (intersection over union) above which of two matches the worse one is dropped, 0–1.
    max_matches
        Return at most so many, ≥ 1.

    Returns
    -------
    TemplateMatches
        Boxes, scores, scales and angles; the best first.

    Raises
    ------
    InputError
        When the template fits at none of the scales, has no contrast, or an argument is out of its range.

    References
    ----------
    J. P. Lewis, "Fast Template Matching", Vision Interface, 1995.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.random.default_rng(0).integers(0, 256, (40, 60), np.uint8)
    >>> find_template(image, image[10:20, 30:45]).boxes.tolist()
    [[30.0, 10.0, 45.0, 20.0]]
    """
    threshold = number("find_template", "threshold", threshold, -1, 1)
    overlap = number("find_template", "overlap", overlap, 0, 1)
    max_matches = integer("find_template", "max_matches", max_matches, 1)
    return _best(_variants(image, template, scales, rotations), threshold, overlap, max_matches)


@find_template.steps
def _steps(image: Image, template: NewImage, *, max_matches: int = 20, **options: Any) -> Iterator[Step]:
    yield Step("image", Picture(image))
    yield Step("template", Picture(template))
    variants = {name: options[name] for name in ("scales", "rotations") if name in options}
    tried = _variants(image, template, **{"scales": (1.0,), "rotations": (0.0,), **variants})
    maps = [(np.concatenate(list(_strips(one, lambda *shape: empty(shape, np.float32)))), one) for one in tried]
    scores, (_, _, _, scale, angle) = max(maps, key=lambda entry: float(entry[0].max()))
    yield Step(
        "scores", Heat(scores), note=f"At the best of {len(maps)} variants: scale {scale:g}, {angle:.2f} radians."
    )
    found = find_template(image, template, max_matches=max_matches, **options)
    labels = tuple(f"{score:.2f}" for score in found.scores)
    yield Step("matches", Value(found), Picture(image), Boxes(found.boxes, labels), note="The best of what overlaps.")


class _Variant(NamedTuple):
    """A scaled and turned template, h×w×C, which of its pixels count, and the image H×W×C that it is laid on."""

    image: np.ndarray
    template: np.ndarray
    mask: np.ndarray | None
    scale: float
    angle: float


def _variants(image: Any, template: Any, scales: Any, rotations: Any) -> Iterator[_Variant]:
    """Yield the variants of the template that fit into the image and have contrast."""
    image, template = as_alike("find_template", image, template)
    if not has_contrast(template):
        raise InputError("find_template: template must have contrast; got the same value everywhere.")
    count = 0
    for scale in _numbers("scales", scales, 100, above=0.0):
        height, width = (max(1, round(scale * side)) for side in template.shape[:2])
        if min(height, width) < 2 or height > 4 * image.shape[0] or width > 4 * image.shape[1]:
            continue
        scaled = template if scale == 1 else resize(template, (height, width))
        for angle in _numbers("rotations", rotations, math.inf):
            turned, mask = _turned(scaled, angle)
            fits = turned.shape[0] <= image.shape[0] and turned.shape[1] <= image.shape[1]
            if fits and (mask is None or mask.any()) and has_contrast(turned, mask):
                count += 1
                yield _Variant(np.atleast_3d(image), np.atleast_3d(turned), mask, scale, angle)
    if count == 0:
        raise InputError(
            f"find_template: template must fit into the image at one of the scales; got {describe(template)} for "
            f"{describe(image)}. Use smaller scales."
        )


def _numbers(argument: str, values: Any, high: float, above: float | None = None) -> list[float]:
    if not isinstance(values, (tuple, list, np.ndarray)) or array_of(values).ndim != 1 or len(values) == 0:
        raise InputError(f"find_template: {argument} must be a sequence of numbers; got {describe(values)}.")
    low = -math.inf if above is None else 0
    numbers = [number("find_template", argument, value, low, high, above=above) for value in values]
    if not all(map(math.isfinite, numbers)):
        raise InputError(f"find_template: {argument} must be finite numbers; got {numbers}.")
    return numbers


def _turned(template: np.ndarray, angle: float) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the template turned about its centre, on a canvas around it, and which pixels are its own."""
    if angle % (2 * math.pi) == 0:
        return template, None
    height, width = template.shape[:2]
    c, s = math.cos(angle), math.sin(angle)
    wide, tall = abs(width * c) + abs(height * s), abs(width * s) + abs(height * c)
    shape = max(1, math.ceil(tall - 1e-6)), max(1, math.ceil(wide - 1e-6))
    x, y = (width - 1) / 2, (height - 1) / 2
    to_x, to_y = (shape[1] - 1) / 2, (shape[0] - 1) / 2
    matrix = np.array([[c, -s, to_x - c * x + s * y], [s, c, to_y - s * x - c * y]])
    own = warp_affine(np.ones((height, width), np.float32), matrix, shape)
    return warp_affine(template, matrix, shape), own >= _ALL_BUT


def _best(variants: Iterator[_Variant], threshold: float, overlap: float, most: int) -> TemplateMatches:
    """Return the best peaks of all variants that do not overlap better ones."""
    rows = [np.zeros((0, 7))]
    for variant in variants:
        x, y, values = _peaks(variant, threshold)
        height, width = variant.template.shape[:2]
        same = [np.full(len(x), value) for value in (variant.scale, variant.angle)]
        rows.append(np.stack([x, y, x + width, y + height, values, *same], axis=1))
    table = np.concatenate(rows)
    table = table[np.argsort(-table[:, 4], kind="stable")]
    kept: list[int] = []
    alive = np.ones(len(table), np.bool_)
    for i in range(len(table)):
        if alive[i] and len(kept) < most:
            kept.append(i)
            alive &= _shared(table[i, :4], table[:, :4]) <= overlap
    found = table[kept].astype(np.float32)
    return TemplateMatches(found[:, :4].copy(), found[:, 4].copy(), found[:, 5].copy(), found[:, 6].copy())


def _strips(variant: _Variant, buffer: Callable[[int, int], np.ndarray]) -> Iterator[np.ndarray]:
    """Yield the scores of a variant in strips, in what ``buffer`` returns for so many rows and columns."""
    image, template, mask = variant[:3]
    width = image.shape[1] - template.shape[1] + 1
    return score_strips("find_template", image, template, "ncc", mask, lambda y0, y1: buffer(y1 - y0, width))


def _peaks(variant: _Variant, threshold: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return columns, rows and scores, the best first, of the scores from the threshold on that are peaks.

    A peak is no less than its eight neighbours. Two rows of a strip go on with the next one: the last, which waits for
    the one after it, and the one before.
    """
    height = variant.image.shape[0] - variant.template.shape[0] + 1
    held = np.empty((0, 0), np.float32)

    def buffer(rows: int, columns: int) -> np.ndarray:
        nonlocal held
        if not held.size:  # the first strip has the most rows
            held = empty((rows + _JOINT, columns), np.float32)
        return held[_JOINT : _JOINT + rows]

    found, end = np.zeros((3, 0)), 0
    for strip in _strips(variant, buffer):
        first = 0 if end else _JOINT  # there is none before the first strip
        rows, end = held[first : _JOINT + len(strip)], end + len(strip)
        y, x = _peaks_in(rows, threshold, 0 if first else 1, len(rows) - (end < height))
        fresh = np.stack([x, y + (end - len(rows)), rows[y, x].astype(np.float64)])
        found = np.concatenate([found, fresh], axis=1)
        found = found[:, np.argsort(-found[2], kind="stable")[:_MOST]]
        held[:_JOINT] = rows[-_JOINT:]
    return found[0], found[1], found[2]


def _peaks_in(scores: np.ndarray, threshold: float, first: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the places of peaks in rows ``first`` to ``stop``."""
    found = []
    for y in range(first, stop, _BAND):
        rows, top = scores[y : min(y + _BAND, stop)], max(0, y - 1)
        highest = dilate(scores[top : y + _BAND + 1], 3)[y - top :][: len(rows)]
        down, across = np.nonzero((rows >= threshold) & (rows == highest))
        found.append((down + y, across))
    down, across = (np.concatenate(part) for part in zip(*found, strict=True))
    return down, across


def _shared(box: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Return the intersection over union of one box with others."""
    corner, end = np.maximum(box[:2], boxes[:, :2]), np.minimum(box[2:], boxes[:, 2:])
    common = np.prod(np.maximum(end - corner, 0), axis=1)
    area = np.prod(box[2:] - box[:2]) + np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    return common / (area - common)

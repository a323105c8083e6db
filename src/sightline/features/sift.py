"""SIFT: keypoints that keep their place, scale and direction, each described by the gradients around it.

Lowe 2004, "Distinctive Image Features from Scale-Invariant Keypoints", International Journal of Computer Vision 60(2),
which the code follows step by step: scale space and extrema (sections 3 and 4), directions (5), descriptors (6).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import flag, integer
from sightline.core.layers import Grid, Lines, Picture, Value
from sightline.core.trace import Step
from sightline.core.types import Array, Image, Range
from sightline.features.dog_keypoints import Found, Sought, checked, found_in, strongest, tower
from sightline.features.keypoints import Features, no_features
from sightline.features.scale_space import brightness, octaves_of
from sightline.features.sift_descriptor import BINS, CELLS, LENGTH, descriptors
from sightline.features.sift_orientation import orientations


@method(task="keypoints", paper="Lowe 2004", lesson="w3d2")
def sift(
    image: Image,
    max_features: Annotated[int, Range(1, 100000, 1)] | None = None,
    *,
    contrast: Annotated[float, Range(0, 1, 0.005)] = 0.04,
    edge: Annotated[float, Range(1, 1000, 1)] = 10.0,
    sigma: Annotated[float, Range(0.6, 10, 0.1)] = 1.6,
    octave_layers: Annotated[int, Range(1, 10, 1)] = 3,
    upsample: bool = True,
    root: bool = False,
) -> Features:
    """Return the SIFT features of an image: places, scales, directions and 128 numbers for each.

    A keypoint with several directions gives several features. An image without texture, or of fewer than 6×6 pixels,
    has none. NaN and infinity are refused.

    Parameters
    ----------
    image
        H×W, or H×W×3, which is turned to grey first; uint8, uint16 or float32, all taken as 0–1.
    max_features
        Keep so many with the strongest answers, ≥ 1; None keeps all.
    contrast
        Least difference of Gaussians times ``octave_layers``, 0–1.
    edge
        Greatest ratio of the two principal curvatures, 1–1000: what is more drawn out is an edge.
    sigma
        Blur of the first level of an octave, in pixels of the octave, 0.6–10.
    octave_layers
        Scales searched in an octave, 1–10.
    upsample
        Begin at twice the image's resolution, which finds the smallest keypoints, four times as many in all.
    root
        Take square roots of the descriptors (RootSIFT), so that their distance is Hellinger's.

    Returns
    -------
    Features
        The strongest first; ``descriptors`` are N×128 float32 of length 1. OpenCV's, with its defaults, lie a quarter
        of a pixel too far to the right and down, and its ``size`` is twice the scale.

    References
    ----------
    D. G. Lowe, "Distinctive Image Features from Scale-Invariant Keypoints", International Journal of Computer Vision
    60(2), 2004.

    R. Arandjelović, A. Zisserman, "Three Things Everyone Should Know to Improve Object Retrieval", CVPR, 2012.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.random.default_rng(0).random((60, 80), np.float32)
    >>> found = sift(image, 10)
    >>> found.points.shape, found.descriptors.shape
    ((10, 2), (10, 128))
    """
    count = None if max_features is None else integer("sift", "max_features", max_features, 1)
    sought = checked("sift", contrast, edge, sigma, octave_layers, upsample)
    flag("sift", "root", root)
    found = _keypoints(brightness("sift", image), sought, count)
    return _described(found, count, root)


def _keypoints(gray: Array, sought: Sought, count: int | None) -> list[Found]:
    octaves = octaves_of(gray, sought.sigma, sought.layers, sought.upsample)
    return strongest([found_in(octave, sought) for octave in octaves], count)


def _described(found: list[Found], count: int | None, root: bool) -> Features:
    """Return features for all directions of all keypoints, the strongest first, at most ``count``."""
    turned = [(part, *orientations(part)) for part in found]
    responses = np.concatenate([np.zeros(0), *(part.responses[rows] for part, rows, _ in turned)])
    order = np.argsort(-responses, kind="stable")[:count]
    if not order.size:
        return no_features(LENGTH)
    kept = np.zeros(len(responses), np.bool_)
    kept[order] = True
    parts, start = [], 0
    for part, rows, angles in turned:
        chosen = kept[start : start + len(rows)]
        start += len(rows)
        rows, angles = rows[chosen], angles[chosen]
        codes = descriptors(part, rows, angles, root)
        points, scales = part.octave.to_image(part.points[rows]), part.scales[rows] * part.octave.pixel
        parts.append((points, scales, angles, codes, part.responses[rows]))
    together = Features(*(np.concatenate(column) for column in zip(*parts, strict=True)))
    return together.best(len(together))


@sift.steps
def _steps(
    image: Image,
    max_features: int | None = None,
    *,
    contrast: float = 0.04,
    edge: float = 10.0,
    sigma: float = 1.6,
    octave_layers: int = 3,
    upsample: bool = True,
    root: bool = False,
) -> Iterator[Step]:
    sought = checked("sift", contrast, edge, sigma, octave_layers, upsample)
    yield from tower("sift", image, sought)
    gray = brightness("sift", image)
    options = {"contrast": contrast, "edge": edge, "sigma": sigma, "octave_layers": octave_layers}
    result = sift(image, max_features, **options, upsample=upsample, root=root)
    note = "A hand for each peak of the histogram of gradient angles."
    yield Step("orientations", Lines(result.outlines()), Picture(gray), Lines(result.outlines()), note=note)
    if result.descriptors is not None and len(result):
        cells = result.descriptors[0].reshape(CELLS, CELLS, BINS)
        note = "Each cell's eight directions, counter-clockwise from the keypoint's own, as bars."
        yield Step("descriptor", Grid(_bars(cells)), note=f"The strongest one's {LENGTH} numbers. {note}")
    yield Step("features", Value(result), Picture(gray), Lines(result.outlines()), note=f"{len(result)} features.")


def _bars(cells: Array) -> Array:
    """Return each cell's histogram as a tile of bars."""
    heights = np.rint(cells.reshape(-1, BINS) / max(float(cells.max()), 1e-9) * 24)
    tiles = np.arange(24, 0, -1)[None, :, None] <= heights[:, None, :]
    return np.repeat(tiles, 3, axis=2).astype(np.float32)

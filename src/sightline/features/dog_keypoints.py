"""Keypoints of differences of Gaussians: blobs and corners, each at the scale where it stands out most.

Lowe 2004, "Distinctive Image Features from Scale-Invariant Keypoints", International Journal of Computer Vision 60(2),
sections 3 and 4, which the code follows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import flag, integer, number
from sightline.core.layers import Grid, Lines, Picture, Points, Value
from sightline.core.trace import Step
from sightline.core.types import Array, Image, Range
from sightline.features.keypoints import Features
from sightline.features.scale_extrema import extrema, localise
from sightline.features.scale_space import Octave, brightness, octaves_of

_SHARE = 0.5  # of the least contrast: what a candidate must have before it is placed between pixels


@dataclass(frozen=True)
class Sought:
    """What makes a keypoint, checked; the arguments of :func:`dog_keypoints`."""

    contrast: float
    edge: float
    sigma: float
    layers: int
    upsample: bool

    @property
    def threshold(self) -> float:
        """Least difference of Gaussians: the finer the layers, the smaller the differences between them."""
        return self.contrast / self.layers


def checked(function: str, contrast: float, edge: float, sigma: float, octave_layers: int, upsample: bool) -> Sought:
    """Return the options as numbers within their ranges, or raise in the name of ``function``."""
    return Sought(
        number(function, "contrast", contrast, 0, 1),
        number(function, "edge", edge, 1, 1000),
        number(function, "sigma", sigma, 0.6, 10, unit="pixels"),
        integer(function, "octave_layers", octave_layers, 1, 10),
        flag(function, "upsample", upsample),
    )


@dataclass(frozen=True, eq=False)
class Found:
    """Keypoints of one octave, in its pixels.

    Parameters
    ----------
    octave
        Where they are.
    layers
        N int64: the level of the octave whose blur is nearest to each one's scale.
    points
        N×2 float64 (x, y).
    scales
        N float64: sigma of the blur.
    responses
        N float64: the difference of Gaussians, without its sign.
    """

    octave: Octave
    layers: Array
    points: Array
    scales: Array
    responses: Array

    def __getitem__(self, rows: Any) -> Found:
        return Found(self.octave, *(part[rows] for part in (self.layers, self.points, self.scales, self.responses)))


def found_in(octave: Octave, sought: Sought) -> Found:
    """Return the keypoints of an octave: extrema that are neither faint nor on an edge."""
    places = localise(octave.levels, extrema(octave.levels, _SHARE * sought.threshold))
    response = np.abs(places[:, 6])
    on_edge = places[:, 7] * sought.edge >= (sought.edge + 1) ** 2
    places = places[(response >= sought.threshold) & ~on_edge]
    return Found(
        octave,
        places[:, 0].astype(np.int64),
        places[:, [2, 1]] + places[:, 3:5],
        sought.sigma * 2 ** ((places[:, 0] + places[:, 5]) / sought.layers),
        np.abs(places[:, 6]),
    )


def strongest(found: list[Found], count: int | None) -> list[Found]:
    """Return what is left of each octave when only the ``count`` strongest keypoints of all stay."""
    if count is None or sum(len(part.layers) for part in found) <= count:
        return found
    responses = np.concatenate([part.responses for part in found])
    kept = np.zeros(len(responses), np.bool_)
    kept[np.argsort(-responses, kind="stable")[:count]] = True
    ends = np.cumsum([len(part.layers) for part in found])[:-1]
    return [part[rows] for part, rows in zip(found, np.split(kept, ends), strict=True)]


@method(task="keypoints", paper="Lowe 2004", lesson="w3d2")
def dog_keypoints(
    image: Image,
    max_features: Annotated[int, Range(1, 100000, 1)] | None = None,
    *,
    contrast: Annotated[float, Range(0, 1, 0.005)] = 0.04,
    edge: Annotated[float, Range(1, 1000, 1)] = 10.0,
    sigma: Annotated[float, Range(0.6, 10, 0.1)] = 1.6,
    octave_layers: Annotated[int, Range(1, 10, 1)] = 3,
    upsample: bool = True,
) -> Features:
    """Return the blobs and corners of an image with the scales at which they stand out, without descriptors.

    The detector of SIFT: extrema of differences of Gaussians over place and scale, placed between pixels and layers by
    a quadratic. An image without texture has none. NaN and infinity are refused.

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

    Returns
    -------
    Features
        The strongest first; angles are 0 and descriptors None.

    References
    ----------
    D. G. Lowe, "Distinctive Image Features from Scale-Invariant Keypoints", International Journal of Computer Vision
    60(2), 2004.

    Examples
    --------
    >>> import numpy as np
    >>> y, x = np.mgrid[0:80, 0:100]
    >>> image = np.exp(-((x - 40) ** 2 + (y - 30) ** 2) / 2 / 5**2).astype(np.float32)
    >>> found = dog_keypoints(image, 1)
    >>> found.points.round().tolist(), round(float(found.scales[0]), 1)
    ([[40.0, 30.0]], 4.4)
    """
    gray = brightness("dog_keypoints", image)
    count = None if max_features is None else integer("dog_keypoints", "max_features", max_features, 1)
    sought = checked("dog_keypoints", contrast, edge, sigma, octave_layers, upsample)
    octaves = octaves_of(gray, sought.sigma, sought.layers, sought.upsample)
    return _features(strongest([found_in(octave, sought) for octave in octaves], count))


def _features(found: list[Found]) -> Features:
    parts = [
        np.column_stack([part.octave.to_image(part.points), part.scales * part.octave.pixel, part.responses])
        for part in found
    ]
    table = np.concatenate([np.zeros((0, 4)), *parts])
    table = table[np.argsort(-table[:, 3], kind="stable")]
    return Features(table[:, :2], table[:, 2], np.zeros(len(table)), None, table[:, 3])


@dog_keypoints.steps
def _steps(
    image: Image,
    max_features: int | None = None,
    *,
    contrast: float = 0.04,
    edge: float = 10.0,
    sigma: float = 1.6,
    octave_layers: int = 3,
    upsample: bool = True,
) -> Iterator[Step]:
    sought = checked("dog_keypoints", contrast, edge, sigma, octave_layers, upsample)
    yield from tower("dog_keypoints", image, sought)
    options = {"contrast": contrast, "edge": edge, "sigma": sigma, "octave_layers": octave_layers}
    result = dog_keypoints(image, max_features, **options, upsample=upsample)
    yield Step("keypoints", Value(result), Picture(brightness("dog_keypoints", image)), Lines(result.outlines()))


def tower(function: str, image: Image, sought: Sought) -> Iterator[Step]:
    """Yield the steps up to the keypoints: octaves, differences, extrema before and after each test."""
    gray = brightness(function, image)
    octaves = octaves_of(gray, sought.sigma, sought.layers, sought.upsample)
    for number_, octave in enumerate(octaves):
        height, width = octave.levels.shape[1:]
        note = f"{width}×{height} pixels; each level is blurred by 2^(1/{sought.layers}) more than the one before."
        yield Step(f"octave {number_}", Grid(octave.levels), note=note)
    for number_, octave in enumerate(octaves):
        yield Step(f"differences {number_}", Grid(octave.differences), note="What one more blur takes away.")
    kept: dict[str, list[Array]] = {"extrema": [], "not faint": [], "not on an edge": []}
    for octave in octaves:
        candidates = extrema(octave.levels, _SHARE * sought.threshold)
        places = localise(octave.levels, candidates)
        firm = places[np.abs(places[:, 6]) >= sought.threshold]
        kept["extrema"].append(octave.to_image(candidates[:, :0:-1]))
        kept["not faint"].append(octave.to_image(firm[:, [2, 1]] + firm[:, 3:5]))
        kept["not on an edge"].append(octave.to_image(found_in(octave, sought).points))
    notes = (
        "More, or less, than all 26 neighbours in place and scale.",
        "Placed between pixels by a quadratic; faint ones are gone.",
        "What is much more curved across than along is an edge, where places are not certain.",
    )
    for (name, parts), note in zip(kept.items(), notes, strict=True):
        points = np.concatenate([np.zeros((0, 2)), *parts]).astype(np.float32)
        yield Step(name, Points(points), Picture(gray), Points(points), note=f"{len(points)} left. {note}")

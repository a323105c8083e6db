"""Registration: the transform that lays one picture over another of the same scene.

By features: Brown, Szeliski & Winder 2005, "Multi-Image Matching Using Multi-Scale Oriented Patches", CVPR; matched a
second time after a first alignment.
By intensity: Evangelidis & Psarakis 2008, "Parametric Image Alignment Using Enhanced Correlation Coefficient
Maximization", IEEE PAMI 30(10).
By phase: Reddy & Chatterji 1996, "An FFT-Based Technique for Translation, Rotation, and Scale-Invariant Image
Registration", IEEE Transactions on Image Processing 5(8).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from jaxtyping import Float64

from sightline.core.buffers import release
from sightline.core.catalogue import method as catalogued
from sightline.core.checks import as_image, choice, describe, integer, number
from sightline.core.conversions import to_float
from sightline.core.errors import InputError
from sightline.core.layers import Heat, Matches, Picture, Points, Value
from sightline.core.seeds import generator
from sightline.core.trace import Step
from sightline.core.types import AnyImage, Array, Choice, Image, NewImage, Range, Seed
from sightline.image.corners import Rows
from sightline.image.enhanced_correlation import correlation_of, levels_of, maximise
from sightline.image.fit_transform import LEAST, consensus, project
from sightline.image.gradient import as_gray
from sightline.image.oriented_patches import Patches, match, patches_of
from sightline.image.panorama import Placement
from sightline.image.panorama_sheet import LaidRows
from sightline.image.spectral_turn import shift_between, turned
from sightline.image.warp_affine import homography, warp_perspective

MODELS = ("translation", "rigid", "similarity", "affine", "homography")
METHODS = ("features", "phase", "intensity")
_LARGE = 1 << 22  # pixels: to lay them several times takes less than their memory is worth
_NEAR = 3.0  # matches after a first alignment lie within so many tolerances


@dataclass(frozen=True, eq=False)
class Registration:
    """How one picture lies over another.

    Parameters
    ----------
    matrix
        3×3 float64: maps a point (x, y, 1) of the moving picture to the point of the fixed one, up to scale; the last
        number is 1.
    score
        Correlation of the brightness of both pictures where they overlap once aligned, −1 to 1.
    inliers
        Matched points that agree with the matrix; 0 for the methods that match none.
    iterations
        Samples drawn (``features``) or steps taken (``intensity``); 1 for ``phase``.
    shape
        (height, width) of the fixed picture in pixels.
    """

    matrix: Float64[np.ndarray, "3 3"]
    score: float
    inliers: int
    iterations: int
    shape: tuple[int, int]

    def warp(self, moving: Image, *, border: str = "constant", value: float | Sequence[float] = 0.0) -> NewImage:
        """Return a picture of the moving one's size, laid over the fixed one, pixel by pixel."""
        return warp_perspective(moving, self.matrix, self.shape, border=border, value=value)

    def points(self, points: Array) -> Array:
        """Return N×2 points of the moving picture as points of the fixed one; NaN beyond the horizon."""
        return project(self.matrix, np.asarray(points, np.float64))


def _shifted(fixed: Any) -> Any:
    """Return a picture that shows the scene a little to the left, for an example."""
    return np.roll(fixed, -3, axis=1) if isinstance(fixed, np.ndarray) and fixed.ndim > 1 else fixed


@catalogued(task="registration", paper="Evangelidis & Psarakis 2008", lesson="w2d2", example={"moving": _shifted})
def register(
    fixed: Image,
    moving: AnyImage,
    model: Annotated[str, Choice(*MODELS)] = "homography",
    *,
    method: Annotated[str, Choice(*METHODS)] = "features",
    start: Array | None = None,
    points: Annotated[int, Range(20, 10000, 10)] = 1500,
    ratio: Annotated[float, Range(0.1, 1, 0.05)] = 0.85,
    tolerance: Annotated[float, Range(0.1, 50, 0.1)] = 3.0,
    iterations: Annotated[int, Range(1, 100000, 1)] = 2000,
    eps: Annotated[float, Range(1e-6, 1, 0.001)] = 1e-3,
    seed: Seed = 0,
) -> Registration:
    """Return the transform that lays ``moving`` over ``fixed``.

    ``features`` finds large motions, ``phase`` shifts (and turns, and scales) of flat scenes, ``intensity`` is the most
    exact where the pictures are near already. NaN and infinity are refused.

    Parameters
    ----------
    fixed, moving
        H×W, or H×W×3, which are turned to grey; uint8, uint16 or finite float32 0–1. The two may differ in size.
    model
        What may happen to the picture: ``translation``, ``rigid`` (turned, too), ``similarity`` (scaled, too),
        ``affine`` or ``homography``. ``phase`` finds the first three.
    method
        ``features`` matches corners, ``phase`` compares spectra, ``intensity`` maximises the correlation.
    start
        3×3 matrix from points of ``moving`` to points of ``fixed`` where ``intensity`` starts; None tries the identity
        and a shift found by phase.
    points
        Corners sought in each picture, 20–10000 (``features``).
    ratio
        Greatest distance of a match, as a share of that of the second best, 0.1–1 (``features``).
    tolerance
        Greatest distance of a match that agrees with the transform, in pixels, 0.1–50 (``features``).
    iterations
        At most so many samples (``features``), or steps on each level (``intensity``), ≥ 1.
    eps
        Steps that move no corner by as much, in pixels, end the search, 1e-6–1 (``intensity``).
    seed
        Whole number ≥ 0 or a generator: of the samples (``features``).

    Returns
    -------
    Registration
        Its ``matrix`` maps points of ``moving`` to points of ``fixed``; ``warp(moving)`` is the aligned picture.

    Raises
    ------
    InputError
        When the pictures cannot be aligned: too few matches that agree, or no overlap.

    References
    ----------
    M. Brown, R. Szeliski, S. Winder, "Multi-Image Matching Using Multi-Scale Oriented Patches", CVPR, 2005.

    G. D. Evangelidis, E. Z. Psarakis, "Parametric Image Alignment Using Enhanced Correlation Coefficient Maximization",
    IEEE Transactions on Pattern Analysis and Machine Intelligence 30(10), 2008.

    B. S. Reddy, B. N. Chatterji, "An FFT-Based Technique for Translation, Rotation, and Scale-Invariant Image
    Registration", IEEE Transactions on Image Processing 5(8), 1996.

    Examples
    --------
    >>> import numpy as np
    >>> fixed = np.random.default_rng(0).integers(0, 256, (80, 90), np.uint8)
    >>> found = register(fixed[:70, :80], fixed[4:74, 7:87], "translation", method="phase")
    >>> found.matrix.round(1).tolist()
    [[1.0, 0.0, 7.0], [0.0, 1.0, 4.0], [0.0, 0.0, 1.0]]
    """
    a, b, chosen = _checked(fixed, moving, model, method)
    integer("register", "points", points, 20, 10000)
    number("register", "ratio", ratio, 0.1, 1)
    number("register", "tolerance", tolerance, 0.1, 50, unit="pixels")
    number("register", "eps", eps, 1e-6, 1, unit="pixels")
    integer("register", "iterations", iterations, 1, 100000)
    generator(seed)
    begin = None if start is None else homography("register", start, "start")
    if chosen == "phase":
        return _by_phase(a, b, model)
    if chosen == "intensity":
        return _by_intensity(a, b, model, begin, iterations, eps)
    return _by_features(a, b, model, points, ratio, tolerance, iterations, seed)[0]


@register.steps
def _steps(
    fixed: Image, moving: Image, model: str = "homography", *, method: str = "features", **options: Any
) -> Iterator[Step]:
    a, b = (to_float(picture) for picture in _checked(fixed, moving, model, method)[:2])
    yield Step("fixed", Picture(a))
    yield Step("moving", Picture(b))
    result = register(fixed, moving, model, method=method, **options)
    if method == "features":
        settings: dict[str, Any] = {"points": 1500, "ratio": 0.85, "tolerance": 3.0, "iterations": 2000, "seed": 0}
        settings |= {key: value for key, value in options.items() if key in settings}
        _, corners, pairs, agree = _by_features(a, b, model, **settings)
        yield Step("corners", Points(corners.points), Picture(a), Points(corners.points), note="Spread evenly.")
        yield Step("matches", Matches(pairs), Picture(a), Picture(b), note="Each other's nearest.")
        kept = pairs[agree]
        yield Step("inliers", Matches(kept), Picture(a), Picture(b), note="They agree with one transform.")
    elif method == "phase" and model != "translation":
        _, _, spectra = turned(*_of_one_shape(a, b), model)
        yield Step("spectra", Heat(np.hstack(spectra)), note="Angle downwards, logarithm of the frequency across.")
    aligned = result.warp(b)
    yield Step("aligned", Picture(aligned), note="The moving picture in the place of the fixed one.")
    yield Step("difference", Heat(np.abs(aligned - a) * (result.warp(np.ones_like(b)) > 0)), note="Black where equal.")
    yield Step("registration", Value(result), Picture(aligned), note=f"Correlation {result.score:.4f}.")


def _checked(fixed: Any, moving: Any, model: Any, method: Any) -> tuple[Array, Array, str]:
    """Return both pictures in grey, of their own type, and the method."""
    pictures = []
    for name, picture in (("fixed", fixed), ("moving", moving)):
        checked = as_image("register", picture, argument=name, finite=True)
        if min(checked.shape[:2]) < 8:
            raise InputError(f"register: {name} must have at least 8×8 pixels; got {describe(checked)}.")
        pictures.append(as_gray("register", checked))
    choice("register", "model", model, MODELS)
    chosen = choice("register", "method", method, METHODS)
    if chosen == "phase" and model not in MODELS[:3]:
        raise InputError(f"register: model must be one of {MODELS[:3]} with method 'phase'; got {model!r}.")
    return pictures[0], pictures[1], chosen


def _finished(a: Array, b: Array, matrix: Array, inliers: int, steps: int) -> Registration:
    """Return the record; ``matrix`` leads from the moving picture to the fixed one."""
    score = correlation_of(a, b, np.linalg.inv(matrix))
    return Registration(matrix / matrix[2, 2], score, inliers, steps, (a.shape[0], a.shape[1]))


def _of_one_shape(a: Array, b: Array) -> tuple[Array, Array]:
    """Return both pictures on a canvas that holds either, their mean beyond them."""
    shape = np.maximum(a.shape, b.shape)
    pads = [[(0, int(most - n)) for most, n in zip(shape, p.shape, strict=True)] for p in (a, b)]
    first, second = (np.pad(p, q, constant_values=p.mean()) for p, q in zip((a, b), pads, strict=True))
    return first, second


def _by_phase(a: Array, b: Array, model: str) -> Registration:
    first, second = _of_one_shape(to_float(a), to_float(b))
    matrix = shift_between(first, second)[0] if model == "translation" else turned(first, second, model)[0]
    return _finished(a, b, matrix, 0, 1)


def _by_intensity(a: Array, b: Array, model: str, start: Array | None, iterations: int, eps: float) -> Registration:
    levels = levels_of(to_float(a), to_float(b))
    if start is None:
        first = levels[0]
        shift = shift_between(*_of_one_shape(first.fixed, first.planes[..., 0]))[0]
        shift[:2, 2] *= first.factor
        tried = [np.eye(3), np.linalg.inv(shift)]
        matrix = max(tried, key=lambda m: maximise(first, "translation", m, 10, 0.01)[1])
    else:
        matrix = np.linalg.inv(start)
    total, score = 0, 0.0
    for level in levels:
        last = level is levels[-1]
        matrix, score, steps = maximise(level, model, matrix, iterations, eps if last else max(eps, 0.02))
        total += steps
        if score == -np.inf:
            raise InputError(
                f"register: moving must overlap with fixed; got none at 1/{level.factor:g} of the size. Use method "
                "'features', or give start."
            )
    found = np.linalg.inv(matrix)
    return Registration(found / found[2, 2], score, 0, total, (a.shape[0], a.shape[1]))


def _by_features(
    a: Array, b: Array, model: str, points: int, ratio: float, tolerance: float, iterations: int, seed: Any
) -> tuple[Registration, Patches, Array, Array]:
    """Return the record, the fixed picture's corners, the pairs N×4 (fixed, moving), and which of them agree."""
    large = a.size > _LARGE
    first, second = patches_of(a, points), patches_of(b, points)
    pairs = _paired(first, second, ratio, large)
    matrix, agree, drawn = agreement(model, pairs, tolerance, iterations, seed)
    _refuse_few(model, pairs, agree)
    # Once the moving picture is laid over the fixed one, the same places look more alike, and more of them match.
    again = patches_of(_aligned(b, matrix, (a.shape[0], a.shape[1])), points)
    moved = _paired(first, again, ratio, large)
    near = np.abs(moved[:, :2] - moved[:, 2:]).max(axis=1, initial=0) < _NEAR * tolerance
    moved = moved[near]
    moved[:, 2:] = project(np.linalg.inv(matrix), moved[:, 2:])
    moved = moved[_inside(moved[:, 2:], b.shape)]
    if len(moved) >= LEAST[model]:
        better, agrees, _ = agreement(model, moved, tolerance, iterations, seed)
        if agrees.sum() >= agree.sum():
            matrix, agree, pairs = better, agrees, moved
    return _finished(a, b, matrix, int(agree.sum()), drawn), first, pairs.astype(np.float32), agree


def _aligned(moving: Array, matrix: Array, shape: tuple[int, int]) -> Rows:
    """Return the moving picture laid over the fixed one; of a large one, rows are laid whenever they are read."""
    if math.prod(shape) > _LARGE:
        return LaidRows(moving, Placement(matrix, 0.0, (moving.shape[0], moving.shape[1])), shape)
    return warp_perspective(to_float(moving), matrix, shape, border="edge")


def _inside(points: Array, shape: tuple[int, ...]) -> Array:
    with np.errstate(invalid="ignore"):
        return np.all((points >= 0) & (points <= (shape[1] - 1, shape[0] - 1)), axis=1)


def _paired(first: Patches, second: Patches, ratio: float, large: bool) -> Array:
    if large:
        release()  # levels of a large picture would wait beside the products
    found = match(first.descriptors, second.descriptors, ratio)
    if large:
        release()  # and these beside the next levels
    return np.hstack([first.points[found[:, 0]], second.points[found[:, 1]]])


def agreement(model: str, pairs: Array, tolerance: float, iterations: int, seed: Seed) -> tuple[Array, Array, int]:
    """Return the matrix from the second points of N×4 pairs to the first ones, which agree, and the samples drawn."""
    if len(pairs) < LEAST[model]:
        return np.eye(3), np.zeros(len(pairs), bool), 0
    return consensus(model, pairs[:, 2:], pairs[:, :2], tolerance, iterations, seed)


def _refuse_few(model: str, pairs: Array, agree: Array) -> None:
    # Brown & Lowe 2007 give this bound for a pair of pictures; a wrong pair agrees with a transform by chance.
    needed = max(LEAST[model] + 2, 5.9 + 0.15 * len(pairs))
    if agree.sum() <= needed:
        raise InputError(
            f"register: moving must show the scene of fixed; got {len(pairs)} matches, of which {int(agree.sum())} "
            f"agree on one {model}. Use more points, or method 'intensity' for pictures that are near each other."
        )

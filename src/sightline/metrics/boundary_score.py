"""Boundary benchmark: precision and recall of boundaries against several people's drawings, over all thresholds.

Arbeláez, Maire, Fowlkes & Malik 2011, "Contour Detection and Hierarchical Image Segmentation", IEEE PAMI 33(5), section
2.1: a pixel is right when anyone's drawing has a partner for it; recall counts each drawing on its own. ODS is the best
F of one threshold for the whole set, OIS that of the best threshold for each image, AP the area under the curve.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import as_image, as_mask, describe, integer, number
from sightline.core.errors import InputError
from sightline.core.types import Gray, Mask, Range
from sightline.metrics.boundary_matching import TOLERANCE, paired, thinned


@dataclass(frozen=True)
class BoundaryCounts:
    """Pixels that were matched and pixels there are, at each of T thresholds of one image.

    Parameters
    ----------
    thresholds
        T float64, ascending, in 0–1.
    matched, found
        T int64: found pixels with a partner in any drawing, and all found pixels.
    recalled, drawn
        T int64: drawn pixels with a partner, and all drawn pixels, summed over the drawings.
    """

    thresholds: np.ndarray
    matched: np.ndarray
    found: np.ndarray
    recalled: np.ndarray
    drawn: np.ndarray

    @property
    def precision(self) -> np.ndarray:
        """Share of the found pixels that are right, T float64; 0 where nothing was found."""
        return self.matched / np.maximum(self.found, 1)

    @property
    def recall(self) -> np.ndarray:
        """Share of the drawn pixels that were found, T float64; 0 where nothing was drawn."""
        return self.recalled / np.maximum(self.drawn, 1)

    @property
    def f1(self) -> np.ndarray:
        """Harmonic mean of precision and recall, T float64."""
        return _f1(self.precision, self.recall)


@dataclass(frozen=True)
class BoundaryScore:
    """The benchmark's figures for a set of images.

    Parameters
    ----------
    ods, ods_threshold, ods_precision, ods_recall
        Best F of one threshold for all images, that threshold, and what it is made of.
    ois
        F when each image has its own best threshold.
    average_precision
        Area under the curve of precision over recall.
    """

    ods: float
    ods_threshold: float
    ods_precision: float
    ods_recall: float
    ois: float
    average_precision: float

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)


@method(
    task="metric",
    paper="Arbelaez 2011",
    lesson="w4d5",
    example={"strength": np.eye(5, dtype=np.float32), "truths": [np.eye(5, dtype=bool)]},
)
def boundary_precision_recall(
    strength: Gray,
    truths: Sequence[Mask],
    *,
    thresholds: Annotated[int, Range(1, 999, 1)] = 99,
    tolerance: Annotated[float, Range(0, 1, 0.0005)] = TOLERANCE,
    thin: bool = True,
) -> BoundaryCounts:
    """Count the pixels of a soft boundary map that people have drawn, too, and the drawn ones that it has.

    Parameters
    ----------
    strength
        H×W float32 in 0–1: how sure it is that a boundary runs here. NaN and infinity are refused.
    truths
        One H×W bool mask for each person who drew the boundaries.
    thresholds
        Number T of thresholds, evenly between 0 and 1; the map is cut at each (≥).
    tolerance
        Greatest distance of two partners, as a share of the image's diagonal.
    thin
        Thin each cut map to lines of one pixel; False when they are already.

    Returns
    -------
    BoundaryCounts
        For :func:`boundary_score`, with precision, recall and F1 of this image.

    Raises
    ------
    InputError
        When the masks are not of the map's shape, or there is none.

    References
    ----------
    P. Arbeláez, M. Maire, C. Fowlkes, J. Malik, "Contour Detection and Hierarchical Image Segmentation", IEEE
    Transactions on Pattern Analysis and Machine Intelligence 33(5), 2011.

    Examples
    --------
    >>> import numpy as np
    >>> truth = np.eye(40, dtype=bool)
    >>> strength = truth * np.float32(0.6)
    >>> strength[:20, 39] = 0.3
    >>> counts = boundary_precision_recall(strength, [truth], thresholds=3)
    >>> counts.recall.tolist(), counts.precision.round(2).tolist()
    ([1.0, 1.0, 0.0], [0.67, 1.0, 0.0])
    """
    name = "boundary_precision_recall"
    strength = as_image(name, strength, argument="strength", channels=(1,), dtypes=("float32",), finite=True)
    if isinstance(truths, np.ndarray) or not isinstance(truths, Sequence) or len(truths) == 0:
        raise InputError(f"{name}: truths must be a list of at least one H×W bool mask; got {describe(truths)}.")
    drawings = [as_mask(name, truth, argument="truths", shape=strength.shape) for truth in truths]
    count = integer(name, "thresholds", thresholds, 1, 999)
    tolerance = number(name, "tolerance", tolerance, 0, 1, unit="of the diagonal")
    levels = np.arange(1, count + 1) / (count + 1)
    rows: list[tuple[int, int, int]] = []
    before = -1
    for level in levels:
        cut = strength >= np.float32(level)
        if np.count_nonzero(cut) != before:  # cuts only lose pixels: as many are the same ones
            before = np.count_nonzero(cut)
            rows.append(_counts(thinned(cut) if thin else cut, drawings, tolerance))
        else:
            rows.append(rows[-1])
    matched, found, recalled = np.array(rows, np.int64).T
    drawn = np.full(count, sum(int(np.count_nonzero(truth)) for truth in drawings), np.int64)
    return BoundaryCounts(levels, matched, found, recalled, drawn)


@method(
    task="metric",
    paper="Arbelaez 2011",
    lesson="w4d5",
    example={"counts": [BoundaryCounts(np.array([0.5]), *np.array([[3], [4], [3], [5]]))]},
)
def boundary_score(counts: Sequence[BoundaryCounts]) -> BoundaryScore:
    """Return the best F of one threshold for all images (ODS) and of one for each (OIS), and the average precision.

    Between two neighbouring thresholds, precision and recall are interpolated, as in the benchmark.

    Parameters
    ----------
    counts
        What :func:`boundary_precision_recall` returned for each image, all with the same thresholds. Counts are whole
        numbers: there is no NaN.

    Returns
    -------
    BoundaryScore
        ODS, OIS and AP.

    Raises
    ------
    InputError
        When there is no image, or the thresholds differ.

    References
    ----------
    P. Arbeláez, M. Maire, C. Fowlkes, J. Malik, "Contour Detection and Hierarchical Image Segmentation", IEEE
    Transactions on Pattern Analysis and Machine Intelligence 33(5), 2011.

    Examples
    --------
    >>> import numpy as np
    >>> truth = np.eye(40, dtype=bool)
    >>> score = boundary_score([boundary_precision_recall(truth.astype(np.float32), [truth])])
    >>> score.ods, score.ois
    (1.0, 1.0)
    """
    counts = list(counts) if isinstance(counts, (list, tuple)) else []
    if not counts or not all(isinstance(item, BoundaryCounts) for item in counts):
        raise InputError("boundary_score: counts must be a list of at least one BoundaryCounts; got none or others.")
    levels = counts[0].thresholds
    if any(not np.array_equal(item.thresholds, levels) for item in counts):
        raise InputError("boundary_score: counts must have the same thresholds; got different ones.")
    tables = np.array([[item.matched, item.found, item.recalled, item.drawn] for item in counts])  # N×4×T
    precision, recall = _ratios(tables.sum(axis=0))
    steps = np.linspace(0, 1, 101)[:, None]
    r, p, t = (((1 - steps) * a[:-1] + steps * a[1:]).ravel() if a.size > 1 else a for a in (recall, precision, levels))
    best = int(np.argmax(_f1(p, r)))
    own = np.array([table[:, np.argmax(_f1(*_ratios(table)))] for table in tables]).sum(axis=0)
    ois = float(_f1(*_ratios(own[:, None]))[0])
    area = _area(precision, recall)
    return BoundaryScore(float(_f1(p, r)[best]), float(t[best]), float(p[best]), float(r[best]), ois, area)


def _counts(cut: np.ndarray, drawings: list[np.ndarray], tolerance: float) -> tuple[int, int, int]:
    right, recalled = np.zeros(cut.shape, np.bool_), 0
    for truth in drawings:
        matched, matched_truth = paired(cut, truth, tolerance)
        right |= matched
        recalled += int(np.count_nonzero(matched_truth))
    return int(np.count_nonzero(right)), int(np.count_nonzero(cut)), recalled


def _ratios(table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    matched, found, recalled, drawn = table
    return matched / np.maximum(found, 1), recalled / np.maximum(drawn, 1)


def _f1(precision: np.ndarray, recall: np.ndarray) -> np.ndarray:
    return 2 * precision * recall / np.maximum(precision + recall, 1e-300)


def _area(precision: np.ndarray, recall: np.ndarray) -> float:
    """Return the area under the curve, at recalls in hundredths; nothing is added beyond its two ends."""
    recall, first = np.unique(recall, return_index=True)
    if len(recall) < 2:
        return float((precision * recall).max()) if recall.size else 0.0
    at = np.linspace(0, 1, 101)
    inside = (at >= recall[0]) & (at <= recall[-1])
    return float(np.interp(at[inside], recall, precision[first]).sum() / 100)

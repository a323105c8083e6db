"""Mean average precision: how well a detector finds, over all scores at which one could cut off, and ten strictnesses.

Lin et al. 2014, "Microsoft COCO: Common Objects in Context", ECCV, and its public evaluation: twelve numbers, from 101
recalls, ten overlaps, three sizes and three numbers of detections.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import choice, integer, number
from sightline.core.errors import InputError
from sightline.core.kernels import kernel, over_rows
from sightline.core.layers import Curve, Table, Value
from sightline.core.results import Detections
from sightline.core.trace import Step
from sightline.core.types import Array, Choice
from sightline.metrics.box_matching import IGNORED, RIGHT, Sorted, judge, sort_boxes
from sightline.metrics.box_set import EXAMPLE_FOUND, EXAMPLE_TRUTH, as_box_sets

RECALLS = np.linspace(0, 1, 101)
THRESHOLDS = tuple(np.linspace(0.5, 0.95, 10).tolist())
SIZES = {"all": (0.0, 1e10), "small": (0.0, 32.0**2), "medium": (32.0**2, 96.0**2), "large": (96.0**2, 1e10)}
_TWELVE = (
    ("ap", "AP @ IoU 0.50:0.95, all, 100 detections"),
    ("ap50", "AP @ IoU 0.50"),
    ("ap75", "AP @ IoU 0.75"),
    ("ap_small", "AP, small"),
    ("ap_medium", "AP, medium"),
    ("ap_large", "AP, large"),
    ("ar_1", "AR, 1 detection"),
    ("ar_10", "AR, 10 detections"),
    ("ar_100", "AR, 100 detections"),
    ("ar_small", "AR, small"),
    ("ar_medium", "AR, medium"),
    ("ar_large", "AR, large"),
)


@dataclass(frozen=True, eq=False)
class AveragePrecision:
    """COCO's numbers and what they are means of; ``float()`` gives AP. Numbers that nothing speaks for are NaN.

    Parameters
    ----------
    precision
        T×101×K×4×M best precision at a recall of 0, 0.01 … 1 or beyond: for T overlaps, K classes, the sizes all,
        small, medium and large, and M numbers of detections.
    recall
        T×K×4×M share of the true things that are found.
    thresholds
        T overlaps.
    classes
        K labels, those that have a true box.
    most
        M numbers of detections of a class in an image that count.
    names
        Class names by label; may be empty.
    """

    precision: Array
    recall: Array
    thresholds: tuple[float, ...]
    classes: Array
    most: tuple[int, ...]
    names: tuple[str, ...] = ()

    def average(self, threshold: float | None = None, size: str = "all") -> float:
        """Return the mean precision at one overlap or all, for things of one size.

        Parameters
        ----------
        threshold
            One of ``thresholds``; None for the mean of all.
        size
            ``all``, ``small``, ``medium`` or ``large``.
        """
        return _mean(self.precision[self._rows(threshold), :, :, list(SIZES).index(size), -1])

    def found(self, most: int | None = None, size: str = "all") -> float:
        """Return the mean recall with so many detections in an image.

        Parameters
        ----------
        most
            One of ``most``; None for the largest.
        size
            As in :meth:`average`.
        """
        column = -1 if most is None else self.most.index(most)
        return _mean(self.recall[:, :, list(SIZES).index(size), column])

    @property
    def ap(self) -> float:
        """Mean over all overlaps and classes, 0–1."""
        return self.average()

    @property
    def ap50(self) -> float:
        """At an overlap of 0.5; NaN where it is not among the thresholds."""
        return self.average(0.5)

    @property
    def by_class(self) -> dict[str, float]:
        """AP of each class that has a true box."""
        means = [_mean(self.precision[:, :, k, 0, -1]) for k in range(len(self.classes))]
        return {self._name(label): mean for label, mean in zip(self.classes.tolist(), means, strict=True)}

    @property
    def twelve(self) -> dict[str, float]:
        """COCO's twelve numbers by name: ap, ap50, ap75, ap_small … ar_large."""
        numbers = {"ap": self.ap, "ap50": self.ap50, "ap75": self.average(0.75)}
        for size in list(SIZES)[1:]:
            numbers[f"ap_{size}"] = self.average(size=size)
        for most in self.most:
            numbers[f"ar_{most}"] = self.found(most)
        for size in list(SIZES)[1:]:
            numbers[f"ar_{size}"] = self.found(size=size)
        return numbers

    def curve(self, label: int, threshold: float = 0.5) -> Array:
        """Return precision against recall for one class, 101×2 (recall, precision).

        Parameters
        ----------
        label
            One of ``classes``.
        threshold
            One of ``thresholds``.
        """
        k = int(np.flatnonzero(self.classes == label)[0])
        return np.stack([RECALLS, self.precision[self._rows(threshold), :, k, 0, -1][0]], axis=1)

    def __float__(self) -> float:
        return self.ap

    def __str__(self) -> str:
        words = dict(_TWELVE)
        return "\n".join(f"{words.get(name, name):42} {value:.3f}" for name, value in self.twelve.items())

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values: the twelve numbers and AP by class; NaN as None."""
        plain = {name: None if np.isnan(value) else value for name, value in self.twelve.items()}
        return plain | {"by_class": {name: None if np.isnan(v) else v for name, v in self.by_class.items()}}

    def _rows(self, threshold: float | None) -> slice | list[int]:
        if threshold is None:
            return slice(None)
        return [i for i, own in enumerate(self.thresholds) if abs(own - threshold) < 1e-9]

    def _name(self, label: int) -> str:
        return self.names[label] if 0 <= label < len(self.names) else str(label)


def _mean(values: Array) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")


@method(task="metric", paper="Lin 2014", lesson="w7d1", example={"found": [EXAMPLE_FOUND], "truth": [EXAMPLE_TRUTH]})
def mean_average_precision(
    found: Sequence[Any],
    truth: Sequence[Any],
    *,
    of: Annotated[str, Choice("boxes", "masks")] = "boxes",
    thresholds: Sequence[float] = THRESHOLDS,
    most: Sequence[int] = (1, 10, 100),
) -> AveragePrecision:
    """Return COCO's average precision and recall: of boxes, or of masks.

    In each image the surest detection of a class takes the free thing that it overlaps most. Then, over all images,
    precision against recall, and its mean.

    Parameters
    ----------
    found
        What a detector says: ``Detections`` for each image, or :class:`~sightline.metrics.BoxSet` in float64. NaN as
        a score is refused; a box with NaN overlaps nothing.
    truth
        What is there, in the same order: anything with ``boxes`` and ``labels``, and with ``crowd``, ``ignore`` and
        ``areas`` where they are known. What is ignored is neither right nor wrong to find; in a crowd each may be
        found.
    of
        What must overlap. Masks are those of ``Detections``, or ``runs`` of a BoxSet.
    thresholds
        Overlaps from which a detection is right, 0–1.
    most
        Numbers of detections of a class in an image that count, rising.

    Returns
    -------
    AveragePrecision
        All twelve numbers, and the curves that they come from.

    References
    ----------
    T.-Y. Lin et al., "Microsoft COCO: Common Objects in Context", ECCV 2014.

    Examples
    --------
    >>> from sightline import Detections
    >>> true = [Detections([[0, 0, 10, 10], [20, 0, 30, 10]], [1, 1], [0, 0])]
    >>> seen = [Detections([[0, 0, 10, 10], [50, 0, 60, 10]], [0.9, 0.8], [0, 0])]
    >>> round(mean_average_precision(seen, true).ap50, 3)  # one of two: precision 1 up to a recall of a half
    0.505
    """
    boxes, limits, counts = _sorted(found, truth, of, thresholds, most)
    sizes = np.array(list(SIZES.values()))
    verdicts, outside = judge(boxes, limits, sizes)
    precision, recall = _accumulate(boxes, verdicts, outside, counts)
    names = next((one.names for one in found if isinstance(one, Detections) and one.names), ())
    return AveragePrecision(precision, recall, tuple(limits.tolist()), boxes.classes, tuple(counts.tolist()), names)


def _sorted(
    found: Any, truth: Any, of: str, thresholds: Sequence[float], most: Sequence[int]
) -> tuple[Sorted, Array, Array]:
    name = "mean_average_precision"
    masks = choice(name, "of", of, ("boxes", "masks")) == "masks"
    limits = np.array([number(name, "thresholds", value, 0, 1) for value in thresholds], np.float64)
    counts = np.array(sorted(integer(name, "most", value, 1) for value in most), np.int64)
    if not len(limits) or not len(counts):
        raise InputError(f"{name}: thresholds and most must have an entry; got {len(limits)} and {len(counts)}.")
    given = as_box_sets(name, "found", found), as_box_sets(name, "truth", truth)
    return sort_boxes(name, *given, int(counts[-1]), masks=masks), limits, counts


def _accumulate(boxes: Sorted, verdicts: Array, outside: Array, counts: Array) -> tuple[Array, Array]:
    """Return precision T×101×K×A×M and recall T×K×A×M; NaN for a class without things that count."""
    classes = np.arange(len(boxes.classes))
    order = np.lexsort((-boxes.scores, boxes.kinds))
    ends = np.searchsorted(boxes.kinds[order], classes, "right")
    starts = np.searchsorted(boxes.kinds[order], classes)
    things = np.stack([np.bincount(boxes.true_kinds[~row], minlength=len(classes)) for row in outside], axis=1)
    shape = verdicts.shape[1], len(classes), len(outside), len(counts)
    precision = np.full((len(classes), *shape[:1], *shape[2:], len(RECALLS)), np.nan)
    recall = np.full((len(classes), *shape[:1], *shape[2:]), np.nan)
    shares, best = np.empty((2, len(order)))
    given = (order, starts, ends, boxes.ranks, verdicts, things, counts, RECALLS, shares, best, precision, recall)
    over_rows(_accumulate_classes, len(classes), *given, strip=1)
    return np.moveaxis(precision, (0, 4), (2, 1)), np.moveaxis(recall, 0, 1)


@kernel
def _accumulate_classes(
    order, starts, ends, ranks, verdicts, things, counts, recalls, shares, best, precision, recall, k0, k1
):
    for k in range(k0, k1):
        for a in range(things.shape[1]):
            if things[k, a] == 0:
                continue
            for t in range(verdicts.shape[1]):
                for m in range(len(counts)):
                    right, wrong, n = 0, 0, starts[k]
                    for i in range(starts[k], ends[k]):
                        verdict = verdicts[a, t, order[i]]
                        if ranks[order[i]] >= counts[m] or verdict == IGNORED:
                            continue
                        if verdict == RIGHT:
                            right += 1
                        else:
                            wrong += 1
                        shares[n], best[n] = right / things[k, a], right / (right + wrong + 2.220446049250313e-16)
                        n += 1
                    recall[k, t, a, m] = right / things[k, a]
                    for i in range(n - 2, starts[k] - 1, -1):  # the best precision at this recall or beyond
                        if best[i + 1] > best[i]:
                            best[i] = best[i + 1]
                    at = starts[k]
                    for r in range(len(recalls)):
                        while at < n and shares[at] < recalls[r]:
                            at += 1
                        precision[k, t, a, m, r] = best[at] if at < n else 0.0


@mean_average_precision.steps
def _(
    found: Sequence[Any],
    truth: Sequence[Any],
    *,
    of: str = "boxes",
    thresholds: Sequence[float] = THRESHOLDS,
    most: Sequence[int] = (1, 10, 100),
) -> Iterator[Step]:
    """Yield, for the class with the most things, what becomes of each detection, the curve, and its envelope."""
    result = mean_average_precision(found, truth, of=of, thresholds=thresholds, most=most)
    boxes, limits, _ = _sorted(found, truth, of, thresholds, most)
    verdicts, outside = judge(boxes, limits, np.array([SIZES["all"]]))
    if len(boxes.classes):
        k = int(np.bincount(boxes.true_kinds, minlength=len(boxes.classes)).argmax())
        chosen = np.flatnonzero(boxes.kinds == k)
        chosen = chosen[np.argsort(-boxes.scores[chosen], kind="stable")]
        said = verdicts[0, 0, chosen]
        chosen, right = chosen[said != IGNORED], said[said != IGNORED] == RIGHT
        things = int((~outside[0] & (boxes.true_kinds == k)).sum())
        share = np.cumsum(right) / max(things, 1)
        exact = np.cumsum(right) / np.arange(1, len(right) + 1)
        rows = np.stack([boxes.scores[chosen], right, share, exact], axis=1)
        told = (
            f"Class {result._name(int(boxes.classes[k]))}, overlap {limits[0]:.2f}: {things} things, best score first."
        )
        yield Step("verdicts", Table(rows, ("score", "right", "recall", "precision")), note=told)
        axes = ("recall", "precision")
        yield Step("curve", Curve(np.stack([share, exact], axis=1), axes), note="One point a detection.")
        envelope = np.stack([RECALLS, result.precision[0, :, k, 0, -1]], axis=1)
        area = float(np.nanmean(envelope[:, 1]))
        yield Step("envelope", Curve(envelope, axes), note=f"The best from there on; its mean is {area:.3f}.")
    yield Step("score", Value(result), note="The mean over classes and overlaps.")

"""The boxes of one image as a score needs them, and the way from results, annotations and COCO's files to them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sightline.core.checks import describe
from sightline.core.errors import InputError
from sightline.core.results import Detections
from sightline.core.run_length import mask_of_polygon, run_lengths, runs_of_polygon, runs_of_text
from sightline.core.types import Array


def _unsaid() -> Array:
    return np.zeros(0)


@dataclass(frozen=True, eq=False)
class BoxSet:
    """Things in one image, found or true; row i of everything is one of them.

    Parameters
    ----------
    boxes
        N×4 xyxy in pixels, continuous edges; float64, so that what a file says is not rounded.
    labels
        N class indices.
    scores
        N confidences without NaN; empty for true boxes.
    crowd
        N bool: a box around many things of a kind, of which each may be found (COCO's ``iscrowd``); empty takes none
        for one.
    ignore
        N bool: neither right nor wrong to find (VOC's ``difficult``); empty ignores nothing.
    areas
        N areas in pixels, by which small and large things are told apart; empty takes those of the masks or boxes.
    runs
        N run lengths of masks, column by column, beginning outside; empty where there are none.
    """

    boxes: Array
    labels: Array
    scores: Array = field(default_factory=_unsaid)
    crowd: Array = field(default_factory=_unsaid)
    ignore: Array = field(default_factory=_unsaid)
    areas: Array = field(default_factory=_unsaid)
    runs: tuple[Array, ...] = ()

    def __post_init__(self) -> None:
        boxes = np.asarray(self.boxes, np.float64).reshape(-1, 4)
        object.__setattr__(self, "boxes", boxes)
        object.__setattr__(self, "labels", np.asarray(self.labels, np.int64))
        for name in ("crowd", "ignore"):
            said = np.asarray(getattr(self, name), np.bool_)
            object.__setattr__(self, name, said if said.size else np.zeros(len(boxes), np.bool_))
        object.__setattr__(self, "scores", np.asarray(self.scores, np.float64))
        object.__setattr__(self, "runs", tuple(np.asarray(one, np.int64) for one in self.runs))
        areas = np.asarray(self.areas, np.float64)
        if not areas.size:
            areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
            areas = np.array([one[1::2].sum() for one in self.runs], np.float64) if self.runs else areas
        object.__setattr__(self, "areas", areas)
        for name in ("labels", "scores", "crowd", "ignore", "areas", "runs"):
            count = len(getattr(self, name))
            if count != len(boxes) and not (count == 0 and name in ("scores", "runs")):
                raise InputError(f"BoxSet: {name} must have {len(boxes)} rows, one a box; got {count}.")

    def __len__(self) -> int:
        return len(self.boxes)


EXAMPLE_FOUND = BoxSet(
    np.array([[8, 8, 40, 44], [10, 10, 44, 44], [60, 20, 92, 60]]), np.zeros(3), np.array([0.9, 0.8, 0.6])
)
EXAMPLE_TRUTH = BoxSet(np.array([[8, 8, 42, 44], [60, 24, 92, 64]]), np.zeros(2))


def as_box_sets(function: str, argument: str, items: Any) -> list[BoxSet]:
    """Return one set for each image; raise :class:`InputError` for what is none.

    Parameters
    ----------
    function, argument
        Names for the error's sentence.
    items
        A list of :class:`BoxSet`, of ``Detections``, or of annotations: anything with ``boxes`` and ``labels``, and
        with ``crowd``, ``ignore`` and ``areas`` where they are known.
    """
    if not isinstance(items, (list, tuple)):
        raise InputError(f"{function}: {argument} must be a list, one entry an image; got {describe(items)}.")
    return [_as_box_set(function, f"{argument}[{i}]", item) for i, item in enumerate(items)]


def _as_box_set(function: str, argument: str, item: Any) -> BoxSet:
    if isinstance(item, BoxSet):
        return item
    if isinstance(item, Detections):
        runs = () if item.masks is None else tuple(run_lengths(np.asarray(mask, np.bool_)) for mask in item.masks)
        return BoxSet(item.boxes, item.labels, item.scores, runs=runs)
    if not (hasattr(item, "boxes") and hasattr(item, "labels")):
        raise InputError(
            f"{function}: {argument} must be Detections, a BoxSet or an annotation with boxes and labels; "
            f"got {describe(item)}."
        )
    said = {name: getattr(item, name) for name in ("crowd", "ignore", "areas") if hasattr(item, name)}
    return BoxSet(item.boxes, item.labels, **said)


def box_sets_of_coco(
    truth: Mapping[str, Any], results: Sequence[Mapping[str, Any]], *, masks: bool = False
) -> tuple[list[BoxSet], list[BoxSet]]:
    """Return what was found and what is true, image by image in the order of their ids, from COCO's files.

    Parameters
    ----------
    truth
        The parsed file of annotations: ``images``, ``annotations``, ``categories``.
    results
        The parsed file of results: ``image_id``, ``category_id``, ``score`` and ``bbox`` (or ``segmentation``) each.
    masks
        Whether masks are read as well; without it, boxes alone.

    Returns
    -------
    tuple of list
        Found and true boxes; a label is the place of its category among the sorted ids.
    """
    images = {image["id"]: image for image in sorted(truth["images"], key=lambda image: image["id"])}
    places = {image: at for at, image in enumerate(images)}
    labels = {category: at for at, category in enumerate(sorted(c["id"] for c in truth["categories"]))}
    unknown = [row["image_id"] for row in results if row["image_id"] not in places]
    if unknown:
        raise InputError(f"box_sets_of_coco: results must name images of the truth; got image_id {unknown[0]!r}.")
    sizes = [(image["height"], image["width"]) for image in images.values()] if masks else []
    given = places, labels, len(images), sizes
    return _sets_of(results, *given, scored=True), _sets_of(truth["annotations"], *given, scored=False)


def _sets_of(
    every: Sequence[Mapping[str, Any]],
    places: Mapping[Any, int],
    labels: Mapping[Any, int],
    count: int,
    sizes: Sequence[tuple[int, int]],
    *,
    scored: bool,
) -> list[BoxSet]:
    """Return the rows of known categories and images, image by image; the columns are made for all images at once."""
    rows = [row for row in every if row["category_id"] in labels and row["image_id"] in places]
    rows.sort(key=lambda row: places[row["image_id"]])
    boxes = np.array([row.get("bbox") or (0, 0, 0, 0) for row in rows], np.float64).reshape(-1, 4)
    edges = np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)
    said: dict[str, Any] = {"labels": np.array([labels[row["category_id"]] for row in rows], np.int64)}
    if scored:
        said["scores"] = np.array([row["score"] for row in rows], np.float64)
    else:
        said["crowd"] = np.array([row.get("iscrowd", 0) for row in rows], np.bool_)
        said["areas"] = np.array([row["area"] for row in rows], np.float64)
    if sizes:
        said["runs"] = tuple(_runs_of(row["segmentation"], sizes[places[row["image_id"]]]) for row in rows)
    elif scored:
        said["areas"] = boxes[:, 2] * boxes[:, 3]
    own = np.array([places[row["image_id"]] for row in rows], np.int64)
    ends = np.searchsorted(own, np.arange(count + 1)).tolist()
    return [
        BoxSet(edges[first:last], **{name: column[first:last] for name, column in said.items()})
        for first, last in itertools.pairwise(ends)
    ]


def _runs_of(segmentation: Any, size: tuple[int, int]) -> Array:
    """Return the run lengths of a segmentation: polygons, run lengths, or run lengths as text."""
    if isinstance(segmentation, Mapping):
        counts = segmentation["counts"]
        if isinstance(counts, bytes):
            counts = counts.decode("ascii")
        return runs_of_text(counts) if isinstance(counts, str) else np.array(counts, np.int64)
    polygons = [np.reshape(corners, (-1, 2)) for corners in segmentation]
    if len(polygons) == 1:
        return runs_of_polygon(polygons[0], size)
    covered = np.zeros(size, np.bool_)
    for corners in polygons:
        covered |= mask_of_polygon(corners, size)
    return run_lengths(covered)

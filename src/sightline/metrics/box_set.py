"""The boxes of one image as a score needs them, and the way from results, annotations and COCO's files to them."""

from __future__ import annotations

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
    found: list[list[Mapping[str, Any]]] = [[] for _ in images]
    true: list[list[Mapping[str, Any]]] = [[] for _ in images]
    for rows, lists in ((results, found), (truth["annotations"], true)):
        for row in rows:
            if row["category_id"] in labels and row["image_id"] in places:
                lists[places[row["image_id"]]].append(row)
    sizes = [(image["height"], image["width"]) for image in images.values()] if masks else [(0, 0)] * len(images)
    return (
        [_set_of(rows, labels, size, masks, scored=True) for rows, size in zip(found, sizes, strict=True)],
        [_set_of(rows, labels, size, masks, scored=False) for rows, size in zip(true, sizes, strict=True)],
    )


def _set_of(
    rows: list[Mapping[str, Any]], labels: Mapping[Any, int], size: tuple[int, int], masks: bool, *, scored: bool
) -> BoxSet:
    boxes = np.array([row.get("bbox") or (0, 0, 0, 0) for row in rows], np.float64).reshape(-1, 4)
    said: dict[str, Any] = {}
    if scored:
        said["scores"] = [row["score"] for row in rows]
    else:
        said["crowd"] = [row.get("iscrowd", 0) for row in rows]
        said["areas"] = [row["area"] for row in rows]
    if masks:
        said["runs"] = tuple(_runs_of(row["segmentation"], size) for row in rows)
    elif scored:
        said["areas"] = boxes[:, 2] * boxes[:, 3]
    edges = np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)
    return BoxSet(edges, np.array([labels[row["category_id"]] for row in rows]), **said)


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

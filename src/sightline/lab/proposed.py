"""Proposals: boxes in which something may be, and how many of them one must look at to cover what is there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sightline.core.errors import InputError
from sightline.core.seeds import generator
from sightline.core.types import Array

_SHOWN = 400  # boxes that are drawn
_SIDES = (32, 64, 128, 256)  # of windows, in pixels
_SHAPES = ((1.0, 1.0), (1.5, 0.7), (0.7, 1.5))  # height and width of a window by its side
_SIZE = 320  # pixels of the longer side, for a network that was not trained
_MARKS = 60  # places on the curve


def covered(boxes: Array, truth: Array) -> dict[str, Any]:
    """Return proposals and how well the first of them cover each thing.

    Parameters
    ----------
    boxes
        N×4 xyxy, the most promising first.
    truth
        M×4 xyxy.

    Returns
    -------
    dict
        ``boxes``, the first ones; ``count``; of each of ``things`` the best box, its place and overlap, and the place
        of the first that overlaps it by ``half``; ``looked``, K numbers of boxes; and ``covers``, M×K, the best overlap
        of a thing among so many.
    """
    from sightline.detect import iou

    overlaps = iou(boxes.astype(np.float64), truth)
    best = np.maximum.accumulate(overlaps, axis=0)
    looked = np.unique(np.rint(np.geomspace(1, max(1, len(boxes)), _MARKS)).astype(int))[: len(boxes)]
    nearest = overlaps.argmax(axis=0) if len(boxes) else np.zeros(len(truth), int)
    return {
        "boxes": boxes[:_SHOWN].round(1),
        "count": len(boxes),
        "looked": looked,
        "covers": best[looked - 1].T,
        "things": [
            {"box": boxes[i].round(1), "at": i, "overlap": overlaps[i, k], "half": _first(overlaps[:, k] >= 0.5)}
            for k, i in enumerate(nearest)
            if len(boxes)
        ],
    }


def _first(holds: Array) -> int | None:
    return int(holds.argmax()) if holds.any() else None


def selective(image: Array, seed: int) -> Array:
    """Return selective search's boxes, N×4, the most promising first; ``seed`` as it takes it."""
    from sightline.image import selective_search

    return selective_search(image, seed=seed)


def windows(image: Array, seed: int) -> Array:
    """Return windows of some sizes and shapes at every quarter of their side, N×4 in any order.

    Parameters
    ----------
    image
        H×W or H×W×3.
    seed
        Draws the order: of windows alone, none is more promising than another.
    """
    from sightline.detect import sliding_window

    found = [
        sliding_window(image, (round(side * tall), round(side * wide)), side // 4)
        for side in _SIDES
        for tall, wide in _SHAPES
    ]
    every = np.concatenate(found)
    return every[generator(seed).permutation(len(every))]


def fresh(image: Array, seed: int) -> Array:
    """Return what the proposal network of a Faster R-CNN that has learnt nothing proposes, N×4, the surest first."""
    import torch

    from sightline.detect import faster_rcnn

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = faster_rcnn(1, backbone="resnet18", resize=0).eval()
    return _proposed(model, image, _SIZE)


def trained(predictor: Any, image: Array) -> Array:
    """Return what a trained Faster R-CNN's proposal network proposes, N×4, the surest first."""
    recipe = predictor.recipe
    if not hasattr(predictor.model, "propose"):
        raise InputError(
            f"proposals: run must be of a network with proposals, as detect/faster_rcnn; got {recipe.name}."
        )
    return _proposed(predictor.model, image, recipe.size)


def _proposed(model: Any, image: Array, size: int) -> Array:
    from sightline.detect import Search

    proposing: Any = _Proposing(model)
    return Search(proposing, ("something",), size).find([image], confidence=0.0)[0].boxes


class _Proposing:
    """A detector that tells its proposals: what is searched with :class:`~sightline.detect.Search` is any detector."""

    def __init__(self, model: Any) -> None:
        self.model, self.parameters = model, model.parameters

    def __call__(self, images: Any) -> Sequence[Any]:
        from sightline.core.results import Detections

        return [
            Detections(boxes.cpu().numpy(), np.linspace(1, 0, len(boxes)), np.zeros(len(boxes), np.int64))
            for boxes in self.model.propose(images)
        ]

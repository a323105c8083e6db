"""Mosaic: four images meet at a point, so that a batch shows more things, smaller and in strange company.

Bochkovskiy, Wang, Liao 2020, "YOLOv4: Optimal speed and accuracy of object detection", arXiv:2004.10934.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sightline.core.checks import number, size_2d
from sightline.core.errors import InputError
from sightline.core.seeds import generator
from sightline.core.types import Seed
from sightline.data.labelled import LabelledImage
from sightline.data.move import Shape
from sightline.data.placement import Placement


def mosaic(
    samples: Sequence[LabelledImage],
    shape: Shape,
    *,
    scale: float = 0.5,
    keep: float = 0.1,
    seed: Seed = 0,
) -> LabelledImage:
    """Return four images in one frame, with what is left of their boxes.

    They meet at a random point in the middle half of the frame, each resized at random and cut off by its quarter.

    Parameters
    ----------
    samples
        Four images with boxes and classes; with masks and keypoints where all have them.
    shape
        ``(height, width)`` of the frame in pixels.
    scale
        Largest change of size against one that just fits the frame, 0–0.9: 0.5 gives factors of 0.5–1.5.
    keep
        A box is dropped when less than this share of it is left, 0–1.
    seed
        Whole number ≥ 0 or a generator.

    Returns
    -------
    LabelledImage
        Its ``rows`` count through the things of all four samples, in order.

    References
    ----------
    A. Bochkovskiy, C.-Y. Wang, H.-Y. M. Liao, "YOLOv4: Optimal speed and accuracy of object detection",
    arXiv:2004.10934, 2020.
    """
    if len(samples) != 4:
        raise InputError(f"mosaic: samples must be four; got {len(samples)}.")
    height, width = size_2d("mosaic", "shape", shape)
    scale, keep = number("mosaic", "scale", scale, 0, 0.9), number("mosaic", "keep", keep, 0, 1)
    random = generator(seed)
    y, x = (round(side * random.uniform(0.25, 0.75)) for side in (height, width))
    parts, corners = [], []
    for place, sample in enumerate(samples):
        below, right = divmod(place, 2)
        quarter = (max(1, height - y if below else y), max(1, width - x if right else x))
        placement = _at_meeting(sample.image.shape[:2], (height, width), quarter, (below, right), scale, random)
        parts.append(sample.moved(placement, keep))
        corners.append((y if below else 0, x if right else 0))
    return set_together(parts, corners, [len(sample) for sample in samples], (height, width))


def _at_meeting(
    old: tuple[int, ...],
    frame: Shape,
    quarter: Shape,
    side: tuple[int, int],
    scale: float,
    random: np.random.Generator,
) -> Placement:
    """Return the placement in a quarter of the frame: the image touches the point where the four meet."""
    factor = min(frame[0] / old[0], frame[1] / old[1]) * random.uniform(1 - scale, 1 + scale)
    size = (max(1, round(old[0] * factor)), max(1, round(old[1] * factor)))
    corner = (0 if side[0] else quarter[0] - size[0], 0 if side[1] else quarter[1] - size[1])
    return Placement.of((old[0], old[1]), size, corner, quarter)


def set_together(
    parts: Sequence[LabelledImage], corners: Sequence[tuple[int, int]], counts: Sequence[int], shape: Shape
) -> LabelledImage:
    """Return images side by side in one frame, with all their labels.

    Parameters
    ----------
    parts
        The images, of one number of channels.
    corners
        ``(top, left)`` of each in the frame.
    counts
        How many things each had before it was cut: what ``rows`` are numbered by.
    shape
        ``(height, width)`` of the frame.
    """
    image = np.zeros((*shape, *parts[0].image.shape[2:]), np.uint8)
    first = np.cumsum([0, *counts])
    columns: dict[str, list[Any]] = {name: [] for name in ("rows", "boxes", "classes", "masks", "keypoints", "visible")}
    for part, (top, left), start in zip(parts, corners, first.tolist(), strict=False):
        height, width = part.image.shape[:2]
        inside = (slice(top, top + height), slice(left, left + width))
        image[inside] = part.image
        masks = None if part.masks is None else np.zeros((len(part), *shape), np.bool_)
        if masks is not None:
            masks[:, *inside] = part.masks
        boxes = None if part.boxes is None else part.boxes + np.array([left, top, left, top], np.float32)
        points = None if part.keypoints is None else part.keypoints + np.array([left, top], np.float32)
        found = (part.rows + start, boxes, part.classes, masks, points, part.visible)
        for column, value in zip(columns.values(), found, strict=True):
            column.append(value)
    joined: dict[str, Any] = {
        name: np.concatenate(values) for name, values in columns.items() if all(value is not None for value in values)
    }
    return LabelledImage(image, **joined)

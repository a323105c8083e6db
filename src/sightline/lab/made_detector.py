"""A made detector for rooms that need one: it misses, trembles and invents as much as is asked for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sightline.core.results import Detections
from sightline.core.types import Array
from sightline.lab.scenes import HEIGHT, WIDTH

_SEEN = 0.35  # share of a thing that must be uncovered to be found


@dataclass(frozen=True)
class Spoilt:
    """How much a detector is wrong.

    Parameters
    ----------
    missed
        Share of the things that it misses.
    noise
        How far its boxes are off, as a share of their sides.
    invented
        How often it finds what is not there, a fifth of the chance for each photo.
    doubled
        Share of what it finds that it finds twice.
    """

    missed: float = 0.0
    noise: float = 0.0
    invented: float = 0.0
    doubled: float = 0.0


def detected(truth: Array, how: Spoilt, random: np.random.Generator) -> Detections:
    """Return what a detector might find: trembling boxes of what is uncovered, some missed, and some of nothing.

    Parameters
    ----------
    truth
        N×4 xyxy boxes of the things in a made photo, the nearest last.
    how, random
        How much it is wrong, and where that is drawn from.
    """
    boxes, scores = [], []
    for thing, box in enumerate(truth):
        trembling = trembled(box, how.noise, random)
        missed, sure = random.random() < how.missed, 0.95 - 0.15 * random.random()
        inside = (box[2] > 10) & (box[0] < WIDTH - 10) & (box[3] > 10) & (box[1] < HEIGHT - 10)
        seen = 1 - max((_covered(box, other) for other in truth[thing + 1 :]), default=0.0)
        if inside and not missed and seen >= _SEEN:
            boxes.append(trembling)
            scores.append(sure * (0.4 + 0.6 * seen))
            if how.doubled and random.random() < how.doubled:
                boxes.append(trembled(box, how.noise, random))
                scores.append(scores[-1] * (0.5 + 0.5 * random.random()))
    if random.random() < how.invented * 5:
        corner = random.uniform([0, 0], [WIDTH - 60, HEIGHT - 60])
        boxes.append(np.concatenate([corner, corner + random.uniform(40, 90, 2)]))
        scores.append(0.3 + 0.4 * random.random())
    return Detections(np.array(boxes).reshape(-1, 4), np.array(scores), np.zeros(len(boxes), np.int64), ("thing",))


def trembled(box: Array, noise: float, random: np.random.Generator) -> Array:
    """Return a box whose sides are off by ``noise`` times its width and height, on average."""
    return box + np.tile(box[2:] - box[:2], 2) * random.normal(0, noise, 4)


def _covered(box: Array, other: Array) -> float:
    """Return the share of a box that another one covers."""
    width = min(box[2], other[2]) - max(box[0], other[0])
    height = min(box[3], other[3]) - max(box[1], other[1])
    return max(width, 0) * max(height, 0) / float(np.prod(box[2:] - box[:2]))

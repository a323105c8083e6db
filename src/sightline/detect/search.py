"""Finding things in pictures of any size: fitted into the model's frame, whole, in tiles, mirrored or at several sizes.

Akyon, Altinuc and Temizel 2022, "Slicing Aided Hyper Inference and Fine-tuning for Small Object Detection", ICIP: tiles
that overlap, and the whole picture besides.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from sightline.core.box_suppression import suppress
from sightline.core.checks import as_image, flag, integer, number
from sightline.core.errors import InputError
from sightline.core.results import Detections
from sightline.detect.prepare import CONFIDENCE, STRIDE, back, colour, frame_of
from sightline.detect.select import LIMITS

_BATCH = 8


class Search:
    """A detector at work on pictures as they come.

    Parameters
    ----------
    model
        A :class:`~sightline.detect.detector.Detector` in evaluation mode.
    classes
        Names by index.
    size
        What the longer side of a picture becomes, in pixels.
    square
        Whether the model reads squares only.

    Examples
    --------
    >>> from sightline.detect import yolo
    >>> search = Search(yolo(1).eval(), ("cat",), 64)
    >>> [len(found) for found in search.find([np.zeros((40, 90, 3), np.uint8)], confidence=0.5)]
    [0]
    """

    def __init__(self, model: nn.Module, classes: tuple[str, ...], size: int, *, square: bool = False) -> None:
        self.model, self.classes, self.size, self.square = model, classes, size, square

    def find(
        self,
        images: Sequence[np.ndarray],
        *,
        confidence: float = CONFIDENCE,
        tile: int = 0,
        overlap: float = 0.2,
        mirror: bool = False,
        scales: Sequence[float] = (1.0,),
    ) -> list[Detections]:
        """Return what is in each picture, best first, in pixels of the picture.

        Parameters
        ----------
        images
            H×W or H×W×3 arrays; uint8, uint16 or float32.
        confidence
            Lowest score that is told, in 0–1.
        tile
            Side in pixels of tiles that are searched besides the whole picture: for small things in large pictures;
            0 searches the whole one only.
        overlap
            Share of a tile's side that the next one repeats, in 0–0.9.
        mirror
            Search the mirrored picture, too.
        scales
            Sizes to search at, as shares of the model's; each in 0.1–4.
        """
        number("predict", "confidence", confidence, 0.0, 1.0)
        integer("predict", "tile", tile, 0, 10**6)
        number("predict", "overlap", overlap, 0.0, 0.9)
        flag("predict", "mirror", mirror)
        sizes = [self.size] if self.square else [self._scaled(scale) for scale in scales]
        if not sizes:
            raise InputError("predict: scales must be one number or more; got none.")
        return [self._one(image, confidence, tile, overlap, mirror, sizes) for image in images]

    def _scaled(self, scale: float) -> int:
        return max(STRIDE, STRIDE * round(self.size * number("predict", "scales", scale, 0.1, 4.0) / STRIDE))

    def _one(
        self, image: np.ndarray, confidence: float, tile: int, overlap: float, mirror: bool, sizes: Sequence[int]
    ) -> Detections:
        whole = colour(as_image("predict", image))
        places = [(0, 0, *whole.shape[:2]), *(tiles(whole.shape[:2], tile, overlap) if tile else [])]
        parts = [whole[top : top + height, left : left + width] for top, left, height, width in places]
        found: list[Detections] = []
        for size in sizes:
            for place, some in zip(places, self._at(parts, size), strict=True):
                found.append(_moved(some, place))
            if mirror:
                turned = self._at([np.ascontiguousarray(part[:, ::-1]) for part in parts], size)
                for place, some in zip(places, turned, strict=True):
                    found.append(_moved(_mirrored(some, place[3]), place))
        one = found[0] if len(found) == 1 else merge(found)
        return one[one.scores >= confidence]

    def _at(self, pictures: Sequence[np.ndarray], size: int) -> list[Detections]:
        """Return what the model finds in each picture at one size; those of one frame go in together."""
        moves = [frame_of(picture.shape[:2], size, self.square) for picture in pictures]
        found: list[Detections | None] = [None] * len(pictures)
        device = next(self.model.parameters()).device
        for frame in dict.fromkeys(move.new for move in moves):
            same = [i for i, move in enumerate(moves) if move.new == frame]
            for first in range(0, len(same), _BATCH):
                some = same[first : first + _BATCH]
                pixels = np.stack([moves[i].image(pictures[i]) for i in some])  # B×H×W×3
                batch = torch.from_numpy(pixels).to(device).permute(0, 3, 1, 2).to(torch.float32).div_(255)
                with torch.inference_mode():
                    answers = self.model(batch)
                for i, answer in zip(some, answers, strict=True):
                    found[i] = back(answer, moves[i], self.classes)
        return [some for some in found if some is not None]


def tiles(shape: tuple[int, int], side: int, overlap: float) -> list[tuple[int, int, int, int]]:
    """Return (top, left, height, width) of tiles that cover a picture; none where it is no larger than one.

    Parameters
    ----------
    shape
        (height, width) of the picture.
    side
        Of a tile, in pixels.
    overlap
        Share of the side that the next tile repeats.

    Examples
    --------
    >>> tiles((100, 180), 100, 0.2)
    [(0, 0, 100, 100), (0, 80, 100, 100)]
    """
    if max(shape) <= side:
        return []
    step = max(1, round(side * (1 - overlap)))
    starts = []
    for length in shape:
        last = max(0, length - side)
        starts.append(sorted({min(start, last) for start in range(0, last + step, step)}))
    return [(top, left, min(side, shape[0]), min(side, shape[1])) for top in starts[0] for left in starts[1]]


def merge(found: Sequence[Detections]) -> Detections:
    """Return the detections of several looks at one picture, each thing once, best first.

    Parameters
    ----------
    found
        In pixels of the same picture.
    """
    boxes, scores, labels = (
        np.concatenate([getattr(some, name) for some in found]) for name in ("boxes", "scores", "labels")
    )
    kept = suppress(boxes.astype(np.float64), scores.astype(np.float64), LIMITS.near, labels)[: LIMITS.most]
    return Detections(boxes[kept], scores[kept], labels[kept], found[0].names)


def _moved(found: Detections, place: tuple[int, int, int, int]) -> Detections:
    top, left = place[:2]
    return Detections(found.boxes + np.array([left, top, left, top]), found.scores, found.labels, found.names)


def _mirrored(found: Detections, width: int) -> Detections:
    x1, y1, x2, y2 = found.boxes.T
    return Detections(np.stack([width - x2, y1, width - x1, y2], axis=1), found.scores, found.labels, found.names)

"""How far an exported detector finds what the network finds that it was made from, on real pictures, and how fast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from sightline.apply.agreement import TOLERANCE, ask_in_turns, facts_of, four_ways
from sightline.core.box_overlap import pairwise_iou
from sightline.core.results import Detections
from sightline.detect.prepare import CONFIDENCE, colour, frame_of

if TYPE_CHECKING:
    from sightline.detect.exported import ExportedDetector
    from sightline.train.run import Predictor

PIXELS = 0.05  # that an edge may be apart, for the same pixels
_SAME = 0.9  # overlap of two boxes that are one


@dataclass(frozen=True)
class BoxCase:
    """One way of asking both.

    Parameters
    ----------
    name
        What went in.
    images
        How many pictures.
    batch
        How many of them at once.
    boxes
        How many both together found that are surer than 0.25.
    paired
        Share of these that the other one found as well: the same class, overlap ≥ 0.9, in 0–1.
    max_box_difference
        Largest distance of two paired boxes' edges, pixels of the picture.
    max_difference
        Largest difference of two paired boxes' scores.
    torch_ms, onnx_ms
        Milliseconds a picture, decoded pictures to boxes, the better of three alternating turns.
    """

    name: str
    images: int
    batch: int
    boxes: int
    paired: float
    max_box_difference: float
    max_difference: float
    torch_ms: float
    onnx_ms: float


def compare_boxes(predictor: Predictor, exported: ExportedDetector, images: Sequence[np.ndarray]) -> dict[str, Any]:
    """Ask both in five ways; return JSON values: the cases, what was compared, and whether they agree.

    Parameters
    ----------
    predictor
        With the network in PyTorch.
    exported
        The file.
    images
        Pictures of any sizes, one or more.
    """
    recipe: Any = predictor.recipe

    def framed(image: np.ndarray) -> np.ndarray:
        return frame_of(image.shape[:2], recipe.size, recipe.square).image(colour(image))

    def theirs(some: Sequence[np.ndarray]) -> list[Detections]:
        return recipe.predict(predictor.model, some, confidence=0.0)

    coloured = [colour(image) for image in images]
    ways = four_ways(coloured, framed)
    ways["nothing to see"] = [np.full_like(image, 114) for image in ways["one picture at a time"][0]], len(images)
    cases = [_case(name, some, batch, theirs, exported.find) for name, (some, batch) in ways.items()]
    first = cases[0]
    alike = first.paired == 1 and first.max_difference <= TOLERANCE and first.max_box_difference <= PIXELS
    return {
        **facts_of(predictor, exported),
        "tolerance": TOLERANCE,
        "pixels": PIXELS,
        "agrees": alike,
        "cases": [asdict(case) for case in cases],
    }


def _case(name: str, images: Sequence[np.ndarray], batch: int, theirs: Any, ours: Any) -> BoxCase:
    answers, (torch_ms, onnx_ms) = ask_in_turns(images, batch, theirs, ours)
    sides = [list(chain.from_iterable(given)) for given in answers]
    found = [one for a, b in zip(*sides, strict=True) for one in (*pair(a, b), *pair(b, a))]
    apart = [one for one in found if one is not None]
    edges, scores = np.array(apart).reshape(-1, 2).max(axis=0, initial=0.0)
    share = len(apart) / len(found) if found else 1.0
    return BoxCase(name, len(images), batch, len(found), share, float(edges), float(scores), torch_ms, onnx_ms)


def pair(found: Detections, others: Detections) -> list[tuple[float, float] | None]:
    """Return for each detection surer than 0.25 how far its nearest like is: edges in pixels, score; None without one.

    Parameters
    ----------
    found, others
        Of the same picture.

    Examples
    --------
    >>> one = Detections([[0, 0, 10, 10]], [0.5], [1])
    >>> pair(one, Detections([[0, 0, 10, 10.5]], [0.25], [1])), pair(one, Detections([[0, 0, 10, 10]], [0.5], [0]))
    ([(0.5, 0.25)], [None])
    """
    sure = found[found.scores >= CONFIDENCE]
    overlaps = pairwise_iou(sure.boxes.astype(np.float64), others.boxes.astype(np.float64))  # N×M
    pairs: list[tuple[float, float] | None] = []
    for row, box, score, label in zip(overlaps, sure.boxes, sure.scores, sure.labels, strict=True):
        like = np.where(others.labels == label, row, 0.0)
        best = int(like.argmax()) if like.size else -1
        if best < 0 or like[best] < _SAME:
            pairs.append(None)
            continue
        pairs.append((float(np.abs(others.boxes[best] - box).max()), float(abs(others.scores[best] - score))))
    return pairs

"""Average precision built detection by detection: what a made detector says of made photos, the surest first."""

from __future__ import annotations

from typing import Any

import numpy as np

from sightline.core.results import Detections
from sightline.core.seeds import generator
from sightline.core.types import Array
from sightline.lab.made_detector import Spoilt, detected
from sightline.lab.scenes import HEIGHT, SCENES, WIDTH, fair_boxes

_BETWEEN = 4  # photos of the fair


def built(ask: Any) -> dict[str, Any]:
    """Return the detections in the order in which they are counted, and what each adds.

    Parameters
    ----------
    ask
        How many ``photos``, how the detector is wrong, the ``overlap`` from which a box is right, and which ``area``
        under the curve is taken.

    Returns
    -------
    dict
        ``photos`` with their true boxes; ``detections``; ``curve``, recall and precision after each; ``averages`` and
        ``heights``, average precision and what it is the area of, after none, one, two … detections; ``strict``, the
        average at ten overlaps.
    """
    from sightline.metrics import mean_average_precision

    numbers = [_BETWEEN * k for k in range(min(ask.photos, SCENES["fair"] // _BETWEEN))]
    random, how = generator(ask.seed), Spoilt(ask.missed, ask.noise, ask.invented, ask.doubled)
    truth = [_things(fair_boxes(number)) for number in numbers]
    found = [detected(fair_boxes(number), how, random) for number in numbers]
    scores = np.concatenate([one.scores for one in found])
    order = np.argsort(-scores, kind="stable")
    photo = np.repeat(np.arange(len(found)), [len(one) for one in found])[order]
    row = np.concatenate([np.arange(len(one)) for one in found])[order]
    strict = mean_average_precision(found, truth)
    curve, areas = _areas(found, truth, photo, row, ask)
    return {
        "size": (WIDTH, HEIGHT),
        "things": sum(map(len, truth)),
        "photos": [{"ref": f"scene:fair-{n}", "truth": one.boxes} for n, one in zip(numbers, truth, strict=True)],
        "detections": _told(found, truth, photo, row, curve, ask.overlap),
        "curve": curve,
        "averages": [area for area, _ in areas],
        "heights": [heights for _, heights in areas],
        "strict": [(limit, strict.average(limit)) for limit in strict.thresholds],
        "mean": strict.ap,
    }


def _things(boxes: Array) -> Detections:
    """Return the true boxes that lie in a photo, cut to it."""
    cut = np.clip(boxes, 0, [WIDTH, HEIGHT, WIDTH, HEIGHT])
    seen = ((cut[:, 2:] - cut[:, :2]) > 10).all(axis=1)
    return Detections(boxes[seen], np.ones(seen.sum()), np.zeros(seen.sum(), np.int64))


def _areas(
    found: list[Detections], truth: list[Detections], photo: Array, row: Array, ask: Any
) -> tuple[Array, list[tuple[float, Array]]]:
    """Return recall and precision after each detection; and for each number of them, the area and its heights."""
    from sightline.metrics import mean_average_precision, voc_average_precision
    from sightline.metrics.voc_average_precision import envelope

    areas: list[tuple[float, Array]] = []
    curve = np.zeros((0, 2))
    points = "eleven" if ask.area == "eleven" else "all"
    for count in range(len(photo) + 1):
        first = [one[row[:count][photo[:count] == k]] for k, one in enumerate(found)]
        voc = voc_average_precision(first, truth, threshold=ask.overlap, points=points)
        curve = voc.curves[0]
        if ask.area == "coco":
            coco = mean_average_precision(first, truth, thresholds=(ask.overlap,))
            areas.append((coco.ap, coco.curve(0, ask.overlap)))
        else:
            areas.append((float(voc), envelope(curve, np.linspace(0, 1, 11) if points == "eleven" else curve[:, 0])))
    return curve, areas


def _told(
    found: list[Detections], truth: list[Detections], photo: Array, row: Array, curve: Array, overlap: float
) -> list[dict[str, Any]]:
    """Return each detection with the true box that it overlaps most, and whether it is right, doubled or wrong."""
    from sightline.detect import iou

    right = np.diff(curve[:, 0], prepend=0) > 0
    told = []
    for count, (k, i) in enumerate(zip(photo, row, strict=True)):
        table = iou(found[k].boxes[i : i + 1].astype(np.float64), truth[k].boxes.astype(np.float64))[0]
        nearest = int(table.argmax())
        why = "right" if right[count] else "doubled" if table[nearest] >= overlap else "wrong"
        told.append(
            {
                "photo": int(k),
                "box": found[k].boxes[i],
                "score": float(found[k].scores[i]),
                "thing": nearest,
                "overlap": float(table[nearest]),
                "why": why,
            }
        )
    return told

"""Suppression as a court: candidates of a detector, and round by round who is taken and who is sent away."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from PIL import Image as PillowImage

from sightline.core.errors import InputError
from sightline.core.seeds import generator
from sightline.core.types import Array
from sightline.lab.made_detector import Spoilt, detected, trembled
from sightline.lab.scenes import HEIGHT, WIDTH, fair_boxes

CROWD = 18  # the photo of the fair in which things cover one another
_SCALES = (0.8, 0.9, 1.0, 1.12, 1.25)
_MOST = 120  # candidates
_EVERY = 2  # pixels between windows
_AROUND = 6  # candidates around each thing of the crowd


def rounds_of(boxes: Array, scores: Array, ask: Any) -> dict[str, Any]:
    """Return the candidates, best first, what stays of them, and each round.

    Parameters
    ----------
    boxes, scores
        N×4 xyxy, and N numbers.
    ask
        The rule: ``rule``, ``threshold``, ``sigma``, ``floor``.
    """
    from sightline.detect import nms, soft_nms
    from sightline.detect.nms import weights_of as hard
    from sightline.detect.soft_nms import weights_of as soft
    from sightline.detect.suppression_rounds import rounds

    order = np.argsort(-scores, kind="stable")
    boxes, scores = boxes[order].round(2), scores[order]
    if ask.rule == "hard":
        kept = nms(boxes, scores, ask.threshold)
        weigh = partial(hard, threshold=ask.threshold)
        left = scores[kept]
    else:
        kept, left = soft_nms(boxes, scores, ask.threshold, ask.sigma, ask.rule, ask.floor)
        weigh = partial(soft, threshold=ask.threshold, sigma=ask.sigma, kind=ask.rule)
    return {
        "boxes": boxes,
        "scores": scores,
        "kept": kept,
        "left": left,
        "rounds": list(rounds(boxes, scores, kept, weigh)),
    }


def alike(image: Array, model: Any, least: float) -> tuple[Array, Array]:
    """Return where a picture looks like one of its parts, at five sizes: N×4 boxes, and their correlation.

    Parameters
    ----------
    image
        H×W or H×W×3 uint8.
    model
        Left, top, right, bottom of the part in pixels.
    least
        Lowest correlation that makes a candidate.
    """
    from sightline.image import convert, match_template

    gray = image if image.ndim == 2 else convert(image, "rgb", "gray")
    left, top, right, bottom = np.rint(np.clip(model, 0, [*gray.shape[::-1]] * 2)).astype(int).tolist()
    if right - left < 8 or bottom - top < 8:
        raise InputError(f"court: model must be 8 pixels wide and tall at least; got {right - left}×{bottom - top}.")
    part = PillowImage.fromarray(gray[top:bottom, left:right])
    boxes: list[Array] = [np.zeros((0, 4))]
    scores: list[Array] = [np.zeros(0)]
    for scale in _SCALES:
        width, height = round((right - left) * scale), round((bottom - top) * scale)
        if width > gray.shape[1] or height > gray.shape[0]:
            continue
        fits = match_template(gray, np.asarray(part.resize((width, height))))[::_EVERY, ::_EVERY]
        y, x = np.nonzero(fits >= least)
        corners = np.stack([x, y], axis=1) * _EVERY
        boxes.append(np.concatenate([corners, corners + np.array([width, height])], axis=1))
        scores.append(fits[y, x].astype(np.float64))
    every, sure = np.concatenate(boxes).astype(np.float64), np.concatenate(scores)
    order = np.argsort(-sure, kind="stable")[:_MOST]
    return every[order], sure[order]


def crowd() -> tuple[Array, Array]:
    """Return what a made detector says, before suppression, of a photo whose things cover one another."""
    random = generator(3)
    things = detected(fair_boxes(CROWD), Spoilt(), random)
    boxes, scores = [], []
    for box, score in zip(things.boxes, things.scores, strict=True):
        for _ in range(_AROUND):
            off = random.uniform(0.02, 0.12)
            boxes.append(trembled(box, off, random))
            scores.append(score * (1 - 2.5 * off * random.random()))
    return np.clip(boxes, 0, [WIDTH, HEIGHT, WIDTH, HEIGHT]), np.array(scores)

"""The rounds of a suppression end in what the method itself gives."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from box_cases import random_boxes
from sightline.detect import iou, nms, soft_nms
from sightline.detect.nms import weights_of as hard_weights
from sightline.detect.soft_nms import weights_of as soft_weights
from sightline.detect.suppression_rounds import rounds

BOXES, SCORES = random_boxes(60, 8), np.random.default_rng(8).random(60)


def test_what_hard_suppression_keeps_nobody_sent_away() -> None:
    kept = nms(BOXES, SCORES, 0.3)
    played = list(rounds(BOXES, SCORES, kept, partial(hard_weights, threshold=0.3)))
    gone = np.concatenate([one.rivals[one.weights == 0] for one in played])
    assert sorted([*kept, *gone]) == list(range(60))  # each is taken, or goes once
    for one in played:
        np.testing.assert_allclose(one.overlaps, iou(BOXES[[one.best]], BOXES[one.rivals])[0])
        assert one.score == SCORES[one.best]


@pytest.mark.parametrize("kind", ["linear", "gaussian"])
def test_scores_fall_as_in_soft_suppression(kind: str) -> None:
    kept, left = soft_nms(BOXES, SCORES, 0.3, 0.5, kind, floor=0.05)
    weigh = partial(soft_weights, threshold=0.3, sigma=0.5, kind=kind)
    played = list(rounds(BOXES, SCORES, kept, weigh))
    assert [one.best for one in played] == kept.tolist()
    np.testing.assert_allclose([one.score for one in played], left, rtol=1e-12)

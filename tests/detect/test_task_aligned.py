import numpy as np
import torch

from sightline.core import evidence
from sightline.detect.task_aligned import TOP, task_aligned
from sightline.detect.yolo_head import centres


def _iou(a, b):
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    shared = max(width, 0) * max(height, 0)
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)


def _written_out(scores, boxes, places, truths, labels):
    """Feng 2021, section 3.2, for one image, in loops: the box of each place (−1: none) and the score it is to give."""
    u = np.array([[_iou(box, truth) for box in boxes] for truth in truths])
    t = np.array([scores[:, label] for label in labels]) * u**6
    wants = []
    for n, (x1, y1, x2, y2) in enumerate(truths):
        inside = [a for a, (x, y) in enumerate(places) if x1 <= x <= x2 and y1 <= y <= y2]
        wants.append(sorted(inside, key=lambda a: -t[n, a])[:TOP])
    truth, target = np.full(len(places), -1), np.zeros(len(places))
    for a in range(len(places)):
        rivals = [n for n in range(len(truths)) if a in wants[n]]
        if rivals:
            truth[a] = max(rivals, key=lambda n: u[n, a])
    for n in range(len(truths)):
        won = np.flatnonzero(truth == n)
        if len(won):
            target[won] = t[n, won] / t[n, won].max() * u[n, won].max()
    return truth, target


@evidence.equals("detect.yolo", peer="Feng 2021 in loops", tolerance="1e-5", data="random boxes")
def test_the_assignment_is_the_paper_s(measured):
    random, worst = np.random.default_rng(0), 0.0
    places = centres(10, 10, 8)
    for _ in range(5):
        low = random.uniform(0, 50, (3, 2))
        truths = np.concatenate([low, low + random.uniform(10, 40, (3, 2))], axis=1)
        labels = random.integers(0, 2, 3)
        away = random.uniform(4, 30, (100, 4)) * [-1, -1, 1, 1]
        boxes = places.numpy()[:, [0, 1, 0, 1]] + away
        scores = random.uniform(0.05, 0.9, (100, 2))
        truth, target = _written_out(scores, boxes, places.numpy(), truths, labels)
        found = task_aligned(
            *(torch.tensor(value, dtype=torch.float64)[None] for value in (scores, boxes)),
            places,
            torch.tensor(truths)[None],
            torch.tensor(labels)[None],
            torch.ones(1, 3, dtype=torch.bool),
        )
        assert np.array_equal(found.chosen[0].numpy(), truth >= 0)
        assert np.array_equal(found.truth[0].numpy()[truth >= 0], truth[truth >= 0])
        worst = max(worst, float(np.abs(found.target[0].numpy() - target).max()))
    measured(worst)
    assert worst < 1e-5


def test_padding_takes_no_place_and_a_tiny_box_has_one():
    places = centres(8, 8, 8)
    scores, boxes = torch.full((2, 64, 1), 0.01), torch.cat([places - 9, places + 9], dim=1).expand(2, -1, -1)
    truths = torch.tensor([[[20.0, 20, 21, 21], [0, 0, 0, 0]], [[0.0, 0, 0, 0], [0, 0, 0, 0]]])
    present = torch.tensor([[True, False], [False, False]])
    found = task_aligned(scores, boxes, places, truths, torch.zeros(2, 2, dtype=torch.int64), present)
    assert found.chosen[0].sum() >= 1
    assert not found.chosen[1].any()
    assert found.target[1].sum() == 0


def test_no_box_in_the_batch():
    places = centres(2, 2, 8)
    none = torch.zeros(1, 0, 4)
    found = task_aligned(torch.rand(1, 4, 3), torch.rand(1, 4, 4), places, none, none[..., 0].long(), none[..., 0] > 0)
    assert not found.chosen.any()
    assert found.target.sum() == 0

import numpy as np
import pytest
import torch

from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.detect.yolo_v1 import COORD, NO_OBJECT, decode, yolo_v1, yolo_v1_loss


def _iou(a, b):
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    shared = max(width, 0) * max(height, 0)
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)


def _written_out(said, classes, boxes, labels, side):
    """Redmon 2016, equation 3, for one image, in loops."""
    cells, total = said.shape[0], 0.0
    owner = {}
    for box, label in zip(boxes, labels, strict=True):
        x, y = (box[0] + box[2]) / 2 / side * cells, (box[1] + box[3]) / 2 / side * cells
        row, column = int(y), int(x)
        overlaps = []
        for sx, sy, sw, sh, _ in said[row, column]:
            cx, cy, w, h = (column + sx) / cells * side, (row + sy) / cells * side, sw**2 * side, sh**2 * side
            overlaps.append(_iou((cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2), box))
        j = int(np.argmax(overlaps))
        owner[row, column, j] = overlaps[j]
        px, py, pw, ph, _ = said[row, column, j]
        w, h = (box[2] - box[0]) / side, (box[3] - box[1]) / side
        total += COORD * ((px - (x - column)) ** 2 + (py - (y - row)) ** 2)
        total += COORD * ((pw - w**0.5) ** 2 + (ph - h**0.5) ** 2)
        total += sum((classes[row, column, k] - (k == label)) ** 2 for k in range(classes.shape[-1]))
    for row in range(cells):
        for column in range(cells):
            for j in range(said.shape[2]):
                c = said[row, column, j, 4]
                key = (row, column, j)
                total += (c - owner[key]) ** 2 if key in owner else NO_OBJECT * c**2
    return total


@evidence.equals("detect.yolo_v1", peer="Redmon 2016 in loops", tolerance="1e-5", data="random boxes")
def test_the_loss_is_equation_3(measured):
    random, worst = np.random.default_rng(0), 0.0
    for _ in range(5):
        said, classes = random.uniform(0.1, 0.9, (4, 4, 2, 5)), random.uniform(0, 1, (4, 4, 3))
        boxes = np.array([[10, 20, 90, 120], [150, 30, 230, 200.0]]) + random.uniform(-9, 9, (2, 4))
        labels = random.integers(0, 3, 2)
        target = {"boxes": torch.tensor(boxes), "labels": torch.tensor(labels)}
        found = yolo_v1_loss(torch.tensor(said)[None], torch.tensor(classes)[None], [target], 256)["loss"].item()
        wanted = _written_out(said, classes, boxes, labels, 256)
        worst = max(worst, abs(found - wanted) / wanted)
    measured(worst)
    assert worst < 1e-5


def test_a_cell_says_where_its_boxes_are():
    said = torch.zeros(1, 7, 7, 2, 5)
    said[0, 3, 2, 1] = torch.tensor([0.5, 0.25, 0.5, 0.25, 1.0])  # column 2, row 3; a quarter wide, a sixteenth high
    assert decode(said, 448)[0, 3, 2, 1].tolist() == [160 - 56, 208 - 14, 160 + 56, 208 + 14]


def test_the_paper_s_network():
    with torch.device("meta"):
        model = yolo_v1()
    assert sum(isinstance(layer, torch.nn.Conv2d) for layer in model.body) == 24
    assert model.reader[-1].out_features == 7 * 7 * 30
    assert sum(p.numel() for p in model.parameters()) == 271_703_550


@pytest.mark.slow
def test_it_learns_one_picture_by_heart():
    torch.manual_seed(0)
    model, image = yolo_v1(2, size="fast", cells=2), torch.rand(1, 3, 128, 128) * 0.2
    image[:, :, 30:90, 70:120] += 0.7
    target = {"boxes": torch.tensor([[70.0, 30, 120, 90]]), "labels": torch.tensor([1])}
    optimizer = torch.optim.AdamW(model.parameters(), 3e-4)
    for _ in range(25):
        optimizer.zero_grad()
        losses = model(image.repeat(2, 1, 1, 1), [target, target])
        losses["loss"].backward()
        optimizer.step()
    found = decode(model.look(image)[0], 128)[0].detach().numpy()
    assert losses["loss"] < 0.5
    assert np.abs(found[0, 1] - [70, 30, 120, 90]).max(axis=1).min() < 20


def test_refusals_and_nan():
    with pytest.raises(InputError, match=r"images must be B×3×64×64; got 1×3×96×64\. Use data\.letterbox"):
        yolo_v1(1, size="fast", cells=1).eval()(torch.rand(1, 3, 96, 64))
    with pytest.raises(InputError, match="cells must be a whole number"):
        yolo_v1(1, size="fast", cells=0)
    assert len(yolo_v1(1, size="fast", cells=1).eval()(torch.full((1, 3, 64, 64), torch.nan))[0]) == 0

import numpy as np
import pytest
import torch

from sightline.core.errors import InputError
from sightline.detect.detector import Detector
from sightline.detect.yolo import VARIANTS, yolo
from sightline.detect.yolo_loss import distribution_focal, yolo_loss


def _targets(*boxes, label=0):
    return {"boxes": torch.tensor(boxes).reshape(-1, 4), "labels": torch.full((len(boxes),), label)}


@pytest.mark.parametrize("size", list(VARIANTS))
def test_sizes_answer_in_both_modes(size):
    torch.manual_seed(0)
    model = yolo(3, size=size)
    assert isinstance(model, Detector)
    losses = model(torch.rand(2, 3, 64, 96), [_targets([10.0, 10, 50, 40], label=2), _targets()])
    losses["loss"].backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in model.parameters())
    assert set(losses) == {"loss", "name_loss", "box_loss", "edge_loss"}
    found = model.eval()(torch.rand(2, 3, 64, 64))
    assert len(found) == 2


@pytest.mark.slow
def test_it_learns_one_picture_by_heart():
    torch.manual_seed(0)
    model, image = yolo(2), torch.rand(1, 3, 64, 64) * 0.2
    image[:, :, 16:48, 8:40] += 0.7
    target = [_targets([8.0, 16, 40, 48], label=1)]
    optimizer = torch.optim.AdamW(model.parameters(), 3e-3)
    for _ in range(60):
        optimizer.zero_grad()
        model(image.repeat(2, 1, 1, 1), target * 2)["loss"].backward()
        optimizer.step()
    found = model.eval()(image)[0]
    assert found.labels[0] == 1
    assert found.scores[0] > 0.5
    assert np.abs(found.boxes[0] - [8, 16, 40, 48]).max() < 4


def test_images_without_boxes_have_a_loss():
    model = yolo(1)
    losses = model(torch.rand(2, 3, 32, 32), [_targets(), _targets()])
    losses["loss"].backward()
    assert losses["loss"] > 0
    assert losses["box_loss"] == 0
    assert all(p.grad is not None for p in model.parameters())


def test_a_distance_between_two_bins_is_least_for_the_two_beside_it():
    sharp = torch.full((4, 17), -30.0)
    sharp[:, 3] = sharp[:, 4] = 5.0
    losses = distribution_focal(sharp, torch.tensor([3.5, 3.0, 8.0, 40.0]))
    assert losses[0] == pytest.approx(np.log(2), abs=1e-4)
    assert losses[2] > 30
    assert torch.isfinite(losses).all()


def test_the_loss_is_zero_where_everything_is_right():
    model = yolo(1).eval()
    said = model.look(torch.rand(1, 3, 64, 64))
    losses = yolo_loss(said, [_targets([0.0, 0, 64, 64])])
    assert losses["loss"] > 0
    logits, edges = torch.full_like(said.logits, -30), torch.zeros_like(said.edges)
    place = 64 + 16 + 3  # the last of the coarsest level, (48, 48)
    logits[0, place], edges[0, place] = 30, torch.full((4, 17), -60.0)
    edges[0, place, [0, 1], 1] = edges[0, place, [2, 3], 0] = 60  # a box of 32 pixels, left and up of the place
    right = type(said)(logits, edges, said.places, said.strides)
    losses = yolo_loss(right, [_targets([16.0, 16, 48, 48])])
    assert losses["box_loss"] < 1e-3


def test_refusals():
    with pytest.raises(InputError, match="multiples of 32; got 1×3×50×64"):
        yolo(1)(torch.rand(1, 3, 50, 64))
    with pytest.raises(InputError, match="targets must be given"):
        yolo(1)(torch.rand(2, 3, 32, 32))
    with pytest.raises(InputError, match="size must be one of"):
        yolo(1, size="huge")


def test_nan_finds_nothing():
    assert len(yolo(1).eval()(torch.full((1, 3, 32, 32), torch.nan))[0]) == 0

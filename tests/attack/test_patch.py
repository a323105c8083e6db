from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from sightline.attack import patch
from sightline.attack.patch import _Pose, stick
from sightline.core import evidence
from sightline.core.trace import trace


def pose(x, y, size, angle=0.0):
    return _Pose(*(torch.tensor([value], dtype=torch.float32) for value in (x, y, size, angle)))


@evidence.equals(
    "attack.patch", peer="torch", tolerance="1e-4, Adam in float64 on patches that cover the picture", data="noisy bars"
)
def test_the_pattern_is_the_optimisers(model, images, measured):
    found = patch(model, images, target=1, shape="square", sizes=(1.0, 1.0), turn=0.0, steps=12, batch_size=4)
    double, wanted = copy.deepcopy(model).double(), torch.tensor([1])
    pattern = torch.full((1, 12, 12), 0.5, dtype=torch.float64, requires_grad=True)
    adam = torch.optim.Adam([pattern], lr=0.1)
    for _ in range(12):  # whatever lies below, and wherever: all of it is covered
        adam.zero_grad()
        F.cross_entropy(double(pattern[None]), wanted).backward()
        adam.step()
        pattern.data.clamp_(0, 1)
    error = float((found.pattern - pattern).abs().max().detach())
    measured(error)
    assert error <= 1e-4


def test_a_patch_lies_where_it_is_put(images):
    white = torch.ones(1, 12, 12)
    put = stick(images[:1], white, "square", pose(4.0, 7.0, 4.0))[0, 0]
    inside = torch.zeros(12, 12, dtype=torch.bool)
    inside[5:9, 2:6] = True
    assert bool((put[inside] == 1).all())
    assert torch.equal(put[~inside], images[0, 0][~inside])
    disc = stick(images[:1], white, "disc", pose(6.0, 6.0, 12.0))[0, 0] != images[0, 0]
    assert float(disc.float().mean()) == pytest.approx(np.pi / 4, abs=0.03)


def test_a_quarter_turn_turns_the_pattern(images):
    pattern = torch.rand(1, 12, 12, generator=torch.Generator().manual_seed(1))
    turned = stick(images[:1], pattern, "square", pose(6.0, 6.0, 12.0, np.pi / 2))[0]
    upright = stick(images[:1], pattern, "square", pose(6.0, 6.0, 12.0))[0]
    torch.testing.assert_close(upright, pattern, atol=1e-5, rtol=0)
    torch.testing.assert_close(turned, torch.rot90(pattern, -1, (1, 2)), atol=1e-4, rtol=0)


def test_it_is_taken_for_its_target_in_other_pictures_and_stays_in_them(model, images, labels):
    found = patch(model, images[:6], target=2, sizes=(0.5, 0.7), steps=40, batch_size=6)
    stuck = found.apply(images[6:], seed=3)
    with torch.no_grad():
        before, after = ((model(x).argmax(1) == 2).float().mean() for x in (images[6:], stuck))
    assert float(after) > float(before)
    assert found.losses[-1] < found.losses[0]
    assert float(stuck.min()) >= 0
    assert float(stuck.max()) <= 1
    assert torch.equal(stuck, found.apply(images[6:], seed=3))
    assert not torch.equal(stuck, found.apply(images[6:], seed=4))


def test_steps_end_in_the_result(model, images):
    options = {"target": 1, "steps": 5}
    steps = trace(patch, model, images, **options)
    assert [step.name for step in steps] == ["picture", "pattern", "loss", "in a picture", "patch"]
    assert torch.equal(steps.result.pattern, patch(model, images, **options).pattern)
    assert steps.to_bytes()

"""Pyramids: what flows from where, and the parts that stand on them."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from sightline.core.errors import InputError
from sightline.nn import focal_loss, giou_loss
from sightline.nn.box_code import BoxCode, EdgeCode
from sightline.nn.conv_tower import rows
from sightline.nn.feature_pyramid import FeaturePyramid, StridedLevels, Subsampled
from sightline.nn.frozen_norm import FrozenNorm, freeze_norms

BOXES = torch.tensor([[1.0, 2, 9, 7], [0, 0, 4, 4], [3, 1, 8, 20]])
ANCHORS = torch.tensor([[0.0, 0, 8, 8], [2, 2, 6, 6], [0, 0, 9, 9]])


def test_coarse_levels_reach_fine_ones_and_not_the_other_way() -> None:
    pyramid = FeaturePyramid((4, 6), 8, Subsampled())
    fine, coarse = torch.randn(1, 4, 9, 7), torch.randn(1, 6, 5, 4)
    before = pyramid([fine, coarse])
    assert [tuple(level.shape) for level in before] == [(1, 8, 9, 7), (1, 8, 5, 4), (1, 8, 3, 2)]
    assert not torch.allclose(before[0], pyramid([fine, coarse + 1])[0])
    assert torch.equal(before[1], pyramid([fine + 1, coarse])[1])


@pytest.mark.parametrize(("channels", "reads_level"), [(8, True), (6, False)])
def test_further_levels_come_from_the_level_or_from_the_map(channels: int, reads_level: bool) -> None:
    beyond = StridedLevels(channels, 8)
    level, deepest = torch.randn(1, 8, 6, 5), torch.randn(1, 6, 6, 5)
    six, seven = beyond(level, deepest)
    assert six.shape[-2:] == (3, 3)
    assert seven.shape[-2:] == (2, 2)
    assert torch.equal(six, beyond(level, deepest + 1)[0]) == reads_level


def test_a_frozen_norm_is_the_norm_in_eval_mode_and_stays_so_in_training() -> None:
    net = nn.Sequential(nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5, eps=1e-3))
    net(torch.randn(4, 3, 8, 8))
    images = torch.randn(2, 3, 8, 8)
    expected = net.eval()(images)
    frozen = freeze_norms(net).train()
    assert isinstance(frozen[1], FrozenNorm)
    torch.testing.assert_close(frozen(images), expected)
    assert {key for key, _ in frozen.named_parameters()} == {"0.weight", "0.bias"}
    assert "1.running_var" in frozen.state_dict()


def test_codes_go_round() -> None:
    for code in (BoxCode((10, 5)), EdgeCode()):
        torch.testing.assert_close(code.decode(code.encode(BOXES, ANCHORS), ANCHORS), BOXES)
    huge = BoxCode().decode(torch.full((1, 4), 50.0), ANCHORS[:1])
    assert huge.isfinite().all()


def test_losses_of_what_is_right_are_small_and_pull_the_right_way() -> None:
    logits = torch.tensor([3.0, -3.0, -3.0], requires_grad=True)
    loss = focal_loss(logits, torch.tensor([1.0, 0.0, 1.0]))
    loss.sum().backward()
    assert loss[0] < 1e-3 < 1e-2 < loss[2]
    assert logits.grad is not None
    assert logits.grad[2] < 0 < logits.grad[1]
    apart = torch.tensor([[0.0, 0, 2, 2]], requires_grad=True)
    giou_loss(apart, torch.tensor([[5.0, 0, 7, 2]])).sum().backward()
    assert apart.grad is not None
    assert apart.grad[0, 2] < 0  # the right edge is drawn to the target that it does not touch
    torch.testing.assert_close(giou_loss(BOXES, BOXES), torch.zeros(3))


def test_rows_keep_places_before_anchors() -> None:
    x = torch.arange(2 * 6 * 2 * 3.0).reshape(2, 6, 2, 3)  # 2 anchors of 3 columns
    assert rows(x, 3).shape == (2, 12, 3)
    assert rows(x, 3)[1, 5].tolist() == [x[1, c, 0, 2].item() for c in (3, 4, 5)]


def test_shapes_that_differ_are_refused() -> None:
    with pytest.raises(InputError, match=r"focal_loss: targets must have the shape of logits, \(2,\); got \(3,\)"):
        focal_loss(torch.zeros(2), torch.zeros(3))
    with pytest.raises(InputError, match="giou_loss: boxes and targets must both be N×4; got"):
        giou_loss(torch.zeros(2, 4), torch.zeros(3, 4))

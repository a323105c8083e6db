"""Swin and DeiT against torchvision and timm at random weights, eval and train mode."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from torch import Tensor, nn

from classify.parity import Answers, difference, pixels, randomise, training_difference
from sightline import classify
from sightline.core import evidence

REASON = "lives in the oracle environment: make oracle"
timm = pytest.importorskip("timm", reason=REASON)
torchvision = pytest.importorskip("torchvision", reason=REASON)

pytestmark = pytest.mark.oracle

TOLERANCE = "1e-5 of the largest logit"
BOTH = "random weights, 224 pixels, eval and train mode"


class TwoHeads(nn.Module):
    """timm's DeiT, its heads apart while it trains."""

    def __init__(self, peer: Any) -> None:
        super().__init__()
        self.peer = peer

    def forward(self, images: Tensor) -> Answers:
        """Return B×classes of each head."""
        self.peer.set_distilled_training(True)
        label, teacher = self.peer(images)
        return Answers(teacher, label)


@evidence.equals(
    "classify.swin", peer="torchvision", tolerance=TOLERANCE, data="random weights, odd sizes, eval and train mode"
)
def test_swin_equals_torchvision(measured: Callable[[float], None]) -> None:
    # In double precision: what twelve sharp blocks make of rounding differs between processors, up to 1.02e-5.
    theirs: Any = randomise(torchvision.models.swin_t(num_classes=7)).double()
    ours, images = classify.swin(7).double(), pixels(2, 3, 72, 104).double()
    error = max(difference(ours, theirs, images, theirs, "torchvision"), training_difference(ours, theirs, images))
    measured(error)
    assert error <= 1e-5


@evidence.equals("classify.swin", peer="timm", tolerance=TOLERANCE, data=BOTH)
def test_swin_equals_timm(measured: Callable[[float], None]) -> None:
    # Without blocks left out at random: timm draws them in another order.
    theirs: Any = randomise(timm.create_model("swin_tiny_patch4_window7_224", num_classes=7, drop_path_rate=0))
    ours, images = classify.swin(7, drop=0), pixels(1, 3, 224, 224)
    error = max(difference(ours, theirs, images, theirs, "timm"), training_difference(ours, theirs, images))
    measured(error)
    assert error <= 1e-5


@evidence.equals("classify.deit", peer="timm", tolerance=TOLERANCE, data=BOTH)
def test_deit_equals_timm(measured: Callable[[float], None]) -> None:
    theirs: Any = randomise(timm.create_model("deit_tiny_distilled_patch16_224", num_classes=7))
    ours, images = classify.deit(7, drop=0), pixels(1, 3, 224, 224)
    error = difference(ours, theirs, images, theirs, "timm")
    error = max(error, training_difference(ours, TwoHeads(theirs), images))
    measured(error)
    assert error <= 1e-5

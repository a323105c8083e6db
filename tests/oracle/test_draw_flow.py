"""Flow colours against torchvision's."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from sightline.core import evidence
from sightline.image import draw

pytestmark = pytest.mark.oracle


@evidence.equals("image.flow", peer="torchvision", tolerance="1 grey level", data="random and radial flow")
def test_flow_colours_equal_torchvision(measured: Callable[[float], None]) -> None:
    torch = pytest.importorskip("torch")
    utils = pytest.importorskip("torchvision.utils")
    y, x = np.mgrid[-40:40, -50:50].astype(np.float32)
    worst = 0
    for flow in (np.stack([x, y], 2), np.random.default_rng(1).normal(0, 5, (60, 70, 2)).astype(np.float32)):
        peer = utils.flow_to_image(torch.from_numpy(np.moveaxis(flow, 2, 0).copy())).numpy().transpose(1, 2, 0)
        worst = max(worst, int(np.abs(draw.flow(flow).astype(int) - peer).max()))
    measured(worst)
    assert worst <= 1

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from sightline.attack import striding_cnn
from sightline.core import evidence
from sightline.core.errors import InputError


@evidence.equals("attack.striding_cnn", peer="torch", tolerance="1e-5, the layers written out", data="random weights")
def test_it_is_the_papers_network(measured):
    model = striding_cnn(mean=(0.2,), std=(0.5,))
    x = torch.rand(2, 1, 28, 28)
    weights = list(model.parameters())
    y = (x - 0.2) / 0.5
    for i in (0, 2):
        y = F.relu(F.conv2d(F.pad(y, (1, 1, 1, 1)), weights[i], weights[i + 1], stride=2))
    y = F.relu(y.reshape(2, -1) @ weights[4].T + weights[5]) @ weights[6].T + weights[7]
    error = float((model(x) - y).abs().max().detach())
    measured(error)
    assert error <= 1e-5
    assert sum(p.numel() for p in weights) == 166_406


def test_other_sizes():
    assert striding_cnn(3, in_channels=3, size=(17, 30), width=4, hidden=8)(torch.rand(1, 3, 17, 30)).shape == (1, 3)
    assert isinstance(striding_cnn()[1], nn.Conv2d)
    with pytest.raises(InputError, match="striding_cnn: size must be a whole number"):
        striding_cnn(size=(2, 28))

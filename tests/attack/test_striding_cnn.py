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


def test_a_threshold_makes_pixels_black_or_white_and_is_learnt():
    model = striding_cnn(threshold=0.4)
    x = torch.rand(2, 1, 28, 28)
    soft = model[1](x)
    torch.testing.assert_close(soft, torch.sigmoid(20 * (x - 0.4)))
    assert float((model[1](torch.tensor([[[[0.0, 0.1]]]])).diff()).abs().max().detach()) < 0.003
    torch.testing.assert_close(model(x), model[2:](soft))
    model(x).sum().backward()
    assert all(float(weight.grad.abs()) > 0 for weight in model[1].parameters())
    with pytest.raises(InputError, match="striding_cnn: threshold must be a number in 0–1; got 2"):
        striding_cnn(threshold=2)

"""The two networks say what PyTorch's say with the same weights, and send the same slopes back."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.learn import Sequential, SoftmaxCrossEntropy, conv_net, two_layer

X = np.random.default_rng(0).normal(0, 1, (6, 2, 9, 8)).astype(np.float32)
Y = np.arange(6) % 3


def apart(ours: Sequential, theirs: nn.Sequential) -> float:
    """Return the greatest difference of scores and slopes, in training without dropout."""
    named = dict(theirs.named_parameters())
    assert sorted(named) == sorted(ours.parameters)
    for name, array in ours.parameters.items():
        named[name].data = torch.tensor(array)
    loss, scores = SoftmaxCrossEntropy(), ours.forward(X, train=True)
    loss.forward(scores, Y)
    ours.backward(loss.backward())
    expected = theirs(torch.tensor(X))
    nn.functional.cross_entropy(expected, torch.tensor(Y)).backward()
    pairs = [(scores, expected)] + [(ours.gradients[name], p.grad) for name, p in named.items()]
    return max(float(np.abs(a - b.detach().numpy()).max()) for a, b in pairs if b is not None)


@evidence.equals("learn.two_layer", peer="torch", tolerance="1e-5 in scores and slopes, float32")
def test_two_layers_are_torchs(measured: Callable[[float], None]) -> None:
    theirs = nn.Sequential(nn.Flatten(), nn.Linear(144, 20), nn.ReLU(), nn.Identity(), nn.Linear(20, 3))
    error = apart(two_layer(3, size=(9, 8), in_channels=2, hidden=20, dropout=0.0), theirs)
    measured(error)
    assert error < 1e-5


@evidence.equals("learn.conv_net", peer="torch", tolerance="1e-5 in scores and slopes, float32")
def test_the_convnet_is_torchs(measured: Callable[[float], None]) -> None:
    layers: list[nn.Module] = []
    for before, after, pool in ((2, 4, True), (4, 8, True), (8, 8, False)):
        layers.append(nn.Conv2d(before, after, 3, padding=1, bias=False))
        layers += [nn.MaxPool2d(2)] * pool + [nn.BatchNorm2d(after), nn.ReLU()]
    theirs = nn.Sequential(*layers, nn.Flatten(), nn.Identity(), nn.Linear(8 * 2 * 2, 3))
    error = apart(conv_net(3, size=(9, 8), in_channels=2, width=4, dropout=0.0), theirs)
    measured(error)
    assert error < 1e-5


def test_refuses_by_name() -> None:
    with pytest.raises(InputError, match="conv_net: size must be 4 pixels or more a side; got 3×8"):
        conv_net(size=(3, 8))
    with pytest.raises(InputError, match="two_layer: hidden must be a whole number"):
        two_layer(hidden=0)

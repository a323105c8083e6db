"""Receptive fields against the figures of Araujo, Norris and Sim 2019, and arithmetic against gradient."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from sightline.classify import lenet5, mlp, resnet20, vit
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.core.trace import trace
from sightline.explain import receptive_field


def vgg16(pool: type[nn.Module] = nn.MaxPool2d) -> nn.Sequential:
    """The geometry of VGG-16 (Simonyan 2015, Table 1, D), with two channels everywhere."""
    layers: list[nn.Module] = []
    for count in (2, 2, 3, 3, 3):
        for _ in range(count):
            layers += [nn.Conv2d(2 if layers else 3, 2, 3, padding=1), nn.ReLU()]
        layers.append(pool(2))
    return nn.Sequential(*layers)


def alexnet() -> nn.Sequential:
    """The geometry of AlexNet's features (Krizhevsky 2014), with two channels everywhere."""
    layers: list[nn.Module] = [nn.Conv2d(3, 2, 11, 4, 2), nn.ReLU(), nn.MaxPool2d(3, 2)]
    layers += [nn.Conv2d(2, 2, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2)]
    for _ in range(3):
        layers += [nn.Conv2d(2, 2, 3, padding=1), nn.ReLU()]
    return nn.Sequential(*layers, nn.MaxPool2d(3, 2))


def alive(model: nn.Module) -> nn.Module:
    """Make every weight positive, so that no unit is off and no pixel without influence."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.abs_()
    return model


@evidence.reaches(
    "explain.receptive_field", figure="VGG-16, last pool, pixels", published=212, source="Araujo 2019, Table 1"
)
def test_vgg16(measured):
    found = receptive_field(vgg16(), images=0)
    measured(found.size[0])
    assert found.size == (212, 212)
    assert found.stride == (32, 32)


@evidence.reaches(
    "explain.receptive_field", figure="AlexNet, last pool, pixels", published=195, source="Araujo 2019, Table 1"
)
def test_alexnet(measured):
    found = receptive_field(alexnet(), images=0)
    measured(found.size[0])
    assert found.size == (195, 195)
    assert found.stride == (32, 32)


@evidence.equals(
    "explain.receptive_field", peer="torch", tolerance="identical, against the gradient's box", data="VGG-16"
)
def test_the_gradient_fills_the_computed_box_of_vgg16(measured):
    found = receptive_field(alive(vgg16(nn.AvgPool2d)), shape=(3, 288, 288), images=1)
    measured(np.abs(found.measured - found.box(*found.unit)).max())
    np.testing.assert_array_equal(found.measured, found.box(*found.unit))
    assert found.effective < 0.75 * found.size[0]  # Luo 2016: most of a large field hardly matters


class Odd(nn.Module):
    """Shortcuts, a slice with a step, padding on one side, an oblong kernel, a dilated one, functions."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 3, (3, 5), stride=(1, 2), padding=(1, 0))
        self.wide = nn.Conv2d(3, 3, 3, padding=3, dilation=3)
        self.last = nn.Conv2d(6, 2, 1)

    def forward(self, images):
        x = F.relu(self.first(F.pad(images, (2, 1, 0, 0))))
        x = x + self.wide(x)
        x = F.avg_pool2d(x[:, :, 1::2], 3, 2)
        return self.last(torch.cat([x, 2 * x.sigmoid()], dim=1))


def test_shortcuts_slices_and_functions_are_followed():
    found = receptive_field(alive(Odd()), "last", shape=(1, 64, 80), images=1)
    np.testing.assert_array_equal(found.measured, found.box(*found.unit))
    assert found.stride == (4, 4)


@pytest.mark.parametrize(
    ("model", "layer", "size", "stride"),
    [
        (lenet5(), "c1", 5, 1),
        (lenet5(), "s4", 16, 4),  # the paper's subsampling is no module of torch's: its slices are followed
        (resnet20(10), "stages.0.2", 15, 1),
        (vit(5, variant="tiny", size=32, patch=8, depth=1, dim=12), "patches", 8, 8),
    ],
)
def test_the_classifiers_of_the_house(model, layer, size, stride):
    shape = (model.c1.in_channels, 32, 32) if hasattr(model, "c1") else (3, 32, 32)
    found = receptive_field(model, layer, shape=shape, images=2)
    assert found.size == (size, size)
    assert found.stride == (stride, stride)
    low, high = found.measured[:2], found.measured[2:]
    box = found.box(*found.unit)
    assert (low >= box[:2]).all()
    assert (high <= box[2:]).all()


def test_a_token_sees_the_whole_image():
    found = receptive_field(vit(5, variant="tiny", size=16, patch=4, depth=1, dim=12), "blocks.0", images=1)
    assert found.size == (16, 16)
    assert found.stride == (0, 0)
    np.testing.assert_array_equal(found.box(3, 1), [0, 0, 16, 16])
    np.testing.assert_array_equal(found.measured, [0, 0, 16, 16])


def test_a_gate_over_the_whole_image_is_seen():
    class Gated(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.out = nn.Conv2d(1, 2, 3), nn.Conv2d(2, 2, 1)

        def forward(self, images):
            x = self.conv(images)
            return self.out(x * x.mean(dim=(2, 3), keepdim=True).sigmoid())

    assert receptive_field(Gated(), "conv", shape=(1, 12, 12)).size == (3, 3)
    assert receptive_field(Gated(), "out", shape=(1, 12, 12)).size == (12, 12)


def test_result_draws_and_steps(cnn):
    found = receptive_field(cnn, shape=(3, 16, 16))
    again = receptive_field(cnn, shape=(3, 16, 16))
    np.testing.assert_array_equal(found.influence, again.influence)
    assert found.draw().shape == (16, 16, 3)
    assert found.draw(np.zeros((16, 16, 3), np.uint8)).shape == (16, 16, 3)
    assert found.to_json()["size"] == [5, 5]
    steps = trace(receptive_field, cnn, shape=(3, 16, 16))
    assert steps.result.size == found.size
    assert steps.to_bytes()


def test_refusals(cnn):
    with pytest.raises(InputError, match="receptive_field: the model has no layer with places"):
        receptive_field(mlp())
    with pytest.raises(InputError, match="layer must be one of the model's; got 'third'"):
        receptive_field(cnn, "third")
    with pytest.raises(InputError, match="images must be a whole number in 0–256; got -1"):
        receptive_field(cnn, images=-1)
    with pytest.raises(InputError, match="shape must be that of images which the model takes"):
        receptive_field(nn.Sequential(nn.Conv2d(3, 2, 1), nn.Flatten(), nn.Linear(7, 2)))

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from sightline.classify import lenet5, mlp
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.core.trace import trace
from sightline.explain import filters

CONVOLUTIONS = (
    nn.Conv2d(3, 4, 5),
    nn.Conv2d(3, 4, 3, stride=2, padding=3, dilation=2),
    nn.Conv2d(3, 6, (3, 5), padding="same"),
    nn.Conv2d(3, 4, 11, stride=4, padding=2),
)


@evidence.equals("explain.filters", peer="torch", tolerance="1e-6, against the stored weights", data="random weights")
def test_filters_are_the_weights(measured):
    errors = []
    for conv in CONVOLUTIONS:
        found = filters(nn.Sequential(nn.Identity(), conv)).transpose(0, 3, 1, 2)
        errors.append(np.abs(found - conv.weight.detach().numpy()).max())
    measured(max(errors))
    assert max(errors) <= 1e-6


def test_a_masked_weight_is_shown_as_it_works():
    model = lenet5()
    found = filters(model, "c3").reshape(16, 6, 5, 5)
    used = (model.c3.weight * model.c3.connected).detach().numpy()
    np.testing.assert_allclose(found, used, atol=1e-7)
    assert (found[0, 3:] == 0).all()  # the first map of C3 looks at three maps of S2
    assert filters(model).shape == (6, 5, 5)


def test_groups_have_no_weights_across():
    conv = nn.Conv2d(4, 6, 3, groups=2)
    found = filters(conv).reshape(6, 4, 3, 3)
    np.testing.assert_allclose(found[3:, 2:], conv.weight.detach().numpy()[3:], atol=1e-7)
    assert not found[:3, 2:].any()


def test_steps(cnn):
    np.testing.assert_array_equal(trace(filters, cnn).result, filters(cnn, cnn.first))
    assert trace(filters, cnn).steps[-1].picture() is not None


def test_the_model_is_left_as_it_was(cnn):
    cnn.train()
    filters(cnn)
    assert cnn.training
    assert cnn.first.weight.grad is None


def test_refusals(cnn):
    with pytest.raises(InputError, match="filters: the model has no convolution"):
        filters(mlp())
    with pytest.raises(InputError, match=r"must be a convolution of the model; got 'head'\. Known: first, second"):
        filters(cnn, "head")
    with pytest.raises(InputError, match="got 'Linear'"):
        filters(cnn, torch.nn.Linear(2, 2))

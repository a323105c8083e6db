from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.core.trace import trace
from sightline.explain import guided_backprop, saliency, sanity_check


@evidence.equals("explain.sanity_check", peer="scipy", tolerance="1e-5", data="random weights")
def test_correlations_equal_spearman(cnn, transformer, images, measured):
    errors = []
    for model in (cnn, transformer):
        found = sanity_check(saliency, model, images[0], 2)
        expected = [spearmanr(found.maps[0].ravel(), heat.ravel()).statistic for heat in found.maps]
        errors.append(np.abs(found.correlations - expected).max())
        np.testing.assert_array_equal(found.maps[0], saliency(model, images[0], 2))
    measured(max(errors))
    assert max(errors) <= 1e-5


def test_all_modules_forget_from_the_last_to_the_first(cnn, transformer, images):
    assert sanity_check(saliency, cnn, images[0]).layers == ("head", "second", "norm", "first")
    layers = sanity_check(saliency, transformer, images[0]).layers
    assert layers == ("head", "attention.out_proj", "attention", "norm", "patches")


def test_the_model_is_left_and_seeds_count(cnn, images):
    before = copy.deepcopy(cnn.state_dict())
    cnn.train()
    first = sanity_check(guided_backprop, cnn, images[0], seed=1)
    assert cnn.training
    assert all(torch.equal(value, cnn.state_dict()[key]) for key, value in before.items())
    np.testing.assert_array_equal(first.maps, sanity_check(guided_backprop, cnn, images[0], seed=1).maps)
    assert not np.array_equal(first.maps, sanity_check(guided_backprop, cnn, images[0], seed=2).maps)
    assert first.last == pytest.approx(float(first.correlations[-1]))
    assert first.to_json()["layers"] == ["head", "second", "norm", "first"]
    assert first.draw().dtype == np.uint8


def test_steps_and_refusals(cnn, images):
    steps = trace(sanity_check, saliency, cnn, images[0], 1)
    assert [step.name for step in steps] == ["image", "explanation", "while it forgets", "correlation", "check"]
    np.testing.assert_array_equal(steps.result.maps, sanity_check(saliency, cnn, images[0], 1).maps)
    with pytest.raises(InputError, match="sanity_check: explain must be a method"):
        sanity_check("grad_cam", cnn, images[0])
    with pytest.raises(InputError, match="sanity_check: explain must give H×W or H×W×C values"):
        sanity_check(lambda model, image, target: np.zeros(3), cnn, images[0])
    with pytest.raises(InputError, match="sanity_check: target must be in 0–4; got 7"):
        sanity_check(saliency, cnn, images[0], 7)

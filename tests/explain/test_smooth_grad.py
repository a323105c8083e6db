from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
import torch
from captum.attr import Saliency

from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.core.trace import trace
from sightline.explain import saliency, smooth_grad
from sightline.explain.smooth_grad import noisy


@evidence.equals("explain.smooth_grad", peer="captum", tolerance="1e-5 of the largest value", data="random weights")
def test_smooth_grad_equals_captum_over_the_same_noise(cnn, transformer, images, measured):
    errors = []
    for model in (cnn, transformer):
        target = model(images).argmax(dim=1)
        copies = islice(noisy(images, 0.2, 5), 12)
        each = [Saliency(model).attribute(copy.requires_grad_(), target=target, abs=False) for copy in copies]
        expected = torch.stack(each).mean(dim=0).abs().amax(dim=1).numpy()
        found = smooth_grad(model, images, noise=0.2, samples=12, seed=5)
        errors.append(np.abs(found - expected).max() / expected.max())
    measured(max(errors))
    assert max(errors) <= 1e-5


def test_the_noise_is_that_share_of_the_range(images):
    wide = torch.stack([images[0], images[1] * 0.25])
    copies = torch.stack(list(islice(noisy(wide, 0.1, 0), 40)))
    deviation = (copies - wide).std(dim=(0, 2, 3, 4))
    ranges = torch.stack([image.max() - image.min() for image in wide])
    torch.testing.assert_close(deviation, 0.1 * ranges, rtol=0.02, atol=0)


def test_seeds_and_no_noise(cnn, images):
    first = smooth_grad(cnn, images, samples=3, seed=1)
    np.testing.assert_array_equal(first, smooth_grad(cnn, images, samples=3, seed=1))
    assert not np.array_equal(first, smooth_grad(cnn, images, samples=3, seed=2))
    np.testing.assert_allclose(smooth_grad(cnn, images, noise=0, samples=2), saliency(cnn, images), rtol=1e-4)


def test_steps_and_refusals(cnn, images):
    for batch, samples in ((images, 9), (images[0], 2)):
        steps = trace(smooth_grad, cnn, batch, target=1, samples=samples)
        assert [step.name for step in steps][-1] == "mean gradient"
        np.testing.assert_array_equal(steps.result, smooth_grad(cnn, batch, target=1, samples=samples))
    with pytest.raises(InputError, match="smooth_grad: noise"):
        smooth_grad(cnn, images, noise=-1)
    with pytest.raises(InputError, match="smooth_grad: samples"):
        smooth_grad(cnn, images, samples=0)

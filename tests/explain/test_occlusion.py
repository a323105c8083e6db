from __future__ import annotations

import numpy as np
import pytest
from captum.attr import Occlusion

from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.explain import occlusion


@evidence.equals("explain.occlusion", peer="captum", tolerance="1e-5 of the largest value", data="random weights")
def test_occlusion_equals_captum(cnn, transformer, images, measured):
    errors = []
    for model, size, stride in ((cnn, 5, 3), (cnn, 4, 4), (transformer, 6, 5)):
        target = model(images).argmax(dim=1)
        expected = Occlusion(model).attribute(
            images, target=target, sliding_window_shapes=(3, size, size), strides=(3, stride, stride), baselines=0.25
        )
        expected = expected[:, 0].detach().numpy()
        ours = occlusion(model, images, size=size, stride=stride, value=0.25)
        errors.append(np.abs(ours - expected).max() / np.abs(expected).max())
    measured(max(errors))
    assert max(errors) <= 1e-5


def test_every_pixel_is_covered(cnn, images):
    assert np.isfinite(occlusion(cnn, images[:, :, :15, :13], size=4, stride=3)).all()


def test_options_refused(cnn, images):
    with pytest.raises(InputError, match="occlusion: size must be a whole number in 1–16; got 17"):
        occlusion(cnn, images, size=17)
    with pytest.raises(InputError, match="occlusion: stride must be a whole number in 1–4; got 5"):
        occlusion(cnn, images, size=4, stride=5)
    with pytest.raises(InputError, match="occlusion: value must be a number in 0–1; got 2"):
        occlusion(cnn, images, value=2)

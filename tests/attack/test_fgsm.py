from __future__ import annotations

import copy

import torch
from torch.nn import functional as F

from sightline.attack import fgsm
from sightline.core import evidence


@evidence.equals("attack.fgsm", peer="torch", tolerance="1e-6, the paper's equation in float64", data="noisy bars")
def test_fgsm_equals_the_equation(model, images, labels, measured):
    x = images.double().requires_grad_()
    (gradient,) = torch.autograd.grad(F.cross_entropy(copy.deepcopy(model).double()(x), labels), x)
    expected = torch.clip(x.detach() + 0.1 * gradient.sign(), 0, 1)
    error = float((fgsm(model, images, labels, eps=0.1) - expected).abs().max())
    measured(error)
    assert error <= 1e-6


def test_without_labels_the_models_own_answers_are_left(model, images):
    with torch.no_grad():
        own = model(images).argmax(1)
    assert torch.equal(fgsm(model, images), fgsm(model, images, own))

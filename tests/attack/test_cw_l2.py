from __future__ import annotations

import copy

import pytest
import torch

from sightline.attack import cw_l2, deep_fool
from sightline.core import evidence


def plain_cw(model, image, label, confidence, constant, searches, steps, rate):
    """The paper's objective for one image in float64; Adam and the bisection written out."""
    x0, low, high, c = image.double()[None], 0.0, None, constant
    best, shortest = x0, float("inf")
    for _ in range(searches):
        w = torch.atanh((x0 * 2 - 1) * (1 - 1e-6)).clone().requires_grad_()
        first, second, worked = torch.zeros_like(w), torch.zeros_like(w), False
        for step in range(1, steps + 1):
            x = 0.5 * (torch.tanh(w) + 1)
            z = model(x)[0]
            other = torch.cat([z[:label], z[label + 1 :]]).max()
            length = ((x - x0) ** 2).sum()
            (g,) = torch.autograd.grad(length + c * torch.clamp(z[label] - other, min=-confidence), w)
            first, second = 0.9 * first + 0.1 * g, 0.999 * second + 0.001 * g * g
            lead = float((other - z[label]).detach())
            if lead > 0 and lead >= confidence:
                worked = True
                if float(length.detach()) < shortest:
                    best, shortest = x.detach(), float(length.detach())
            change = (first / (1 - 0.9**step)) / ((second / (1 - 0.999**step)).sqrt() + 1e-8)
            w = (w.detach() - rate * change).requires_grad_()
        low, high = (low, c) if worked else (c, high)
        c = c * 10 if high is None else (low + high) / 2
    return best[0]


@evidence.equals(
    "attack.cw_l2", peer="torch", tolerance="1e-3 of the length, the objective in float64", data="noisy bars"
)
def test_cw_equals_the_objective(model, images, labels, measured):
    double, errors = copy.deepcopy(model).double(), []
    for confidence, constant in ((0.0, 0.03), (0.5, 1.0)):
        options = {"confidence": confidence, "constant": constant, "searches": 3, "steps": 30}
        ours = cw_l2(model, images[:2], labels[:2], learning_rate=0.05, **options)
        for i in range(2):
            expected = plain_cw(double, images[i], int(labels[i]), *options.values(), 0.05)
            length = float((expected - images[i]).norm())
            assert length > 0
            errors.append(abs(float((ours[i] - images[i]).norm()) - length) / length)
    measured(max(errors))
    assert max(errors) <= 1e-3


@pytest.mark.slow
def test_it_fools_and_goes_no_longer_way_than_deep_fool(model, images, labels):
    found = cw_l2(model, images, labels, searches=4, steps=60)
    with torch.no_grad():
        assert bool((model(found).argmax(1) != labels).all())
    ours, theirs = ((x - images).flatten(1).norm(dim=1).mean() for x in (found, deep_fool(model, images)))
    assert float(ours) < 1.05 * float(theirs)  # this model is nearly flat: there DeepFool is the best


@pytest.mark.slow
def test_confidence_is_the_lead_of_the_wrong_class(model, images, labels):
    found = cw_l2(model, images[:4], labels[:4], confidence=2.0, searches=3, steps=80, learning_rate=0.05)
    with torch.no_grad():
        scores = model(found)
    own = scores.gather(1, labels[:4, None])[:, 0]
    assert bool((scores.amax(1) - own >= 2.0 - 1e-5).all())


def test_where_nothing_works_the_picture_comes_back(model, images, labels):
    assert torch.equal(cw_l2(model, images, labels, constant=1e-9, searches=1, steps=5), images)

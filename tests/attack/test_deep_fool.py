from __future__ import annotations

import copy

import numpy as np
import torch
from torch import nn

from sightline.attack import deep_fool, fgsm
from sightline.core import evidence


def plain_deep_fool(model, image, steps=50, overshoot=0.02):
    """Algorithm 2 for one image, in float64, with a Jacobian by autograd."""
    x0 = image.double()[None]
    x, own = x0.clone(), int(model(x0).argmax())
    for _ in range(steps):
        f = model(x)[0].detach().numpy()
        if f.argmax() != own:
            break
        jacobian = torch.autograd.functional.jacobian(lambda y: model(y)[0], x).numpy()[:, 0]
        best, step = np.inf, None
        for k in range(len(f)):
            if k != own:
                w = jacobian[k] - jacobian[own]
                distance = abs(f[k] - f[own]) / np.sqrt((w**2).sum())
                if distance < best:
                    best, step = distance, abs(f[k] - f[own]) / (w**2).sum() * w
        x = torch.clip(x + torch.from_numpy(step), 0, 1)
    return torch.clip(x0 + (1 + overshoot) * (x - x0), 0, 1)[0]


@evidence.equals(
    "attack.deep_fool", peer="torch", tolerance="1e-4, algorithm 2 in float64, one image at a time", data="noisy bars"
)
def test_deep_fool_equals_the_algorithm(model, images, measured):
    double = copy.deepcopy(model).double()
    expected = torch.stack([plain_deep_fool(double, image) for image in images])
    error = float((deep_fool(model, images) - expected).abs().max())
    measured(error)
    assert error <= 1e-4


def test_labels_flip_and_pixels_stay_pixels(model, images, labels):
    found = deep_fool(model, images)
    with torch.no_grad():
        assert bool((model(found).argmax(1) != labels).all())
    assert float(found.min()) >= 0
    assert float(found.max()) <= 1


def test_it_goes_a_shorter_way_than_the_smallest_fgsm(model, images, labels):
    ways = (deep_fool(model, images) - images).flatten(1).norm(dim=1)
    smallest = torch.full_like(ways, torch.inf)
    for eps in np.linspace(0.01, 1, 100):
        found = fgsm(model, images, labels, eps=float(eps))
        with torch.no_grad():
            works = model(found).argmax(1) != labels
        smallest = torch.where(works & smallest.isinf(), (found - images).flatten(1).norm(dim=1), smallest)
    assert bool(smallest.isfinite().all())
    assert bool((ways < smallest).all())


def test_of_a_linear_model_it_is_the_distance_to_the_boundary():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, 4))
    images = 0.4 + 0.2 * torch.rand(8, 1, 4, 4)
    with torch.no_grad():
        scores, weight = model(images), model[1].weight
    own = scores.argmax(1)
    apart = torch.stack([(weight - weight[k]).norm(dim=1) for k in own])
    distance = ((scores.gather(1, own[:, None]) - scores) / apart).nan_to_num(torch.inf).amin(1)
    found = (deep_fool(model, images, overshoot=0.0, steps=1) - images).flatten(1).norm(dim=1)
    torch.testing.assert_close(found, distance, rtol=1e-4, atol=1e-6)


def test_what_is_wrong_already_stays(model, images, labels):
    assert torch.equal(deep_fool(model, images, (labels + 1) % 3), images)

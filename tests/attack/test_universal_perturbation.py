from __future__ import annotations

import numpy as np
import torch

from sightline.attack import deep_fool, universal_perturbation
from sightline.core import evidence
from sightline.core.seeds import generator
from sightline.core.trace import trace


def plain(model, images, labels, eps, norm, passes, seed):
    """Algorithm 1 in words: the pictures in turn, the least further change, back into the ball."""
    random, v = generator(seed), torch.zeros_like(images[0])

    def wrong(pictures, own):
        with torch.no_grad():
            return model(pictures).argmax(1) != own

    for _ in range(passes):
        for i in random.permutation(len(images)):
            x = torch.clip(images[i] + v, 0, 1)
            if not wrong(x[None], labels[i]):
                v = v + deep_fool(model, x, int(labels[i])) - x
                v = torch.clip(v, -eps, eps) if norm == "inf" else v * min(1, eps / float(v.norm()))
        if wrong(torch.clip(images + v, 0, 1), labels).float().mean() >= 0.8:
            break
    return v


@evidence.equals(
    "attack.universal_perturbation", peer="torch", tolerance="1e-5, algorithm 1 written out", data="noisy bars"
)
def test_it_equals_the_algorithm(model, images, labels, measured):
    errors = []
    for norm, eps in (("inf", 0.08), ("l2", 0.6)):
        found = universal_perturbation(model, images[:8], labels[:8], eps=eps, norm=norm, passes=1, seed=5)
        expected = plain(model, images[:8], labels[:8], eps, norm, 1, 5)
        errors.append(float((found.change - expected).abs().max()))
        size = found.change.abs().max() if norm == "inf" else found.change.norm()
        assert float(size) <= eps * (1 + 1e-5)
    measured(max(errors))
    assert max(errors) <= 1e-5


def test_it_fools_more_than_noise_and_also_on_pictures_that_it_has_not_seen(model, images, labels):
    found = universal_perturbation(model, images[:6], labels[:6], eps=0.2, passes=2, rate=1.0)
    noise = 0.4 * torch.rand(6, 1, 12, 12, generator=torch.Generator().manual_seed(0)) - 0.2
    with torch.no_grad():
        assert bool((model(found.apply(images[6:])).argmax(1) != labels[6:]).any())
        by_chance = (model((images[:6] + noise).clamp(0, 1)).argmax(1) != labels[:6]).float().mean()
    assert found.fooled > float(by_chance)
    assert found.apply(images[0]).shape == images[0].shape


def test_of_no_rate_it_is_nothing(model, images):
    found = universal_perturbation(model, images, rate=0.0)
    assert found.passes == 0
    assert not found.change.any()


def test_steps_end_in_the_result(model, images, labels):
    steps = trace(universal_perturbation, model, images[:4], labels[:4], passes=1)
    assert [step.name for step in steps] == ["picture", "share fooled", "perturbed", "perturbation"]
    alone = universal_perturbation(model, images[:4], labels[:4], passes=1)
    np.testing.assert_array_equal(steps.result.change, alone.change)
    assert steps.to_bytes()

from __future__ import annotations

import html.parser

import numpy as np
import pytest
import torch
from scipy.stats import binomtest, norm
from torch import nn

from sightline.attack import certify, pgd
from sightline.attack.certify import ABSTAINED
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.core.seeds import generator
from sightline.core.trace import trace

FEW = {"samples": 300, "selection": 50}


@evidence.equals("attack.certify", peer="scipy", tolerance="1e-12, CERTIFY written out", data="noisy bars")
def test_certificates_are_those_of_the_paper(model, images, labels, measured):
    sigma, alpha = 0.2, 0.01
    found = certify(model, images, labels, sigma=sigma, alpha=alpha, **FEW)
    random, errors = generator(0), []
    for i, image in enumerate(images):
        votes = []
        for count in (FEW["selection"], FEW["samples"]):
            noise = torch.from_numpy(random.standard_normal((count, *image.shape), np.float32))
            with torch.no_grad():
                votes.append(model(image + sigma * noise).argmax(1).bincount(minlength=3))
        chosen = int(votes[0].argmax())
        bounds = binomtest(int(votes[1][chosen]), FEW["samples"]).proportion_ci(1 - 2 * alpha, method="exact")
        certain = bounds.low > 0.5
        assert found.classes[i] == (chosen if certain else ABSTAINED)
        errors += [abs(found.lower[i] - bounds.low)]
        errors += [abs(found.radii[i] - (sigma * norm.ppf(bounds.low) if certain else 0))]
    measured(max(errors))
    assert max(errors) < 1e-12
    assert found.accuracy(0) > 0.5


def linear() -> nn.Module:
    model = nn.Sequential(nn.Flatten(), nn.Linear(12, 2))
    with torch.no_grad():
        model[1].weight[0] = torch.linspace(-1, 1, 12)
        model[1].weight[1] = 0
        model[1].bias.zero_()
    return model


def test_of_a_linear_model_the_radius_is_the_distance_and_never_more():
    model, random = linear(), torch.Generator().manual_seed(1)
    images = torch.rand(20, 1, 3, 4, generator=random)
    weight = model[1].weight[0].detach()
    distances = ((images.flatten(1) @ weight).abs() / weight.norm()).numpy()
    found = certify(model, images, sigma=0.3, samples=3000)
    assert (found.classes[distances > 0.15] == found.labels[distances > 0.15]).all()
    assert (found.radii <= distances + 1e-9).all()  # as alpha allows, once in a thousand pictures not
    near = (distances > 0.05) & (distances < found.largest / 2)
    assert near.sum() > 5
    assert (found.radii[near] > distances[near] - 0.05).all()


def test_no_attack_within_the_radius_changes_the_vote(model, images, labels):
    found = certify(model, images, labels, sigma=0.2, **FEW)
    sure = np.flatnonzero(found.radii > 0.05)[:4]
    assert len(sure) > 1
    for i in sure:
        attacked = pgd(model, images[i], int(labels[i]), eps=float(found.radii[i]) * 0.99, norm="l2", steps=5)
        again = certify(model, attacked, int(labels[i]), sigma=0.2, **FEW)
        assert again.classes[0] in (found.classes[i], ABSTAINED)


def test_accuracy_falls_with_the_radius_and_ends(model, images, labels):
    found = certify(model, images, labels, sigma=0.2, **FEW)
    curve = [found.accuracy(radius) for radius in np.linspace(0, found.largest, 20)]
    assert curve == sorted(curve, reverse=True)
    assert found.accuracy(found.largest * 1.001) == 0
    told = found.to_json()
    assert (told["sigma"], told["samples"], len(told["radii"])) == (0.2, 300, len(images))


def test_steps_end_in_the_result(model, images, labels):
    steps = trace(certify, model, images[:3], labels[:3], **FEW)
    np.testing.assert_array_equal(steps.result.radii, certify(model, images[:3], labels[:3], **FEW).radii)
    assert [step.name for step in steps] == ["noisy copies", "votes", "certified accuracy", "certificates"]
    assert steps.to_bytes()


class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags = []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)


def test_the_page_is_self_contained(model, images, labels, tmp_path):
    certify(model, images, labels, **FEW).save(tmp_path / "certified.html", "Bars & <bars>")
    text = (tmp_path / "certified.html").read_text("utf-8")
    page = Page()
    page.feed(text)
    assert "script" not in page.tags
    assert "svg" in page.tags
    assert "Bars &amp; &lt;bars&gt;" in text
    assert "σ = 0.25" in text


def test_refusals(model, images):
    for wrong in ({"sigma": 0.0}, {"alpha": 1.0}, {"alpha": 0.0}):
        with pytest.raises(InputError, match="certify: sigma must be > 0, and alpha between 0 and 1"):
            certify(model, images, **wrong)
    with pytest.raises(InputError, match="certify: samples"):
        certify(model, images, samples=0)
    with pytest.raises(InputError, match="certify: images must be pixels in 0–1"):
        certify(model, 3 * images)

from __future__ import annotations

import html.parser

import numpy as np
import pytest
import torch
from torch import nn

from sightline.attack import pgd, robustness_curve
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.core.trace import trace

RADII = (0.0, 0.03, 0.08, 0.2)


class Hiding(nn.Module):
    """A defence that hides its gradient: pixels in steps, whose slope is zero."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        coarse = (images.detach() * 16).round() / 16
        return self.model(coarse + 1e-6 * torch.sin(3e3 * images))


def outcomes(found):
    return {check.name: check.holds for check in found.checks}


@evidence.equals(
    "attack.robustness_curve", peer="torch", tolerance="identical, accuracies counted by hand", data="noisy bars"
)
def test_accuracies_are_those_of_the_attacks(model, images, labels, measured):
    found = robustness_curve(model, images, labels, epsilons=RADII, steps=5)
    errors = []
    for radius, accuracy in zip(RADII, found.accuracies["PGD"], strict=True):
        with torch.no_grad():
            answers = model(pgd(model, images, labels, eps=radius, steps=5)).argmax(1)
        errors.append(abs(accuracy - float((answers == labels).double().mean())))
    measured(max(errors))
    assert max(errors) < 1e-9


@pytest.mark.parametrize("norm", ["inf", "l2"])
def test_an_open_model_passes_every_check(norm, model, images, labels):
    radii = RADII if norm == "inf" else (0.0, 0.3, 0.8, 2.0)
    found = robustness_curve(
        model, images, labels, epsilons=radii, norm=norm, steps=10, substitute=nn.Sequential(model)
    )
    assert found.trusted
    assert len(found.checks) == 5
    assert found.accuracies["PGD"][0] == 1
    assert found.accuracies["PGD"][-1] < 0.2
    assert found.accuracies["random noise"][-1] > found.accuracies["PGD"][-1]
    assert list(found.accuracies["PGD"]) == sorted(found.accuracies["PGD"], reverse=True)


def test_a_hidden_gradient_is_found_out(model, images, labels):
    found = robustness_curve(Hiding(model), images, labels, epsilons=RADII, steps=10, substitute=model)
    assert not found.trusted
    assert not outcomes(found)["Another model's pictures are weaker than its own"]
    assert not outcomes(found)["Without a bound nothing is right"]


class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.links = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [
            value for name, value in attrs if name in ("src", "href") and not value.startswith(("#", "data:"))
        ]


def test_the_page_is_self_contained(model, images, labels, tmp_path):
    found = robustness_curve(model, images, labels, epsilons=RADII, steps=5)
    found.save(tmp_path / "robustness.html", "Bars & <bars>")
    text = (tmp_path / "robustness.html").read_text("utf-8")
    page = Page()
    page.feed(text)
    assert page.links == []
    assert "script" not in page.tags
    assert "Bars &amp; &lt;bars&gt;" in text
    for part in ("Without a bound nothing is right", "random noise", "4 of 4"):
        assert part in text
    told = found.to_json()
    assert told["trusted"] is True
    assert told["accuracies"]["PGD"] == list(found.accuracies["PGD"])
    assert found.draw().dtype == np.uint8
    assert found.examples.shape == (4, 8, 12, 12)


def test_steps_end_in_the_result(model, images, labels):
    steps = trace(robustness_curve, model, images, labels, epsilons=RADII, steps=3)
    assert steps.result.accuracies == robustness_curve(model, images, labels, epsilons=RADII, steps=3).accuracies
    assert steps.to_bytes()


def test_refusals(model, images, labels):
    for wrong in ((), (0.2, 0.1), (0.1, 0.1)):
        with pytest.raises(InputError, match="robustness_curve: epsilons must be one or more, and rise"):
            robustness_curve(model, images, labels, epsilons=wrong)
    with pytest.raises(InputError, match="robustness_curve: epsilons must be a number"):
        robustness_curve(model, images, labels, epsilons=(-0.1, 0.1))
    with pytest.raises(InputError, match="robustness_curve: epsilons must be numbers"):
        robustness_curve(model, images, labels, epsilons=0.3)
    with pytest.raises(InputError, match="robustness_curve: labels must be in 0–2"):
        robustness_curve(model, images, 3)

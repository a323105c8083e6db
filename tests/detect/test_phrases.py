"""Phrases as classes: pairs and losses against transformers, gradients, answers, refusals."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from transformers.loss.loss_grounding_dino import GroundingDinoHungarianMatcher
from transformers.models.grounding_dino.modeling_grounding_dino import build_label_maps

from detect.test_grounding_dino import Both, pictures, small, theirs_of
from detect.test_grounding_dino import both as both  # the fixture
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.detect.detector import Detector, Targets
from sightline.detect.phrases import Prompted
from sightline.detect.set_matching import as_shares

PHRASES = ("a cat", "remote controls", "red dog")
SIZES = [(96, 128), (64, 72)]
TARGETS: list[Targets] = [
    {"boxes": torch.tensor([[8.0, 8, 40, 60], [30, 5, 90, 50], [70, 20, 120, 90]]), "labels": torch.tensor([0, 2, 1])},
    {"boxes": torch.tensor([[10.0, 4, 60, 50]]), "labels": torch.tensor([1])},
]


@evidence.equals(
    "detect.grounding_dino", peer="transformers", tolerance="1e-4 of each loss; the same pairs", data="random weights"
)
def test_pairs_and_losses_equal_transformers(both: Both, measured: Callable[[float], None]) -> None:
    ours, theirs = both
    detector, images = Prompted(ours, PHRASES).eval(), pictures(SIZES)
    shares = as_shares(TARGETS, SIZES)
    labels = [{"class_labels": one["labels"], "boxes": one["boxes"]} for one in shares]
    theirs.config.auxiliary_loss = True
    outputs = theirs_of(ours, theirs, images, ["a cat. remote controls. red dog."] * 2, labels=labels)
    with torch.no_grad():
        layers = detector.layers(ours.fit(images))
        found = detector.loss(layers[1:], shares)  # without those of the places, whose words they read elsewhere
    maps = build_label_maps(outputs.logits, outputs.input_ids)
    said = {"logits": outputs.logits, "pred_boxes": outputs.pred_boxes, "label_maps": maps}
    pairs = GroundingDinoHungarianMatcher(1, 5, 2)(said, labels)
    for one, other in zip(detector.loss.matcher(layers[-1], shares), pairs, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))
    names = {"classification": ("loss_ce", 2), "boxes": ("loss_bbox", 5), "overlap": ("loss_giou", 2)}
    losses = {name: value for name, value in outputs.loss_dict.items() if not name.endswith("_enc")}
    expected = {
        name: weight * sum(value for key, value in losses.items() if key.startswith(start))
        for name, (start, weight) in names.items()
    }
    errors = [abs(found[name] - value) / value for name, value in expected.items()]
    measured(float(max(errors)))
    assert max(errors) <= 1e-4


def test_losses_reach_every_weight_and_answers_are_classes() -> None:
    torch.manual_seed(0)
    detector = Prompted(small(), PHRASES).train()
    assert isinstance(detector, Detector)
    for part in detector.modules():
        if hasattr(part, "rate"):
            part.rate = 0.0  # no layer is left out
    losses = detector(pictures(SIZES), TARGETS)
    assert set(losses) == {"loss", "classification", "boxes", "overlap"}
    losses["loss"].backward()
    assert losses["loss"].isfinite()
    without = [key for key, p in detector.named_parameters() if p.grad is None or not p.grad.isfinite().all()]
    assert without == []
    found = detector.eval()(pictures(SIZES))
    assert [len(one) for one in found] == [30, 30]  # each of ten queries may be each of three
    assert set(found[0].labels.tolist()) == {0, 1, 2}


def test_what_are_no_phrases_is_refused() -> None:
    with pytest.raises(InputError, match=r"phrases must each be one phrase, .* got 'a cat. a dog', which is 2"):
        Prompted(small(), ("red", "a cat. a dog"))
    with pytest.raises(InputError, match="text must name what to look for"):
        Prompted(small(), ("a cat", "."))

"""SSD: its default boxes, what it learns, its weights by name."""

from __future__ import annotations

import pytest
import torch

from sightline import detect
from sightline.core.errors import InputError
from sightline.detect.detector import Detector, Targets
from sightline.detect.ssd import VARIANTS
from sightline.zoo import export_weights, load_weights


def test_there_are_8732_default_boxes_and_their_centres_are_in_the_image() -> None:
    maps = [torch.zeros(1, 1, side, side) for side in (38, 19, 10, 5, 3, 1)]
    boxes = VARIANTS["ssd300"].defaults.boxes((300, 300), maps)
    assert boxes.shape == (8732, 4)  # Liu 2016, section 4
    torch.testing.assert_close(boxes[0], torch.tensor([4 - 10.5, 4 - 10.5, 4 + 10.5, 4 + 10.5]))
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    assert (centres > 0).all()
    assert (centres <= 304).all()
    sides = boxes[-4:, 2:] - boxes[-4:, :2]
    torch.testing.assert_close(sides[2] / sides[3], torch.tensor([300 / (0.87 * 300 / 2**0.5), (0.87 / 2**0.5)]))


def test_losses_reach_every_weight() -> None:
    torch.manual_seed(0)
    model = detect.ssd(3, variant="ssdlite320")
    assert isinstance(model, Detector)
    targets: list[Targets] = [
        {"boxes": torch.tensor([[8.0, 8, 40, 40], [30, 5, 60, 30]]), "labels": torch.tensor([0, 2])},
        {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64)},
    ]
    losses = model(torch.rand(2, 3, 64, 64), targets)
    losses["loss"].backward()
    assert losses["loss"].isfinite()
    assert [key for key, p in model.named_parameters() if p.grad is None or not p.grad.isfinite().all()] == []
    found = model.eval()(torch.rand(1, 3, 50, 80))
    assert len(found) == 1
    assert (found[0].boxes[:, 2] <= 80).all()


def test_names_of_torchvision_go_round() -> None:
    model, other = detect.ssd(2, variant="ssdlite320"), detect.ssd(2, variant="ssdlite320")
    given = export_weights(model, naming="torchvision")
    assert {"head.classification_head.module_list.5.1.bias", "backbone.features.1.0.3.1.weight"} <= given.keys()
    load_weights(other, given)
    assert all(torch.equal(a, b) for a, b in zip(model.state_dict().values(), other.state_dict().values(), strict=True))


def test_wrong_options_are_refused_by_name() -> None:
    with pytest.raises(InputError, match="ssd: variant must be one of 'ssd300', 'ssdlite320'; got 'ssd512'"):
        detect.ssd(3, variant="ssd512")

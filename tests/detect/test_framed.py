"""What all detectors in the frame share: any sizes in, boxes back in the images' own pixels, refusals by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from sightline.core.errors import InputError
from sightline.detect.anchor_grid import AnchorGrid
from sightline.detect.dense import Limits, clip, gather, surest, thin
from sightline.detect.detector import Detector, Targets
from sightline.detect.fit import Fit, Fitted
from sightline.detect.framed import Found, Framed
from sightline.detect.matching import BACKGROUND, NEITHER, Matching, balanced


class Echo(Framed):
    """Finds one box, the upper left quarter of what each image became; learns how far the true boxes are from it."""

    def __init__(self) -> None:
        super().__init__("echo", 2, Fit(nn.Identity(), 40, 60, multiple=32))

    def learn(self, fitted: Fitted, targets: Sequence[Targets]) -> dict[str, Tensor]:
        return {"far": torch.stack([t["boxes"].sum() for t in targets]).sum(), "wide": torch.tensor(1.0)}

    def search(self, fitted: Fitted) -> list[Found]:
        quarters = [torch.tensor([[0.0, 0.0, w / 2, h / 2]]) for h, w in fitted.sizes]
        return [Found(box, torch.tensor([0.5]), torch.tensor([1])) for box in quarters]


def test_boxes_come_back_in_each_images_own_pixels() -> None:
    model = Echo().eval()
    assert isinstance(model, Detector)
    assert model.stride == 32
    found: Any = model([torch.zeros(3, 80, 100), torch.zeros(3, 10, 20)])
    assert [one.boxes.tolist() for one in found] == [[[0, 0, 50, 40]], [[0, 0, 10, 5]]]
    assert [one.labels.tolist() for one in found] == [[1], [1]]


def test_true_boxes_go_in_as_the_images_do_and_the_losses_add_up() -> None:
    target: Targets = {"boxes": torch.tensor([[0.0, 0, 50, 40]]), "labels": torch.tensor([0])}
    losses: Any = Echo().train()(torch.zeros(1, 3, 80, 100), [target])
    assert losses["far"].item() == 45  # half as many pixels
    assert losses["loss"] == losses["far"] + losses["wide"]


def test_a_batch_keeps_shapes_and_pads_with_nothing() -> None:
    fit = Fit(nn.Identity(), 32, 48, multiple=16)
    fitted = fit([torch.ones(3, 64, 64), torch.ones(3, 40, 160)])
    assert fitted.sizes == ((32, 32), (12, 48))
    assert fitted.images.shape == (2, 3, 32, 48)
    assert fitted.images[0, :, :, 32:].abs().max() == 0
    exact = Fit(nn.Identity(), 30, 30, exact=(30, 40), multiple=1)(torch.rand(2, 3, 9, 50))
    assert exact.sizes == ((30, 40), (30, 40))


@pytest.mark.parametrize(
    ("images", "sentence"),
    [
        (torch.zeros(3, 8, 8), r"echo: images must be a B×C×H×W tensor or a list of C×H×W tensors.*got \(3, 8, 8\)"),
        (torch.zeros(1, 3, 8, 8, dtype=torch.uint8), "torch.uint8. Use sightline.channels_first"),
        ([], "at least one; got list"),
        ([torch.zeros(3, 0, 4)], "at least one; got list"),
    ],
)
def test_what_is_no_batch_is_refused(images: Any, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        Echo().eval()(images)


@pytest.mark.parametrize(
    ("boxes", "labels", "sentence"),
    [
        ([[0.0, 0, 0, 5]], [0], r"boxes must be xyxy of positive width and height; image 0 has \[0.0, 0.0, 0.0, 5.0\]"),
        ([[0.0, 0, float("nan"), 5]], [0], "positive width"),
        ([[0.0, 0, 4, 5]], [2], r"labels must lie in 0…1; image 0 has 2…2. The background has no label"),
        ([[0.0, 0, 4, 5]], [0, 1], "targets must hold boxes N×4 and N whole labels"),
    ],
)
def test_wrong_targets_are_refused(boxes: Any, labels: Any, sentence: str) -> None:
    target: Targets = {"boxes": torch.tensor(boxes), "labels": torch.tensor(labels)}
    with pytest.raises(InputError, match=sentence):
        Echo().train()(torch.zeros(1, 3, 40, 40), [target])


def test_missing_targets_are_refused() -> None:
    with pytest.raises(InputError, match="echo: targets must be the boxes and labels of all 2 images; got none"):
        Echo().train()(torch.zeros(2, 3, 40, 40))


# --- the parts ---


def test_anchors_have_their_areas_and_ratios_and_stand_a_stride_apart() -> None:
    grid = AnchorGrid(((32, 64),), (0.5, 2.0))
    boxes = grid.boxes((64, 96), [torch.zeros(1, 1, 4, 6)])[0]
    assert boxes.shape == (4 * 6 * grid.count, 4)
    sides = boxes[:, 2:] - boxes[:, :2]
    torch.testing.assert_close((sides[:4, 1] / sides[:4, 0]), torch.tensor([0.5, 0.5, 2, 2]), rtol=0.05, atol=0)
    torch.testing.assert_close(sides[:4].prod(dim=1).sqrt(), torch.tensor([32.0, 64, 32, 64]), rtol=0.02, atol=0)
    assert (boxes[grid.count] - boxes[0]).tolist() == [16, 0, 16, 0]


def test_matches_by_hand() -> None:
    anchors = torch.tensor([[0.0, 0, 4, 4], [0, 0, 4, 8], [20, 20, 24, 24], [8, 0, 16, 4]])
    boxes = torch.tensor([[0.0, 0, 4, 4], [20, 20, 40, 40]])  # overlaps 1, 1/2, 0, 0 and 0, 0, 1/25, 0
    assert Matching(0.6, 0.4)(boxes, anchors).tolist() == [0, NEITHER, BACKGROUND, BACKGROUND]
    assert Matching(0.6, 0.4, "ties")(boxes, anchors).tolist() == [0, NEITHER, 1, BACKGROUND]
    assert Matching(0.5, 0.5, "one")(boxes, anchors).tolist() == [0, 0, 1, BACKGROUND]
    assert Matching(0.6, 0.4, "ties")(boxes[:0], anchors).tolist() == [BACKGROUND] * 4


def test_a_sample_has_no_more_things_than_its_share() -> None:
    labels = torch.tensor([1] * 30 + [0] * 50 + [-1] * 5)
    things, background = balanced(labels, 20, 0.25)
    assert (len(things), len(background)) == (5, 15)
    assert (labels[things] == 1).all()
    assert (labels[background] == 0).all()


def test_the_surest_are_kept_and_of_each_thing_one() -> None:
    scores = torch.tensor([[0.9, 0.1], [0.8, float("nan")], [0.2, 0.7]])
    limits = Limits(0.15, 0.5, 3, 2)
    best, place, label = surest(scores, limits)
    assert place.tolist() == [0, 1, 2]
    assert label.tolist() == [0, 0, 1]
    anchors = torch.tensor([[0.0, 0, 10, 10], [1, 0, 11, 10], [0, 0, 10, 10]])
    raw = gather([scores], [anchors], [anchors], lambda codes, _: codes, (8, 20), limits)
    assert raw.boxes[:, 3].tolist() == [8, 8, 8]
    found = thin(raw, 0.5, 5)
    assert found.labels.tolist() == [0, 1]
    torch.testing.assert_close(found.scores, best[[0, 2]])
    assert thin(raw, 0.5, 1).labels.tolist() == [0]
    assert clip(torch.tensor([[-3.0, 2, 30, 9]]), (8, 20)).tolist() == [[0, 2, 20, 8]]

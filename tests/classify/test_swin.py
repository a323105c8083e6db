"""Swin against transformers at random weights, images that windows do not fill included; sizes, windows, refusals."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from transformers import SwinConfig, SwinForImageClassification

from classify.counts import counts, on_paper
from classify.parity import Logits, difference, pixels, randomise, training_difference
from sightline import classify
from sightline.classify.swin import SwinConfig as Sizes
from sightline.classify.swin import WindowAttention, apart, build, from_windows, to_windows
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.nn import Classifier
from sightline.nn.convolutional import Convolutional, pixel_normalize
from sightline.zoo import export_weights, load_weights


def small() -> Convolutional:
    body, head = build(Sizes(24, (2, 2), (2, 4), 0.0, classes=5, window=4))
    return Convolutional("swin", pixel_normalize("swin", 3, None, None), body, head)


def peer() -> SwinForImageClassification:
    config = SwinConfig(
        image_size=64, embed_dim=24, depths=[2, 2], num_heads=[2, 4], window_size=4, num_labels=5, drop_path_rate=0.0
    )
    return randomise(SwinForImageClassification(config))  # type: ignore[return-value]


@evidence.equals(
    "classify.swin",
    peer="transformers",
    tolerance="1e-5 of the largest logit",
    data="random weights, eval and train mode; images that windows fill, and larger and oblong ones that they do not",
)
@pytest.mark.parametrize("size", [(64, 64), (72, 104), (36, 52)])
def test_swin_equals_transformers(size: tuple[int, int], measured: Callable[[float], None]) -> None:
    theirs, ours, images = Logits(peer()), small(), pixels(2, 3, *size)
    error = difference(ours, theirs.peer, images, theirs, "transformers")
    error = max(error, training_difference(ours, theirs, images))
    measured(error)
    assert error <= 1e-5


def test_weights_go_out_as_they_came_and_old_files_are_read() -> None:
    theirs = peer().state_dict()
    ours = load_weights(small(), theirs)
    back = export_weights(ours, naming="transformers")
    assert back.keys() == theirs.keys()
    assert all(torch.equal(back[key], theirs[key]) for key in back)
    old = {}
    for key, tensor in theirs.items():
        for part in ("query", "key", "value"):
            key = key.replace(f"attention.{part[0]}_proj", f"attention.self.{part}")
        key = key.replace("attention.relative_position_bias.", "attention.self.").replace("o_proj", "output.dense")
        key = key.replace("mlp.fc1", "intermediate.dense").replace("mlp.fc2", "output.dense")
        old[key] = tensor
    old["swin.encoder.layers.0.blocks.0.attention.self.relative_position_index"] = torch.zeros(16, 16, dtype=torch.long)
    again = load_weights(small(), old)
    assert all(torch.equal(a, b) for a, b in zip(again.parameters(), ours.parameters(), strict=True))


def test_windows_are_cut_and_laid_out() -> None:
    x = torch.arange(2 * 4 * 6).view(1, 8, 6, 1)
    cut = to_windows(x, 2)
    assert cut.shape == (1, 12, 4, 1)
    assert cut[0, 1, :, 0].tolist() == [2, 3, 8, 9]  # the second window of the first row
    assert torch.equal(from_windows(cut, 2, (8, 6)), x)


def test_what_came_around_is_kept_apart() -> None:
    mask = apart((8, 8), (2, 2), 4, torch.zeros(1))
    assert mask.shape == (4, 16, 16)
    assert (mask[0] == 0).all()  # the first window holds true neighbours only
    assert (mask[1].view(4, 4, 4, 4)[:, 0, :, 3] == -100).all()  # left and right half of a window at the right edge
    assert (mask[3] == 0).sum() == 4 * 4 * 4  # four quarters, each alone


def test_places_know_how_they_lie_to_each_other() -> None:
    places = WindowAttention(8, 2, 3, 0).places.view(3, 3, 3, 3)
    assert places[0, 0, 0, 1] == places[1, 1, 1, 2]
    assert places[0, 0, 0, 1] != places[0, 1, 0, 0]
    assert places.unique().numel() == 25


# Liu 2021, table 1: 29, 50 and 88 million parameters, 4.5, 8.7 and 15.4 billion multiply-adds; "large": its repository.
@pytest.mark.parametrize(
    ("variant", "parameters", "billions"),
    [
        ("tiny", 28_288_354, 4.5),
        pytest.param("small", 49_606_258, 8.7, marks=pytest.mark.slow),
        pytest.param("base", 87_768_224, 15.4, marks=pytest.mark.slow),
        pytest.param("large", 196_532_476, 34.5, marks=pytest.mark.slow),
    ],
)
def test_variants_have_the_published_counts(variant: str, parameters: int, billions: float) -> None:
    assert counts(on_paper("swin", {"variant": variant}), 224) == (parameters, pytest.approx(billions, rel=0.02))


def test_a_small_stem_suits_small_images() -> None:
    model = classify.swin(4, stem="small", in_channels=1).eval()
    assert isinstance(model, Classifier)
    assert model.features(pixels(1, 1, 32, 32)).shape == (1, 768, 2, 2)
    assert torch.isfinite(model(pixels(2, 1, 20, 28))).all()
    with pytest.raises(InputError, match="swin: images must be at least 16×16 pixels; got 8×32"):
        model(pixels(1, 1, 8, 32))
    with pytest.raises(InputError, match="Did you mean 'tiny'"):
        classify.swin(variant="tinny")

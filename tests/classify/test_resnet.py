"""Residual networks against transformers at random weights; stems, shapes, refusals."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from transformers import ResNetConfig, ResNetForImageClassification

from classify.parity import Logits, difference, pixels, training_difference
from sightline import classify
from sightline.classify.residual import VARIANTS
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.nn import Classifier

TOLERANCE = "1e-5 of the largest logit"
DATA = "random weights, random pixels, eval and train mode"


def compare(name: str, classes: int = 10, size: int = 40) -> float:
    config = VARIANTS[name]
    expansion = 4 if config.bottleneck else 1
    theirs = ResNetForImageClassification(
        ResNetConfig(
            embedding_size=64,
            hidden_sizes=[expansion * width for width in config.widths],
            depths=list(config.blocks),
            layer_type="bottleneck" if config.bottleneck else "basic",
            num_labels=classes,
        )
    )
    peer, ours, images = Logits(theirs), getattr(classify, name)(classes), pixels(2, 3, size, size)
    error = difference(ours, peer.peer, images, peer, "transformers")
    return max(error, training_difference(ours, peer, images))


@evidence.equals("classify.resnet18", peer="transformers", tolerance=TOLERANCE, data=DATA)
def test_resnet18_equals_transformers(measured: Callable[[float], None]) -> None:
    error = compare("resnet18")
    measured(error)
    assert error <= 1e-5


@evidence.equals("classify.resnet34", peer="transformers", tolerance=TOLERANCE, data=DATA)
def test_resnet34_equals_transformers(measured: Callable[[float], None]) -> None:
    error = compare("resnet34")
    measured(error)
    assert error <= 1e-5


@evidence.equals("classify.resnet50", peer="transformers", tolerance=TOLERANCE, data=DATA)
def test_resnet50_equals_transformers(measured: Callable[[float], None]) -> None:
    error = compare("resnet50")
    measured(error)
    assert error <= 1e-5


@pytest.mark.slow
@evidence.equals("classify.resnet101", peer="transformers", tolerance=TOLERANCE, data=DATA)
def test_resnet101_equals_transformers(measured: Callable[[float], None]) -> None:
    error = compare("resnet101")
    measured(error)
    assert error <= 1e-5


@pytest.mark.slow
@evidence.equals("classify.resnet152", peer="transformers", tolerance=TOLERANCE, data=DATA)
def test_resnet152_equals_transformers(measured: Callable[[float], None]) -> None:
    error = compare("resnet152")
    measured(error)
    assert error <= 1e-5


@pytest.mark.parametrize(("stem", "size", "places"), [("imagenet", 64, 2), ("small", 32, 4), ("small", 8, 1)])
def test_stem_decides_the_resolution(stem: str, size: int, places: int) -> None:
    model = classify.resnet18(5, stem=stem).eval()
    with torch.inference_mode():
        assert model.features(pixels(1, 3, size, size)).shape == (1, 512, places, places)


def test_logits_are_head_of_features() -> None:
    model = classify.resnet20().eval()
    images = pixels(2, 3, 32, 32)
    assert torch.equal(model(images), model.head(model.features(images)))


def test_cam_layer_gives_the_map_that_the_head_reads() -> None:
    model = classify.resnet20().eval()
    seen: list[torch.Tensor] = []
    hook = model.cam_layer.register_forward_hook(lambda _m, _i, output: seen.append(model.cam_map(output)))
    features = model.features(pixels(1, 3, 32, 32))
    hook.remove()
    assert isinstance(model, Classifier)
    assert torch.equal(seen[0], features)


def test_normalisation_is_inside() -> None:
    plain = classify.resnet18(3, stem="small", mean=(0, 0, 0), std=(1, 1, 1)).eval()
    inside = classify.resnet18(3, stem="small").eval()
    inside.load_state_dict(plain.state_dict())
    images = pixels(1, 3, 16, 16)
    torch.testing.assert_close(inside(images), plain(inside.normalize(images)))


def test_gray_images() -> None:
    assert classify.resnet18(4, in_channels=1, stem="small")(pixels(2, 1, 8, 8)).shape == (2, 4)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            {"stem": "imagnet"},
            "resnet18: stem must be one of 'imagenet', 'small'; got 'imagnet'. Did you mean",
        ),
        ({"classes": 0}, "resnet18: classes must be a whole number ≥ 1; got 0"),
        ({"in_channels": 1, "mean": (0.1, 0.2)}, "normalize: mean and std must have 1 numbers each"),
    ],
)
def test_bad_options_are_refused_by_name(options: dict[str, object], sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        classify.resnet18(**options)  # type: ignore[arg-type]
    assert sentence in str(caught.value)


def test_wrong_batch_is_refused() -> None:
    with pytest.raises(InputError, match=r"images must be B×3×H×W float, .* got 1×1×8×8 float32"):
        classify.resnet18(2, stem="small")(torch.zeros(1, 1, 8, 8))


def test_nan_reaches_its_own_logits_only() -> None:
    model = classify.resnet20().eval()
    images = pixels(2, 3, 32, 32)
    images[0, 0, 0, 0] = torch.nan
    logits = model(images)
    assert logits[0].isnan().all()
    assert logits[1].isfinite().all()

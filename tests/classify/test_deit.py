"""DeiT against transformers at random weights, positions interpolated included; its two heads, refusals."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from transformers import DeiTConfig, DeiTForImageClassificationWithTeacher

from classify.counts import counts, on_paper
from classify.parity import Answers, difference, pixels, randomise, training_difference
from sightline import classify
from sightline.classify.deit import DeiT
from sightline.classify.vit import ViTConfig
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.nn import Classifier
from sightline.zoo import load_weights


def small(size: tuple[int, int], drop: float = 0.2) -> DeiT:
    return DeiT(ViTConfig(96, 3, 4, size, 8, 7, drop=drop, eps=1e-6))


def peer(size: tuple[int, int]) -> DeiTForImageClassificationWithTeacher:
    config = DeiTConfig(
        hidden_size=96,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=384,
        image_size=list(size),  # type: ignore[arg-type]
        patch_size=8,
        layer_norm_eps=1e-6,
        num_labels=7,
    )
    return randomise(DeiTForImageClassificationWithTeacher(config))  # type: ignore[return-value]


class TwoHeads(nn.Module):
    """DeiT of transformers, its heads apart."""

    def __init__(self, peer: nn.Module, interpolated: bool) -> None:
        super().__init__()
        self.peer, self.interpolated = peer, interpolated

    def forward(self, images: Tensor) -> Answers:
        """Return B×classes of each head."""
        said = self.peer(images, interpolate_pos_encoding=self.interpolated)
        return Answers(said.distillation_logits, said.cls_logits)


@evidence.equals(
    "classify.deit",
    peer="transformers",
    tolerance="1e-5 of the largest logit",
    data="random weights, eval and train mode; the configured size, and larger and oblong images",
)
@pytest.mark.parametrize(("made_for", "shown"), [((32, 48), (32, 48)), ((32, 32), (64, 40))])
def test_deit_equals_transformers(
    made_for: tuple[int, int], shown: tuple[int, int], measured: Callable[[float], None]
) -> None:
    theirs, ours, images = peer(made_for), small(made_for, drop=0), pixels(2, 3, *shown)
    heads = TwoHeads(theirs, made_for != shown)
    error = difference(ours, theirs, images, lambda images: sum(heads(images)) / 2, "transformers")
    error = max(error, training_difference(ours, heads, images))
    measured(error)
    assert error <= 1e-5


def test_each_head_reads_its_token() -> None:
    theirs = peer((32, 32))
    ours = load_weights(small((32, 32)), theirs.state_dict()).eval()
    images = pixels(2, 3, 32, 32)
    with torch.inference_mode():
        teacher, label = ours.all_logits(images)
        answer = theirs(ours.normalize(images))
        assert torch.allclose(teacher, answer.distillation_logits, atol=1e-4)
        assert torch.allclose(label, answer.cls_logits, atol=1e-4)
        assert torch.allclose(ours(images), (teacher + label) / 2, atol=1e-6)
        assert torch.equal(ours(images), ours.head(ours.features(images)))
    assert isinstance(ours, Classifier)
    assert ours.cam_map(torch.zeros(1, 18, 96)).shape == (1, 96, 4, 4)


# Multiply-adds, given without the teacher's token: Liu 2021 (Swin), table 1; of "tiny": Wang 2021 (PVT), table 2.
@pytest.mark.parametrize(
    ("variant", "size", "parameters", "billions"),
    [
        ("tiny", 224, 5_910_800, 1.3),
        pytest.param("small", 224, 22_436_432, 4.6, marks=pytest.mark.slow),
        pytest.param("base", 224, 87_338_192, 17.5, marks=pytest.mark.slow),
        pytest.param("base", 384, 87_630_032, 55.4, marks=pytest.mark.slow),
    ],
)
def test_variants_have_the_published_counts(variant: str, size: int, parameters: int, billions: float) -> None:
    model = on_paper("deit", {"variant": variant, "size": size})
    assert counts(model, size) == (parameters, pytest.approx(billions, rel=0.04))


def test_bad_options_are_refused_by_name() -> None:
    with pytest.raises(InputError, match="deit: patch must divide the size 30×30; got 8"):
        classify.deit(2, size=30, patch=8)
    with pytest.raises(InputError, match="deit: drop must be a number in 0–1; got 2"):
        classify.deit(2, drop=2)

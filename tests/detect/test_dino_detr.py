"""DINO's parts against transformers at random weights, and denoising by its published rules.

transformers has no DINO of its own. Grounding DINO is DINO with words (Liu 2024, section 3): with the parts that mix
words into the image and into the queries taken out, and its words as the weights of our classes, it must say what DINO
says. The groups of noised queries are those of RT-DETR there, which took them from DINO.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from transformers import BertConfig, GroundingDinoConfig, GroundingDinoForObjectDetection
from transformers.models.rt_detr.modeling_rt_detr import get_contrastive_denoising_training_group

from detect.set_peers import IMAGES, TARGETS, labels_of, milder, prepared, small_backbone, told
from sightline import detect
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.detect.backbones import residual_maps
from sightline.detect.box_decoder import BoxDecoder
from sightline.detect.denoising import Denoising
from sightline.detect.dino_detr import DINO, DINOConfig
from sightline.detect.fit import Fit
from sightline.detect.query_selection import Memory
from sightline.detect.set_matching import as_shares
from sightline.nn.convolutional import pixel_normalize
from sightline.nn.frozen_norm import freeze_norms
from sightline.zoo import load_weights
from sightline.zoo.names import names

DATA = "random weights, three random images of different sizes in one padded batch"
SIZES = DINOConfig(32, 4, 2, 3, 64, 12, 4, 2)
WORDS = torch.tensor([[101, 7, 9, 12, 102]] * len(IMAGES))


def small(classes: int = 5) -> DINO:
    body, channels = residual_maps("dino_detr", "resnet18", (1, 2, 3))
    fit = Fit(pixel_normalize("dino_detr", 3, None, None), 0, 0, multiple=1)
    return DINO(classes, fit, body, channels, SIZES).eval()


class Silent(nn.Module):
    """In the place of a fusion: image and text as they came."""

    def forward(self, vision_features: Tensor, text_features: Tensor, **_: Any) -> Any:
        return (vision_features, None), (text_features, None)


class Mute(nn.Module):
    """In the place of attention to the words: nothing to add."""

    def forward(self, queries: Tensor, **_: Any) -> Any:
        return torch.zeros_like(queries), None


def without_words() -> Any:
    """Return their Grounding DINO of our sizes in which words have no say about the image and the queries."""
    text = BertConfig(vocab_size=128, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16)
    config = GroundingDinoConfig(
        backbone_config=small_backbone(2, 3, 4),
        text_config=text,
        d_model=SIZES.dim,
        encoder_layers=SIZES.encoder,
        decoder_layers=SIZES.decoder,
        encoder_attention_heads=SIZES.num_heads,
        decoder_attention_heads=SIZES.num_heads,
        encoder_ffn_dim=SIZES.hidden,
        decoder_ffn_dim=SIZES.hidden,
        num_queries=SIZES.queries,
        encoder_n_points=SIZES.points,
        decoder_n_points=SIZES.points,
        max_text_len=WORDS.shape[1],
        dropout=0.0,
    )
    theirs = milder(prepared(GroundingDinoForObjectDetection, config))
    for layer in theirs.model.encoder.layers:
        layer.fusion_layer = Silent()
    for layer in theirs.model.decoder.layers:
        layer.encoder_attn_text, layer.encoder_attn_text_layer_norm = Mute(), nn.Identity()
    theirs.model.decoder.bbox_embed = theirs.bbox_embed = nn.ModuleList([theirs.bbox_embed[0]] * SIZES.decoder)
    return theirs


# What Grounding DINO calls the tensors of DINO; the body's are mapped by the names of residual networks.
CALLED = {
    r"project\.": "model.input_proj_vision.",
    r"level$": "model.level_embed",
    r"queries\.": "model.query_position_embeddings.",
    r"encoder\.(\d)\.": r"model.encoder.layers.\1.deformable_layer.",
    r"selection\.project\.0\.": "model.enc_output.",
    r"selection\.project\.1\.": "model.enc_output_norm.",
    r"selection\.boxes\.": "model.encoder_output_bbox_embed.layers.",
    r"refine\.norm\.": "model.decoder.layer_norm.",
    r"refine\.positions\.mlp\.": "model.decoder.reference_points_head.layers.",
    r"refine\.boxes\.0\.": "bbox_embed.0.layers.",
    r"refine\.layers\.": "model.decoder.layers.",
    r"(.*layers)\.2\.(weight|bias)$": r"\1.1.\2",
    r"(.*layers)\.4\.(weight|bias)$": r"\1.2.\2",
    r"(model\.encoder.*)\.attention\.": r"\1.self_attn.",
    r"(model\.decoder.*)\.attention\.": r"\1.self_attn.",
    r"(model\..*)\.cross\.": r"\1.encoder_attn.",
    r"(model\..*_attn)\.offsets\.": r"\1.sampling_offsets.",
    r"(model\..*_attn)\.weights\.": r"\1.attention_weights.",
    r"(.*deformable_layer\.self_attn|.*encoder_attn)\.value\.": r"\1.value_proj.",
    r"(model\.decoder.*\.self_attn)\.out\.": r"\1.out_proj.",
    r"(model\..*_attn)\.out\.": r"\1.output_proj.",
    r"(model\..*)\.norm1\.": r"\1.self_attn_layer_norm.",
    r"(model\.decoder.*)\.norm2\.": r"\1.encoder_attn_layer_norm.",
    r"(model\..*)\.norm[23]\.": r"\1.final_layer_norm.",
    r"(model\..*)\.mlp\.0\.": r"\1.fc1.",
    r"(model\..*)\.mlp\.3\.": r"\1.fc2.",
}


def same_weights(ours: DINO, theirs: Any, words: Tensor) -> None:
    """Give our model their weights, and their words T×D as the weights of its classes; only what is told stays."""
    given = theirs.state_dict()
    wanted = ours.state_dict()
    body = [key.removeprefix("body.") for key in wanted if key.startswith("body.")]
    called = {f"body.{key}": other for key, other in names_of_body(body).items()}
    found = {}
    for key, value in wanted.items():
        if key.startswith("head."):
            is_told, is_bias = key.startswith("head.told"), key.endswith("bias")
            found[key] = value if is_told else torch.zeros_like(value) if is_bias else words
            continue
        other = called.get(key, key)
        for pattern, spelling in CALLED.items():
            other = re.sub(f"^{pattern}", spelling, other)
        parts = [given[part] for part in other.split("|")]
        found[key] = torch.cat(parts) if len(parts) > 1 else parts[0]
    load_weights(ours, found, naming="sightline")


def names_of_body(keys: list[str]) -> dict[str, str]:
    """Return what their backbone calls the tensors of ours."""
    prefix = "model.backbone.conv_encoder.model."
    theirs = names([*keys, "head.linear.weight", "head.linear.bias"], "transformers")
    return {key: prefix + theirs[key][0].removeprefix("resnet.") for key in keys}


@evidence.equals(
    "detect.dino_detr",
    peer="transformers",
    tolerance="1e-4 of logits and of shares of the image, against Grounding DINO with its words taken out",
    data=DATA,
)
def test_answers_equal_grounding_dino_without_its_words(measured: Callable[[float], None]) -> None:
    ours, theirs = small(WORDS.shape[1]), without_words()
    freeze_norms(ours.body)
    words = {"input_ids": WORDS, "attention_mask": torch.ones_like(WORDS)}
    fitted, expected = told(ours, theirs, **words)
    same_weights(ours, theirs, expected.encoder_last_hidden_state_text[0])
    with torch.no_grad():
        tokens, layers = ours.answers(fitted)
    torch.testing.assert_close(tokens.boxes, expected.init_reference_points, atol=1e-4, rtol=0)  # the same tokens
    scale = expected.logits.abs().max().item()
    assert scale > 1
    boxes = [expected.intermediate_reference_points[:, i] for i in range(SIZES.decoder)]
    assert (boxes[0] - boxes[-1]).abs().max() > 0.01
    error = max(
        (layers[-1].logits - expected.logits).abs().max().item() / scale,
        (layers[-1].boxes - expected.pred_boxes).abs().max().item(),
    )
    measured(error)
    assert error <= 1e-4


@evidence.equals(
    "detect.dino_detr",
    peer="transformers",
    tolerance="1e-4 of noised boxes; labels, masks and pairs identical, against RT-DETR's groups",
    data="three images with 3, 0 and 1 boxes, the same random numbers",
)
def test_noised_queries_equal_those_of_rt_detr(measured: Callable[[float], None]) -> None:
    fitted = small().fit(IMAGES)
    shares = as_shares(TARGETS, fitted.sizes)
    torch.manual_seed(3)
    found = Denoising()(shares, 5)
    torch.manual_seed(3)
    table = nn.Embedding.from_pretrained(torch.arange(6.0)[:, None])
    labels, boxes, mask, about = get_contrastive_denoising_training_group(
        labels_of(fitted.sizes), 5, 20, table, 100, 0.5, 1.0
    )
    assert found is not None
    assert torch.equal(found.labels, labels[..., 0].long())
    assert torch.equal(found.attends(20)[0], mask != -torch.inf)
    assert found.groups == about["dn_num_group"]
    assert all(torch.equal(one, other) for (one, _), other in zip(found.pairs, about["dn_positive_idx"], strict=True))
    error = (found.boxes - boxes.sigmoid()).abs().max().item()
    measured(error)
    assert error <= 1e-4


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 6), min_size=1, max_size=3), st.integers(1, 30), st.integers(0, 10**6))
def test_near_queries_stay_near_and_far_ones_are_far(counts: list[int], queries: int, seed: int) -> None:
    """Sections 3.3: near corners move by less than half a side, far ones by half a side to a whole one."""
    torch.manual_seed(seed)
    targets = [
        {"labels": torch.randint(0, 4, (n,)), "boxes": torch.rand(n, 4) * 0.2 + torch.tensor([0.4, 0.4, 0.05, 0.05])}
        for n in counts
    ]
    found = Denoising(queries)(targets, 4)  # type: ignore[arg-type]
    if not max(counts):
        assert found is None
        return
    assert found is not None
    most = max(counts)
    assert found.groups == max(1, queries // most)
    assert found.labels.shape == (len(counts), 2 * found.groups * most)
    for image, ((rows, things), target) in enumerate(zip(found.pairs, targets, strict=True)):
        true = target["boxes"][things]
        for first, low, high in ((rows, 0.0, 0.5), (rows + most, 0.5, 1.0)):
            boxes = found.boxes[image, first]
            # The corners are not given back as they moved, but what they span bounds the moves of both.
            grown = (boxes[:, 2:] - true[:, 2:]).abs() + 2 * (boxes[:, :2] - true[:, :2]).abs()
            moved = grown / 2 / true[:, 2:]  # the larger move of the two corners, as a share of the side
            kept = boxes[:, 2:] > 0
            assert (moved[kept] <= high + 1e-4).all()
            assert (moved[kept] >= low - 1e-4).all()


def test_losses_reach_every_weight_with_boxes_and_without() -> None:
    torch.manual_seed(0)
    model = small().train()
    losses = model(IMAGES, TARGETS)
    parts = {"classification", "boxes", "overlap"}
    assert set(losses) == {"loss", *parts, *(f"denoising_{part}" for part in parts)}
    losses["loss"].backward()
    assert losses["loss"].isfinite()
    without = {key for key, p in model.named_parameters() if p.grad is None or not p.grad.isfinite().all()}
    assert without == set()
    empty = model(IMAGES, [TARGETS[1]] * 3)
    assert empty["boxes"] == empty["overlap"] == empty["denoising"] == 0


class Knows(nn.Module):
    """A layer after which the queries know what it knows, whatever they knew before."""

    def __init__(self) -> None:
        super().__init__()
        self.known = nn.Parameter(torch.ones(1, 3, 8))

    def forward(self, x: Tensor, *_: Any, attends: Tensor | None = None) -> Tensor:
        return self.known


def test_boxes_look_forward_twice() -> None:
    """A layer learns from its own boxes and from the next one's, not from those of the layer after it (section 3.5)."""
    layers = [Knows() for _ in range(3)]
    decoder = BoxDecoder(layers, nn.Identity(), [nn.Linear(8, 4)], nn.Identity())
    memory = Memory(torch.zeros(1, 4, 8), ((2, 2),), torch.ones(1, 1, 2), torch.zeros(1, 4, dtype=torch.bool))
    refined = decoder(torch.zeros(1, 3, 8), torch.full((1, 3, 4), 0.5), memory)
    seen = []
    for one in refined:
        grads = torch.autograd.grad(
            one.boxes.sum(), [layer.known for layer in layers], retain_graph=True, allow_unused=True
        )
        seen.append([grad is not None and bool(grad.any()) for grad in grads])
    assert seen == [[True, False, False], [True, True, False], [False, True, True]]


def test_nan_finds_nothing() -> None:
    image = IMAGES[0].clone()
    image[0, 3, 4] = torch.nan
    found = small()([image, IMAGES[1]])
    assert [len(one) for one in found] == [0, 5 * SIZES.queries]


def test_wrong_options_are_refused_by_name() -> None:
    with pytest.raises(InputError, match="dino_detr: variant must be one of 'base', 'small'; got 'large'"):
        detect.dino_detr(variant="large")
    with pytest.raises(InputError, match="dino_detr: classes must be a whole number ≥ 1; got 0"):
        detect.dino_detr(0)

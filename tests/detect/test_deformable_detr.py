"""Deformable DETR against transformers at random weights, in all its variants; its attention, its proposals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from transformers import DeformableDetrConfig, DeformableDetrForObjectDetection, DeformableDetrImageProcessorPil
from transformers.loss.loss_deformable_detr import (
    DeformableDetrForObjectDetectionLoss,
    DeformableDetrHungarianMatcher,
)

from detect.set_peers import (
    IMAGES,
    TARGETS,
    ToyBody,
    difference_of_found,
    difference_of_last,
    images_for,
    labels_of,
    learnt_by_heart,
    milder,
    prepared,
    published,
    small_backbone,
    told,
)
from sightline import detect
from sightline.core import evidence
from sightline.core.errors import InputError, WeightsError
from sightline.detect.backbones import residual_maps
from sightline.detect.deformable_detr import LOSS, VARIANTS, DeformableDETR, DeformableDETRConfig
from sightline.detect.fit import Fit
from sightline.detect.set_matching import as_shares
from sightline.nn.convolutional import pixel_normalize
from sightline.nn.deformable_attention import DeformableAttention, sample_levels
from sightline.zoo import export_weights, load_weights

TOLERANCE = "1e-4 of logits, shares of the image, and losses"
DATA = "random weights, three random images of different sizes in one padded batch"
SIZES = DeformableDETRConfig(False, False, 64, 4, 2, 3, 96, 12, 4, 2)
KINDS = {
    "base": SIZES,
    "refine": replace(SIZES, refine=True),
    "two_stage": replace(SIZES, refine=True, two_stage=True),
}

SHAPES = ((8, 8), (4, 4), (2, 2), (1, 1))


def small(config: DeformableDETRConfig) -> DeformableDETR:
    body, channels = residual_maps("deformable_detr", "resnet18", (1, 2, 3))
    fit = Fit(pixel_normalize("deformable_detr", 3, None, None), 0, 0, multiple=1)
    return DeformableDETR(5, fit, body, channels, config).eval()


def peer_config(config: DeformableDETRConfig, classes: int, backbone: Any) -> DeformableDetrConfig:
    sizes = {
        "d_model": config.dim,
        "encoder_layers": config.encoder,
        "decoder_layers": config.decoder,
        "encoder_attention_heads": config.num_heads,
        "decoder_attention_heads": config.num_heads,
        "encoder_ffn_dim": config.hidden,
        "decoder_ffn_dim": config.hidden,
        "num_queries": config.queries,
        "two_stage_num_proposals": config.queries,
        "num_feature_levels": config.levels,
        "encoder_n_points": config.points,
        "decoder_n_points": config.points,
        "with_box_refine": config.refine,
        "two_stage": config.two_stage,
        "num_labels": classes,
    }
    return DeformableDetrConfig(backbone_config=backbone, **sizes)


def peer(config: DeformableDETRConfig, classes: int, backbone: Any) -> Any:
    theirs = prepared(DeformableDetrForObjectDetection, peer_config(config, classes, backbone))
    return milder(theirs).double() if config.two_stage else theirs.double()


@pytest.fixture(scope="module", params=KINDS)
def pair(request: pytest.FixtureRequest) -> tuple[DeformableDETR, Any]:
    """Return our model and theirs with the same weights."""
    config = KINDS[request.param]
    theirs = peer(config, 5, small_backbone(2, 3, 4))
    return load_weights(small(config).double(), published(theirs)), theirs


@evidence.equals("detect.deformable_detr", peer="transformers", tolerance=TOLERANCE, data=DATA)
def test_answers_and_detections_equal_transformers(pair: Any, measured: Callable[[float], None]) -> None:
    ours, theirs = pair
    fitted, expected = told(ours, theirs)
    with torch.no_grad():
        last = ours.layers(fitted)[-1]
    scale = expected.logits.abs().max().item()
    assert scale > 1
    error = max(
        (last.logits - expected.logits).abs().max().item() / scale,
        (last.boxes - expected.pred_boxes).abs().max().item(),
    )
    read = DeformableDetrImageProcessorPil().post_process_object_detection
    detections = read(expected, threshold=0.0, target_sizes=torch.tensor(fitted.originals), top_k=100)
    error = max(error, difference_of_found(ours, detections))
    measured(error)
    assert error <= 1e-4


@evidence.equals(
    "detect.deformable_detr", peer="transformers", tolerance="1e-4 of each loss; the same pairs", data=DATA
)
def test_pairs_and_losses_equal_transformers(pair: Any, measured: Callable[[float], None]) -> None:
    ours, theirs = pair
    theirs.config.auxiliary_loss, theirs.config.class_cost = True, 2
    fitted = ours.fit(images_for(ours))
    labels = labels_of(fitted.sizes, torch.float64)
    with torch.no_grad():
        outputs = theirs(fitted.images, pixel_mask=fitted.real.long(), labels=labels)
        layers = ours.layers(fitted)
        found = LOSS(layers, as_shares(TARGETS, fitted.sizes))
        learnt = ours.learn(fitted, TARGETS)
    pairs = DeformableDetrHungarianMatcher(2, 5, 2)(
        {"logits": outputs.logits, "pred_boxes": outputs.pred_boxes}, labels
    )
    for one, other in zip(LOSS.matcher(layers[-1], as_shares(TARGETS, fitted.sizes)), pairs, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))
    names = {"classification": ("loss_ce", 2), "boxes": ("loss_bbox", 5), "overlap": ("loss_giou", 2)}
    expected = {
        ours_name: weight * sum(value for name, value in outputs.loss_dict.items() if name.startswith(theirs_name))
        for ours_name, (theirs_name, weight) in names.items()
    }
    if ours.config.two_stage:  # transformers leaves out the proposals' loss; its own criterion says what it would be
        things = [{"class_labels": torch.zeros_like(one["class_labels"]), "boxes": one["boxes"]} for one in labels]
        config = DeformableDetrConfig(class_cost=2, num_labels=5)
        proposed = DeformableDetrForObjectDetectionLoss(
            outputs.enc_outputs_class, things, "cpu", outputs.enc_outputs_coord_logits.sigmoid(), config
        )[1]
        for name, (theirs_name, weight) in names.items():
            found[name] = learnt[name]
            expected[name] += weight * proposed[theirs_name]
    else:
        assert all(torch.equal(found[name], learnt[name]) for name in found)
    errors = [abs(found[name] - value) / value for name, value in expected.items()]
    measured(float(max(errors)))
    assert max(errors) <= 1e-4


@pytest.mark.slow
@evidence.equals(
    "detect.deformable_detr", peer="transformers", tolerance=TOLERANCE, data="full size, two stages, ResNet-50"
)
def test_the_full_size_equals_transformers(measured: Callable[[float], None]) -> None:
    from transformers import ResNetConfig

    config = replace(VARIANTS["two_stage"], queries=60)  # small images have fewer tokens than 300
    theirs = milder(peer(config, 91, ResNetConfig(out_features=["stage2", "stage3", "stage4"])))
    ours = detect.deformable_detr(variant="two_stage", resize=0).eval().double()
    ours.config = config
    load_weights(ours, published(theirs, "resnet50"))
    fitted, expected = told(ours, theirs)
    error = difference_of_last(ours, fitted, expected)
    measured(error)
    assert error <= 1e-4


@pytest.mark.parametrize("kind", KINDS)
def test_names_of_transformers_go_round_and_tied_answers_may_be_told_once(kind: str) -> None:
    model, other = small(KINDS[kind]), small(KINDS[kind])
    given = export_weights(model, naming="transformers")
    assert "model.encoder.layers.1.self_attn.sampling_offsets.weight" in given
    assert "model.decoder.layers.1.encoder_attn.value_proj.weight" in given
    if kind == "base":
        given = {key: value for key, value in given.items() if not key.startswith(("class_embed.1", "bbox_embed.2"))}
    load_weights(other, given)
    assert all(torch.equal(a, b) for a, b in zip(model.state_dict().values(), other.state_dict().values(), strict=True))
    if kind != "base":
        del given["class_embed.1.weight"]
        with pytest.raises(WeightsError, match=r"missing class_embed\.1\.weight"):
            load_weights(other, given)


@pytest.mark.parametrize("kind", KINDS)
def test_losses_reach_every_weight(kind: str) -> None:
    torch.manual_seed(0)
    model = small(KINDS[kind]).train()
    losses = model(IMAGES, TARGETS)
    assert set(losses) == {"loss", "classification", "boxes", "overlap"}
    losses["loss"].backward()
    assert losses["loss"].isfinite()
    assert {key for key, p in model.named_parameters() if p.grad is None or not p.grad.isfinite().all()} == set()
    found = model.eval()(IMAGES)
    assert all(len(one) == min(100, SIZES.queries * 5) for one in found)


@pytest.mark.slow
def test_it_learns_a_few_pictures_by_heart() -> None:
    torch.manual_seed(0)
    fit = Fit(pixel_normalize("deformable_detr", 3, None, None), 0, 0, multiple=1)
    config = DeformableDETRConfig(True, False, 32, 4, 1, 2, 64, 6, 3, 2, 0.0)
    model = DeformableDETR(2, fit, ToyBody(16, 32, 32, 32, count=2), (32, 32), config)
    assert learnt_by_heart(model, 120) > 0.8


def test_sampling_reads_between_pixels_and_weighs_levels() -> None:
    shapes = ((2, 2), (1, 1))
    values = torch.tensor([0.0, 1, 2, 3, 10]).view(1, 5, 1, 1)
    places = torch.tensor([[[0.5, 0.5]], [[0.5, 0.5]]]).view(1, 1, 1, 2, 1, 2)
    weights = torch.tensor([0.75, 0.25]).view(1, 1, 1, 2, 1)
    assert sample_levels(values, shapes, places, weights).item() == pytest.approx(0.75 * 1.5 + 0.25 * 10)


def test_fresh_attention_looks_around_its_reference_as_transformers_does() -> None:
    attention = DeformableAttention(64, 4, 4, 2)
    theirs = DeformableDetrForObjectDetection(peer_config(SIZES, 5, small_backbone(2, 3, 4)))
    torch.testing.assert_close(attention.offsets.bias, theirs.model.encoder.layers[0].self_attn.sampling_offsets.bias)
    places, weights = attention.look(torch.rand(1, 5, 64), torch.full((1, 5, 4, 2), 0.5), SHAPES)
    assert places.shape == (1, 5, 4, 4, 2, 2)
    torch.testing.assert_close(weights, torch.full((1, 5, 4, 4, 2), 1 / 8))


def test_wrong_options_are_refused_by_name() -> None:
    with pytest.raises(
        InputError, match="deformable_detr: variant must be one of 'base', 'refine', 'two_stage', 'smal"
    ):
        detect.deformable_detr(variant="large")

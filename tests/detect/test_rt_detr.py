"""RT-DETR against transformers at random weights: answers of every layer, losses at the same noise, detections."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from transformers import RTDetrConfig, RTDetrForObjectDetection, RTDetrImageProcessor
from transformers.models.rt_detr.configuration_rt_detr_resnet import RTDetrResNetConfig

from detect.set_peers import IMAGES, TARGETS, difference_of_found, labels_of, milder, prepared
from sightline import detect
from sightline.core import evidence
from sightline.core.errors import InputError, WeightsError
from sightline.detect.fit import Fit
from sightline.detect.rt_detr import RTDETR, VARIANTS, RTDETRConfig
from sightline.nn.frozen_norm import freeze_norms
from sightline.nn.normalize import Normalize
from sightline.zoo import export_weights, load_weights

TOLERANCE = "1e-4 of logits, shares of the image, and losses"
DATA = "random weights, three random images of different sizes"
DIM, QUERIES, SIDE = 32, 20, 96
SIZES = RTDETRConfig("resnet18", 3, 0.5, 48, 80, DIM)


def small() -> RTDETR:
    fit = Fit(Normalize((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)), 0, 0, exact=(SIDE, SIDE))
    return RTDETR(5, fit, SIZES, QUERIES).eval()


def peer(config: RTDETRConfig, classes: int, queries: int, *, frozen: bool = False) -> Any:
    basic = config.backbone in ("resnet18", "resnet34")
    widths = [64, 128, 256, 512] if basic else [256, 512, 1024, 2048]
    body = RTDetrResNetConfig(
        hidden_sizes=widths,
        depths={"resnet18": [2, 2, 2, 2], "resnet101": [3, 4, 23, 3]}.get(config.backbone, [3, 4, 6, 3]),
        layer_type="basic" if basic else "bottleneck",
        out_indices=[2, 3, 4],
    )
    sizes = {
        "d_model": config.dim,
        "encoder_hidden_dim": config.channels,
        "encoder_ffn_dim": config.hidden,
        "decoder_ffn_dim": 4 * config.dim,
        "encoder_in_channels": widths[1:],
        "decoder_in_channels": [config.channels] * 3,
        "hidden_expansion": config.expansion,
        "decoder_layers": config.depth,
        "num_queries": queries,
        "num_labels": classes,
    }
    config = RTDetrConfig(backbone_config=body, freeze_backbone_batch_norms=frozen, **sizes)
    return milder(prepared(RTDetrForObjectDetection, config))


@pytest.fixture(scope="module")
def pair() -> tuple[RTDETR, Any]:
    """Return our model and theirs with the same weights."""
    theirs = peer(SIZES, 5, QUERIES)
    return load_weights(small(), theirs.state_dict()), theirs


def difference_of_answers(ours: RTDETR, theirs: Any, images: Any) -> float:
    """Return the largest difference of logits, relative to the largest, and of boxes, over tokens and layers."""
    fitted = ours.fit(images)
    with torch.no_grad():
        tokens, layers = ours.answers(fitted)
        expected = theirs.model(fitted.images)
    steps = (expected.intermediate_logits.unbind(1), expected.intermediate_reference_points.unbind(1))
    answers = list(zip(*steps, strict=True))
    answers.append((expected.enc_topk_logits, expected.enc_topk_bboxes))
    assert len(answers) == len(layers) + 1
    scale = expected.intermediate_logits.abs().max().item()
    assert scale > 1
    return max(
        max((one.logits - logits).abs().max().item() / scale, (one.boxes - boxes).abs().max().item())
        for one, (logits, boxes) in zip([*layers, tokens], answers, strict=True)
    )


@evidence.equals("detect.rt_detr", peer="transformers", tolerance=TOLERANCE, data=DATA)
def test_answers_of_tokens_and_layers_equal_transformers(pair: Any, measured: Callable[[float], None]) -> None:
    error = difference_of_answers(*pair, IMAGES)
    measured(error)
    assert error <= 1e-4


@evidence.equals("detect.rt_detr", peer="transformers", tolerance="1e-4 of each loss, at the same noise", data=DATA)
def test_losses_equal_transformers_at_the_same_noise(pair: Any, measured: Callable[[float], None]) -> None:
    ours, theirs = pair
    fitted = ours.fit(IMAGES)
    found, expected = losses_of(ours, theirs, fitted)
    ours.eval()
    theirs.eval()
    errors = []
    for noise in ("", "denoising_"):
        for name, theirs_name in (("classification", "loss_vfl"), ("boxes", "loss_bbox"), ("overlap", "loss_giou")):
            parts = [v for k, v in expected.items() if k.startswith(theirs_name) and ("_dn_" in k) == bool(noise)]
            assert len(parts) == len(ours.refine.layers) + (not noise)
            errors.append(abs(found[noise + name] - sum(parts)).item() / sum(parts).item())
    assert len(expected) == 3 * (2 * len(ours.refine.layers) + 1)
    measured(max(errors))
    assert max(errors) <= 1e-4


def losses_of(ours: RTDETR, theirs: Any, fitted: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return our losses and theirs in training mode, from the same random numbers; the statistics stay as they were."""
    before = {key: value.clone() for key, value in ours.state_dict().items()}
    ours.train()
    theirs.train()
    with torch.no_grad():
        torch.manual_seed(3)
        inward = [{**one, "boxes": fitted.inward(one["boxes"], i)} for i, one in enumerate(TARGETS)]
        found = ours.learn(fitted, inward)
        torch.manual_seed(3)
        expected = theirs(fitted.images, labels=labels_of(fitted.originals)).loss_dict
    load_weights(ours, before)
    theirs.load_state_dict(export_weights(ours, naming="transformers"))
    return found, expected


@evidence.equals("detect.rt_detr", peer="transformers", tolerance="1e-4 of scores and shares of the image", data=DATA)
def test_detections_equal_transformers(pair: Any, measured: Callable[[float], None]) -> None:
    ours, theirs = pair
    fitted = ours.fit(IMAGES)
    with torch.no_grad():
        outputs = theirs(fitted.images)
    sizes = torch.tensor(fitted.originals)
    expected = RTDetrImageProcessor().post_process_object_detection(outputs, threshold=0.0, target_sizes=sizes)
    error = difference_of_found(ours, expected)
    measured(error)
    assert error <= 1e-4


@pytest.mark.slow
@evidence.equals("detect.rt_detr", peer="transformers", tolerance=TOLERANCE, data="full size, ResNet-50, 320 pixels")
def test_the_full_size_equals_transformers(measured: Callable[[float], None]) -> None:
    theirs = peer(VARIANTS["r50"], 80, 300, frozen=True)  # as the public weights are
    ours = detect.rt_detr(resize=320).eval()
    freeze_norms(ours.body)
    load_weights(ours, theirs.state_dict())
    error = difference_of_answers(ours, theirs, IMAGES[:1])
    measured(error)
    assert error <= 1e-4


def test_names_of_transformers_go_round_and_older_files_fit() -> None:
    model, other = small(), small()
    given = export_weights(model, naming="transformers")
    assert "model.backbone.model.encoder.stages.1.layers.0.shortcut.1.normalization.bias" in given
    assert "model.encoder.aifi.0.layers.0.self_attn.v_proj.weight" in given
    old = {
        key.replace(".aifi.", ".encoder.").replace("o_proj", "out_proj").replace(".mlp", ""): x
        for key, x in given.items()
        if not ("backbone" in key and "num_batches_tracked" in key)  # published files froze the backbone's statistics
    }
    load_weights(other, old)
    assert all(torch.equal(a, b) for a, b in zip(model.state_dict().values(), other.state_dict().values(), strict=True))
    del old["model.enc_score_head.bias"]
    with pytest.raises(WeightsError, match=r"missing model\.enc_score_head\.bias"):
        load_weights(other, old)


def test_losses_reach_every_weight_with_boxes_and_without() -> None:
    torch.manual_seed(0)
    model = small().train()
    losses = model(IMAGES, TARGETS)
    losses["loss"].backward()
    assert losses["loss"].isfinite()
    without = {key for key, p in model.named_parameters() if p.grad is None or not p.grad.isfinite().all()}
    assert without == set()
    empty = model(IMAGES, [TARGETS[1]] * 3)
    assert empty["boxes"] == empty["overlap"] == empty["denoising"] == 0
    assert empty["loss"].isfinite()


def test_nan_finds_nothing_and_sizes_of_any_kind_are_read() -> None:
    model = small()
    image = IMAGES[0].clone()
    image[0, 3, 4] = torch.nan
    assert [len(found) for found in model([image, IMAGES[1]])] == [0, QUERIES]
    as_they_come = detect.rt_detr(5, variant="r18", dim=DIM, queries=QUERIES, resize=0).eval()
    found = as_they_come([torch.rand(3, 33, 70), torch.rand(3, 100, 65)])
    assert (found[0].boxes <= [70, 33, 70, 33]).all()
    assert (found[1].boxes <= [65, 100, 65, 100]).all()


def test_wrong_options_are_refused_by_name() -> None:
    with pytest.raises(InputError, match=r"rt_detr: variant must be one of 'r18', .*; got 'r20'"):
        detect.rt_detr(variant="r20")
    with pytest.raises(InputError, match=r"rt_detr: dim must be a multiple of 8; got 30\. Use 32"):
        detect.rt_detr(dim=30)
    with pytest.raises(InputError, match="rt_detr: queries must be a whole number ≥ 1; got 0"):
        detect.rt_detr(queries=0)

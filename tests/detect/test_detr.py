"""DETR against transformers at random weights: answers of every layer, pairs, losses, detections; that it learns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from transformers import DetrConfig, DetrForObjectDetection, DetrImageProcessorPil
from transformers.loss.loss_for_object_detection import ForObjectDetectionLoss, HungarianMatcher

from detect.set_peers import (
    IMAGES,
    TARGETS,
    ToyBody,
    difference_of_found,
    difference_of_last,
    images_for,
    labels_of,
    learnt_by_heart,
    prepared,
    published,
    small_backbone,
    told,
)
from sightline import detect
from sightline.core import evidence
from sightline.core.errors import InputError, WeightsError
from sightline.detect.backbones import residual_maps
from sightline.detect.detr import DETR, LOSS, VARIANTS, DETRConfig
from sightline.detect.fit import Fit
from sightline.detect.set_matching import as_shares
from sightline.nn.convolutional import pixel_normalize
from sightline.zoo import export_weights, load_weights

TOLERANCE = "1e-4 of logits, shares of the image, and losses"
DATA = "random weights, three random images of different sizes in one padded batch"
SIZES = DETRConfig(64, 4, 2, 3, 96, 12)


def small() -> DETR:
    body, (channels,) = residual_maps("detr", "resnet18", (3,))
    return DETR(5, Fit(pixel_normalize("detr", 3, None, None), 0, 0, multiple=1), body, channels, SIZES).eval()


def peer(config: DETRConfig, classes: int, backbone: Any, **more: Any) -> Any:
    sizes = {
        "d_model": config.dim,
        "encoder_layers": config.encoder,
        "decoder_layers": config.decoder,
        "encoder_attention_heads": config.num_heads,
        "decoder_attention_heads": config.num_heads,
        "encoder_ffn_dim": config.hidden,
        "decoder_ffn_dim": config.hidden,
        "num_queries": config.queries,
        "num_labels": classes,
    }
    return prepared(DetrForObjectDetection, DetrConfig(backbone_config=backbone, **sizes, **more)).double()


@pytest.fixture(scope="module")
def pair() -> tuple[DETR, Any]:
    """Return our model and theirs with the same weights."""
    theirs = peer(SIZES, 5, small_backbone(4))
    return load_weights(small().double(), published(theirs)), theirs


@evidence.equals("detect.detr", peer="transformers", tolerance=TOLERANCE, data=DATA)
def test_answers_of_every_layer_equal_transformers(pair: Any, measured: Callable[[float], None]) -> None:
    ours, theirs = pair
    fitted, expected = told(ours, theirs, output_hidden_states=True)
    with torch.no_grad():
        found = ours.layers(fitted)
        read = [theirs.model.decoder.layernorm(x) for x in expected.decoder_hidden_states[1:-1]]
        answers = [(theirs.class_labels_classifier(x), theirs.bbox_predictor(x).sigmoid()) for x in read]
    answers.append((expected.logits, expected.pred_boxes))
    assert len(answers) == len(found) == SIZES.decoder
    scale = expected.logits.abs().max().item()
    assert scale > 1
    errors = [
        max((one.logits - logits).abs().max().item() / scale, (one.boxes - boxes).abs().max().item())
        for one, (logits, boxes) in zip(found, answers, strict=True)
    ]
    measured(max(errors))
    assert max(errors) <= 1e-4


@evidence.equals("detect.detr", peer="transformers", tolerance="1e-4 of each loss; the same pairs", data=DATA)
def test_pairs_and_losses_equal_transformers(pair: Any, measured: Callable[[float], None]) -> None:
    ours, theirs = pair
    fitted = ours.fit(images_for(ours))
    with torch.no_grad():
        layers = ours.layers(fitted)
        found = ours.learn(fitted, TARGETS)
    outputs = {"logits": layers[-1].logits, "pred_boxes": layers[-1].boxes}
    pairs = HungarianMatcher(1, 5, 2)(outputs, labels_of(fitted.sizes, torch.float64))
    for one, other in zip(LOSS.matcher(layers[-1], as_shares(TARGETS, fitted.sizes)), pairs, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))
    config = DetrConfig(**{**theirs.config.to_dict(), "auxiliary_loss": True})
    logits, boxes = (torch.stack([getattr(one, name) for one in layers]) for name in ("logits", "boxes"))
    logits, boxes = logits.float(), boxes.float()  # theirs weighs the classes in single precision
    total, by_name, _ = ForObjectDetectionLoss(
        logits[-1], labels_of(fitted.sizes), "cpu", boxes[-1], config, logits, boxes
    )
    expected = {
        ours_name: weight * sum(value for name, value in by_name.items() if name.startswith(theirs_name))
        for ours_name, theirs_name, weight in (
            ("classification", "loss_ce", 1),
            ("boxes", "loss_bbox", 5),
            ("overlap", "loss_giou", 2),
        )
    }
    errors = [abs(found[name] - value) / value for name, value in expected.items()]
    errors.append(abs(sum(found.values()) - total) / total)
    measured(float(max(errors)))
    assert max(errors) <= 1e-4


@evidence.equals("detect.detr", peer="transformers", tolerance="1e-4 of scores and shares of the image", data=DATA)
def test_detections_equal_transformers(pair: Any, measured: Callable[[float], None]) -> None:
    ours, theirs = pair
    fitted, outputs = told(ours, theirs)
    sizes = torch.tensor(fitted.originals)
    expected = DetrImageProcessorPil().post_process_object_detection(outputs, threshold=0.0, target_sizes=sizes)
    error = difference_of_found(ours, expected)
    measured(error)
    assert error <= 1e-4


@pytest.mark.slow
@evidence.equals("detect.detr", peer="transformers", tolerance=TOLERANCE, data="full size, ResNet-50, one photo's size")
def test_the_full_size_equals_transformers(measured: Callable[[float], None]) -> None:
    from transformers import ResNetConfig

    theirs = peer(VARIANTS["base"], 91, ResNetConfig(out_features=["stage4"]))
    ours = detect.detr(resize=0).eval().double()
    load_weights(ours, published(theirs, "resnet50"))
    fitted, expected = told(ours, theirs)
    error = difference_of_last(ours, fitted, expected)
    measured(error)
    assert error <= 1e-4


def test_names_of_transformers_go_round_and_older_files_fit() -> None:
    model, other = small(), small()
    given = export_weights(model, naming="transformers")
    assert "model.backbone.model.layer2.0.downsample.1.bias" in given
    assert "model.decoder.layers.1.encoder_attn.v_proj.weight" in given
    old = {
        key.replace("backbone.model", "backbone.conv_encoder.model")
        .replace("o_proj", "out_proj")
        .replace(".mlp", ""): x
        for key, x in given.items()
    }
    assert old.keys() != given.keys()
    load_weights(other, old)
    assert all(torch.equal(a, b) for a, b in zip(model.state_dict().values(), other.state_dict().values(), strict=True))
    del old["model.decoder.layernorm.bias"]
    with pytest.raises(WeightsError, match=r"missing model\.decoder\.layernorm\.bias"):
        load_weights(other, old)


def test_losses_reach_every_weight() -> None:
    torch.manual_seed(0)
    model = small().train()
    losses = model(IMAGES, TARGETS)
    assert set(losses) == {"loss", "classification", "boxes", "overlap"}
    losses["loss"].backward()
    assert losses["loss"].isfinite()
    # The first layer's queries are all zeros: what they make of each other is their bias, whoever looks at whom.
    without = {key for key, p in model.named_parameters() if p.grad is None or not p.grad.isfinite().all()}
    assert without == set()


@pytest.mark.slow
def test_it_learns_a_few_pictures_by_heart() -> None:
    torch.manual_seed(0)
    fit = Fit(pixel_normalize("detr", 3, None, None), 0, 0, multiple=1)
    model = DETR(2, fit, ToyBody(16, 32, 32), 32, DETRConfig(32, 4, 1, 2, 64, 6, 0.0))
    assert learnt_by_heart(model, 120) > 0.8


def test_nan_finds_nothing_and_no_box_is_no_trouble() -> None:
    model = small()
    image = IMAGES[0].clone()
    image[0, 3, 4] = torch.nan
    assert [len(found) for found in model([image, IMAGES[1]])] == [0, SIZES.queries]
    none = [TARGETS[1]] * 3
    losses = model.train()(IMAGES, none)
    assert losses["boxes"] == losses["overlap"] == 0
    assert losses["loss"].isfinite()


def test_wrong_options_are_refused_by_name() -> None:
    with pytest.raises(InputError, match="detr: variant must be one of 'base', 'small'; got 'large'"):
        detect.detr(variant="large")
    with pytest.raises(InputError, match="detr: classes must be a whole number ≥ 1; got 0"):
        detect.detr(0)
    with pytest.raises(InputError, match="detr: targets must be the boxes and labels of all 3 images"):
        small().train()(IMAGES)

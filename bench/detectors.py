"""Detectors that predict a set, a picture at a time, against transformers' with the same random weights."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import torch

from sightline import classify, detect
from sightline.zoo import export_weights
from sightline.zoo.names import names

from .timing import THREADS, Case

SIDE = 320
Make = Callable[[], tuple[Any, Any, Any]]


def cases() -> list[Case]:
    """Return the cases; nothing is built before one is run."""
    torch.set_num_threads(THREADS)
    rows = {
        "detect.detr R50": detr_models,
        "detect.deformable_detr R50": deformable_detr_models,
        "detect.rt_detr R18": rt_detr_models,
    }
    size = SIDE * SIDE * 3 * 4
    return [
        Case(f"{name} {SIDE} px", "transformers", ours(make), theirs(make), size, 1e-3) for name, make in rows.items()
    ]


@lru_cache(maxsize=1)
def rt_detr_models() -> tuple[Any, Any, Any]:
    """Return our RT-DETR, theirs with the same weights, and the fitted picture that both read."""
    from transformers import RTDetrConfig, RTDetrForObjectDetection
    from transformers.models.rt_detr.configuration_rt_detr_resnet import RTDetrResNetConfig

    torch.manual_seed(0)
    mine = detect.rt_detr(variant="r18", resize=SIDE).eval()
    widths = [64, 128, 256, 512]
    body = RTDetrResNetConfig(hidden_sizes=widths, depths=[2, 2, 2, 2], layer_type="basic", out_indices=[2, 3, 4])
    config = RTDetrConfig(
        backbone_config=body,
        encoder_in_channels=widths[1:],
        hidden_expansion=0.5,
        decoder_layers=3,
        num_labels=80,
        freeze_backbone_batch_norms=False,
    )
    peer = RTDetrForObjectDetection(config).eval()
    peer.load_state_dict(export_weights(mine, naming="transformers"))
    return mine, peer, mine.fit(torch.rand(1, 3, SIDE, SIDE))


def ours(make: Make) -> Callable[[], Any]:
    """Return the last layer's logits, from ours."""

    def call() -> Any:
        mine, _, fitted = make()
        with torch.inference_mode():
            return mine.layers(fitted)[-1].logits.numpy()

    return call


def theirs(make: Make) -> Callable[[], Any]:
    """Return the same from transformers."""

    def call() -> Any:
        _, peer, fitted = make()
        with torch.inference_mode():
            return peer(fitted.images).logits.numpy()

    return call


@lru_cache(maxsize=1)
def detr_models() -> tuple[Any, Any, Any]:
    """Return our DETR, theirs with the same weights, and the picture that both read."""
    from transformers import DetrConfig, DetrForObjectDetection, ResNetConfig

    body = ResNetConfig(out_features=["stage4"])
    return _pair(detect.detr(resize=0), DetrForObjectDetection(DetrConfig(backbone_config=body, num_labels=91)))


@lru_cache(maxsize=1)
def deformable_detr_models() -> tuple[Any, Any, Any]:
    """Return our Deformable DETR, theirs with the same weights, and the picture that both read."""
    from transformers import DeformableDetrConfig, DeformableDetrForObjectDetection, ResNetConfig

    body = ResNetConfig(out_features=["stage2", "stage3", "stage4"])
    config = DeformableDetrConfig(backbone_config=body, num_labels=91)
    return _pair(detect.deformable_detr(resize=0), DeformableDetrForObjectDetection(config))


def _pair(mine: Any, peer: Any) -> tuple[Any, Any, Any]:
    """Give theirs the weights of ours, whose backbone they call as their own library does, not as their files do."""
    keys = classify.resnet50(1).state_dict()
    here, there = names(keys, "torchvision"), names(keys, "transformers")
    body = "model.backbone.model."
    rename = {body + here[key][0]: body + there[key][0].removeprefix("resnet.") for key in keys}
    given = export_weights(mine.eval(), naming="transformers")
    known = {rename.get(key, key): value for key, value in given.items() if not key.endswith("num_batches_tracked")}
    peer.load_state_dict(known)
    return mine, peer.eval(), mine.fit(torch.rand(1, 3, SIDE, SIDE))

"""Classifying and detecting at random weights: ``sl.load(…).predict``, merged and plain, against eager PyTorch.

Eager PyTorch is the peer's default: the same network in float32, pixels to tensor, forward pass, softmax. timm's
networks do the same work: their outputs equal ours (`make oracle`), and both call the same operations. The detector
comes last, by ONNX Runtime, whose threads look out for work between calls where PyTorch's next call needs a processor.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sightline.classify.recipe import ClassifyRecipe
from sightline.detect.answers import OnnxDetector
from sightline.detect.recipe import DetectRecipe
from sightline.nn.fused_network import FusedNetwork
from sightline.train.run import Predictor
from sightline.train.storage_order import with_channels_last

from .timing import THREADS, Case

SIDE, CLASSES = 224, 1000
NETWORKS: dict[str, tuple[str, dict[str, Any]]] = {
    "ResNet-18": ("resnet18", {}),
    "ResNet-50": ("resnet50", {}),
    "ViT-S/16": ("vit", {"variant": "small"}),
    "MobileNetV3-L": ("mobilenet_v3", {"variant": "large"}),
}
BATCHES = (1, 16)
DETECTED = 416  # pixels a side of what is detected in


def cases() -> list[Case]:
    """Return each network by one picture and by sixteen; nothing is built before a case is run."""
    torch.set_num_threads(THREADS)
    found = []
    for name in NETWORKS:
        for batch in BATCHES:
            size, title = batch * SIDE * SIDE * 3, f"load.predict {name} ×{batch}"
            found.append(Case(title, "torch", ours(name, batch), eager(name, batch), size, 1e-4))
    for name in NETWORKS:
        for batch in BATCHES:
            title = f"load.predict {name} ×{batch} bf16"
            found.append(Case(title, "torch", ours(name, batch, "bf16"), eager(name, batch), 0, None))
    for name in NETWORKS:
        for batch in BATCHES:
            found.append(
                Case(f"load.predict {name} ×{batch} plain", "torch", plain(name, batch), eager(name, batch), 0, 1e-4)
            )
    size = DETECTED * DETECTED * 3
    found.append(Case("load.predict YOLO small 416 ×1", "torch", detects("onnx"), detects("torch"), size, 1e-3))
    return found


@lru_cache(maxsize=2)
def detector(engine: str) -> Predictor:
    """Return what ``sl.load`` gives for a run of our small YOLO, each of whose places finds something."""
    names = list(map(str, range(80)))
    recipe = DetectRecipe({"method": "yolo", "classes": names, "size": DETECTED, "options": {}, "model": {}, "seed": 0})
    torch.manual_seed(0)
    model: Any = recipe.model().eval()
    for output in model.head.logits:
        torch.nn.init.constant_(output.bias, -2.0)
    return Predictor(Path("yolo"), recipe, OnnxDetector(model, DETECTED) if engine == "onnx" else model)


def detects(engine: str) -> Callable[[], Any]:
    """Return a call that finds things in one picture with all that ``predict`` does; it returns how sure it is of 20.

    The small YOLO takes 1.9 GFLOPs at 416 pixels and 4.5 at 640, as many as YOLOv5n, for which the table "Pretrained
    Checkpoints" of its README (repeated at https://csh970605.github.io/posts/YOLOv5) gives 45 ms for one picture of 640
    pixels on a CPU.
    """
    picture = np.random.default_rng(0).integers(0, 256, (DETECTED, DETECTED, 3), dtype=np.uint8)
    return lambda: detector(engine).predict(picture, confidence=0.0).scores[:20]


@lru_cache(maxsize=1)
def network(name: str) -> tuple[ClassifyRecipe, torch.nn.Module]:
    """Return the recipe and the network, whose answers to noise are as far apart as a trained one's."""
    method, options = NETWORKS[name]
    config = {
        "method": method,
        "classes": list(map(str, range(CLASSES))),
        "size": [SIDE, SIDE],
        "channels": 3,
        "mean": [0.485, 0.456, 0.406],
        "std": [0.229, 0.224, 0.225],
        "seed": 0,
        "options": {},
        "model": options,
    }
    recipe = ClassifyRecipe.from_config(config)
    torch.manual_seed(0)
    model = recipe.model().eval()
    last = [module for module in model.modules() if isinstance(module, torch.nn.Linear)][-1]
    with torch.no_grad():
        last.weight.mul_(2 / model(torch.rand(1, *recipe.form.shape)).std())
    return recipe, model


@lru_cache(maxsize=2)
def predictor(name: str, precision: str) -> Predictor:
    """Return what ``sl.load`` gives for ``engine="fused"``."""
    recipe, model = network(name)
    return Predictor(Path(name), recipe, FusedNetwork(model, recipe.form.shape, precision))


def pictures(batch: int) -> list[np.ndarray]:
    """Return pictures of the network's size."""
    return list(np.random.default_rng(0).integers(0, 256, (batch, SIDE, SIDE, 3), dtype=np.uint8))


def ours(name: str, batch: int, precision: str = "fp32") -> Callable[[], Any]:
    """Return a call that predicts with all that ``predict`` does; it returns the scores, best first."""
    given = pictures(batch)
    return lambda: [found.scores for found in predictor(name, precision).predict(given)]


@lru_cache(maxsize=1)
def plain_predictor(name: str) -> Predictor:
    """Return what ``sl.load`` gives for ``engine="torch"``: the network as it is written."""
    recipe, model = network(name)
    return Predictor(Path(name), recipe, with_channels_last(deepcopy(model)))


def plain(name: str, batch: int) -> Callable[[], Any]:
    """Return a call that predicts by the network as it is written."""
    given = pictures(batch)
    return lambda: [found.scores for found in plain_predictor(name).predict(given)]


def eager(name: str, batch: int) -> Callable[[], Any]:
    """Return a call that does the same as the tutorials write it."""
    given = pictures(batch)

    def predict() -> np.ndarray:
        images = torch.from_numpy(np.stack(given)).permute(0, 3, 1, 2).float().div(255)
        with torch.inference_mode():
            scores = network(name)[1](images).softmax(dim=1)
        return scores.sort(dim=1, descending=True).values.numpy()

    return predict

"""A network's ``predict`` beside timm's own, in one run: ``.venv-oracle/bin/python -m bench.beside_timm``.

timm's networks are called as its README calls them: each picture becomes a tensor of channels, scaled and normalised,
and a batch is stacked of those. Ours is ``sl.load(…).predict``: the network as it is written (``plain``), and merged
(``fused``) in float32 and in bfloat16, with the weights of timm's own. Answers are compared, too.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from sightline.nn.normalize import IMAGENET_MEAN, IMAGENET_STD
from sightline.zoo.load import load_weights

from .inference import BATCHES, NETWORKS, network, ours, pictures, plain
from .timing import THREADS

NAMES = {
    "ResNet-18": "resnet18",
    "ResNet-50": "resnet50",
    "ViT-S/16": "vit_small_patch16_224",
    "MobileNetV3-L": "mobilenetv3_large_100",
}
TURNS = {1: 15, 16: 5}


def main() -> int:
    """Print the milliseconds of all, medians of turns, timm's as a multiple of ours, and how far answers are apart."""
    torch.set_num_threads(THREADS)
    for name in NETWORKS:
        theirs = _same_weights(name)
        for batch in BATCHES:
            calls = [plain(name, batch), ours(name, batch), ours(name, batch, "bf16"), beside(theirs, batch)]
            answers = [np.asarray(call()) for call in calls]
            apart = [float(np.abs(found - answers[-1]).max()) for found in answers]
            taken = _measure(calls, TURNS[batch])
            print(f"{name:14s} ×{batch:<2d} timm {taken[-1]:8.2f} ms")
            for label, seconds, off in zip(("plain", "fused", "fused bf16"), taken, apart, strict=False):
                print(f"  {label:14s} {seconds:8.2f} ms  {taken[-1] / seconds:5.2f}×  off by {off:.0e}", flush=True)
    return 0


def _same_weights(name: str) -> torch.nn.Module:
    """Return timm's network of that name, with fresh weights, after giving ours the same."""
    import timm

    _, model = network(name)
    theirs = timm.create_model(NAMES[name], pretrained=False)
    epsilons = [module.eps for module in model.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    for module in theirs.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum, module.eps = 1.0, epsilons[0]  # torchvision's MobileNetV3 has 1e-3
    # Answers as far apart as a trained network's: norms know their maps, and the last layer is scaled.
    seen = torch.from_numpy(np.stack(pictures(16))).permute(0, 3, 1, 2) / 64 - 2
    last = [module for module in theirs.modules() if isinstance(module, torch.nn.Linear)][-1]
    with torch.no_grad():
        theirs.train()(seen)
        last.weight.mul_(2 / theirs.eval()(seen).std())
    load_weights(model, theirs.state_dict())
    return theirs


def beside(model: torch.nn.Module, batch: int) -> Callable[[], Any]:
    """Return a call that predicts by a network of timm's."""
    given = pictures(batch)
    mean, std = (torch.tensor(values)[:, None, None] for values in (IMAGENET_MEAN, IMAGENET_STD))

    def predict() -> Any:
        tensors = [torch.from_numpy(one).permute(2, 0, 1).contiguous().float().div(255) for one in given]
        with torch.inference_mode():
            scores = model(torch.stack([(tensor - mean) / std for tensor in tensors])).softmax(dim=1)
        return scores.sort(dim=1, descending=True).values.numpy()

    return predict


def _measure(calls: list[Callable[[], Any]], turns: int) -> list[float]:
    seconds: list[list[float]] = [[] for _ in calls]
    for turn in range(turns):
        for k in range(len(calls)) if turn % 2 else reversed(range(len(calls))):
            start = time.perf_counter()
            calls[k]()
            seconds[k].append(time.perf_counter() - start)
    return [1000 * statistics.median(each) for each in seconds]


if __name__ == "__main__":
    sys.exit(main())

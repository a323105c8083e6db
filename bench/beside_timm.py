"""A plain network's ``predict`` beside timm's own, in one run: ``.venv-oracle/bin/python -m bench.beside_timm``.

timm's networks are called as its README calls them: each picture becomes a tensor of channels, scaled and normalised,
and a batch is stacked of those. Ours is ``sl.load(…).predict`` with the network as it is written, no layer merged.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import torch

from sightline.nn.normalize import IMAGENET_MEAN, IMAGENET_STD

from .inference import BATCHES, NETWORKS, pictures, plain
from .timing import THREADS

NAMES = {
    "ResNet-18": "resnet18",
    "ResNet-50": "resnet50",
    "ViT-S/16": "vit_small_patch16_224",
    "MobileNetV3-L": "mobilenetv3_large_100",
}
TURNS = {1: 15, 16: 5}


def main() -> int:
    """Print the milliseconds of both, medians of turns, and timm's as a multiple of ours."""
    torch.set_num_threads(THREADS)
    for name in NETWORKS:
        for batch in BATCHES:
            taken = _measure([plain(name, batch), beside(name, batch)], TURNS[batch])
            print(
                f"{name:14s} ×{batch:<2d} {taken[0]:8.2f} ms, timm {taken[1]:8.2f}  {taken[1] / taken[0]:.2f}",
                flush=True,
            )
    return 0


def beside(name: str, batch: int) -> Callable[[], Any]:
    """Return a call that predicts by timm's network of that name, with fresh weights."""
    import timm

    model, given = timm.create_model(NAMES[name], pretrained=False).eval(), pictures(batch)
    mean, std = (torch.tensor(values)[:, None, None] for values in (IMAGENET_MEAN, IMAGENET_STD))

    def predict() -> Any:
        tensors = [torch.from_numpy(one).permute(2, 0, 1).contiguous().float().div(255) for one in given]
        with torch.inference_mode():
            scores = model(torch.stack([(tensor - mean) / std for tensor in tensors])).softmax(dim=1)
        return scores.sort(dim=1, descending=True).values.numpy()

    return predict


def _measure(calls: list[Callable[[], Any]], turns: int) -> list[float]:
    seconds: list[list[float]] = [[] for _ in calls]
    for call in calls:
        call()
    for turn in range(turns):
        for k in range(len(calls)) if turn % 2 else reversed(range(len(calls))):
            start = time.perf_counter()
            calls[k]()
            seconds[k].append(time.perf_counter() - start)
    return [1000 * statistics.median(each) for each in seconds]


if __name__ == "__main__":
    sys.exit(main())

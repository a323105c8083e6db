"""Training ``resnet18`` on 32×32 images: the engine against a plain PyTorch loop over the same model, both fp32."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from sightline.classify import resnet18
from sightline.classify.recipe import ClassifyRecipe
from sightline.data import ImageSet, Split
from sightline.train.engine import Engine, Position
from sightline.train.processes import Group
from sightline.train.progress import Silent
from sightline.train.settings import Settings

from .timing import THREADS, Case

IMAGES, BATCH, CLASSES = 64, 16, 10


def cases() -> list[Case]:
    """Return one case: an epoch of each, data loading, forward, backward, step and the mean loss."""
    torch.set_num_threads(THREADS)
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 256, (IMAGES, 32, 32, 3), dtype=np.uint8)
    labels = generator.integers(0, CLASSES, IMAGES)
    name = f"train resnet18 32×32, {IMAGES // BATCH} batches of {BATCH}"
    return [Case(name, "torch loop", ours(pixels, labels), plain(pixels, labels), bytes=0, within=None)]


class _WithoutValidation(ClassifyRecipe):
    def validation(self) -> Any:
        return ()


def ours(pixels: np.ndarray, labels: np.ndarray) -> Callable[[], float]:
    """Return a call that trains one epoch with the engine, as ``sightline.train`` does; it returns the mean loss."""
    split = Split(pixels, labels, [f"noise/{index}" for index in range(len(labels))])
    names = tuple(map(str, range(CLASSES)))
    data = ImageSet("noise", names, {"train": split, "val": split}, source="noise", digest="")
    recipe = _WithoutValidation.open("resnet18", data, 0, {"augment": "none"})
    settings = Settings(epochs=1, batch_size=BATCH, device="cpu")
    made: dict[str, Any] = {"device": torch.device("cpu"), "group": Group(), "progress": Silent()}
    engine = Engine(recipe, settings, save=lambda best: None, stop=lambda: False, **made)

    def epoch() -> float:
        engine.position = Position()
        engine.run()
        return engine.position.history[-1]["train_loss"]

    return epoch


def plain(pixels: np.ndarray, labels: np.ndarray) -> Callable[[], float]:
    """Return a call that trains one epoch as the tutorials write it: float tensors, AdamW, the loss read each step."""
    torch.manual_seed(0)
    model = resnet18(CLASSES, stem="small")
    images = torch.from_numpy(pixels).permute(0, 3, 1, 2).float().div(255).contiguous()
    loader = DataLoader(TensorDataset(images, torch.from_numpy(labels)), batch_size=BATCH, shuffle=True)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01)

    def epoch() -> float:
        model.train()
        total = 0.0
        for image, label in loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(image), label)
            loss.backward()
            optimizer.step()
            total += loss.item()
        return total / len(loader)

    return epoch

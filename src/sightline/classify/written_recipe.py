"""The recipe of the networks in ``sightline.learn``: NumPy takes every step, the run is that of any classifier."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
from torch import Tensor, nn
from torch.optim import Optimizer

from sightline.classify.recipe import ClassifyRecipe
from sightline.classify.written import WrittenNetwork, WrittenOptimizer, written_loss
from sightline.core.types import Array
from sightline.learn.layers.losses import KLDivergence, SoftmaxCrossEntropy
from sightline.learn.networks import TRAINED
from sightline.train.recipe import Batch, Phase

METHODS: dict[str, str] = dict(TRAINED)
_DEFAULTS: dict[str, dict[str, Any]] = {
    "two-layer": {"learning_rate": 2e-3, "epochs": 40},
    "conv-net": {"learning_rate": 3e-3, "epochs": 20},
}


class WrittenRecipe(ClassifyRecipe):
    """Train one of :data:`METHODS`, whose layers, loss and optimiser are written out in NumPy."""

    field = "learn"

    @staticmethod
    def builder(method: str) -> Callable[..., Any]:
        """Return what builds a network."""
        return getattr(importlib.import_module("sightline.learn.networks"), METHODS[method])

    @staticmethod
    def suits(method: str) -> dict[str, Any]:
        """Return the engine's settings that suit a network."""
        return {**_DEFAULTS[method], "device": "cpu"}

    def model(self) -> nn.Module:
        """Build the network for this number of classes, channels and pixels."""
        network = self.build(seed=int(self._config["seed"]))
        return WrittenNetwork(network, self._config["mean"], self._config["std"])

    def phases(self, model: nn.Module, make_optimizer: Callable[[nn.Module], Optimizer]) -> list[Phase]:
        """Return the one phase of a step, in which our optimiser takes the place of torch's."""
        return [Phase("", WrittenOptimizer(make_optimizer(model)), self.losses)]

    def losses(self, model: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """Return the cross-entropy, or how far the scores are from labels that are smoothed, mixed or weighted."""
        images, labels = batch["image"], batch["label"].cpu().numpy()
        if model.training and len(images) == 1:  # one value has no variance for batch normalisation to divide by
            images, labels = images.repeat(2, 1, 1, 1), np.repeat(labels, 2, axis=0)
        weights = self._class_weights(images.device)
        if labels.ndim == 1 and weights is None and not self.options.label_smoothing:
            return {"loss": written_loss(SoftmaxCrossEntropy(), model(images), labels)}
        targets = self._soft(labels, None if weights is None else weights.cpu().numpy())
        return {"loss": written_loss(KLDivergence(), model(images), targets)}

    def _soft(self, labels: Array, weights: Array | None) -> Array:
        """Return B×classes shares: what each class is to get, times what it counts."""
        count = len(self.classes)
        shares = np.eye(count, dtype=np.float32)[labels] if labels.ndim == 1 else labels.astype(np.float32)
        smoothed = (1 - self.options.label_smoothing) * shares + self.options.label_smoothing / count
        if weights is None:
            return smoothed
        each = (shares * weights).sum(axis=1).mean() if labels.ndim == 1 else 1.0
        return smoothed * weights / each


RECIPE = WrittenRecipe

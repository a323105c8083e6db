"""Tiny recipes for the engine's tests: two classes of points, with a network of some hundred weights."""

from __future__ import annotations

import sys
import types
from typing import Any, ClassVar

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from sightline.core.errors import InputError, suggest
from sightline.core.seeds import generator
from sightline.train.recipe import Phase, Plan, Recipe


class Points:
    """Noisy points around two circles; the noise is new in each epoch and depends on (seed, epoch, index) alone."""

    def __init__(self, count: int, seed: int, noise: float) -> None:
        self.count, self.seed, self.noise = count, seed, noise

    def __len__(self) -> int:
        return self.count

    def sample(self, index: int, epoch: int) -> dict[str, Any]:
        label = index % 2
        angle = 2.4 * index
        point = (1 + label) * np.array([np.cos(angle), np.sin(angle)])
        point = point + generator(self.seed, epoch, index).normal(0, self.noise, 2)
        return {"point": torch.tensor(point, dtype=torch.float32), "label": label}


class Net(nn.Module):
    def __init__(self, width: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.stem = nn.Linear(2, width)
        self.blocks = nn.ModuleList([nn.Linear(width, width), nn.Linear(width, width)])
        self.norm = nn.LayerNorm(width)
        self.drop = nn.Dropout(dropout)
        self.head = nn.Linear(width, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.relu(self.stem(x))
        for block in self.blocks:
            x = x + F.relu(block(x))
        return self.head(self.drop(self.norm(x)))


class Gan(nn.Module):
    def __init__(self, width: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.generator = nn.Sequential(nn.Linear(4, width), nn.Tanh(), nn.Linear(width, 2))
        self.critic = nn.Sequential(nn.Linear(2, width), nn.ReLU(), nn.Linear(width, 1))


class ToyRecipe(Recipe):
    defaults: ClassVar[dict[str, Any]] = {"epochs": 3, "batch_size": 8, "learning_rate": 0.01}

    def __init__(self, config: dict[str, Any]) -> None:
        self._config, self.name = config, f"toy/{config['method']}"

    @classmethod
    def open(cls, method: str, data: Any, seed: int, options: dict[str, Any]) -> ToyRecipe:
        known = {"noise": 0.2, "dropout": 0.1, "count": 36}
        for name in options:
            if name not in known:
                raise InputError(f"train: no setting is named '{name}'.{suggest(name, known)}")
        return cls({"method": method, "seed": seed, "data": str(data), **known, **options})

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> ToyRecipe:
        return cls(config)

    def config(self) -> dict[str, Any]:
        return self._config

    def plan(self) -> Plan:
        count = self._config["count"]
        return Plan(count, (1, 1, 2), (f"{count} points is very little.",), {"classes": "2"})

    def model(self) -> nn.Module:
        kind = Gan if self._config["method"] == "gan" else Net
        return kind(24 if self._config["method"] == "wide" else 12, self._config["dropout"])

    def training(self) -> Points:
        return Points(self._config["count"], self._config["seed"], self._config["noise"])

    def validation(self) -> Points:
        return Points(10, 99, 0.1)

    def losses(self, model: nn.Module, batch: dict[str, Any]) -> dict[str, torch.Tensor]:
        loss = F.cross_entropy(model(batch["point"]), batch["label"])
        return {"loss": loss, "part": loss / 2}

    def measure(self, model: nn.Module, batches: Any) -> dict[str, float]:
        found = [(model(batch["point"]).argmax(1) == batch["label"]) for batch in batches]
        return {"accuracy": torch.cat(found).float().mean().item()}

    def predict(self, model: nn.Module, images: Any) -> list[int]:
        with torch.no_grad():
            return [int(model(torch.tensor(image, dtype=torch.float32)).argmax()) for image in images]

    def evaluate(self, model: nn.Module, data: Any, split: str | None) -> dict[str, Any]:
        right = [self.predict(model, [s["point"].numpy()])[0] == s["label"] for s in map_samples(self.validation())]
        return {"accuracy": sum(right) / len(right), "data": data}


class GanRecipe(ToyRecipe):
    metric, higher_is_better = "distance", False

    def phases(self, model: Any, make_optimizer: Any) -> list[Phase]:
        def fake(batch: dict[str, Any]) -> torch.Tensor:
            return model_of(batch)(torch.randn(len(batch["point"]), 4))

        def model_of(batch: dict[str, Any]) -> nn.Module:
            return batch["generator"]

        def critic(model: Any, batch: dict[str, Any]) -> dict[str, torch.Tensor]:
            made = fake({**batch, "generator": model.generator}).detach()
            loss = F.softplus(-model.critic(batch["point"])).mean() + F.softplus(model.critic(made)).mean()
            return {"loss": loss}

        def generate(model: Any, batch: dict[str, Any]) -> dict[str, torch.Tensor]:
            made = fake({**batch, "generator": model.generator})
            return {"loss": F.softplus(-model.critic(made)).mean(), "spread": made.std()}

        return [
            Phase("critic", make_optimizer(model.critic), critic),
            Phase("generator", torch.optim.SGD(model.generator.parameters(), lr=0.05), generate),
        ]

    def measure(self, model: Any, batches: Any) -> dict[str, float]:
        real = torch.cat([batch["point"] for batch in batches]).norm(dim=1).mean()
        noise = torch.randn(64, 4, generator=torch.Generator().manual_seed(0))
        return {"distance": float((model.generator(noise).norm(dim=1).mean() - real).abs())}


def map_samples(points: Points) -> list[dict[str, Any]]:
    return [points.sample(index, 0) for index in range(len(points))]


class _Any(ToyRecipe):
    """Opens the recipe that the method names."""

    @classmethod
    def open(cls, method: str, data: Any, seed: int, options: dict[str, Any]) -> ToyRecipe:
        kind = GanRecipe if method == "gan" else ToyRecipe
        return kind(ToyRecipe.open(method, data, seed, options).config())

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> ToyRecipe:
        return (GanRecipe if config["method"] == "gan" else ToyRecipe)(config)


def install() -> None:
    """Make ``toy/mlp``, ``toy/wide`` and ``toy/gan`` known to the engine."""
    module = types.ModuleType("sightline.toy.recipe")
    module.RECIPE, module.METHODS = _Any, ("mlp", "wide", "gan")  # type: ignore[attr-defined]
    sys.modules["sightline.toy.recipe"] = module

"""Recipes: what a method needs to learn. The engine runs any of them: a classifier, a GAN, a diffusion model.

A recipe brings data, a model, a loss on a batch, what to measure and what to show; it knows nothing of devices,
precision, schedules, checkpoints or processes. Those belong to the engine.
"""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils.data import default_collate

from sightline.core.errors import InputError, suggest
from sightline.train.settings import Settings

Batch = dict[str, Any]


class Samples(Protocol):
    """Where a recipe's examples come from; the same sample for the same (index, epoch), in any worker process."""

    def __len__(self) -> int:
        """Return the number of samples in an epoch."""
        ...

    def sample(self, index: int, epoch: int) -> dict[str, Any]:
        """Return one example as arrays, tensors and numbers; augmentation is seeded by ``(seed, epoch, index)``."""
        ...


@dataclass
class Phase:
    """One optimiser and the loss that it lowers. Most recipes have one phase, a GAN has two in each step.

    Parameters
    ----------
    name
        Shown in front of the phase's losses when there are several.
    optimizer
        Over the parameters that this phase may change.
    losses
        ``losses(model, batch)`` returns named scalars; ``"loss"`` is the one that is lowered, the rest are its parts.
    """

    name: str
    optimizer: Optimizer
    losses: Callable[[nn.Module, Batch], dict[str, Tensor]]


@dataclass(frozen=True)
class Section:
    """One section of a run's report.

    Parameters
    ----------
    title
        Heading.
    html
        Body: self-contained HTML or SVG, no script, no outside address.
    """

    title: str
    html: str


@dataclass(frozen=True)
class Plan:
    """What is about to be trained, said before it starts.

    Parameters
    ----------
    images
        Number of training images.
    shape
        Shape of one model input, C×H×W.
    warnings
        Sentences about data that is too small, unbalanced, …
    facts
        Further rows: ``{"classes": "10", …}``.
    """

    images: int
    shape: tuple[int, ...]
    warnings: tuple[str, ...] = ()
    facts: dict[str, str] = field(default_factory=dict)


class Recipe(ABC):
    """What a method needs to learn."""

    name: str  # "classify/resnet18"
    metric: str = "accuracy"  # decides which checkpoint is the best
    higher_is_better: bool = True
    settings: Settings | None = None  # what the engine trains with; None before it begins
    defaults: dict[str, Any]  # settings of the engine that suit this recipe, unless the user says otherwise

    @classmethod
    @abstractmethod
    def open(cls, method: str, data: Any, seed: int, options: dict[str, Any]) -> Recipe:
        """Make the recipe for ``field/method`` on a dataset (folder, name or opened set).

        ``options`` are the user's settings that the engine does not know; unknown ones raise :class:`InputError` with
        the nearest name.
        """

    @classmethod
    @abstractmethod
    def from_config(cls, config: dict[str, Any]) -> Recipe:
        """Make the recipe again from :meth:`config`, without data: enough to build the model and predict."""

    @abstractmethod
    def config(self) -> dict[str, Any]:
        """Return what :meth:`from_config` needs, as TOML values (the run folder keeps it)."""

    @abstractmethod
    def plan(self) -> Plan:
        """Say what is about to be trained."""

    def expectations(self) -> tuple[str, ...]:
        """Return sentences about what a training on this data should reach, and what would suit it."""
        return ()

    @abstractmethod
    def model(self) -> nn.Module:
        """Build the model; the engine has seeded torch before."""

    def begins(self, settings: Settings) -> None:
        """Take note of how the engine will train, before it asks for samples."""
        self.settings = settings

    @abstractmethod
    def training(self) -> Samples:
        """Return the training samples."""

    @abstractmethod
    def validation(self) -> Samples:
        """Return the samples that decide which checkpoint is the best."""

    @abstractmethod
    def losses(self, model: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """Return named scalars; ``"loss"`` is lowered."""

    @abstractmethod
    def measure(self, model: nn.Module, batches: Iterable[Batch]) -> dict[str, float]:
        """Return the metrics of the model (in eval mode, no gradients) on all batches, :attr:`metric` among them."""

    def collate(self, samples: list[dict[str, Any]]) -> Batch:
        """Stack samples to a batch of tensors."""
        return default_collate(samples)

    def phases(self, model: nn.Module, make_optimizer: Callable[[nn.Module], Optimizer]) -> list[Phase]:
        """Return the phases of a step; ``make_optimizer`` makes the optimiser that the settings ask for."""
        return [Phase("", make_optimizer(model), self.losses)]

    def predict(self, model: nn.Module, images: Sequence[np.ndarray]) -> list[Any]:
        """Return one result for each image (H×W or H×W×3), in order; keyword arguments are the recipe's own."""
        raise InputError(f"predict: {self.name} does not predict on images.")

    def evaluate(self, model: nn.Module, data: Any, split: str | None) -> dict[str, Any]:
        """Return the full evaluation on a dataset, as JSON values, :attr:`metric` among them."""
        raise InputError(f"evaluate: {self.name} cannot be evaluated on a dataset.")

    def sections(self, model: nn.Module) -> list[Section]:
        """Return the recipe's own sections of the report, for the best model."""
        return []


# Fields that lie below torch: the engine finds their recipe on the floor of the images that they learn from.
_ABOVE = {"learn": "classify.written_recipe"}


def find_recipe(name: str) -> tuple[type[Recipe], str]:
    """Return the recipe class and the method of ``field/method``.

    A field that can be trained has a module ``recipe`` with ``RECIPE`` (the class) and ``METHODS`` (the names).
    """
    folder, _, method = name.partition("/")
    place = f"sightline.{_ABOVE.get(folder, f'{folder}.recipe')}"
    try:
        module = importlib.import_module(place)
    except ModuleNotFoundError as error:
        if error.name not in (f"sightline.{folder}", place):
            raise
        raise InputError(
            f"train: no recipe is named '{name}'. Use field/method, for example classify/resnet18."
        ) from error
    if method not in module.METHODS:
        known = [f"{folder}/{known}" for known in module.METHODS]
        raise InputError(f"train: no recipe is named '{name}'.{suggest(name, known)} Known: {', '.join(known)}.")
    return module.RECIPE, method


def for_images(suited: dict[str, Any], images: int, *, batches: tuple[int, int], at: int) -> dict[str, Any]:
    """Return settings with a batch that makes some ten steps an epoch, and a rate that goes with the batch's root.

    Parameters
    ----------
    suited
        Settings for batches of ``at``.
    images
        Number of training images; 0, when it is not known, changes nothing.
    batches
        Smallest and largest batch.
    at
        Batch that the ``learning_rate`` is meant for.
    """
    if not images:
        return dict(suited)
    batch = int(np.clip(2 ** round(np.log2(images / 10)), *batches))
    rate = float(f"{suited['learning_rate'] * (batch / at) ** 0.5:.2g}")
    return {**suited, "batch_size": batch, "learning_rate": rate}

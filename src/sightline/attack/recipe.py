"""The recipe of adversarial training: any classifier, on pictures that are attacked while it learns."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sightline.attack.adversary import Adversary
from sightline.attack.ball import Ball
from sightline.attack.pgd import Climb
from sightline.attack.robustness_curve import RobustnessCurve, robustness_curve
from sightline.attack.striding_cnn import striding_cnn
from sightline.classify.recipe import METHODS as CLASSIFIERS
from sightline.classify.recipe import ClassifyRecipe
from sightline.train.recipe import Batch, Plan, Samples, Section

_OWN = "striding_cnn"
METHODS: dict[str, str] = {**CLASSIFIERS, _OWN: _OWN}
_MEASURED = 20  # steps of the attack that a model is measured by


class AdversarialRecipe(ClassifyRecipe):
    """Train one of :data:`METHODS` on the pictures that an attack makes of each batch (Madry 2018, section 2.1).

    Parameters
    ----------
    config
        What :meth:`config` returns.
    data
        The set to learn from; None when there is only a trained model.
    """

    field = "attack"
    metric = "robust_accuracy"
    examined = 200  # pictures of the report's curve

    def __init__(self, config: dict[str, Any], data: Any = None) -> None:
        super().__init__(config, data)
        self.adversary = Adversary(**config.get("adversary", {}))

    @staticmethod
    def builder(method: str) -> Callable[..., Any]:
        """Return what builds an architecture."""
        return striding_cnn if method == _OWN else ClassifyRecipe.builder(method)

    @staticmethod
    def suits(method: str) -> dict[str, Any]:
        """Return the engine's settings that suit an architecture."""
        if method == _OWN:
            return {"learning_rate": 2e-3, "epochs": 20, "weight_decay": 0.0}
        return ClassifyRecipe.suits(method)

    @classmethod
    def open(cls, method: str, data: Any, seed: int, options: dict[str, Any]) -> AdversarialRecipe:
        """Make the recipe on a dataset.

        Parameters
        ----------
        method
            One of :data:`METHODS`.
        data
            Folder, file, name or :class:`~sightline.data.ImageSet`.
        seed
            Decides which images are set aside.
        options
            Fields of :class:`~sightline.attack.adversary.Adversary` and what classifiers take.
        """
        adversary, rest = Adversary.split(options)
        plain = super().open(method, data, seed, rest)
        return cls({**plain.config(), "adversary": dataclasses.asdict(adversary)}, plain.data)

    def build(self, **more: Any) -> Any:
        """Return the network; this folder's own one sees pixels as they are."""
        return super().build(**({"mean": None, "std": None} if self.method == _OWN else {}), **more)

    def plan(self) -> Plan:
        """Say what is learnt from, and against whom."""
        plan, foe = super().plan(), self.adversary
        said = f"PGD, {foe.attack_steps} steps, {foe.norm} ball of {foe.eps:.3g}"
        said += f"; one step in the first {foe.fast_epochs} epochs" if foe.fast_epochs else ""
        said += f"; then noise of deviation {foe.sigma:.3g}" if foe.sigma else ""
        return dataclasses.replace(plan, facts={**plan.facts, "adversary": said})

    # --- learning ---

    def training(self) -> Samples:
        """Return the training images, each with the epoch that it is drawn in."""
        return _Dated(super().training())

    def collate(self, samples: list[dict[str, Any]]) -> Batch:
        """Stack images and labels; the batch knows its epoch."""
        return {**super().collate(samples), "epoch": samples[0].get("epoch", 0)}

    def losses(self, model: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """Return the classifier's loss on the attacked batch, in training; on the batch as it is otherwise."""
        if not model.training:
            return super().losses(model, batch)
        images, labels = batch["image"], batch["label"]
        named = labels if labels.ndim == 1 else labels.argmax(dim=1)
        attacked = self.adversary.against(model, images, named, self.adversary.climb(batch["epoch"] + 0.5))
        return super().losses(model, {**batch, "image": attacked})

    def measure(self, model: nn.Module, batches: Iterable[Batch]) -> dict[str, float]:
        """Return the classifier's measures and ``robust_accuracy``, under PGD of 20 steps and the noise."""
        right = count = 0
        climb = Climb.default(Ball(self.adversary.norm, self.adversary.eps), _MEASURED)

        def attacked() -> Iterator[Batch]:
            nonlocal right, count
            for batch in batches:
                found = self.adversary.against(model, batch["image"], batch["label"], climb)
                right += int((model(found).argmax(dim=1) == batch["label"]).sum())
                count += len(found)
                yield batch

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(self._config["seed"]))  # the same attack in every epoch
            measured = super().measure(model, attacked())
        return {**measured, "robust_accuracy": right / max(count, 1)}

    # --- using ---

    def robustness(self, model: nn.Module) -> RobustnessCurve:
        """Return the robustness curve on the first pictures that were held out.

        Parameters
        ----------
        model
            In eval mode.
        """
        part = self.split(self.held_out)
        chosen = range(min(self.examined, len(part)))
        pictures = np.stack([part[i] for i in chosen]).transpose(0, 3, 1, 2).astype(np.float32) / np.float32(255)
        eps = self.adversary.eps or Adversary.eps  # who learnt from noise alone is attacked all the same
        return curve_of(model, torch.from_numpy(pictures), part.labels[: len(chosen)], eps, self.adversary.norm)

    def sections(self, model: nn.Module) -> list[Section]:
        """Return the classifier's sections, and after that on its data how far it resists."""
        first, *others = super().sections(model)
        return [first, Section("How far it resists", self.robustness(model).body()), *others]


def curve_of(
    model: nn.Module,
    pictures: Tensor,
    labels: Sequence[int] | np.ndarray,
    eps: float,
    norm: str,
    *,
    substitute: nn.Module | None = None,
) -> RobustnessCurve:
    """Return the robustness curve up to twice a radius."""
    epsilons = [0.0, *(eps * share for share in (0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0))]
    return robustness_curve(model, pictures, labels, epsilons=epsilons, norm=norm, substitute=substitute)


class _Dated:
    """Samples that know the epoch in which they were drawn."""

    def __init__(self, samples: Samples) -> None:
        self._samples = samples

    def __len__(self) -> int:
        return len(self._samples)

    def sample(self, index: int, epoch: int) -> dict[str, Any]:
        """Return the sample with its ``epoch``."""
        return {**self._samples.sample(index, epoch), "epoch": epoch}


RECIPE = AdversarialRecipe

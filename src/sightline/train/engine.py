"""The one training loop. It runs any recipe: a classifier with one optimiser, a GAN with two, on one device or many.

What happens in step ``n`` depends on the weights and on ``(seed, n)`` alone: the order of the samples, the masks of
dropout, the learning rate. So a resumed training needs the weights, the optimisers and a position, and goes on bit for
bit.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from sightline.core.errors import DataError, InputError, SightlineError
from sightline.core.seeds import generator
from sightline.nn.trained_convolution import FastConvolutions
from sightline.train.average import Average
from sightline.train.batches import Batches, InOrder, Order
from sightline.train.checkpoint import Snapshot
from sightline.train.memory import kept_memory
from sightline.train.optimizers import freeze, make_optimizer, set_training_mode, thaw
from sightline.train.position import Position
from sightline.train.processes import Group
from sightline.train.progress import Silent
from sightline.train.recipe import Batch, Phase, Recipe
from sightline.train.schedule import factor, warmup_steps
from sightline.train.settings import Settings
from sightline.train.storage_order import convolves, with_channels_last
from sightline.train.tensors import load_weights


class Diverged(SightlineError, ArithmeticError):  # noqa: N818  (it reads as it is caught)
    """The loss is no longer a number.

    Parameters
    ----------
    sentence
        What happened, and what to try.
    batch
        The batch on which it happened; None where only the epoch is known.
    """

    def __init__(self, sentence: str, batch: Batch | None = None) -> None:
        super().__init__(sentence)
        self.batch = batch


class Stopped(Exception):  # noqa: N818  (a request that travels up the stack, not an error)
    """Someone asked the training to stop; it is safe to save and leave."""


class _Losses(nn.Module):
    """What the gradient-averaging wrapper calls: the losses of any phase, on the model inside."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, phase: Phase, batch: Batch) -> dict[str, Tensor]:
        return phase.losses(self.model, batch)


class Engine:
    """A training: made, restored from a snapshot where there is one, then run.

    Parameters
    ----------
    recipe
        What to learn.
    settings
        How.
    device
        Where.
    group
        The processes that train together.
    progress
        What is shown.
    save
        ``save(best)`` is called when a checkpoint is due; ``best`` says that the epoch was the best so far.
    stop
        Asked after each step and each validation batch: whether to stop now.
    """

    def __init__(
        self,
        recipe: Recipe,
        settings: Settings,
        *,
        device: torch.device,
        group: Group,
        progress: Silent,
        save: Callable[[bool], None],
        stop: Callable[[], bool],
    ) -> None:
        self.recipe, self.settings, self.device, self.group = recipe, settings, device, group
        self.progress, self.save, self.stop = progress, save, stop
        self.position = Position()
        self._sums: dict[str, Tensor] = {}  # the epoch's losses on the device; read only when someone looks
        self._build_model()
        self._build_data()

    def _build_model(self) -> None:
        settings, device = self.settings, self.device
        if settings.precision == "fp16" and device.type != "cuda":
            raise InputError(f"train: precision fp16 needs a GPU; the device is {device.type}. Use precision bf16.")
        seed_torch(settings.seed)
        model = with_channels_last(self.recipe.model().to(device))
        self.channels_last = convolves(model)
        on_cpu = device.type == "cpu" and settings.precision == "fp32"
        self.fast_convolutions = on_cpu and any(FastConvolutions.suit(module) for module in model.modules())
        freeze(model, settings.freeze)
        self.frozen = frozenset(name for name, parameter in model.named_parameters() if not parameter.requires_grad)
        self.model = model
        self.phases = self.recipe.phases(model, lambda part: make_optimizer(part, settings))
        for phase in self.phases:
            for group in phase.optimizer.param_groups:
                group["peak_lr"] = float(group["lr"])
        self.average = Average(model, settings.ema) if settings.ema else None
        self.scaler = torch.amp.GradScaler(device.type, enabled=settings.precision == "fp16")
        losses: nn.Module = _Losses(model)
        if self.group.size > 1:
            partly = len(self.phases) > 1 or settings.unfreeze > 0
            losses = DistributedDataParallel(losses, find_unused_parameters=partly)
        self.losses = losses

    def _build_data(self) -> None:
        recipe, settings = self.recipe, self.settings
        recipe.begins(settings)
        training, validation = recipe.training(), recipe.validation()
        if not len(training):
            raise DataError(f"train: {recipe.name} has no training samples.")
        self.order = Order(len(training), settings.batch_size, settings.seed, self.group)
        self.batches_per_epoch = len(self.order)
        self.steps_per_epoch = -(-self.batches_per_epoch // settings.accumulate)
        self.total_steps = settings.epochs * self.steps_per_epoch
        self.save_steps = max(1, round(settings.save_every * self.steps_per_epoch))
        place = {"workers": settings.workers, "device": self.device, "channels_last": self.channels_last}
        self.training = Batches(training, self.order, recipe.collate, **place)
        in_order = InOrder(len(validation), settings.batch_size)
        self.validation = Batches(validation, in_order, recipe.collate, **place) if len(validation) else None

    # --- the loop ---

    def run(self) -> None:
        """Train until the last epoch, or until the metric no longer improves."""
        with kept_memory():
            self._run()

    def _run(self) -> None:
        here = self.position
        self.progress.start(here.epoch * self.batches_per_epoch + here.batch, self.total_batches)
        while here.epoch < self.settings.epochs and not self.exhausted:
            started, first = time.perf_counter(), here.batch
            if self.settings.unfreeze:
                thaw(self.model, 1 + int(here.epoch / self.settings.unfreeze), self.frozen)
            set_training_mode(self.model)
            for group in self._groups():
                self._step(group)
                if here.step % self.save_steps == 0 and here.batch < self.batches_per_epoch:
                    self.save(False)
                self._check_stop()
            seconds = time.perf_counter() - started
            images = (here.batch - first) * self.order.share * self.group.size
            self._finish_epoch(self._mean_losses(), self._measure(), images / max(seconds, 1e-9), seconds)

    @property
    def total_batches(self) -> int:
        """Batches of the whole training."""
        return self.settings.epochs * self.batches_per_epoch

    @property
    def exhausted(self) -> bool:
        """Whether the metric has not improved for ``patience`` epochs."""
        patience = self.settings.patience
        return patience > 0 and self.position.epoch - self.position.best_epoch >= patience

    @property
    def evaluated(self) -> nn.Module:
        """The model that is measured and kept: the moving average, where there is one."""
        return self.average.model if self.average else self.model

    def _groups(self) -> Iterator[list[Batch]]:
        """Yield the batches of each step: ``accumulate`` of them, fewer at the epoch's end."""
        batches = self.training.epoch(self.position.epoch, self.position.batch)
        while group := list(itertools.islice(batches, self.settings.accumulate)):
            yield group

    def _step(self, batches: list[Batch]) -> None:
        """Take one step: each phase lowers its loss on the same batches."""
        here = self.position
        seed_torch(self.settings.seed, here.step, self.group.rank)
        for phase in self.phases:
            self._set_rates(phase)
            phase.optimizer.zero_grad(set_to_none=True)
            for number, batch in enumerate(batches, 1):
                self._backward(phase, batch, len(batches), last=number == len(batches))
            self._lower(phase)
        self.scaler.update()
        if self.average:
            self.average.update(self.model, here.step)
        here.step += 1
        here.batch += len(batches)
        images = len(batches) * self.order.share * self.group.size
        done = here.epoch * self.batches_per_epoch + here.batch
        self.progress.step(f"{here.epoch + 1}/{self.settings.epochs}", done, images, self._mean_so_far)

    def _backward(self, phase: Phase, batch: Batch, parts: int, last: bool) -> None:
        """Add the gradients of one batch; processes exchange them with the last batch only."""
        waits: AbstractContextManager[Any] = nullcontext()
        if isinstance(self.losses, DistributedDataParallel) and not last:
            waits = self.losses.no_sync()
        # Around both: what is computed again for the gradients must be the same.
        with waits, FastConvolutions() if self.fast_convolutions else nullcontext():
            with self.autocast():
                losses = self.losses(phase, batch)
            if self.group.size == 1 and self.device.type == "cpu":  # elsewhere to look would be to wait
                self._require_finite({name: float(value.detach()) for name, value in losses.items()}, batch)
            self.scaler.scale(losses["loss"] / parts).backward()
        prefix = f"{phase.name}_" if phase.name else ""
        for name, value in losses.items():
            so_far = self._sums.get(prefix + name)
            value = value.detach().double()
            self._sums[prefix + name] = value if so_far is None else so_far + value

    def _lower(self, phase: Phase) -> None:
        if self.settings.clip:
            self.scaler.unscale_(phase.optimizer)
            parameters = [p for group in phase.optimizer.param_groups for p in group["params"]]
            nn.utils.clip_grad_norm_(parameters, self.settings.clip)
        self.scaler.step(phase.optimizer)

    def _set_rates(self, phase: Phase) -> None:
        settings = self.settings
        warmup = warmup_steps(settings.warmup, self.steps_per_epoch, self.total_steps)
        share = factor(settings.schedule, self.position.step, self.total_steps, warmup)
        for group in phase.optimizer.param_groups:
            group["lr"] = group["peak_lr"] * share

    def autocast(self) -> AbstractContextManager[Any]:
        """Return the context of the forward pass: mixed precision, where the settings ask for it."""
        if self.settings.precision == "fp32":
            return nullcontext()
        kind = torch.bfloat16 if self.settings.precision == "bf16" else torch.float16
        return torch.autocast(self.device.type, kind)

    # --- between epochs ---

    @torch.no_grad()
    def _measure(self) -> dict[str, float]:
        """Return the recipe's metrics on all validation samples: process 0 measures, the others wait for it."""
        if self.validation is None:
            return {}
        found: dict[str, float] = {}
        if self.group.leads:
            with self.autocast():
                found = self.recipe.measure(self.evaluated.eval(), self._stoppable(self.validation))
        found = self.group.share({name: float(value) for name, value in found.items()})
        self._check_stop()
        return found

    def _stoppable(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        for batch in batches:
            if self.group.size == 1:  # others wait for the metrics; they all stop after them
                self._check_stop()
            yield batch

    def _require_finite(self, losses: dict[str, float], batch: Batch | None = None) -> None:
        if not all(math.isfinite(value) for value in losses.values()):
            raise Diverged(
                f"train: the loss is no longer a number in epoch {self.position.epoch + 1} (step {self.position.step})."
                " Lower learning_rate, add warmup=1 or clip=1; the last checkpoint is as it was.",
                batch,
            )

    def _finish_epoch(self, losses: dict[str, float], metrics: dict[str, float], rate: float, seconds: float) -> None:
        here = self.position
        self._require_finite(losses)
        here.epoch, here.batch, here.totals = here.epoch + 1, 0, {}
        self._sums = {}
        lr = self.phases[0].optimizer.param_groups[-1]["lr"]
        row: dict[str, Any] = {"epoch": here.epoch, "step": here.step, "learning_rate": lr}
        row |= {f"train_{name}": value for name, value in losses.items()}
        row |= {f"val_{name}": value if math.isfinite(value) else None for name, value in metrics.items()}
        row |= {"seconds": seconds, "images_per_second": rate}
        here.history.append(row)
        better = self._is_better(losses, metrics)
        self.progress.epoch(f"{here.epoch}/{self.settings.epochs}", row)
        over = here.epoch == self.settings.epochs or self.exhausted
        if better or over or here.step % self.save_steps == 0:
            self.save(better)

    def _is_better(self, losses: dict[str, float], metrics: dict[str, float]) -> bool:
        """Return whether the epoch is the best so far, and remember it; the loss decides where nothing is measured."""
        here, higher = self.position, self.recipe.higher_is_better
        value = metrics.get(self.recipe.metric)
        if not metrics:
            value, higher = next(iter(losses.values())), False
        if value is None:
            names = ", ".join(metrics)
            raise DataError(f"train: {self.recipe.name} measures {names}, but not its metric '{self.recipe.metric}'.")
        better = math.isfinite(value) and (here.best is None or (value > here.best if higher else value < here.best))
        if better:
            here.best, here.best_epoch = value, here.epoch
        return better

    def _check_stop(self) -> None:
        asked = self.stop()
        if self.group.size > 1:
            asked = bool(self.group.sum(torch.tensor(float(asked), device=self.device)).item())
        if asked:
            raise Stopped

    def _mean_so_far(self) -> dict[str, float]:
        batches = max(self.position.batch, 1)
        names = dict.fromkeys((*self.position.totals, *self._sums))
        return {name: self._total(name) / batches for name in names}

    def _mean_losses(self) -> dict[str, float]:
        """Return the epoch's mean losses over all processes."""
        means = self._mean_so_far()
        values = self.group.sum(torch.tensor(list(means.values()), dtype=torch.float64, device=self.device))
        return dict(zip(means, (values / self.group.size).tolist(), strict=True))

    def _total(self, name: str) -> float:
        return float(self._sums[name]) if name in self._sums else self.position.totals[name]

    # --- to and from a checkpoint ---

    def snapshot(self) -> Snapshot:
        """Return everything that is needed to go on from here."""
        here = self.position
        here.totals = {name: self._total(name) for name in dict.fromkeys((*here.totals, *self._sums))}
        self._require_finite(here.totals)
        tensors: dict[str, Tensor] = {}
        numbers: dict[str, Any] = {}
        for index, phase in enumerate(self.phases):
            for parameter, state in phase.optimizer.state_dict()["state"].items():
                for name, value in state.items():
                    target = tensors if isinstance(value, Tensor) else numbers
                    target[f"optimizer.{index}.{parameter}.{name}"] = value
        if self.average:
            tensors |= {f"model.{name}": value for name, value in self.model.state_dict().items()}
        progress = {**vars(here), "numbers": numbers, "scaler": self.scaler.state_dict()}
        return Snapshot(here.step, self.evaluated.state_dict(), tensors, progress)

    def restore(self, snapshot: Snapshot) -> None:
        """Go on from a snapshot; :class:`WeightsError` lists every difference when it does not fit."""
        raw = {n.removeprefix("model."): t for n, t in snapshot.tensors.items() if n.startswith("model.")}
        load_weights(self.evaluated, snapshot.weights, "the checkpoint")
        if self.average:
            load_weights(self.model, raw, "the checkpoint")
        progress = dict(snapshot.progress)
        numbers = progress.pop("numbers")
        scaler = progress.pop("scaler")
        if scaler:
            self.scaler.load_state_dict(scaler)
        self.position = Position(**progress)
        # Losses go on from the very numbers: float64 sums survive the way through JSON.
        self._sums = {
            name: torch.tensor(value, dtype=torch.float64, device=self.device)
            for name, value in self.position.totals.items()
        }
        for name, value in {**snapshot.tensors, **numbers}.items():
            if name.startswith("optimizer."):
                _, phase, parameter, key = name.split(".", 3)
                _restore_state(self.phases[int(phase)], int(parameter), key, value)


def _restore_state(phase: Phase, index: int, key: str, value: Any) -> None:
    parameters = [p for group in phase.optimizer.param_groups for p in group["params"]]
    parameter = parameters[index]
    if isinstance(value, Tensor) and value.shape == parameter.shape and value.ndim > 0:
        value = torch.empty_like(parameter, dtype=value.dtype).copy_(value)  # in the layout of the parameter
    elif isinstance(value, Tensor) and parameter.device.type != "cpu" and phase.optimizer.defaults.get("fused"):
        value = value.to(parameter.device)  # step counters of fused optimisers
    phase.optimizer.state[parameter][key] = value


def seed_torch(seed: int, *keys: int) -> None:
    """Seed torch's generators from ``seed`` and ``keys``; the caller has forked them."""
    torch.manual_seed(int(generator(seed, len(keys), *keys).integers(2**63)))

"""Training a network: batches, slopes, steps; measured after each epoch, stopped when it gets no better.

Robbins & Monro 1951, "A Stochastic Approximation Method", Annals of Mathematical Statistics 22(3), for steps along
samples; Prechelt 1998, "Early Stopping - But When?", for the end.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from sightline.core.archives import read_arrays, write_arrays
from sightline.core.catalogue import method
from sightline.core.checks import describe, integer
from sightline.core.errors import InputError
from sightline.core.seeds import generator
from sightline.core.types import Array, PathLike
from sightline.learn.layers.losses import Loss
from sightline.learn.optimizers import Optimizer
from sightline.learn.schedules import ReduceOnPlateau
from sightline.learn.sequential import Sequential

Row = dict[str, float]


class Solver:
    """Trains a network on arrays.

    The order of the samples in an epoch depends on the seed and the epoch alone, so that a training that goes on from a
    checkpoint ends where one in a single go does, bit for bit.

    Parameters
    ----------
    network
        What is trained, in place.
    loss
        What becomes small.
    optimizer
        What takes the steps.
    batch_size
        Samples a step, ≥ 1.
    patience
        Epochs without a better validation loss after which :meth:`fit` ends; None never ends early.
    schedule
        Called with the share of the training that is behind, 0–1; returns what the learning rate is multiplied by: one
        of :mod:`sightline.learn.schedules`, or a function. A :class:`ReduceOnPlateau` looks at the validation losses
        (the training's, where there is no validation) instead.
    progress
        Called with each row of the history, for example ``print``, or what calls :meth:`save`.
    seed
        Whole number: of the order.

    Attributes
    ----------
    history
        One row an epoch: ``epoch``, ``loss``, ``learning_rate`` and, with validation, ``val_loss`` and, where targets
        are classes, ``val_accuracy``.

    Examples
    --------
    >>> from sightline.learn import SGD, Linear, SquaredError
    >>> x = np.linspace(-1, 1, 32)[:, None]
    >>> solver = Solver(Sequential(Linear(1, 1, dtype="float64")), SquaredError(), SGD(0.1), batch_size=8)
    >>> rows = solver.fit(x, 3 * x + 1, epochs=60)
    >>> solver.predict([[2.0]]).round(2).tolist()
    [[7.0]]
    """

    def __init__(
        self,
        network: Sequential,
        loss: Loss,
        optimizer: Optimizer,
        *,
        batch_size: int = 64,
        patience: int | None = None,
        schedule: Callable[[float], float] | ReduceOnPlateau | None = None,
        progress: Callable[[Row], object] | None = None,
        seed: int = 0,
    ) -> None:
        for name, value, kind in (
            ("network", network, Sequential),
            ("loss", loss, Loss),
            ("optimizer", optimizer, Optimizer),
        ):
            if not isinstance(value, kind):
                raise InputError(f"Solver: {name} must be a {kind.__name__} of sightline.learn; got {describe(value)}.")
        self.network, self.loss, self.optimizer = network, loss, optimizer
        self.batch_size = integer("Solver", "batch_size", batch_size, 1)
        self.patience = None if patience is None else integer("Solver", "patience", patience, 1)
        self.schedule, self.progress = schedule, progress
        self.seed = integer("Solver", "seed", seed, 0)
        self.history: list[Row] = []
        self._rate = optimizer.learning_rate
        self._best: dict[str, Array] = {}

    def fit(self, x: Any, targets: Any, *, epochs: int = 20, validation: tuple[Any, Any] | None = None) -> list[Row]:
        """Train until the history has ``epochs`` rows, or patience ends; return the history.

        With validation, the network is left as it was after its best epoch.

        Parameters
        ----------
        x, targets
            N samples, and what the loss compares with, N along the first axis.
        epochs
            Passes through all samples, with those before.
        validation
            Other samples and targets, to measure on.

        Raises
        ------
        InputError
            When the counts differ, or the loss is no number any more.
        """
        x, targets = np.asarray(x), np.asarray(targets)
        if x.ndim == 0 or not len(x) or targets.shape[:1] != x.shape[:1]:
            raise InputError(f"Solver.fit: targets must be one a sample; got {describe(x)}, {describe(targets)}.")
        epochs = integer("Solver.fit", "epochs", epochs, 1)
        while len(self.history) < epochs and not self._tired():
            row = self._epoch(x, targets, epochs)
            if validation is not None:
                row |= self.measure(*validation)
                if row["val_loss"] <= min(
                    (old["val_loss"] for old in self.history if "val_loss" in old), default=math.inf
                ):
                    self._best = self.network.state()
            self.history.append(row)
            if self.progress is not None:
                self.progress(row)
        if validation is not None and self._best:
            self.network.restore(self._best)
        return self.history

    def _epoch(self, x: Array, targets: Array, epochs: int) -> Row:
        number, total = len(self.history), 0.0
        batches = list(self._batches(len(x), generator(self.seed, number).permutation(len(x))))
        for step, chosen in enumerate(batches):
            self.optimizer.learning_rate = self._rate * self._factor((number + step / len(batches)) / epochs)
            loss = self.loss.forward(self.network.forward(x[chosen], train=True), targets[chosen])
            if not math.isfinite(loss):
                raise InputError(
                    f"Solver.fit: the loss must stay a number; got {loss} in epoch {number + 1}."
                    " Lower the learning rate, or look for NaN in the samples."
                )
            self.network.backward(self.loss.backward())
            gradients = self.network.gradients
            self.optimizer.step(
                list(self.network.parameters.values()), [gradients[name] for name in self.network.parameters]
            )
            total += loss * len(chosen)
        return {"epoch": number + 1, "loss": total / len(x), "learning_rate": self.optimizer.learning_rate}

    def _factor(self, share: float) -> float:
        if isinstance(self.schedule, ReduceOnPlateau):
            return self.schedule.after([row.get("val_loss", row["loss"]) for row in self.history])
        return 1.0 if self.schedule is None else float(self.schedule(share))

    def _batches(self, count: int, order: Array) -> Iterator[Array]:
        for start in range(0, count, self.batch_size):
            yield order[start : start + self.batch_size]

    def _tired(self) -> bool:
        losses = [row["val_loss"] for row in self.history if "val_loss" in row]
        return self.patience is not None and bool(losses) and len(losses) - 1 - int(np.argmin(losses)) >= self.patience

    def predict(self, x: Any) -> Array:
        """Return what the network says of N samples, a batch at a time.

        Parameters
        ----------
        x
            N samples, N ≥ 1.
        """
        samples = np.asarray(x)
        if samples.ndim == 0 or not len(samples):
            raise InputError(f"Solver.predict: x must be one sample at least; got {describe(samples)}.")
        parts = self._batches(len(samples), np.arange(len(samples)))
        return np.concatenate([self.network.forward(samples[part]) for part in parts])

    def measure(self, x: Any, targets: Any) -> Row:
        """Return ``val_loss`` and, where targets are N classes, ``val_accuracy``.

        Parameters
        ----------
        x, targets
            As in :meth:`fit`.
        """
        scores, targets = self.predict(x), np.asarray(targets)
        row = {"val_loss": self.loss.forward(scores, targets)}
        if targets.ndim == 1 and targets.dtype.kind in "iu" and scores.ndim == 2:
            row["val_accuracy"] = float((scores.argmax(axis=1) == targets).mean())
        return row

    def save(self, path: PathLike) -> None:
        """Write weights, the optimiser's memory and the history to an ``.npz`` file, whole or not at all.

        Parameters
        ----------
        path
            Its folder must exist.
        """
        parts = {"network": self.network.state(), "optimizer": self.optimizer.state(), "best": self._best}
        arrays = {f"{part}/{name}": array for part, held in parts.items() for name, array in held.items()}
        for key in sorted({key for row in self.history for key in row}):
            arrays[f"history/{key}"] = np.array([row.get(key, math.nan) for row in self.history])
        write_arrays(path, arrays)

    def load(self, path: PathLike) -> None:
        """Take over what :meth:`save` wrote; :meth:`fit` then goes on from there.

        Parameters
        ----------
        path
            A file of a Solver that was made with the same arguments.

        Raises
        ------
        MissingFileError, FormatError
            When there is no such file, or it is no checkpoint.
        """
        parts: dict[str, dict[str, Array]] = {"network": {}, "optimizer": {}, "best": {}, "history": {}}
        with read_arrays("Solver.load", path, "a checkpoint of a Solver") as held:
            for name, array in held.items():
                part, _, rest = name.partition("/")
                if part not in parts:
                    raise ValueError(f"it holds '{name}'")
                parts[part][rest] = array
        self.network.restore(parts["network"])
        self.optimizer.restore(parts["optimizer"])
        self._best = parts["best"]
        columns = parts["history"]
        rows = zip(*columns.values(), strict=True)
        self.history = [
            {key: float(v) for key, v in zip(columns, values, strict=True) if not math.isnan(v)} for values in rows
        ]


method(task="networks", paper="Robbins & Monro 1951", lesson="w4d4")(Solver)

"""Settings of the engine: one flat record, from words, a dict or TOML; unknown names are refused with the nearest."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sightline.core.checks import choice, describe, integer, number
from sightline.core.errors import InputError, suggest

OPTIMIZERS = ("adamw", "adam", "sgd", "nesterov", "rmsprop", "muon")
SCHEDULES = ("cosine", "linear", "one_cycle", "constant")
PRECISIONS = ("fp32", "bf16", "fp16")
LOGS = ("tensorboard",)
ALIASES = {"lr": "learning_rate"}
# What may differ when a run is resumed: it changes where and how far the run goes, not what it learns on the way.
RESUMABLE = frozenset({"device", "workers", "threads", "save_every", "log", "patience"})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How the engine trains. Flat on purpose: each field is one word of the command line and one line of TOML.

    Parameters
    ----------
    epochs
        Passes over the training samples, ≥ 1.
    batch_size
        Samples of one forward pass, over all processes together, ≥ 1.
    learning_rate
        Peak rate of the schedule, > 0.
    weight_decay
        Decay of matrices and filters, ≥ 0; vectors (biases, norms) are never decayed.
    optimizer
        ``adamw``, ``adam``, ``sgd``, ``nesterov``, ``rmsprop``, or ``muon``: orthogonal steps for hidden layers,
        ``adamw`` for all else.
    momentum
        Of ``sgd``, ``nesterov``, ``rmsprop`` and ``muon``, in 0–1.
    schedule
        ``cosine`` (to zero), ``linear`` (to zero), ``one_cycle`` or ``constant``.
    warmup
        Epochs of linear rise before ``cosine``, ``linear`` and ``constant``; of ``one_cycle`` all that rises (0: 30 %).
        At most two thirds of the training, whatever is asked for.
    clip
        Largest norm of the gradient of one optimiser; 0 does not clip.
    accumulate
        Batches whose gradients are averaged to one step, ≥ 1.
    precision
        ``fp32``, ``bf16``, or ``fp16`` with loss scaling (GPU only).
    ema
        Decay of the moving average of the weights, in 0–1 (0: none). The average is what is measured and kept.
    patience
        Epochs without a better metric before training stops early; 0 never does.
    freeze
        Patterns of parameter names that stay as they are, for example ``stem*``; ``backbone`` is all but the head.
    unfreeze
        Epochs after which one more block, from the head backwards, begins to learn; 0 lets all learn from the start.
    layer_decay
        Factor of the learning rate from each block to the one before it, in 0–1; 1 is off.
    seed
        Seed of everything random, ≥ 0.
    device
        ``auto``, ``cpu``, ``mps``, ``cuda`` or ``cuda:1``.
    workers
        Processes that prepare samples; 0 prepares them in the training process. The weights do not depend on it.
    threads
        Threads of torch on the CPU; 0 takes torch's own choice. The last bits of the weights depend on it.
    save_every
        Epochs between checkpoints, > 0; a fraction saves within an epoch. The best epoch and the last are always saved.
    log
        Writers besides ``metrics.csv``: ``tensorboard``.
    """

    epochs: int = 10
    batch_size: int = 64
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    optimizer: str = "adamw"
    momentum: float = 0.9
    schedule: str = "cosine"
    warmup: float = 0.0
    clip: float = 0.0
    accumulate: int = 1
    precision: str = "fp32"
    ema: float = 0.0
    patience: int = 0
    freeze: tuple[str, ...] = ()
    unfreeze: float = 0.0
    layer_decay: float = 1.0
    seed: int = 0
    device: str = "auto"
    workers: int = 0
    threads: int = 0
    save_every: float = 1.0
    log: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "accumulate"):
            integer("train", name, getattr(self, name), 1)
        for name in ("patience", "seed", "workers", "threads"):
            integer("train", name, getattr(self, name), 0)
        for name in ("learning_rate", "save_every"):
            number("train", name, getattr(self, name), above=0.0, high=1e9)
        for name in ("weight_decay", "warmup", "clip", "unfreeze"):
            number("train", name, getattr(self, name), 0.0, 1e9)
        for name in ("momentum", "ema", "layer_decay"):
            number("train", name, getattr(self, name), 0.0, 1.0)
        choice("train", "optimizer", self.optimizer, OPTIMIZERS)
        choice("train", "schedule", self.schedule, SCHEDULES)
        choice("train", "precision", self.precision, PRECISIONS)
        for name in self.log:
            choice("train", "log", name, LOGS)
        kind, _, index = self.device.partition(":")
        if kind not in ("auto", "cpu", "cuda", "mps") or (index and not index.isdigit()):
            raise InputError(f"train: device must be auto, cpu, mps, cuda or cuda:1; got {self.device!r}.")

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Settings:
        """Make settings from plain values (TOML, keyword arguments); texts are read as the field's type."""
        known, unknown = split(values)
        if unknown:
            raise InputError(unknown_sentence(next(iter(unknown)), ()))
        return cls(**known)

    @classmethod
    def from_words(cls, words: Iterable[str]) -> Settings:
        """Make settings from command line words like ``epochs=20``."""
        pairs = [word.partition("=") for word in words]
        for name, sign, _ in pairs:
            if not sign:
                raise InputError(f"train: settings must be name=value; got {name!r}.")
        return cls.from_dict({name: value for name, _, value in pairs})

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that TOML can hold; :meth:`from_dict` reads them back."""
        values = {item.name: getattr(self, item.name) for item in dataclasses.fields(self)}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


_KINDS = {item.name: type(item.default) for item in dataclasses.fields(Settings)}


def split(values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the engine's settings among ``values``, converted, and the rest, which may be the recipe's options."""
    known: dict[str, Any] = {}
    rest: dict[str, Any] = {}
    for raw, value in values.items():
        name = raw.strip().replace("-", "_")
        name = ALIASES.get(name, name)
        target = known if name in _KINDS else rest
        if name in target:
            raise InputError(f"train: {name} is given twice.")
        target[name] = _convert(name, value) if name in _KINDS else value
    return known, rest


def unknown_sentence(name: str, options: Iterable[str]) -> str:
    """Return the sentence about a name that is neither a setting of the engine nor one of the recipe's ``options``."""
    known = [*_KINDS, *options]
    return f"train: no setting is named '{name}'.{suggest(name, known)} Known: {', '.join(sorted(known))}."


def _convert(name: str, value: Any) -> Any:
    kind = _KINDS[name]
    if kind is tuple:
        return _as_words(name, value)
    if kind is str:
        if not isinstance(value, str):
            raise InputError(f"train: {name} must be a word; got {describe(value)}.")
        return value
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError as error:
            raise InputError(f"train: {name} must be a number; got {value!r}.") from error
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if kind is int and isinstance(value, float) and math.isfinite(value) and value == int(value):
        return int(value)
    return value


def _as_words(name: str, value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(value.replace(",", " ").split())
    if isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value):
        return tuple(value)
    raise InputError(f"train: {name} must be words; got {describe(value)}.")

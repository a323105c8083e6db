"""The recipe of classification: any architecture of this folder on any set of labelled images."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sightline.classify.advice import warnings_about
from sightline.classify.evaluate import Examination, digest_of, summarise
from sightline.classify.expectation import expectations
from sightline.classify.options import Options
from sightline.classify.prepare import FEWEST, Form, Prepared, choose_form
from sightline.classify.samples import Training, Untouched, stack
from sightline.classify.suited import DEFAULTS, LARGEST, LEAST, METHODS, engine_settings, model_arguments, model_options
from sightline.classify.temperature import fit_temperature
from sightline.classify.tuning import Teacher, begin_with, losses_with, suited_to
from sightline.classify.views import mean, views
from sightline.core.errors import DataError, InputError
from sightline.core.results import Classification
from sightline.data import ImageSet, open_dataset
from sightline.data.augment import Augment
from sightline.data.naming import class_numbers, listed
from sightline.metrics import calibration_error
from sightline.nn.branches import Supervised
from sightline.nn.whitened import Whitened
from sightline.train.recipe import Batch, Plan, Recipe, Samples, Section
from sightline.train.words import split_options


class ClassifyRecipe(Recipe):
    """Train one of :data:`METHODS` to tell classes apart.

    Parameters
    ----------
    config
        What :meth:`config` returns.
    data
        The set to learn from; None when there is only a trained model.
    """

    field = "classify"
    metric = "accuracy"
    higher_is_better = True

    def __init__(self, config: dict[str, Any], data: ImageSet | None = None) -> None:
        self._config = config
        self.method: str = config["method"]
        self.name = f"{self.field}/{self.method}"
        self.classes: tuple[str, ...] = tuple(config["classes"])
        self.form = Form((int(config["size"][0]), int(config["size"][1])), int(config["channels"]))
        self.options = Options(**config["options"])
        self.data = data
        images = 0 if data is None else len(data.train)
        self.defaults = engine_settings(self.suits(self.method), self.form, images)
        self._prepared: dict[str, Prepared] = {}
        self._weights: Tensor | None = None
        self._teacher: Teacher | None = None
        self.temperature = 1.0  # of the probabilities; a calibrated run has its own
        self._examined: tuple[Any, Examination] | None = None

    # --- making ---

    @staticmethod
    def builder(method: str) -> Callable[..., Any]:
        """Return what builds an architecture: of the number of classes and, where it takes them, of the data's form."""
        return getattr(importlib.import_module(f"sightline.classify.{METHODS[method]}"), method)

    @staticmethod
    def suits(method: str) -> dict[str, Any]:
        """Return the engine's settings that suit an architecture."""
        return DEFAULTS[METHODS[method]]

    @classmethod
    def open(cls, method: str, data: Any, seed: int, options: dict[str, Any]) -> ClassifyRecipe:
        """Make the recipe on a dataset: choose the input's size and channels, set images aside for validation.

        Parameters
        ----------
        method
            One of :data:`METHODS`.
        data
            Folder, file, name or :class:`~sightline.data.ImageSet`.
        seed
            Decides which images are set aside.
        options
            Fields of :class:`Options` and keyword arguments of the architecture, such as ``stem``.
        """
        takes = model_options(cls.builder(method))
        chosen, rest = split_options(Options, options, takes)
        opened = open_dataset(data, seed=seed)
        if len(opened.classes) < 2:
            raise DataError(f"train: '{opened.source}' has 1 class; a classifier needs two or more.")
        opened = opened.with_val(chosen.val_fraction, seed=seed)
        form = choose_form(opened.train, chosen.image_size, LARGEST.get(method), LEAST.get(method, FEWEST))
        suited, pixels = suited_to(method, chosen.weights, form.channels)
        mean, std = Prepared(opened.train, form, keep=False).statistics(limit=1000)
        config = {
            "method": method,
            "classes": list(opened.classes),
            "size": list(form.size),
            "channels": form.channels,
            "mean": mean,
            "std": std,
            **pixels,
            "seed": seed,
            "options": dataclasses.asdict(chosen),
            "model": {
                **model_arguments(method, takes, form, bool(pixels)),
                **suited,
                **rest,
            },
            "data": {"name": opened.name, "digest": opened.digest},
        }
        return cls(config, opened)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> ClassifyRecipe:
        """Make the recipe again without its data."""
        known = importlib.import_module(cls.__module__).METHODS
        if config.get("method") not in known:
            raise InputError(f"load: no classifier is named '{config.get('method')}'. Known: {', '.join(known)}.")
        return cls(config)

    def config(self) -> dict[str, Any]:
        """Return everything that decides on the model and on how an image becomes its input."""
        return self._config

    def model(self) -> nn.Module:
        """Build the network for this number of classes, channels and pixels, with the weights it shall begin with."""
        model = self.build()
        if self.data is not None and isinstance(model, Whitened):
            model.whiten(self._some_images())
        if self.data is not None and self.options.weights:
            begin_with(model, self.options.weights)
        return model

    def build(self, **more: Any) -> Any:
        """Return what the builder makes of the data's form, the user's options, and more arguments where it has such.

        Parameters
        ----------
        **more
            By name; those that the builder does not take are left out.
        """
        build = self.builder(self.method)
        takes = inspect.signature(build).parameters
        given: dict[str, Any] = {
            "in_channels": self.form.channels,
            "size": self.form.size,
            "mean": tuple(self._config["mean"]),
            "std": tuple(self._config["std"]),
            **more,
        }
        settings = {name: value for name, value in given.items() if name in takes}
        return build(len(self.classes), **settings, **self._config["model"])

    def _some_images(self, most: int = 5000) -> Tensor:
        train = self.split("train")
        some = [train[i] for i in range(0, len(train), -(-len(train) // most))]
        return torch.from_numpy(np.stack(some)).permute(0, 3, 1, 2).float().div_(255)

    # --- data ---

    def split(self, name: str) -> Prepared:
        """Return a split of the data in the model's form: ``train``, ``val`` or ``test``."""
        if self.data is None:
            raise DataError(f"{self.name}: the run is not on its data; name a dataset.")
        if name not in self._prepared:
            part = self.data.test if name == "test" else self.data.split(name)
            self._prepared[name] = Prepared(part, self.form, keep=self.options.in_memory)
        return self._prepared[name]

    @property
    def held_out(self) -> str:
        """The split to report on: ``test``, or ``val`` where there is no other."""
        return "test" if self.data is not None and "test" in self.data.splits else "val"

    def training(self) -> Samples:
        """Return the training images, changed anew in every epoch as the options say."""
        images, seed = self.split("train").load(), int(self._config["seed"])
        fixed = "size" in inspect.signature(self.builder(self.method)).parameters
        first = self.options.first_shape(self.form.size, fixed), self.settings.epochs // 2 if self.settings else 0
        return Training(images, self._augment(), seed, self.options.mixed, *first)

    def validation(self) -> Samples:
        """Return the validation images as they are."""
        return Untouched(self.split("val").load())

    def collate(self, samples: list[dict[str, Any]]) -> Batch:
        """Stack B images to B×C×H×W float32 in 0–1; labels to B, or B×classes where they are mixed."""
        images, labels = stack(samples, self.options, len(self.classes))
        return {"image": torch.from_numpy(images), "label": torch.from_numpy(labels)}

    def _augment(self) -> Augment:
        return self.options.policy(self._opened().mirror)

    def plan(self) -> Plan:
        """Say how many images of what form are learnt from, and warn when that is little."""
        data = self._opened()
        sizes = ", ".join(f"{len(split)} {name}" for name, split in data.splits.items())
        facts = {
            "data": f"{data.name}: {sizes}",
            "classes": f"{len(self.classes)} ({listed(self.classes)})",
            "input": f"{self.form.size[0]}×{self.form.size[1]}, {'grey' if self.form.channels == 1 else 'RGB'}",
            "architecture": ", ".join(f"{name} {value}" for name, value in self._config["model"].items()),
            "augmentation": self.options.said(self._augment()),
        }
        return Plan(len(data.train), self.form.shape, warnings_about(data, self.options), facts)

    def expectations(self) -> tuple[str, ...]:
        """Return what the nearest picture and the most frequent class reach, leaks, and a model that suits the data."""
        train, held = self.split("train"), self.split("val")
        side = max(self._opened().train[0][0].shape[:2])
        return expectations(train, held, "validation", len(self.classes), side, self.name)

    # --- learning ---

    def losses(self, model: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """Return the cross-entropy between the model's scores and the labels, smoothed and weighted as asked."""
        images, labels = batch["image"], batch["label"]
        if model.training and len(images) == 1:  # one value has no variance for batch normalisation to divide by
            images, labels = images.repeat(2, 1, 1, 1), labels.repeat(2, *[1] * (labels.ndim - 1))
        taught: Tensor | None = None
        if self.options.teacher and model.training:
            heads, taught = losses_with(self._taught_by(), model, images, self.options.softness)
        else:
            heads = model.all_logits(images) if isinstance(model, Supervised) and model.training else [model(images)]
        weight, smoothing = self._class_weights(images.device), self.options.label_smoothing
        *others, loss = [F.cross_entropy(y.float(), labels, weight, label_smoothing=smoothing) for y in heads]
        for other in others:
            loss = loss + Supervised.auxiliary_weight * other
        if taught is None:
            return {"loss": loss}
        share = self.options.distill
        return {"loss": (1 - share) * loss + share * taught, "labels": loss, "teacher": taught}

    def _taught_by(self) -> Teacher:
        if self._teacher is None:
            self._teacher = Teacher(self.options.teacher, self.classes, self.form.channels)
        return self._teacher

    def _class_weights(self, device: torch.device) -> Tensor | None:
        if not self.options.class_weights:
            return None
        if self._weights is None:
            counts = self._opened().train.counts(len(self.classes))
            # n / (K n_k): every class counts the same, and the average weight of an image is 1.
            self._weights = torch.tensor(counts.sum() / (len(counts) * np.maximum(counts, 1)), dtype=torch.float32)
        return self._weights.to(device)

    def measure(self, model: nn.Module, batches: Iterable[Batch]) -> dict[str, float]:
        """Return ``loss`` (nats), ``accuracy`` and, from six classes on, ``top5`` over all batches."""
        loss = right = among = count = 0.0
        for batch in batches:
            scores, labels = model(batch["image"]).float(), batch["label"]
            loss += F.cross_entropy(scores, labels, reduction="sum").item()
            ranked = scores.topk(min(5, scores.shape[1]), dim=1).indices == labels[:, None]  # B×5
            right += ranked[:, 0].sum().item()
            among += ranked.any(dim=1).sum().item()
            count += len(labels)
        found = {"loss": loss / count, "accuracy": right / count}
        return {**found, "top5": among / count} if len(self.classes) > 5 else found

    # --- using ---

    def scores(
        self,
        model: nn.Module,
        images: Sequence[np.ndarray] | Prepared,
        batch_size: int = 64,
        *,
        mirror: bool = False,
        scales: Sequence[float] = (1.0,),
        shift: int = 0,
    ) -> np.ndarray:
        """Return N×classes probabilities of prepared images (H×W×C uint8); the mean over all :func:`views`."""
        device = next(model.parameters()).device
        found = []
        with torch.inference_mode():
            for first in range(0, len(images), batch_size):
                some = [images[i] for i in range(first, min(first + batch_size, len(images)))]
                batch = torch.from_numpy(np.stack(some)).to(device).permute(0, 3, 1, 2).to(torch.float32).div_(255)
                seen = [(self._answers(model, view), weight) for view, weight in views(batch, mirror, scales, shift)]
                found.append(mean(seen).cpu().numpy())
        none = np.empty((0, len(self.classes)), np.float32)
        return found[0] if len(found) == 1 else np.concatenate([none, *found])

    def _answers(self, model: nn.Module, images: Tensor) -> Tensor:
        scores = model(images).float()
        return (scores if self.temperature == 1 else scores / self.temperature).softmax(dim=1)

    def predict(
        self,
        model: nn.Module,
        images: Sequence[np.ndarray],
        *,
        mirror: bool = False,
        scales: Sequence[float] = (1.0,),
        shift: int = 0,
    ) -> list[Classification]:
        """Return one :class:`Classification` with all classes for each image.

        Parameters
        ----------
        model
            In eval mode.
        images
            H×W or H×W×3 arrays of any size; uint8, uint16 or float32.
        mirror
            Look at the mirrored image too, and answer with the mean (test-time augmentation).
        scales
            Look at the image at these factors of the input's size, each 0.25–4, and answer with the mean.
        shift
            Look at the image moved by this many pixels of the input, too, 0–64 and less than its sides: up to the left
            and down to the right, the border mirrored; each counts half as much as the image where it is.
        """
        prepared = [self.form.prepare(image) for image in images]
        rows = self.scores(model, prepared, mirror=mirror, scales=scales, shift=shift)
        return [Classification.ranked(self.classes, row) for row in rows]

    def evaluate(self, model: nn.Module, data: Any = None, split: str | None = None) -> dict[str, Any]:
        """Return accuracy with its 95 % interval, per-class figures, confusion matrix and calibration error.

        Parameters
        ----------
        model
            In eval mode.
        data
            Folder, file, name or set; None for the data of the recipe.
        split
            ``train``, ``val`` or ``test``; None takes ``test``, or ``val`` where there is no other.
        """
        return summarise(self.examine(model, data, split), self.classes)

    def examine(self, model: nn.Module, data: Any = None, split: str | None = None) -> Examination:
        """Return what :meth:`evaluate` and the report are made from; kept until the model or the data changes."""
        opened = None if data is None else open_dataset(data, seed=int(self._config["seed"]))
        key = (digest_of(model), opened, split, self.temperature)
        if self._examined is None or self._examined[0] != key:
            images, labels, place = self._examined_images(opened, split)
            self._examined = (key, Examination(self.scores(model, images), labels, images.keys, place))
        return self._examined[1]

    def _examined_images(self, opened: ImageSet | None, split: str | None) -> tuple[Prepared, np.ndarray, str]:
        if opened is None:
            place = split or self.held_out
            prepared = self.split(place)
            return prepared, prepared.labels, place
        place = split or next(name for name in ("test", "val", *opened.splits) if name in opened.splits)
        part = opened.split(place)
        return Prepared(part, self.form, keep=False), class_numbers(opened.classes, self.classes)[part.labels], place

    def calibrate(self, model: nn.Module, data: Any = None, split: str | None = None) -> dict[str, Any]:
        """Set :attr:`temperature` by images that were not learnt from, and say what it changes.

        Parameters
        ----------
        model
            In eval mode.
        data, split
            As :meth:`evaluate` takes them; no split takes ``val`` of the recipe's own data.
        """
        self.temperature, self._examined = 1.0, None
        place = "val" if data is None and split is None else split
        before = self.examine(model, data, place)
        self.temperature = fit_temperature(np.log(np.maximum(before.probabilities, 1e-12)), before.labels)
        self._examined = None
        errors = [
            calibration_error(answers.labels, answers.probabilities).error
            for answers in (before, self.examine(model, data, place))
        ]
        return {
            "temperature": self.temperature,
            "split": before.split,
            "images": len(before.labels),
            "calibration_error_before": errors[0],
            "calibration_error": errors[1],
        }

    def sections(self, model: nn.Module) -> list[Section]:
        """Return sample pictures, confusion matrix, per-class table, calibration and the worst mistakes."""
        from sightline.classify.sections import sections

        return sections(self, model)

    def _opened(self) -> ImageSet:
        if self.data is None:
            raise DataError(f"{self.name}: the run is not on its data; name a dataset.")
        return self.data


RECIPE = ClassifyRecipe

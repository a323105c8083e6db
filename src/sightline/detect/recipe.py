"""The recipe of detection: any detector of this folder on any set of pictures with boxes.

A detector takes part by a line in :data:`METHODS` and by what :mod:`sightline.detect.detector` asks of it: losses from
``model(images, targets)`` in training mode, detections from ``model(images)`` in evaluation mode, in pixels of the
images that it was given.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from torch import Tensor, nn

from sightline.core.errors import DataError, InputError
from sightline.core.results import Detections
from sightline.data import DetectionSet, ImageSet, open_detection_set
from sightline.data.naming import class_numbers, listed
from sightline.detect.advice import refuse, warnings_about
from sightline.detect.coco_names import alike
from sightline.detect.darknet_file import network_text
from sightline.detect.evaluate import Examination, known, score, summarise
from sightline.detect.options import Options
from sightline.detect.prepare import CONFIDENCE, Prepared, truth_of
from sightline.detect.prompt import read_vocabulary
from sightline.detect.samples import Training, Untouched, stack
from sightline.detect.search import Search
from sightline.metrics.box_set import BoxSet
from sightline.train.recipe import Batch, Plan, Recipe, Samples, Section, for_images
from sightline.train.words import split_options

# Where each detector is written, and the engine's settings that suit it.
METHODS: dict[str, str] = {
    name: name
    for name in (
        *("yolo", "yolo_v1", "yolo_v3", "darknet", "nanodet", "fastestdet", "yolo_fastest_v2"),
        *("ssd", "retinanet", "fcos", "fast_rcnn", "faster_rcnn"),
        *("detr", "deformable_detr", "rt_detr", "dino_detr"),
    )
} | {"grounding_dino": "named_classes"}
_BY_NAME = ("grounding_dino",)  # detectors that are made from the names of the classes, not from their number
_USUAL: dict[str, Any] = {"weight_decay": 0.03, "epochs": 60, "clip": 10.0, "warmup": 2.0, "ema": 0.99}
_RATES = {  # peak learning rates of batches of 16
    "yolo": 2e-3,
    "yolo_v1": 3e-4,
    "yolo_v3": 1e-3,
    "darknet": 1e-3,
    "nanodet": 1e-3,
    "rt_detr": 2e-4,
    "dino_detr": 2e-4,
    "grounding_dino": 1e-4,
}
_RATE = 3e-4  # of those that begin with a classifier's backbone
# What suits small sets and small pictures better than the default, which is the paper's.
_SUITED: dict[str, dict[str, Any]] = {
    "yolo_v1": {"size": "fast"},
    "yolo_v3": {"size": "tiny"},
    **{name: {"backbone": "resnet18", "resize": 0} for name in ("retinanet", "fcos", "fast_rcnn", "faster_rcnn")},
    "ssd": {"variant": "ssdlite320"},
    **{
        name: {"variant": "small", "backbone": "resnet18", "resize": 0}
        for name in ("detr", "deformable_detr", "dino_detr")
    },
    "rt_detr": {"variant": "r18", "queries": 100, "resize": 0},
}
_SIZE = 320  # pixels of the longer side, unless the user says otherwise
_CELLS = {"yolo_v1": 64}  # pixels of each cell of a detector that reads one size only
_DECIDED = ("mean", "std", "cells", "propose")  # arguments of detectors that no word of the command line gives
_LONG = ("cfg", "vocabulary")  # arguments that no plan prints
_SQUARE = (*_CELLS, "fastestdet")  # detectors that read squares only


class DetectRecipe(Recipe):
    """Train one of :data:`METHODS` to find things.

    Parameters
    ----------
    config
        What :meth:`config` returns.
    data
        The set to learn from; None when there is only a trained model.
    """

    field = "detect"
    metric = "map50"  # unless the options say otherwise
    higher_is_better = True

    def __init__(self, config: dict[str, Any], data: DetectionSet | None = None) -> None:
        self._config = config
        self.method: str = config["method"]
        self.name = f"{self.field}/{self.method}"
        self.classes: tuple[str, ...] = tuple(config["classes"])
        self.size = int(config["size"])
        self.options = Options(**{name: _tupled(value) for name, value in config["options"].items()})
        self.metric = self.options.metric
        self.data = data
        self.square = self.method in _SQUARE
        usual = {**_USUAL, "learning_rate": _RATES.get(self.method, _RATE)}
        self.defaults = for_images(usual, 0 if data is None else len(data.train), batches=(4, 32), at=16)
        self._prepared: dict[str, Prepared] = {}

    # --- making ---

    @staticmethod
    def builder(method: str) -> Callable[..., Any]:
        """Return what builds a detector: of the number of classes, or of their names, and its own options."""
        module = METHODS[method]
        return getattr(importlib.import_module(f"sightline.detect.{module}"), module)

    @classmethod
    def open(cls, method: str, data: Any, seed: int, options: dict[str, Any]) -> DetectRecipe:
        """Make the recipe on a dataset, and set pictures aside for validation where it has none.

        Parameters
        ----------
        method
            One of :data:`METHODS`.
        data
            Folder, file, name or :class:`~sightline.data.DetectionSet`.
        seed
            Decides which pictures are set aside.
        options
            Fields of :class:`Options` and keyword arguments of the detector, such as ``size``.
        """
        parameters = inspect.signature(cls.builder(method)).parameters
        takes = {n: p for n, p in parameters.items() if p.kind is p.KEYWORD_ONLY and n not in _DECIDED}
        chosen, rest = split_options(Options, options, takes)
        if "cfg" in rest:  # the run keeps the network itself, not the place of a file
            rest["cfg"] = network_text(rest["cfg"])
        opened = open_boxes(data, seed)
        if method in _BY_NAME:  # the run keeps the words, too
            rest["vocabulary"] = read_vocabulary(rest.get("vocabulary"), opened.classes).pieces
        refuse(opened)
        opened = opened.with_val(chosen.val_fraction, seed=seed)
        config = {
            "method": method,
            "classes": list(opened.classes),
            "size": chosen.image_size or _SIZE,
            "seed": seed,
            "options": {name: _listed(value) for name, value in dataclasses.asdict(chosen).items()},
            "model": {name: _listed(value) for name, value in (_SUITED.get(method, {}) | rest).items()},
            "data": {"name": opened.name, "digest": opened.digest},
        }
        return cls(config, opened)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> DetectRecipe:
        """Make the recipe again without its data."""
        if config.get("method") not in METHODS:
            raise InputError(f"load: no detector is named '{config.get('method')}'. Known: {', '.join(METHODS)}.")
        return cls(config)

    def config(self) -> dict[str, Any]:
        """Return everything that decides on the model and on how a picture becomes its input."""
        return self._config

    def model(self) -> nn.Module:
        """Build the detector for this number of classes; begun with public weights where they are asked for."""
        build = self.builder(self.method)
        given = {"mean": self.options.mean, "std": self.options.std}
        pixels: dict[str, Any] = {n: v for n, v in given.items() if v and n in inspect.signature(build).parameters}
        if self.method in _CELLS:
            pixels["cells"] = self.size // _CELLS[self.method]
        told = self.classes if self.method in _BY_NAME else len(self.classes)
        model = build(told, **pixels, **{n: _tupled(v) for n, v in self._config["model"].items()})
        if self.options.weights and self.data is not None:
            if not hasattr(model, "begin"):
                raise InputError(f"train: {self.name} has no public weights to begin with; leave weights out.")
            if "like" in inspect.signature(model.begin).parameters:
                model.begin(self.options.weights, alike(self.classes, self.options.like))
            else:
                model.begin(self.options.weights)
        return model

    # --- data ---

    def split(self, name: str) -> Prepared:
        """Return a split of the data, no picture larger than the model reads: ``train``, ``val`` or ``test``."""
        if name not in self._prepared:
            data = self._opened()
            part = data.test if name == "test" else data.split(name)
            self._prepared[name] = Prepared(part, self.size, keep=self.options.in_memory)
        return self._prepared[name]

    @property
    def held_out(self) -> str:
        """The split to report on: ``test``, or ``val`` where there is no other."""
        return "test" if self.data is not None and "test" in self.data.splits else "val"

    def training(self) -> Samples:
        """Return the training pictures, changed anew in every epoch as the options say; the last have no mosaics."""
        mirror = self.options.mirror and self._opened().mirror
        epochs = self.settings.epochs if self.settings is not None else self.defaults["epochs"]
        mosaics = round(epochs * self.options.mosaic_epochs)
        return Training(self.split("train").load(), self.options, int(self._config["seed"]), mirror, mosaics)

    def validation(self) -> Samples:
        """Return the validation pictures as they are."""
        return Untouched(self.split("val").load(), self.square)

    def collate(self, samples: list[dict[str, Any]]) -> Batch:
        """Stack B pictures to B×3×H×W float32 in 0–1, their boxes to a list of B targets."""
        return stack(samples)

    def plan(self) -> Plan:
        """Say how many pictures of what size are learnt from, and warn when that is little."""
        data = self._opened()
        model = {n: v for n, v in self._config["model"].items() if n not in _LONG}
        sizes = ", ".join(
            f"{len(split)} {name} ({int(split.counts(len(self.classes)).sum())} boxes)"
            for name, split in data.splits.items()
        )
        facts = {
            "data": f"{data.name}: {sizes}",
            "classes": f"{len(self.classes)} ({listed(self.classes)})",
            "input": f"{self.size}×{self.size}, RGB",
            "architecture": ", ".join(f"{n} {v}" for n, v in model.items()) or "default",
            "begins with": self.options.weights or "fresh weights",
            "augmentation": self.options.said(data.mirror),
        }
        return Plan(len(data.train), (3, self.size, self.size), warnings_about(data, self.method, self.options), facts)

    # --- learning ---

    def losses(self, model: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """Return the detector's losses."""
        images, targets = batch["image"], batch["targets"]
        if model.training and len(images) == 1:  # one value has no variance for batch normalisation to divide by
            images, targets = images.repeat(2, 1, 1, 1), [*targets, *targets]
        return model(images, targets)

    def measure(self, model: nn.Module, batches: Iterable[Batch]) -> dict[str, float]:
        """Return ``map50`` and ``map``, the mean average precision at an overlap of 0.5 and from 0.5 to 0.95."""
        found: list[Detections] = []
        truths: list[BoxSet] = []
        for batch in batches:
            found += model(batch["image"])
            truths += [BoxSet(target["boxes"].cpu(), target["labels"].cpu()) for target in batch["targets"]]
        scored = score(found, truths)
        return {"map50": known(scored.ap50), "map": known(scored.ap)}

    # --- using ---

    def search(self, model: nn.Module) -> Search:
        """Return what finds things with a model, in pictures of any size."""
        return Search(model, self.classes, self.size, square=self.square)

    def predict(
        self,
        model: nn.Module,
        images: Sequence[np.ndarray],
        *,
        confidence: float = CONFIDENCE,
        tile: int = 0,
        overlap: float = 0.2,
        mirror: bool = False,
        scales: Sequence[float] = (1.0,),
    ) -> list[Detections]:
        """Return one :class:`Detections` for each image, best first.

        Parameters
        ----------
        model
            In eval mode.
        images
            H×W or H×W×3 arrays of any size; uint8, uint16 or float32.
        confidence, tile, overlap, mirror, scales
            As :meth:`~sightline.detect.search.Search.find` takes them.
        """
        return self.search(model).find(
            images, confidence=confidence, tile=tile, overlap=overlap, mirror=mirror, scales=scales
        )

    def evaluate(
        self,
        model: nn.Module,
        data: Any = None,
        split: str | None = None,
        *,
        mirror: bool = False,
        scales: Sequence[float] = (1.0,),
    ) -> dict[str, Any]:
        """Return the mean average precision, by size and by class.

        Parameters
        ----------
        model
            In eval mode.
        data
            Folder, file, name or set; None for the data of the recipe.
        split
            ``train``, ``val`` or ``test``; None takes ``test``, or ``val`` where there is no other.
        mirror, scales
            As :meth:`~sightline.detect.search.Search.find` takes them.
        """
        return summarise(self.examine(model, data, split, mirror=mirror, scales=scales), self.classes)

    def examine(self, model: nn.Module, data: Any = None, split: str | None = None, **looks: Any) -> Examination:
        """Return what :meth:`evaluate` and the report are made from; it takes the same arguments."""
        opened = self._opened() if data is None else open_boxes(data, int(self._config["seed"]))
        place = split or next(name for name in ("test", "val", *opened.splits) if name in opened.splits)
        part = opened.split(place)
        numbers = class_numbers(opened.classes, self.classes)
        search, found, truths = self.search(model), [], []
        for index in range(len(part)):
            image, item = part[index]
            found += search.find([image], confidence=0.0, **looks)
            truths.append(truth_of(item, numbers))
        return Examination(found, truths, part.keys, place)

    def sections(self, model: nn.Module) -> list[Section]:
        """Return sample pictures, curves of precision, confusions, sizes and the worst misses."""
        from sightline.detect.sections import sections

        return sections(self, model)

    def _opened(self) -> DetectionSet:
        if self.data is None:
            raise DataError(f"{self.name}: the run is not on its data; name a dataset.")
        return self.data


RECIPE = DetectRecipe


def open_boxes(data: Any, seed: int) -> DetectionSet:
    """Return a set of pictures with boxes.

    Parameters
    ----------
    data
        Folder, file or set.
    seed
        Of whatever is divided.
    """
    if isinstance(data, ImageSet):
        raise DataError(
            f"train: '{data.source}' has a class for each picture, but no boxes. A detector learns from COCO, VOC, "
            "YOLO, CVAT or LabelMe annotations; for classes alone use classify/resnet18."
        )
    return open_detection_set(data, seed=seed)


def _tupled(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value

"""Runs: train one, find it again, use it.

A run is a folder: ``config.toml``, ``metrics.csv``, ``environment.json``, ``checkpoints/``, ``report.html``.
"""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from sightline.core.checks import choice
from sightline.core.errors import InputError, MissingFileError, WeightsError, suggest
from sightline.core.files import read_json, write_json
from sightline.core.types import PathLike
from sightline.data.naming import is_image_name
from sightline.train import folder as files
from sightline.train.checkpoint import BEST, LAST
from sightline.train.processes import pick_device
from sightline.train.recipe import Recipe, find_recipe
from sightline.train.settings import Settings
from sightline.train.storage_order import with_channels_last
from sightline.train.tensors import load_tensors, load_weights

CALIBRATION = "calibration.json"


@dataclass(frozen=True)
class Run:
    """A training that was done, or begun: what it was asked and what came out.

    Parameters
    ----------
    folder
        Where it is kept.
    """

    folder: Path

    @cached_property
    def config(self) -> dict[str, Any]:
        """``config.toml``: ``recipe``, ``data``, ``sightline``, ``settings``, ``options`` and ``model``."""
        return files.read_config(self.folder)

    @property
    def recipe_name(self) -> str:
        """Name of the recipe, ``field/method``."""
        return self.config["recipe"]

    @property
    def data(self) -> str:
        """What it was trained on: a path or a name."""
        return self.config["data"]

    @cached_property
    def settings(self) -> Settings:
        """The engine's settings."""
        return Settings.from_dict(self.config["settings"])

    @cached_property
    def environment(self) -> dict[str, Any]:
        """``environment.json``: versions, machine, command, commit, and the plan (parameters, FLOPs, images)."""
        return read_json(self.folder / files.ENVIRONMENT)

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """One row an epoch: ``epoch``, ``step``, ``learning_rate``, ``train_…``, ``val_…``, ``seconds``, speed."""
        return files.read_metrics(self.folder)

    @property
    def best(self) -> dict[str, Any]:
        """The row of the epoch whose weights are the best; empty before the first epoch."""
        path = self.folder / files.CHECKPOINTS / BEST
        epoch = load_tensors(path)[1]["epoch"] if path.exists() else 0
        return next((row for row in self.metrics if row["epoch"] == epoch), {})

    @cached_property
    def predictor(self) -> Predictor:
        """The trained model, ready to use."""
        return load(self.folder)

    @property
    def report(self) -> Path:
        """The report's file."""
        return self.folder / "report.html"

    def predict(self, images: Any, **options: Any) -> Any:
        """Predict with the best weights; see :meth:`Predictor.predict`."""
        return self.predictor.predict(images, **options)

    def evaluate(self, data: Any = None, split: str | None = None, **options: Any) -> dict[str, Any]:
        """Evaluate the best weights; see :meth:`Predictor.evaluate`."""
        return self.predictor.evaluate(data, split, **options)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values: where it is, the best epoch and every epoch's metrics."""
        epochs = self.metrics
        return {
            "folder": str(self.folder),
            "recipe": self.recipe_name,
            "data": self.data,
            "epochs": len(epochs),
            "best": self.best,
            "metrics": epochs,
        }


class Predictor:
    """A trained model and the recipe that knows what goes in and what comes out.

    Parameters
    ----------
    folder
        The run it comes from.
    recipe
        Made from the run's configuration, without data.
    model
        In evaluation mode, with the run's weights.
    """

    def __init__(self, folder: Path, recipe: Recipe, model: nn.Module) -> None:
        self.folder, self.recipe, self.model = folder, recipe, model

    def predict(self, images: Any, **options: Any) -> Any:
        """Predict on an image (array or path), or on a list of them; return one result, or a list.

        Parameters
        ----------
        images
            H×W or H×W×3 array, path, or a list or tuple of them. A folder or a pattern of pictures gives a list, in
            natural order; a video, a camera (``"webcam"``) or an address gives the frames' results one by one, as they
            are asked for, of a live source the newest.
        **options
            Of the recipe: detectors take ``confidence``, ``tile``, ``overlap``, ``mirror`` and ``scales``; classifiers
            ``mirror``, ``scales`` and ``shift``.
        """
        if isinstance(images, (str, os.PathLike)) and not _is_picture(os.fspath(images)):
            return self._through(os.fspath(images), options)
        single = isinstance(images, (np.ndarray, str, os.PathLike))
        arrays = [_as_array(image) for image in ([images] if single else images)]
        results = self._checked("predict", options)(self.model, arrays, **options)
        return results[0] if single else results

    def _through(self, source: str, options: dict[str, Any]) -> list[Any] | Iterator[Any]:
        many = Path(source).is_dir() or any(sign in source for sign in "*?[")
        found = self._one_by_one(source, options)
        return list(found) if many else found

    def _one_by_one(self, source: str, options: dict[str, Any]) -> Iterator[Any]:
        from sightline.image.frames import frames

        clip = frames(source)
        if clip.live:  # opened anew: of what goes on by itself, the newest frame is taken
            clip.close()
            clip = frames(source, newest=True)
        with clip:
            for frame in clip:
                yield self.predict(frame, **options)

    def _checked(self, verb: str, options: dict[str, Any]) -> Callable[..., Any]:
        """Return what the recipe does for a verb; refuse options that it does not take."""
        if not options:  # looking at a signature takes a tenth of a millisecond
            return getattr(self.recipe, verb)
        own = inspect.signature(getattr(self.recipe, verb)).parameters
        takes = [name for name in own if name not in ("model", "images", "data", "split")]
        for name in options:
            if name not in takes:
                known = f"there are {', '.join(takes)}" if takes else "it has none"
                raise InputError(
                    f"{verb}: {self.recipe.name} has no option '{name}'.{suggest(name, takes)} Of its own, {known}."
                )
        return getattr(self.recipe, verb)

    def evaluate(self, data: Any = None, split: str | None = None, **options: Any) -> dict[str, Any]:
        """Evaluate on a dataset; return JSON values, the recipe's metric among them.

        Parameters
        ----------
        data
            Folder, file, name or opened set; None for the data that the run was trained on, divided as it was then.
        split
            ``train``, ``val`` or ``test``; None for the one to report on.
        **options
            Of the recipe: detectors take ``mirror`` and ``scales``, as for predicting.
        """
        self._checked("evaluate", options)
        recipe = self.recipe if data is not None else self._on_its_data()
        return recipe.evaluate(self.model, data, split, **options)

    def calibrate(self, data: Any = None, split: str | None = None) -> dict[str, Any]:
        """Fit the temperature of the probabilities and keep it in the run's folder, where :func:`load` finds it.

        Parameters
        ----------
        data
            Folder, file, name or opened set; None for the data that the run was trained on.
        split
            What to fit on: None takes ``val`` of the run's own data, or what :meth:`evaluate` takes of other data.

        Returns
        -------
        dict
            ``temperature``, ``split``, ``images``, ``calibration_error_before`` and ``calibration_error``.
        """
        recipe: Any = self.recipe if data is not None else self._on_its_data()
        if not hasattr(recipe, "calibrate"):
            raise InputError(f"calibrate: {self.recipe.name} gives no probabilities that a temperature would change.")
        found = recipe.calibrate(self.model, data, split)
        _set_temperature(self.recipe, found["temperature"])
        if files.is_run(self.folder):
            write_json(self.folder / CALIBRATION, found)
        return found

    def _on_its_data(self) -> Recipe:
        config = files.read_config(self.folder)
        kind, method = find_recipe(config["recipe"])
        recipe = kind.open(method, config["data"], config["settings"]["seed"], config["options"])
        _set_temperature(recipe, getattr(self.recipe, "temperature", 1.0))
        return recipe

    def __repr__(self) -> str:
        return f"Predictor({str(self.folder)!r}, {self.recipe.name})"


def load(source: PathLike, *, weights: str = "best", device: str = "auto") -> Predictor:
    """Load a run's trained model.

    Parameters
    ----------
    source
        Folder of a run.
    weights
        ``best`` (by the recipe's metric on the validation samples) or ``last``.
    device
        Where to put the model: ``auto``, ``cpu``, ``cuda``, ``mps``.

    Returns
    -------
    Predictor
        With ``predict``, ``evaluate``, ``model`` and ``recipe``.

    Raises
    ------
    MissingFileError
        When there is no such run.
    WeightsError
        When its weights were changed, cut, or are of another architecture.
    """
    choice("load", "weights", weights, ("best", "last"))
    folder = Path(source)
    if not files.is_run(folder):
        raise MissingFileError(f"load: '{source}' is not a run: it has no {files.CONFIG}.{_runs_near(folder)}")
    config = files.read_config(folder)
    kind, _ = find_recipe(config["recipe"])
    recipe = kind.from_config(config["model"])
    path = folder / files.CHECKPOINTS / (BEST if weights == "best" else LAST)
    if weights == "best" and not path.exists():
        path = path.with_name(LAST)
    if not path.exists():
        raise MissingFileError(f"load: '{folder}' has no weights yet: no checkpoint was saved.")
    tensors, about, _ = load_tensors(path)
    if about.get("recipe") != config["recipe"]:
        raise WeightsError(f"load: '{path}' holds weights of {about.get('recipe')}, not of {config['recipe']}.")
    model = recipe.model()
    load_weights(model, tensors, f"'{path}'")
    if (folder / CALIBRATION).exists():
        _set_temperature(recipe, float(read_json(folder / CALIBRATION)["temperature"]))
    return Predictor(folder, recipe, with_channels_last(model.to(pick_device(device))).eval())


def _set_temperature(recipe: Any, temperature: float) -> None:
    if hasattr(recipe, "temperature"):
        recipe.temperature = temperature


def _runs_near(folder: Path) -> str:
    places = (folder, Path("runs"))
    found = sorted({path.parent for place in places if place.is_dir() for path in place.glob(f"*/{files.CONFIG}")})
    return f" Runs: {', '.join(str(path) for path in found[-5:])}." if found else ""


def _is_picture(source: str) -> bool:
    """Return whether one picture is meant: a file of a picture's name, or a name without anything behind it."""
    if "://" in source or re.fullmatch(r"(?:webcam|camera)(?::\d+)?|/dev/video\d+", source):
        return False
    if Path(source).is_dir() or (any(sign in source for sign in "*?[") and not Path(source).exists()):
        return False
    return is_image_name(source) or not Path(source).is_file()


def _as_array(image: Any) -> np.ndarray:
    if isinstance(image, (str, os.PathLike)):
        from sightline.image.read import read

        return read(image)
    return image

"""Find the model that a person's word means: the folder of a run, a name of the zoo, or an exported file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sightline.core.checks import choice
from sightline.core.errors import InputError, MissingFileError, suggest
from sightline.core.types import PathLike

if TYPE_CHECKING:
    from sightline.train.run import Predictor

ENGINES, PRECISIONS = ("torch", "fused", "onnx"), ("fp32", "bf16")


def load(
    source: PathLike | Sequence[PathLike],
    *,
    weights: str = "best",
    device: str = "auto",
    engine: str = "torch",
    precision: str = "fp32",
    classes: Sequence[str] | PathLike | None = None,
) -> Any:
    """Load a model that is ready to predict.

    Parameters
    ----------
    source
        Folder of a run, a name of the zoo such as ``"resnet50-imagenet"`` (fetched when it is not on this machine), or
        a file that ``sightline export`` wrote. Several runs of classifiers, in a list, answer with their mean.
    weights
        Of a run: ``best`` (by the recipe's metric on the validation samples) or ``last``.
    device
        Where to put the model: ``auto``, ``cpu``, ``cuda``, ``mps``.
    engine
        Who runs it: ``torch``; on the CPU also ``fused``, PyTorch with layers merged and packed for the processor,
        mostly the fastest for classifiers, or ``onnx``, ONNX Runtime. Those two take a second or some more to load, and
        they run classifiers and detectors of one stage. Explanations need ``torch``.
    precision
        ``fp32``, or ``bf16`` for bfloat16, with ``torch`` or ``fused``. It pays where the processor has it. On such a
        CPU both run a classifier in the same way, ``fused``; elsewhere ``torch`` takes matrix products in bfloat16.
    classes
        Names of a zoo network's classes, in order: a list, or a text file with one a line. None takes the names of
        ImageNet-1k for a classifier, and COCO's for a detector.

    Returns
    -------
    Predictor, ExportedClassifier or ExportedDetector
        With ``predict``; a predictor also has ``evaluate``, ``model`` and ``recipe``.

    Raises
    ------
    MissingFileError
        When there is no such run, name or file.
    WeightsError
        When the weights were changed, cut, or are of another architecture.
    FormatError
        When the exported file is none.
    MissingExtraError
        When ``onnx`` is asked for and the extra ``export`` is not installed.
    InputError
        When the engine cannot run such a model, or neither PyTorch nor the processor has what ``fused`` needs.
    """
    choice("load", "engine", engine, ENGINES)
    choice("load", "precision", precision, PRECISIONS)
    if engine == "onnx" and precision != "fp32":
        raise InputError("load: precision must be 'fp32' with the engine 'onnx'; got 'bf16'. Use engine='fused'.")
    if not isinstance(source, (str, os.PathLike)):
        return _in_form(_together([_from_run(one, weights, device) for one in source]), engine, precision)
    path = Path(source)
    if path.suffix == ".onnx":
        return _exported(path)
    if _is_public(source):
        predictor = _from_zoo(str(source), device, classes)
    else:
        predictor = _from_run(source, weights, device)
    return _in_form(predictor, engine, precision)


def _in_form(predictor: Predictor, engine: str, precision: str) -> Predictor:
    if engine != "torch" or precision != "fp32":
        predictor.model = _in_another_form(predictor, engine, precision)
    return predictor


def _together(predictors: list[Predictor]) -> Predictor:
    from sightline.classify.ensemble import together

    return together(predictors)


def _exported(path: Path) -> Any:
    from sightline.classify.exported import ExportedClassifier
    from sightline.core.exported_file import ExportedFile
    from sightline.detect.exported import ExportedDetector

    file = ExportedFile(path)
    return ExportedDetector(file) if file.about["recipe"].startswith("detect/") else ExportedClassifier(file)


def _is_public(source: PathLike) -> bool:
    from sightline.zoo.table import entries

    return isinstance(source, str) and not Path(source).exists() and source in entries()


def _from_run(source: PathLike, weights: str, device: str) -> Predictor:
    from sightline.train import run
    from sightline.zoo.table import entries

    try:
        return run.load(source, weights=weights, device=device)
    except MissingFileError as error:
        near = "" if Path(source).exists() or os.sep in str(source) else suggest(str(source), entries())
        raise MissingFileError(f"{error}{near}") from error


def _from_zoo(name: str, device: str, classes: Sequence[str] | PathLike | None) -> Predictor:
    from sightline.train.processes import pick_device
    from sightline.train.run import Predictor
    from sightline.train.storage_order import with_channels_last
    from sightline.zoo import pretrained
    from sightline.zoo.table import entry

    if entry(name).method == "detect.grounding_dino":
        from sightline.apply.grounded import load_grounded

        return load_grounded(name, device=device)
    if entry(name).classifies:
        from sightline.classify.public import public_recipe
    else:
        from sightline.detect.public import public_recipe
    recipe = public_recipe(name, _names(classes))
    model = pretrained.load(name).to(pick_device(device))
    return Predictor(Path(name), recipe, with_channels_last(model))


def _names(classes: Sequence[str] | PathLike | None) -> Sequence[str] | None:
    if isinstance(classes, (str, os.PathLike)):
        try:
            return Path(classes).read_text("utf-8").splitlines()
        except FileNotFoundError as error:
            raise MissingFileError(f"load: classes '{classes}' does not exist.") from error
    return classes


def _in_another_form(predictor: Predictor, engine: str, precision: str) -> Any:
    recipe: Any = predictor.recipe
    model = predictor.model
    if engine == "torch":
        return _in_bfloat16(recipe, model)
    if recipe.field == "detect":
        return _detector_in_another_form(recipe, model, engine, precision)
    if not hasattr(recipe, "form"):
        raise InputError(f"load: engine '{engine}' runs classifiers and detectors only; {recipe.name} needs 'torch'.")
    if engine == "onnx":
        from sightline.nn.onnx_network import OnnxNetwork

        return OnnxNetwork(model, recipe.form.shape).to("cpu")
    from sightline.nn.fused_network import FusedNetwork

    return FusedNetwork(model.to("cpu"), recipe.form.shape, precision)


def _in_bfloat16(recipe: Any, model: Any) -> Any:
    from sightline.nn.fused_network import FusedNetwork, runs_bfloat16
    from sightline.nn.onnx_network import Bfloat16Network

    on_cpu = next(model.parameters()).device.type == "cpu"
    if on_cpu and hasattr(recipe, "form") and runs_bfloat16():
        return FusedNetwork(model, recipe.form.shape, "bf16")
    return Bfloat16Network(model)


def _detector_in_another_form(recipe: Any, model: Any, engine: str, precision: str) -> Any:
    from sightline.detect.answers import FusedDetector, OnnxDetector

    if precision != "fp32":
        raise InputError("load: precision must be 'fp32' for a detector with the engine 'fused'; use engine='torch'.")
    return (OnnxDetector if engine == "onnx" else FusedDetector)(model, recipe.size).to("cpu")

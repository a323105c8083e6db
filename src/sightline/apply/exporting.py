"""Export a model to one ONNX file, ask it and the network the same, and keep the outcome beside the file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sightline.apply.agreement import USUAL, compare, pictures_of
from sightline.apply.agreement_page import agreement_page
from sightline.apply.models import load
from sightline.core.checks import describe
from sightline.core.errors import InputError, MissingFileError, require
from sightline.core.files import write_json, write_text
from sightline.core.types import PathLike


def export(
    source: Any,
    path: PathLike,
    *,
    int8: bool = False,
    images: Sequence[np.ndarray] | None = None,
    classes: Sequence[str] | PathLike | None = None,
) -> dict[str, Any]:
    """Write a classifier as ``path``, with the picture's preparation and the softmax inside, and a report beside it.

    The file takes N×H×W×C uint8 pictures, any N, H and W, and gives N×classes probabilities. ``model.onnx`` is
    accompanied by ``model.agreement.json`` and ``model.agreement.html``.

    Parameters
    ----------
    source
        Folder of a run, a name of the zoo, or what :func:`sightline.load` returned for one of them.
    path
        File to write; its name ends in ``.onnx``, its folder exists.
    int8
        Whether weights and activations get eight bits: a quarter of the size. The report says what it costs.
    images
        Pictures to compare on, H×W or H×W×3. With ``int8``, the even ones show what is usual, and the odd ones are
        compared. None takes the run's own data where they are at hand, and the sample photos otherwise.
    classes
        Names of a zoo network's classes, as :func:`sightline.load` takes them.

    Returns
    -------
    dict
        The agreement: ``agrees``, ``cases``, ``bytes``, ``sha256``, ``versions``, … as in the JSON file.

    Raises
    ------
    InputError
        When it is no classifier, or the file's name does not end in ``.onnx``.
    MissingFileError
        When there is no such run, name or folder.
    MissingExtraError
        When the extra ``export`` is not installed.
    """
    for module in ("onnx", "onnxruntime"):
        require(module)
    import torch

    from sightline.classify.export import export as write_model
    from sightline.classify.exported import ExportedClassifier

    target = Path(path)
    if target.suffix != ".onnx":
        raise InputError(f"export: the file's name must end in .onnx; got '{path}'.")
    if not target.parent.is_dir():
        raise MissingFileError(f"export: folder '{target.parent}' does not exist.")
    predictor = source if hasattr(source, "recipe") else _loaded(source, classes)
    asked, usual, whose = pictures_of(predictor) if images is None else _divided(images, int8)
    write_model(predictor.recipe, predictor.model, target, int8=int8, usual=usual if int8 else ())
    exported = ExportedClassifier(target, threads=torch.get_num_threads())
    found = {**compare(predictor, exported, asked), "pictures": whose}
    write_json(target.with_suffix(".agreement.json"), found)
    write_text(target.with_suffix(".agreement.html"), agreement_page(found, predictor, exported, asked))
    return found


def _loaded(source: Any, classes: Any) -> Any:
    predictor = load(source, classes=classes, device="cpu")
    if not hasattr(predictor, "recipe"):
        raise InputError(f"export: '{source}' is an exported file already; name the run that it was made from.")
    return predictor


def _divided(images: Sequence[np.ndarray], int8: bool) -> tuple[list[np.ndarray], list[np.ndarray], str]:
    given = list(images)
    if not given:
        raise InputError(f"export: images must be one or more pictures; got {describe(images)}.")
    if int8 and len(given) > 1:
        return given[1::2], given[::2][:USUAL], "pictures that were given"
    return given, given[:USUAL], "pictures that were given"

"""Export a model to one ONNX file, ask it and the network the same, and keep the outcome beside the file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sightline.apply.agreement import USUAL, compare, pictures_of
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
    """Write a classifier or a detector as ``path``, with everything between bytes and answer inside, and a report.

    The file takes N×H×W×C uint8 pictures, any N, H and W. A classifier gives N×classes ``probabilities``; a detector,
    with decoding and suppression inside, M×4 ``boxes`` in pixels of their pictures, their ``scores`` and ``labels``,
    and the numbers of their ``pictures``, picture by picture, best first. ``model.onnx`` is accompanied by
    ``model.agreement.json`` and ``model.agreement.html``.

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
        When it is neither a classifier nor a detector of one stage, or the file's name does not end in ``.onnx``.
    MissingFileError
        When there is no such run, name or folder.
    MissingExtraError
        When the extra ``export`` is not installed.
    """
    for module in ("onnx", "onnxruntime"):
        require(module)
    target = Path(path)
    if target.suffix != ".onnx":
        raise InputError(f"export: the file's name must end in .onnx; got '{path}'.")
    if not target.parent.is_dir():
        raise MissingFileError(f"export: folder '{target.parent}' does not exist.")
    predictor = source if hasattr(source, "recipe") else _loaded(source, classes)
    asked, usual, whose = pictures_of(predictor) if images is None else _divided(images, int8)
    write = _write_boxes if predictor.recipe.field == "detect" else _write_classes
    found, page = write(predictor, target, asked, usual if int8 else None, whose)
    write_json(target.with_suffix(".agreement.json"), found)
    write_text(target.with_suffix(".agreement.html"), page)
    return found


Written = tuple[dict[str, Any], str]  # how far both agree, and the page that says so


def _write_classes(
    predictor: Any, target: Path, asked: Sequence[np.ndarray], usual: Sequence[np.ndarray] | None, whose: str
) -> Written:
    import torch

    from sightline.apply.agreement_page import agreement_page
    from sightline.classify.export import export as write
    from sightline.classify.exported import ExportedClassifier

    write(predictor.recipe, predictor.model, target, int8=usual is not None, usual=usual or ())
    exported = ExportedClassifier(target, threads=torch.get_num_threads())
    found = {**compare(predictor, exported, asked), "pictures": whose}
    return found, agreement_page(found, predictor, exported, asked)


def _write_boxes(
    predictor: Any, target: Path, asked: Sequence[np.ndarray], usual: Sequence[np.ndarray] | None, whose: str
) -> Written:
    import torch

    from sightline.apply.box_agreement import compare_boxes
    from sightline.apply.box_agreement_page import box_agreement_page
    from sightline.detect.export import export as write
    from sightline.detect.exported import ExportedDetector

    if usual is not None:
        raise InputError("export: int8 is for classifiers; a detector's boxes need float32. Leave int8 out.")
    write(predictor.recipe, predictor.model, target)
    exported = ExportedDetector(target, threads=torch.get_num_threads())
    found = {**compare_boxes(predictor, exported, asked), "pictures": whose}
    return found, box_agreement_page(found, predictor, exported, asked)


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

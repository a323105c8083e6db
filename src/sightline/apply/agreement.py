"""How far an exported file gives the answers of the network that it was made from, on real pictures, and how fast."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sightline.core.errors import DataError, InputError, MissingFileError
from sightline.core.files import sha256_of

if TYPE_CHECKING:
    from sightline.classify.exported import ExportedClassifier
    from sightline.core.exported_file import ExportedFile
    from sightline.train.run import Predictor

TOLERANCE = 1e-4  # of a probability, for the same pixels in float32
PICTURES, USUAL, _SINGLE = 24, 64, 8
_TURNS = 3
Probabilities = Callable[[Sequence[np.ndarray]], np.ndarray]


@dataclass(frozen=True)
class Case:
    """One way of asking both.

    Parameters
    ----------
    name
        What went in.
    images
        How many pictures.
    batch
        How many of them at once.
    max_difference
        Largest difference of a probability.
    top1_agreement
        Share of the pictures whose best class is the same, in 0–1.
    torch_ms, onnx_ms
        Milliseconds a picture, decoded pictures to probabilities, the better of three alternating turns.
    """

    name: str
    images: int
    batch: int
    max_difference: float
    top1_agreement: float
    torch_ms: float
    onnx_ms: float


def compare(predictor: Predictor, exported: ExportedClassifier, images: Sequence[np.ndarray]) -> dict[str, Any]:
    """Ask both in four ways; return JSON values: the cases, what was compared, and whether they agree.

    Parameters
    ----------
    predictor
        With the network in PyTorch.
    exported
        The file.
    images
        Pictures of any sizes, one or more.
    """
    recipe: Any = predictor.recipe

    def theirs(some: Sequence[np.ndarray]) -> np.ndarray:
        return recipe.scores(predictor.model, [recipe.form.prepare(image) for image in some])

    ways = four_ways(images, recipe.form.prepare)
    cases = [_case(name, some, batch, theirs, exported.probabilities) for name, (some, batch) in ways.items()]
    int8, first = exported.about["int8"], cases[0]
    return {
        **facts_of(predictor, exported),
        "tolerance": None if int8 else TOLERANCE,
        "agrees": int8 or first.max_difference <= TOLERANCE,
        "cases": [asdict(case) for case in cases],
    }


def four_ways(
    images: Sequence[np.ndarray], prepare: Callable[[np.ndarray], np.ndarray]
) -> dict[str, tuple[list[np.ndarray], int]]:
    """Return by name the pictures that both are asked, and how many at once.

    Parameters
    ----------
    images
        Pictures of any sizes, one or more.
    prepare
        Makes of a picture one that goes into the network as it is.
    """
    return {
        "same pixels, network alone": ([prepare(image) for image in images], len(images)),
        "one picture at a time": (list(images[:_SINGLE]), 1),
        "one size, together": (one_size(images), len(images)),
        "odd heights and widths": ([odd_size(image) for image in images], len(images)),
    }


def facts_of(predictor: Predictor, exported: ExportedFile) -> dict[str, Any]:
    """Return JSON values: which file was made from what, and what it was compared with.

    Parameters
    ----------
    predictor
        With the network in PyTorch.
    exported
        The file.
    """
    import onnxruntime
    import torch

    return {
        "file": exported.path.name,
        "bytes": exported.path.stat().st_size,
        "sha256": sha256_of(exported.path),
        "made_from": str(predictor.folder),
        **{name: exported.about[name] for name in ("recipe", "size", "channels", "int8")},
        "classes": len(exported.classes),
        "versions": {"torch": torch.__version__, "onnxruntime": onnxruntime.__version__},
        "threads": torch.get_num_threads(),
    }


def one_size(images: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return pictures cut to the smallest height and width among them, from the centre, all H×W×3 or all H×W."""
    height, width = (min(image.shape[axis] for image in images) for axis in (0, 1))
    return [_cut(image, height, width) for image in images]


def odd_size(image: np.ndarray) -> np.ndarray:
    """Return a picture cut to an odd height and about two thirds of its width, odd too."""
    height, width = image.shape[0], max(1, 2 * image.shape[1] // 3)
    return _cut(image, height - (height % 2 == 0), width - (width % 2 == 0))


def pictures_of(predictor: Predictor) -> tuple[list[np.ndarray], list[np.ndarray], str]:
    """Return pictures to compare on, others that show what is usual, and whose they are.

    The run's held-out and training images where its data are at hand, the sample photos otherwise.
    """
    from sightline.data.sample import SAMPLES, sample

    opened = _opened(predictor)
    if opened is None:
        photos = [sample(name) for name in SAMPLES]
        return photos, photos, "the sample photos"
    held_out, trained = opened.data.split(opened.held_out), opened.data.train
    return _some(held_out, PICTURES), _some(trained, USUAL), str(getattr(opened.data, "source", opened.data.name))


def _opened(predictor: Predictor) -> Any:
    """Return the run's recipe on its data; None where there is no run, or its data have gone."""
    from sightline.train.folder import is_run, read_config
    from sightline.train.recipe import find_recipe

    if not is_run(predictor.folder):
        return None
    config = read_config(predictor.folder)
    kind, method = find_recipe(config["recipe"])
    try:
        return kind.open(method, config["data"], config["settings"]["seed"], config["options"])
    except (DataError, InputError, MissingFileError):
        return None


def _some(split: Any, count: int) -> list[np.ndarray]:
    places = np.unique(np.linspace(0, len(split) - 1, min(len(split), count)).astype(int))
    return [split[int(place)][0] for place in places]


def _cut(image: np.ndarray, height: int, width: int) -> np.ndarray:
    top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
    return image[top : top + height, left : left + width]


def ask_in_turns(
    images: Sequence[np.ndarray], batch: int, theirs: Callable[..., Any], ours: Callable[..., Any]
) -> tuple[tuple[list[Any], list[Any]], tuple[float, float]]:
    """Ask both the same, in alternating turns; return what each gave, batch by batch, and its milliseconds a picture.

    Parameters
    ----------
    images
        Pictures, one or more.
    batch
        How many of them at once.
    theirs, ours
        From a list of pictures to answers.
    """
    groups = [images[first : first + batch] for first in range(0, len(images), batch)]
    answers: list[list[Any]] = [[], []]
    seconds = [np.inf, np.inf]
    for turn in range(_TURNS):
        for side in (0, 1) if turn % 2 else (1, 0):
            start = time.perf_counter()
            answers[side] = [(theirs, ours)[side](group) for group in groups]
            seconds[side] = min(seconds[side], time.perf_counter() - start)
    first, second = (round(1e3 * value / len(images), 3) for value in seconds)
    return (answers[0], answers[1]), (first, second)


def _case(name: str, images: Sequence[np.ndarray], batch: int, theirs: Probabilities, ours: Probabilities) -> Case:
    answers, (torch_ms, onnx_ms) = ask_in_turns(images, batch, theirs, ours)
    of_torch, of_onnx = (np.concatenate(given) for given in answers)
    difference = float(np.abs(of_torch - of_onnx).max())
    same = float((of_torch.argmax(axis=1) == of_onnx.argmax(axis=1)).mean())
    return Case(name, len(images), batch, difference, same, torch_ms, onnx_ms)

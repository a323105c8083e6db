"""Grounding DINO at work: its weights and its vocabulary found, and pictures searched for what a text names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sightline.core.errors import MissingFileError
from sightline.core.results import Detections
from sightline.core.types import PathLike

if TYPE_CHECKING:
    from sightline.detect.grounding_dino import GroundingDINO

_VOCABULARIES = ("tokenizer.json", "vocab.txt")


class Grounded:
    """A model that is asked in words: the same question for all pictures.

    Parameters
    ----------
    model
        A ``grounding_dino`` with weights and a vocabulary.
    """

    def __init__(self, model: GroundingDINO) -> None:
        self.model = model.eval()

    def predict(
        self, images: Sequence[np.ndarray], *, text: str, box_threshold: float = 0.25, text_threshold: float = 0.25
    ) -> list[Detections]:
        """Return what the text asks for in each picture, surest first.

        Parameters
        ----------
        images
            H×W or H×W×3 arrays; uint8, uint16 or float32.
        text
            Phrases with a full stop behind each.
        box_threshold, text_threshold
            The lowest score of a box, and of a word of its name, in 0–1.
        """
        thresholds = {"box_threshold": box_threshold, "text_threshold": text_threshold}
        return [self.model.detect(image, text, **thresholds) for image in images]


def load_grounded(weights: PathLike, *, vocabulary: PathLike | None = None, variant: str = "tiny") -> Grounded:
    """Return Grounding DINO with weights of a file.

    Parameters
    ----------
    weights
        The file, in our names or those of transformers.
    vocabulary
        ``tokenizer.json`` or ``vocab.txt``; None looks for them beside the weights.
    variant
        Of ``detect.grounding_dino``.

    Raises
    ------
    MissingFileError
        When a file is not there.
    FormatError
        When the vocabulary is none.
    WeightsError
        When the weights are of another model, or damaged.
    """
    from sightline.detect import grounding_dino
    from sightline.zoo import load_weights

    file = Path(weights)
    if not file.is_file():
        raise MissingFileError(f"grounding_dino: weights '{file}' does not exist.")
    model = grounding_dino(variant, vocabulary=vocabulary or _beside(file))
    return Grounded(load_weights(model, file))


def _beside(weights: Path) -> Path:
    found = next((path for name in _VOCABULARIES if (path := weights.with_name(name)).is_file()), None)
    if found is None:
        raise MissingFileError(
            f"grounding_dino: vocabulary must lie beside '{weights}' as {' or '.join(_VOCABULARIES)}; neither does. "
            "Give it with --vocabulary."
        )
    return found

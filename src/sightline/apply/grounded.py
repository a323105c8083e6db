"""Grounding DINO at work: its weights and its vocabulary found, and pictures searched for what a text names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from sightline.core.errors import MissingFileError, suggest
from sightline.core.results import Detections
from sightline.core.types import PathLike

if TYPE_CHECKING:
    from sightline.detect.grounding_dino import GroundingDINO
    from sightline.detect.prompt import Text
    from sightline.train.run import Predictor

_VOCABULARIES = ("tokenizer.json", "vocab.txt")  # beside the weights, under the weights' name or their own


class Grounded:
    """How a model that is asked in words predicts: the same question for all pictures."""

    name = "detect/grounding_dino"

    def predict(
        self,
        model: GroundingDINO,
        images: Sequence[np.ndarray],
        *,
        text: Text = "",
        box_threshold: float = 0.25,
        text_threshold: float = 0.25,
    ) -> list[Detections]:
        """Return what the text asks for in each picture, surest first.

        Parameters
        ----------
        model
            A ``grounding_dino`` with weights and a vocabulary.
        images
            H×W or H×W×3 arrays; uint8, uint16 or float32.
        text
            Phrases with a full stop behind each, or a list of phrases.
        box_threshold, text_threshold
            The lowest score of a box, and of a word of its name, in 0–1.
        """
        thresholds = {"box_threshold": box_threshold, "text_threshold": text_threshold}
        return [model.detect(image, text, **thresholds) for image in images]


def load_grounded(
    weights: PathLike, *, vocabulary: PathLike | None = None, variant: str = "tiny", device: str = "auto"
) -> Predictor:
    """Return Grounding DINO with public or own weights, ready to predict.

    Parameters
    ----------
    weights
        A name of the zoo, which says the variant as well, or a file in our names or those of transformers.
    vocabulary
        ``tokenizer.json`` or ``vocab.txt``; None looks for them beside the weights.
    variant
        Of ``detect.grounding_dino``.
    device
        Where to put the model: ``auto``, ``cpu``, ``cuda``, ``mps``.

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
    from sightline.train.processes import pick_device
    from sightline.train.run import Predictor
    from sightline.zoo import load_weights
    from sightline.zoo.fetch import fetch
    from sightline.zoo.table import entries

    file, known = Path(weights), entries().get(str(weights))
    if known is not None and not file.exists():
        file, variant = fetch(str(weights)), known.options.get("variant", variant)
    if not file.is_file():
        raise MissingFileError(f"grounding_dino: weights '{file}' does not exist.{suggest(str(weights), entries())}")
    model = grounding_dino(variant, vocabulary=vocabulary or _beside(file))
    return Predictor(file, cast(Any, Grounded()), load_weights(model, file).to(pick_device(device)).eval())


def _beside(weights: Path) -> Path:
    names = [*(f"{weights.stem}.{name}" for name in _VOCABULARIES), *_VOCABULARIES]
    found = next((path for name in names if (path := weights.with_name(name)).is_file()), None)
    if found is None:
        raise MissingFileError(
            f"grounding_dino: vocabulary must lie beside '{weights}' as {', '.join(names[:-1])} or {names[-1]}; none "
            "does. Give it with --vocabulary."
        )
    return found

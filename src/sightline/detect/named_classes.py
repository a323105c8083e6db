"""A detector that reads, asked for the same things in every picture: it learns from boxes with classes as others do.

Liu et al. 2024, "Grounding DINO: Marrying DINO with Grounded Pre-Training for Open-Set Object Detection", ECCV: the
names of all classes are the text (section 3.4), and a class is as likely as the words of its name are on average.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from torch import Tensor

from sightline.core.errors import InputError
from sightline.core.types import Choice, PathLike, Range
from sightline.detect.dense import clip
from sightline.detect.detector import Targets
from sightline.detect.fit import Fitted
from sightline.detect.framed import Found, Framed
from sightline.detect.grounding_dino import VARIANTS, GroundingDINO, grounding_dino
from sightline.detect.phrase_rule import PhraseRule
from sightline.detect.prompt import Prompt, read_vocabulary
from sightline.detect.set_matching import in_pixels

_NAME = "grounding_dino"


class NamedClasses(Framed):
    """Grounding DINO, asked for a list of classes.

    Parameters
    ----------
    model
        It has a vocabulary.
    classes
        Their names, which are its text; at least one, each with a word.
    """

    def __init__(self, model: GroundingDINO, classes: Sequence[str]) -> None:
        super().__init__(_NAME, len(classes), model.fit)
        self.model, self.names = model, tuple(classes)
        if len(self._prompt(1).members(0)) != len(classes):
            raise InputError(
                f"{_NAME}: every class must be one phrase of words, without full stops; got {', '.join(classes)}."
            )

    def learn(self, fitted: Fitted, targets: Sequence[Targets]) -> dict[str, Tensor]:
        """Return the losses ``classification``, ``boxes`` and ``overlap``, summed over the layers."""
        return self.model.learn(fitted, self._prompt(len(targets)), targets)

    def search(self, fitted: Fitted) -> list[Found]:
        """Return what the last layer says of each image, surest first; nothing is suppressed."""
        prompt = self._prompt(len(fitted.sizes))
        last = self.model.layers(fitted, prompt)[-1]
        rule, found = PhraseRule(prompt.members(0), prompt.real), []
        for logits, boxes, size in zip(last.logits, last.boxes, fitted.sizes, strict=True):
            scores, places, labels = rule.surest(logits)
            found.append(Found(clip(in_pixels(boxes[places], size), size), scores, labels))
        return found

    def begin(self, weights: str) -> None:
        """Begin with public weights, which have no classes of their own.

        Parameters
        ----------
        weights
            A name of the zoo, or a file.
        """
        from sightline.zoo import load_weights

        load_weights(self.model, weights)

    def _prompt(self, count: int) -> Prompt:
        return self.model.prompt([self.names] * count)


def named_classes(
    classes: Sequence[str],
    *,
    variant: Annotated[str, Choice(*VARIANTS)] = "small",
    vocabulary: PathLike | Sequence[str] | None = None,
    queries: Annotated[int, Range(1, 10**5)] = 100,
    resize: Annotated[int, Range(0, 4096)] = 0,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> NamedClasses:
    """Return a Grounding DINO with fresh weights that is asked for these classes.

    Parameters
    ----------
    classes
        Their names.
    variant, queries, resize, mean, std
        As :func:`~sightline.detect.grounding_dino` takes them.
    vocabulary
        File with the pieces of uncased BERT, or the pieces themselves; None takes the words of the classes, for a
        model that learns from nothing and will never read anything else.

    Raises
    ------
    InputError
        When an argument is out of its range, or a class is no phrase.
    """
    words = read_vocabulary(vocabulary, classes)
    model = grounding_dino(variant, vocabulary=words, queries=queries, resize=resize, mean=mean, std=std)
    return NamedClasses(model, classes)

"""Word attention: where in the image do the words of a phrase look, before anything is boxed?

Liu et al. 2024, "Grounding DINO: Marrying DINO with Grounded Pre-Training for Open-Set Object Detection", ECCV,
section 3.1: in the feature enhancer every word takes from the places of the image what is like it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor, nn
from torch.nn import functional as F

from sightline.core.catalogue import method
from sightline.core.checks import integer
from sightline.core.errors import InputError
from sightline.core.layers import Boxes, Heat, Picture
from sightline.core.trace import Step
from sightline.core.types import Range
from sightline.detect.feature_enhancer import Fusion
from sightline.detect.grounding_dino import GroundingDINO
from sightline.detect.prompt import Prompt, Text
from sightline.detect.set_matching import SetPrediction, in_pixels
from sightline.nn.probe import Images, as_single, picture_of, probing

_SHOWN = 5  # queries whose boxes are drawn


@method(task="explanation", paper="Liu 2024", lesson="w7d5")
def word_attention(
    model: nn.Module,
    image: Images,
    text: Text,
    phrase: Annotated[int, Range(0, 127)] = 0,
    layer: Annotated[int, Range(-100, 100)] = -1,
) -> Float32[np.ndarray, "h w"]:
    """Return how much the words of a phrase take from each place of the image, the mean over heads and words.

    NaN and infinity in the image are refused. The model is left as it was: mode, gradients, parameters.

    Parameters
    ----------
    model
        A ``grounding_dino`` with a vocabulary.
    image
        1×C×H×W or C×H×W float32 tensor in 0–1, or one image as an array (H×W×C).
    text
        Phrases with a full stop behind each, or a list of phrases.
    phrase
        Its number in the text, from 0.
    layer
        Which layer of the feature enhancer; −1 is the last.

    Returns
    -------
    h×w float32 ≥ 0 over the whole image, 8 pixels a place; the places of the coarser maps share what they gave among
    those that they cover. The sum is 1.

    Raises
    ------
    InputError
        When the model takes no words, the text has no such phrase, or the model no such layer.

    References
    ----------
    S. Liu et al., "Grounding DINO: Marrying DINO with Grounded Pre-Training for Open-Set Object Detection", ECCV 2024.
    """
    return word_lens(model, image, text).map(phrase, layer)


@word_attention.steps
def _(model: nn.Module, image: Images, text: Text, phrase: int = 0, layer: int = -1) -> Iterator[Step]:
    seen = word_lens(model, image, text)
    picture = picture_of(as_single("word_attention", model, image))
    yield Step("image", Picture(picture))
    for number, words in enumerate(seen.phrases):
        yield Step(f"words {number + 1}", Heat(seen.map(number, layer)), note=f"Where '{words}' looks.")
    last = seen.said[-1]
    first = last.logits[0].amax(dim=-1).argsort(descending=True)[:_SHOWN]  # the surest queries at the end
    for number, one in enumerate(seen.said):
        scores = one.logits[0, first].sigmoid()
        names = [f"{seen.prompt.name(0, row, 0.5)} {float(row.max()):.2f}" for row in scores]
        boxes = in_pixels(one.boxes[0, first], (picture.shape[0], picture.shape[1])).cpu().numpy()
        name, note = (
            ("places", "The places of the image that agree most with a word.")
            if not number
            else (
                f"boxes {number}",
                f"The {len(first)} surest queries after layer {number} of {len(seen.said) - 1}.",
            )
        )
        yield Step(name, Picture(picture), Boxes(boxes, tuple(names)), note=note)
    yield Step("attention", Heat(seen.map(phrase, layer)))


@dataclass(frozen=True)
class WordLens:
    """One image and its text, as the model saw them.

    Parameters
    ----------
    prompt
        The text, T pieces of words.
    maps
        Of each layer of the feature enhancer T×h×w: how much a piece took from each place, the mean over the heads.
    said
        What was answered by the places that were chosen, then after each layer of the decoder.
    """

    prompt: Prompt
    maps: Sequence[Tensor]
    said: Sequence[SetPrediction]

    @property
    def phrases(self) -> list[str]:
        """The words of each phrase."""
        return [self.prompt.name(0, words.float(), 0.5) for words in self.prompt.members(0)]

    def map(self, phrase: int, layer: int) -> np.ndarray:
        """Return h×w float32, the mean over the words of a phrase, by their numbers."""
        words = self.prompt.members(0)
        phrase = integer("word_attention", "phrase", phrase, 0, len(words) - 1)
        maps = self.maps[integer("word_attention", "layer", layer, -len(self.maps), len(self.maps) - 1)]
        return maps[words[phrase]].mean(dim=0).cpu().numpy()


def word_lens(model: nn.Module, image: Images, text: Text) -> WordLens:
    """Return what every word took from the image, and what was answered; see :func:`word_attention`."""
    if not isinstance(model, GroundingDINO):
        raise InputError(f"word_attention: model must take words, as grounding_dino does; got {type(model).__name__}.")
    batch = as_single("word_attention", model, image)
    looks: list[Tensor] = []

    def look(module: Fusion, args: tuple[Tensor, ...], output: object) -> None:
        image, text, padding, real = args
        words = module.look(module.image_norm(image), module.text_norm(text), padding, real)[1]
        looks.append(words[0].mean(dim=0))  # h×T×S → T×S

    hooks = [part.register_forward_hook(look) for part in model.modules() if isinstance(part, Fusion)]
    try:
        with probing(model), torch.no_grad():
            fitted, prompt = model.fit(batch), model.prompt([text])
            memory, words = model.encode(fitted, prompt)
            said = model.answer(memory, words)
    finally:
        for hook in hooks:
            hook.remove()
    return WordLens(prompt, [_laid_out(one, memory.shapes) for one in looks], said)


def _laid_out(weights: Tensor, shapes: Sequence[tuple[int, int]]) -> Tensor:
    """Return T×S weights of the places of several maps on the finest of them, T×h×w; each row keeps its sum."""
    total = weights.new_zeros(len(weights), *shapes[0])
    for part, shape in zip(weights.split([h * w for h, w in shapes], dim=1), shapes, strict=True):
        spread = F.interpolate(part.unflatten(1, shape)[None], size=shapes[0], mode="nearest")[0]
        share = part.sum(dim=1) / spread.sum(dim=(1, 2)).clamp(min=torch.finfo(part.dtype).tiny)
        total += spread * share[:, None, None]
    return total

"""The words of a detector that reads: where in the picture each phrase looks, and the boxes that answer it."""

from __future__ import annotations

from typing import Any

import numpy as np

from sightline.core.layers import Grid, Picture
from sightline.core.trace import Step, Trace
from sightline.core.types import Array

_BOXES = 5  # of a phrase, the surest
_SIZE = 320  # pixels of the longer side, for a network that does not say what it sees


def trained(predictor: Any, image: Array, text: str) -> bytes:
    """Return the lens on a trained detector that reads; see :func:`fresh`."""
    return _told(predictor.model, image, text, getattr(predictor.recipe, "size", _SIZE))


def fresh(seed: int, image: Array, text: str) -> bytes:
    """Return the lens on a detector that has learnt nothing and knows the words of the text alone.

    Parameters
    ----------
    seed
        Of its first weights.
    image
        H×W or H×W×3 uint8.
    text
        Phrases with a full stop behind each.

    Returns
    -------
    bytes
        A trace: what the detector sees, and P · L maps of attention, those of a phrase together. ``about`` tells the
        ``phrases``, how many ``layers``, and of each phrase the surest ``boxes`` P×K×4 in pixels of what it sees, with
        their ``scores`` P×K.
    """
    import torch

    from sightline import detect
    from sightline.detect.prompt import read_vocabulary

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = detect.grounding_dino(vocabulary=read_vocabulary(None, [text]), variant="small", resize=0).eval()
    return _told(model, image, text, _SIZE)


def _told(model: Any, image: Array, text: str, size: int) -> bytes:
    from sightline.detect.prepare import colour, frame_of
    from sightline.detect.set_matching import in_pixels
    from sightline.explain.word_attention import word_lens

    pixels = colour(image)
    seen = frame_of(pixels.shape[:2], size).image(pixels)
    lens = word_lens(model, seen.astype(np.float32) / 255, text)
    layers, last = len(lens.maps), lens.said[-1]
    boxes = in_pixels(last.boxes[0], (seen.shape[0], seen.shape[1])).cpu().numpy()
    found, scores = [], []
    for words in lens.prompt.members(0):
        sure = last.logits[0][:, words].amax(dim=-1).sigmoid().cpu().numpy()
        first = np.argsort(-sure, kind="stable")[:_BOXES]
        found.append(boxes[first].round(2).tolist())
        scores.append(sure[first].tolist())
    maps = np.stack([lens.map(phrase, layer) for phrase in range(len(found)) for layer in range(layers)])
    about = {"phrases": lens.phrases, "layers": layers, "boxes": found, "scores": scores}
    steps = Step("what the detector sees", Picture(seen)), Step("attention", Grid(maps))
    return Trace("explain.word_attention", {}, steps, about).to_bytes()

"""Boxes from words beside transformers: Grounding DINO with Swin-T and BERT, the same weights, a picture of 256×384."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import torch

from sightline import detect
from sightline.nn.wordpiece import WordPiece
from sightline.zoo import load_weights

from .timing import THREADS, Case

SIZE, QUERIES = (256, 384), 300
# The numbers of the marks are those of BERT's vocabulary; three words are enough for a text.
KNOWN = {0: "[PAD]", 100: "[UNK]", 101: "[CLS]", 102: "[SEP]", 1012: ".", 1037: "a", 4937: "cat", 3899: "dog"}
TEXT = "a cat. a dog."


def cases() -> list[Case]:
    """Return one case; nothing is built before it is run."""
    torch.set_num_threads(THREADS)
    name = f"detect.grounding_dino Swin-T {SIZE[0]}×{SIZE[1]}"
    return [Case(name, "transformers", ours, peers, SIZE[0] * SIZE[1] * 12, 1e-3)]


@lru_cache(maxsize=1)
def models() -> tuple[Any, Any]:
    """Return ours and theirs with the same weights."""
    from transformers import GroundingDinoConfig, GroundingDinoForObjectDetection

    torch.manual_seed(0)
    theirs = GroundingDinoForObjectDetection(GroundingDinoConfig(num_queries=QUERIES)).eval()
    pieces = WordPiece([KNOWN.get(number, f"[unused{number}]") for number in range(30522)])
    model = detect.grounding_dino(vocabulary=pieces, queries=QUERIES, resize=0).eval()
    return load_weights(model, theirs.state_dict()), theirs


def ours() -> np.ndarray:
    """Return how well the queries of our last layer agree with each piece of the text."""
    model, _ = models()
    with torch.inference_mode():
        return model.layers(model.fit([picture()]), model.prompt([TEXT]))[-1].logits.numpy()


def peers() -> np.ndarray:
    """Return theirs, of the same pixels and numbers."""
    model, theirs = models()
    with torch.inference_mode():
        fitted, ids = model.fit([picture()]), model.prompt([TEXT]).ids
        said = theirs(pixel_values=fitted.images, pixel_mask=fitted.real.long(), input_ids=ids)
    return said.logits[..., : ids.shape[1]].numpy()


def picture() -> torch.Tensor:
    """Return random pixels."""
    return torch.rand(3, *SIZE, generator=torch.Generator().manual_seed(0))

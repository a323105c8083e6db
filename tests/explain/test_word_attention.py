"""What words look at, against transformers at random weights; the steps; the refusals."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from detect.test_grounding_dino import Both, pictures, small, theirs_of
from detect.test_grounding_dino import both as both  # the fixture
from sightline.classify import lenet5
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.core.trace import trace
from sightline.explain import word_attention

TEXT = "a cat. remote controls.. dog?"


@evidence.equals("explain.word_attention", peer="transformers", tolerance="1e-5", data="random weights")
def test_attention_of_words_equals_transformers(both: Both, measured: Callable[[float], None]) -> None:
    ours, theirs = both
    image = pictures([(96, 128)])[0]
    said = theirs_of(ours, theirs, [image], [TEXT], output_attentions=True)
    weights = said.encoder_attentions[1][-1].mean(dim=0)  # heads×T×S → T×S, of the last layer
    words = slice(1, 3)  # a cat
    finest = weights[words, : 12 * 16].view(2, 12, 16)
    coarser = weights[words, 12 * 16 : 12 * 16 + 6 * 8].view(2, 6, 8)
    found = word_attention(ours, image, TEXT)
    assert found.shape == (12, 16)
    assert abs(found.sum() - 1) < 1e-4
    rest = (
        torch.from_numpy(found) - finest.mean(dim=0) - F.interpolate(coarser[None] / 4, scale_factor=2)[0].mean(dim=0)
    )
    tops = weights[words, 12 * 16 + 6 * 8 :].mean(dim=0)
    even = [tops[:12].view(3, 4).repeat_interleave(4, 0).repeat_interleave(4, 1) / 16]
    even += [F.interpolate(tops[12:].view(1, 1, 2, 2), size=(12, 16))[0, 0] / 48]
    error = float((rest - sum(even)).abs().max())
    measured(error)
    assert error <= 1e-5
    assert np.ptp(found) > 1e-3


def test_steps_show_words_and_boxes_and_end_in_the_result() -> None:
    model, image = small().train(), pictures([(96, 128)])[0]
    told = trace(word_attention, model, image, TEXT, phrase=1)
    names = [step.name for step in told]
    assert names == ["image", "words 1", "words 2", "words 3", "places", "boxes 1", "boxes 2", "attention"]
    assert [step.note for step in told][1:4] == [
        f"Where '{words}' looks." for words in ("a cat", "remote controls", "dog")
    ]
    result = word_attention(model, image, TEXT, phrase=1)
    assert np.array_equal(told[-1].layers[0].values, result)
    assert model.training
    assert told[4].layers[1].boxes.shape == (5, 4)


def test_what_has_no_words_is_refused() -> None:
    model, image = small(), pictures([(96, 128)])[0]
    with pytest.raises(InputError, match="word_attention: model must take words, as grounding_dino does; got LeNet5"):
        word_attention(lenet5(3), image, "cat.")
    with pytest.raises(InputError, match="phrase must be a whole number in 0–0; got 1"):
        word_attention(model, image, "cat.", phrase=1)
    with pytest.raises(InputError, match="layer must be a whole number in -2–1; got 2"):
        word_attention(model, image, "cat.", layer=2)
    with pytest.raises(InputError, match="text must name what to look for"):
        word_attention(model, image, "")

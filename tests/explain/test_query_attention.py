"""What queries look at, against transformers at random weights; the lens of every detector of sets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from detect.set_peers import IMAGES, images_for, published, small_backbone
from detect.test_deformable_detr import KINDS
from detect.test_deformable_detr import peer as deformable_peer
from detect.test_deformable_detr import small as deformable_small
from detect.test_detr import SIZES, peer, small
from sightline.classify import lenet5
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.core.trace import trace
from sightline.detect.query_lens import query_lens
from sightline.explain import query_attention
from sightline.zoo import load_weights


@evidence.equals("explain.query_attention", peer="transformers", tolerance="1e-5", data="DETR with random weights")
def test_attention_of_queries_equals_transformers(measured: Callable[[float], None]) -> None:
    theirs = peer(SIZES, 5, small_backbone(4))
    ours = load_weights(small().double(), published(theirs))
    theirs.set_attn_implementation("eager")  # the fused one cannot tell its weights
    with torch.no_grad():
        expected = theirs(ours.fit(images_for(ours)[:1]).images, output_attentions=True).cross_attentions
    lens = query_lens(ours, IMAGES[0])
    assert lens.maps.shape == (SIZES.decoder, SIZES.queries, 4, 4)
    told = np.stack([one[0].mean(dim=0).numpy() for one in expected]).reshape(lens.maps.shape)
    error = float(np.abs(lens.maps - told).max())
    measured(error)
    assert error <= 1e-5
    assert np.ptp(told, axis=1).max() > 0.1  # the queries differ
    np.testing.assert_array_equal(query_attention(ours, IMAGES[0], 3, 1), lens.maps[1, 3])


def test_deformable_queries_look_where_their_places_lie() -> None:
    theirs = deformable_peer(KINDS["refine"], 5, small_backbone(2, 3, 4))
    ours = load_weights(deformable_small(KINDS["refine"]).double(), published(theirs))
    lens = query_lens(ours, IMAGES[0])
    assert lens.maps.shape == (3, 12, 13, 15)
    sums = lens.maps.sum(axis=(2, 3))
    assert (sums <= 1 + 1e-5).all()
    assert (sums > 0).any()
    with torch.no_grad():
        expected = theirs(ours.fit(images_for(ours)[:1]).images)
    sides = np.array([120, 100, 120, 100])
    x, y, w, h = np.moveaxis(expected.pred_boxes[0].numpy() * sides, 1, 0)
    np.testing.assert_allclose(lens.boxes[-1], np.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], 1), atol=0.01)
    np.testing.assert_allclose(lens.scores[-1], expected.logits[0].sigmoid().amax(1).numpy(), atol=1e-5)


@pytest.mark.parametrize("make", [small, lambda: deformable_small(KINDS["two_stage"])])
def test_the_lens_leaves_a_model_as_it_was_and_steps_end_in_the_result(make: Callable[[], Any]) -> None:
    model = make().train()
    found = trace(query_attention, model, IMAGES[1])
    assert model.training
    assert not any(module._forward_hooks for module in model.modules())
    assert [step.name for step in found][:4] == ["image", "answers", "box 1", "attention 1"]
    assert found["box 3"].picture() is not None
    np.testing.assert_array_equal(found.result, query_attention(model, IMAGES[1]))


def test_what_is_no_set_is_refused() -> None:
    with pytest.raises(InputError, match="query_lens: model must predict a set, as detr and deformable_detr do; got "):
        query_attention(lenet5(), IMAGES[0])
    with pytest.raises(InputError, match="query_attention: query must be a whole number in 0–11; got 12"):
        query_attention(small(), IMAGES[0], 12)

from __future__ import annotations

import numpy as np
import pytest
import torch
from captum.attr import LayerActivation

from sightline.classify import lenet5, mlp, resnet20, vit
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.core.trace import trace
from sightline.explain import feature_maps


@evidence.equals("explain.feature_maps", peer="captum", tolerance="identical", data="random weights")
def test_feature_maps_equal_captum(cnn, images, measured):
    found = feature_maps(cnn, images[0])
    errors = []
    for name in ("first", "second", "head"):
        with torch.no_grad():
            expected = LayerActivation(cnn, cnn.get_submodule(name)).attribute(images[:1])[0].numpy()
        errors.append(np.abs(found[name].reshape(expected.shape) - expected).max())
    measured(max(errors))
    assert max(errors) == 0


def test_layers_of_note_are_found():
    grey, colour = torch.rand(1, 28, 28), torch.rand(3, 16, 16)
    shapes = {name: maps.shape for name, maps in feature_maps(lenet5(), grey).maps.items()}
    assert shapes["c1"] == (6, 28, 28)
    assert shapes["s4"] == (16, 5, 5)
    assert list(shapes) == ["c1", "s2", "c3", "s4", "c5", "head.1", "head.3"]
    assert list(feature_maps(mlp(), grey)) == ["hidden.0", "hidden.3", "head"]
    blocks = [layer.name for layer in feature_maps(resnet20(10), colour).layers if layer.kind == "Basic"]
    assert blocks == [f"stages.{stage}.{block}" for stage in range(3) for block in range(3)]
    found = feature_maps(vit(5, variant="tiny", size=16, patch=4, depth=1, dim=12), colour)
    assert list(found) == ["patches", "blocks.0.attention", "blocks.0", "head"]
    assert found["blocks.0"].shape == (12, 4, 4)


def test_tokens_are_laid_out_as_their_patches(transformer, images):
    tokens = []
    handle = transformer.attention.register_forward_hook(lambda module, inputs, output: tokens.append(output[0]))
    found = feature_maps(transformer, images[0], "attention")
    handle.remove()
    expected = transformer.cam_map(tokens[-1].detach())[0].numpy()
    np.testing.assert_array_equal(found["attention"], expected)


def test_one_layer_by_name_or_module(cnn, images):
    np.testing.assert_array_equal(
        feature_maps(cnn, images[0], "first")["first"], feature_maps(cnn, images[0], cnn.first)["first"]
    )
    assert list(feature_maps(cnn, images[0], cnn.second)) == ["second"]


def test_an_in_place_layer_does_not_change_what_was_seen(images):
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(inplace=True))
    assert feature_maps(model, images[0])["0"].min() < 0


def test_atlas_and_steps(cnn, images):
    found = feature_maps(cnn, images[0])
    assert found.draw("first").ndim == 3
    sheet, page = found.draw("first"), found.draw()
    (height, width), middle = sheet.shape[:2], sheet.shape[0] // 2
    np.testing.assert_array_equal(page[middle:height, :width], sheet[middle:])  # its name lies over the top
    assert found.strongest("second", 3).tolist() == sorted(found.strongest("second", 3).tolist())
    assert found.to_json()["layers"][0]["shape"] == [8, 16, 16]
    steps = trace(feature_maps, cnn, images[0])
    assert [step.name for step in steps] == ["image", "first", "second", "head", "all layers"]
    assert steps.result.maps.keys() == found.maps.keys()
    assert steps.to_bytes()


def test_many_layers_make_a_page_not_a_strip():
    page = feature_maps(resnet20(10), torch.rand(3, 16, 16)).draw(most=4)
    assert 0.75 < page.shape[1] / page.shape[0] < 2


def test_refusals(cnn, images):
    with pytest.raises(InputError, match="feature_maps: image must be one image; got 3"):
        feature_maps(cnn, images)
    with pytest.raises(InputError, match=r"layer must be one of the model's; got 'frist'. Did you mean 'first'\?"):
        feature_maps(cnn, images[0], "frist")
    with pytest.raises(InputError, match="got 'Linear'"):
        feature_maps(cnn, images[0], torch.nn.Linear(2, 2))
    with pytest.raises(InputError, match="no layer is named 'x'"):
        feature_maps(cnn, images[0])["x"]

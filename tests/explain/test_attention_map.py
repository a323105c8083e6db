from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from classify.parity import pixels
from classify.test_vit import SIZES, peer
from sightline.classify import lenet5, vit
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.core.trace import trace
from sightline.explain import attention_map, attention_rollout
from sightline.zoo import load_weights


class Peer(nn.Module):
    """The model of transformers, taking pixels and giving logits."""

    def __init__(self, model: nn.Module, normalize: nn.Module) -> None:
        super().__init__()
        self.model, self.normalize = model, normalize

    def forward(self, images: Tensor) -> Tensor:
        return self.model(self.normalize(images)).logits


@pytest.fixture(scope="module")
def pair() -> tuple[nn.Module, nn.Module, Tensor, list[np.ndarray]]:
    """Return our model and theirs with the same weights, an image, and the attentions that theirs gives."""
    theirs = peer((32, 48))
    ours = vit(7, size=(32, 48), **SIZES).eval()
    load_weights(ours, theirs.state_dict(), naming="transformers")
    image = pixels(1, 3, 32, 48)
    theirs.set_attn_implementation("eager")  # the fused one cannot tell its weights
    with torch.no_grad():
        told = theirs(ours.normalize(image), output_attentions=True).attentions
    return ours, theirs, image, [weights[0].numpy() for weights in told]


@evidence.equals("explain.attention_map", peer="transformers", tolerance="1e-5", data="random weights")
def test_attention_equals_transformers(pair, measured):
    ours, _, image, expected = pair
    errors = [np.abs(attention_map(ours, image, layer) - expected[layer]).max() for layer in range(3)]
    measured(max(errors))
    assert max(errors) <= 1e-5
    np.testing.assert_array_equal(attention_map(ours, image[0], 1, 2), attention_map(ours, image, 1)[2])


@evidence.equals(
    "explain.attention_rollout", peer="transformers", tolerance="1e-5, rolled out in NumPy", data="random weights"
)
def test_rollout_equals_a_plain_one(pair, measured):
    ours, _, image, expected = pair
    rolled = np.eye(25)
    for weights in expected:
        joint = 0.5 * weights.astype(np.float64).mean(axis=0) + 0.5 * np.eye(25)
        rolled = joint / joint.sum(axis=1, keepdims=True) @ rolled
    found = attention_rollout(ours, image)
    measured(np.abs(found - rolled).max())
    np.testing.assert_allclose(found, rolled, atol=1e-5)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("way", ["eager", "sdpa"])
def test_their_own_model_is_understood(pair, way):
    ours, theirs, image, expected = pair
    theirs.set_attn_implementation(way)
    found = attention_map(Peer(theirs, ours.normalize), image)
    np.testing.assert_allclose(found, expected[-1], atol=1e-5)


@pytest.mark.parametrize("frozen", [False, True])
def test_the_attention_of_torch_is_understood(transformer, images, frozen):
    transformer.requires_grad_(not frozen)
    normed = []
    handle = transformer.norm.register_forward_hook(lambda module, inputs, output: normed.append(output))
    found = attention_map(transformer, images[0])
    handle.remove()
    _, expected = transformer.attention(*[normed[-1]] * 3, average_attn_weights=False)
    np.testing.assert_allclose(found, expected[0].detach().numpy(), atol=1e-6)
    assert found.shape == (4, 17, 17)


def test_masks_and_causes_count():
    class Masked(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            x = images.flatten(2).transpose(1, 2)[:, None]
            attend = nn.functional.scaled_dot_product_attention
            x = attend(x, x, x, is_causal=True)
            return attend(x, x, x, attn_mask=torch.eye(16, dtype=torch.bool), scale=2.0)

    model, image = Masked(), torch.rand(1, 4, 4)
    first = attention_map(model, image, 0, 0)
    assert not np.triu(first, 1).any()
    np.testing.assert_allclose(first.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(attention_map(model, image, 1, 0), np.eye(16))


def test_steps(pair):
    ours, _, image, _ = pair
    steps = trace(attention_map, ours, image)
    assert steps["first token"].value.shape == (4, 4, 6)
    np.testing.assert_array_equal(steps.result, attention_map(ours, image))
    np.testing.assert_array_equal(trace(attention_map, ours, image, 0, 1).result, attention_map(ours, image, 0, 1))
    rolled = trace(attention_rollout, ours, image)
    assert rolled["after layer 3"].value.shape == (4, 6)
    np.testing.assert_array_equal(rolled.result, attention_rollout(ours, image))


@pytest.mark.parametrize(
    ("method", "options"), [(attention_map, {}), (attention_map, {"head": 1}), (attention_rollout, {})]
)
def test_several_images_are_each_as_alone(pair, method, options):
    ours, *_ = pair
    images = pixels(3, 3, 32, 48)
    found = method(ours, images, **options)
    alone = [method(ours, image, **options) for image in images]
    assert found.shape == (3, *alone[0].shape)
    np.testing.assert_allclose(found, alone, atol=1e-6)
    shown = trace(method, ours, images, **options)
    np.testing.assert_array_equal(shown.result, found)
    np.testing.assert_allclose(shown["image"].value, images[0].numpy().transpose(1, 2, 0))


def test_refusals(pair):
    ours, _, image, _ = pair
    with pytest.raises(InputError, match="attention_map: model must attend"):
        attention_map(lenet5(), torch.rand(1, 28, 28))
    with pytest.raises(InputError, match="attention_rollout: model must attend"):
        attention_rollout(lenet5(), torch.rand(1, 28, 28))
    with pytest.raises(InputError, match="layer must be a whole number in -3–2; got 3"):
        attention_map(ours, image, 3)
    with pytest.raises(InputError, match="head must be a whole number in -4–3; got 4"):
        attention_map(ours, image, 0, 4)

"""A Swin transformer, whose blocks give B×h×w×K and attend inside windows, looked into as any other network."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from sightline.classify import swin
from sightline.core.errors import InputError
from sightline.core.trace import trace
from sightline.explain import attention_map, attention_rollout, deep_dream, fast_style, feature_maps, style_transfer
from sightline.explain.layers import layers_of


@pytest.fixture(scope="module")
def model() -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return swin(5, stem="small").eval()


@pytest.fixture(scope="module")
def image() -> torch.Tensor:
    return torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(1))


def outputs(model: nn.Module, name: str, image: torch.Tensor) -> torch.Tensor:
    seen = []
    handle = model.get_submodule(name).register_forward_hook(lambda module, given, output: seen.append(output))
    with torch.no_grad():
        model(image[None])
    handle.remove()
    return seen[0]


def test_maps_are_channels_of_places(model, image):
    found = feature_maps(model, image)
    given = outputs(model, "body.stage1.0", image)  # B×h×w×K
    np.testing.assert_array_equal(found["body.stage1.0"], given[0].permute(2, 0, 1).numpy())
    shapes = {layer.name: layer.shape for layer in found.layers}
    assert shapes["body.stage0.0.attention"] == (96, 32, 32)
    assert shapes["body.stage3.1"] == (768, 4, 4)
    assert not [name for name in shapes if "mlp" in name or "qkv" in name]


def test_convolutions_on_either_side_stay_channels_first():
    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.spread, self.norm, self.mix = nn.Conv2d(8, 8, 3, padding=1), nn.LayerNorm(8), nn.Linear(8, 8)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + self.mix(self.norm(self.spread(x).permute(0, 2, 3, 1))).permute(0, 3, 1, 2)

    found = layers_of(nn.Sequential(nn.Conv2d(3, 8, 1), Block()), torch.rand(1, 3, 8, 8))
    assert [(layer.name, layer.channels_last) for layer in found if layer.name == "1"] == [("1", False)]


def test_attention_of_the_last_windows(model, image):
    weights = torch.from_numpy(attention_map(model, image))  # heads×16×16
    np.testing.assert_allclose(weights.sum(dim=2), 1, atol=1e-5)
    attention = model.get_submodule("body.stage3.1.attention")
    seen = []
    handle = attention.register_forward_hook(lambda module, given, output: seen.extend((given[0], output)))
    with torch.no_grad():
        model(image[None])
        values = attention.qkv(seen[0].reshape(16, 768)).view(16, 3, attention.heads, -1)[:, 2].transpose(0, 1)
        again = attention.out((weights @ values).transpose(0, 1).reshape(16, 768))  # what those weights bring together
    handle.remove()
    assert (again - seen[1].reshape(16, 768)).abs().max() <= 1e-5
    steps = trace(attention_rollout, model, image).steps
    assert steps[1].layers[0].values.shape == (4, 4)
    assert "all tokens together" in steps[1].note


def test_attention_inside_windows_alone_is_refused(model):
    with pytest.raises(InputError, match="attention_map: model must attend to the whole image somewhere"):
        attention_map(model, torch.rand(3, 96, 96))


def test_pictures_of_any_sizes_are_made(model, image):
    content, style = image[:, :36, :44], image[:, :, :40]
    assert style_transfer(model, content, style, iterations=1).shape == (36, 44, 3)
    assert deep_dream(model, content, iterations=1, octaves=2).shape == (36, 44, 3)
    photo = image.permute(1, 2, 0).numpy()
    net = fast_style(model, style, [photo], width=4, size=32, batch_size=1, iterations=1)
    assert net.paint(photo).shape == (64, 64, 3)

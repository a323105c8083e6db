from __future__ import annotations

import numpy as np
import pytest
import torch

from sightline.core import evidence
from sightline.core.errors import InputError, WeightsError
from sightline.core.seeds import generator
from sightline.core.trace import trace
from sightline.explain import StyleNet, fast_style
from sightline.explain.layers import maps_of
from sightline.explain.style_loss import style_layers_of

SMALL = {"width": 4, "size": 16, "batch_size": 2}


@pytest.fixture
def photos():
    """Return four pictures, of other shapes and in another dtype."""
    random = np.random.default_rng(3)
    return [random.integers(0, 256, (16 + i, 20, 3), dtype=np.uint8) for i in range(4)]


@evidence.equals("explain.fast_style", peer="torch, by hand", tolerance="1e-4 relative", data="random weights")
def test_the_first_loss_is_that_of_the_untrained_network(cnn, images, measured):
    squares = [np.ascontiguousarray(image.permute(1, 2, 0).numpy()) for image in images]
    losses: list[float] = []
    layers = style_layers_of("fast_style", cnn, images[:1])
    fast_style(cnn, images[0], squares, **SMALL, iterations=1, seed=3, progress=losses.append)
    random = generator(3)
    with torch.random.fork_rng():
        torch.manual_seed(int(random.integers(2**31)))
        net = StyleNet(SMALL["width"])
    batch = images[random.integers(0, 3, 2)]
    batch = batch.flip(3) if random.random() < 0.5 else batch
    expected = 0.0
    with torch.no_grad():
        for given, made in zip(batch, net(batch), strict=True):
            (content, *_), (seen, *found), (_, *style) = (
                maps_of(cnn, picture[None], layers.all) for picture in (given, made, images[0])
            )
            far = ((seen - content) ** 2).sum() / (content**2).sum()
            grams = [[m[0].flatten(1) @ m[0].flatten(1).T / m[0, 0].numel() for m in maps] for maps in (found, style)]
            foreign = [((one - other) ** 2).sum() / (other**2).sum() for one, other in zip(*grams, strict=True)]
            down, right = made.diff(dim=1) ** 2, made.diff(dim=2) ** 2
            expected += (far + 10 * sum(foreign) / len(foreign) + (down.sum() + right.sum()) / made.numel()).item() / 2
    error = abs(losses[0] - expected) / expected
    measured(error)
    assert error <= 1e-4


def test_the_loss_falls_and_the_network_is_kept(cnn, images, photos, tmp_path):
    losses: list[float] = []
    net = fast_style(cnn, images[0], photos, **SMALL, iterations=12, progress=losses.append)
    assert len(losses) == 12
    assert np.mean(losses[-3:]) < losses[0]
    assert all(not parameter.grad for parameter in cnn.parameters() if parameter.grad is not None)
    painted = net.paint(photos[3])
    assert painted.shape == photos[3].shape
    net.save(tmp_path / "net.safetensors")
    np.testing.assert_array_equal(StyleNet.load(tmp_path / "net.safetensors").paint(photos[3]), painted)


def test_seeds_and_steps(cnn, images, photos):
    first = fast_style(cnn, images[0], photos, **SMALL, iterations=8, seed=2)
    steps = trace(fast_style, cnn, images[0], photos, **SMALL, iterations=8, seed=2)
    assert [step.name for step in steps] == ["style", "after 1", "after 4", "loss", "network"]
    for one, other in zip(first.parameters(), steps.result.parameters(), strict=True):
        assert torch.equal(one, other)


def test_refusals(cnn, images, photos, tmp_path):
    with pytest.raises(InputError, match="fast_style: photos must hold at least one photo"):
        fast_style(cnn, images[0], [], **SMALL)
    with pytest.raises(InputError, match="fast_style: photos must all be in colour"):
        fast_style(cnn, images[0], [photos[0], photos[0][..., 0]], **SMALL)
    with pytest.raises(InputError, match="StyleNet: images must be B×3×H×W of 16 pixels"):
        StyleNet(4)(torch.zeros(1, 3, 8, 8))
    from sightline.train.tensors import save_tensors

    save_tensors(tmp_path / "other.safetensors", {"x": torch.zeros(1)}, {"kind": "other"})
    with pytest.raises(WeightsError, match=r"StyleNet: .* must be a file that StyleNet.save wrote"):
        StyleNet.load(tmp_path / "other.safetensors")

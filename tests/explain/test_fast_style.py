from __future__ import annotations

import numpy as np
import pytest
import torch

from sightline.core import evidence
from sightline.core.errors import InputError, WeightsError
from sightline.core.trace import trace
from sightline.explain import StyleNet, fast_style, style_transfer

SMALL = {"width": 4, "size": 16, "batch_size": 2}


@pytest.fixture
def photos():
    """Return four pictures, of other shapes and in another dtype."""
    random = np.random.default_rng(3)
    return [random.integers(0, 256, (16 + i, 20, 3), dtype=np.uint8) for i in range(4)]


@evidence.reaches(
    "explain.fast_style",
    figure="loss of a trained network, over that of the optimised picture (at most)",
    published=1.5,
    source="Johnson 2016, Fig. 5: one pass comes close to what 50 to 100 steps of optimisation reach",
    data="random weights, four noisy squares",
)
@pytest.mark.slow
def test_one_pass_comes_near_the_optimised_picture(cnn, images, photos, measured):
    losses: list[float] = []
    fast_style(cnn, images[0], photos, **SMALL, iterations=400, progress=losses.append)
    photo = photos[0][:16, 2:18]
    steps = trace(style_transfer, cnn, photo, images[0], iterations=50)
    best = steps["distance from the content"].value[-1, 1] + 10 * steps["distance from the style"].value[-1, 1]
    ratio = float(np.mean(losses[-20:]) / best)
    measured(ratio)
    assert ratio <= 1.5


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

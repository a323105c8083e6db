"""Every architecture through merged and packed layers: the same answers, for batches of any size."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import nn

from sightline.classify.recipe import METHODS, ClassifyRecipe
from sightline.nn.fused_network import FusedNetwork, runs_bfloat16, runs_fused

pytestmark = pytest.mark.skipif(not runs_fused(), reason="needs PyTorch with oneDNN")

# Sides in pixels of the smallest images, and what keeps the networks small.
SIDES = {"inception_v3": 80, "alexnet": 64, "zfnet": 64}
SMALL = {
    **{name: {"hidden": 16} for name in METHODS if name.startswith("vgg") or name in ("alexnet", "zfnet")},
    **{name: {"variant": "tiny"} for name in ("vit", "deit", "swin", "convnext")},
}


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def made(method: str, side: int) -> nn.Module:
    """Return a network of five classes whose norms have statistics of their own."""
    recipe = ClassifyRecipe.from_config(
        {
            "method": method,
            "classes": list("abcde"),
            "size": [side, side],
            "channels": 3,
            "mean": [0.5, 0.45, 0.4],
            "std": [0.2, 0.25, 0.3],
            "seed": 0,
            "options": {},
            "model": SMALL.get(method, {}),
        }
    )
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        model = recipe.model().eval()
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                nn.init.normal_(module.running_mean, 0, 0.1)  # type: ignore[arg-type]
                nn.init.uniform_(module.running_var, 0.5, 1.5)  # type: ignore[arg-type]
            elif isinstance(module, nn.Conv2d) and module.bias is not None:
                nn.init.uniform_(module.bias, 0, 0.5)
        if method == "squeezenet":  # it ends with a ReLU, and would say nothing but zero
            model.get_parameter("head.1.weight").neg_()
    return model


@pytest.mark.parametrize("method", METHODS)
def test_every_architecture_through_merged_layers(method: str) -> None:
    side = SIDES.get(method, 32)
    model = made(method, side)
    fast = FusedNetwork(model, (3, side, side))
    short = FusedNetwork(model, (3, side, side), "bf16") if runs_bfloat16() else None
    with torch.inference_mode():
        for batch in (1, 3, 9):
            images = torch.rand(batch, 3, side, side, generator=torch.Generator().manual_seed(batch))
            theirs = model(images)
            assert theirs.abs().max() > 0
            assert (fast(images) - theirs).abs().max() <= 2e-5 * theirs.abs().max()
            if short is not None:
                assert 0 < (short(images) - theirs).abs().max() <= 0.05 * theirs.abs().max()

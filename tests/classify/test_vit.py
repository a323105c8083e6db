"""Vision transformers against transformers at random weights, other image sizes included; shapes, refusals."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from transformers import ViTConfig, ViTForImageClassification

from classify.parity import difference, pixels, randomise, training_difference
from sightline.classify import vit
from sightline.classify.vit import resize_positions
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.nn import Classifier

SIZES = {"dim": 96, "depth": 3, "num_heads": 4, "patch": 8}


def peer(size: tuple[int, int]) -> ViTForImageClassification:
    config = ViTConfig(
        hidden_size=96,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=384,
        image_size=list(size),  # type: ignore[arg-type]
        patch_size=8,
        layer_norm_eps=1e-6,
        num_labels=7,
    )
    return randomise(ViTForImageClassification(config))  # type: ignore[return-value]


class Answering(nn.Module):
    """A classifier of transformers that answers with its logits alone, of images of other sizes, too."""

    def __init__(self, peer: nn.Module, interpolated: bool) -> None:
        super().__init__()
        self.peer, self.interpolated = peer, interpolated

    def forward(self, images: Tensor) -> Tensor:
        """Return B×classes."""
        return self.peer(images, interpolate_pos_encoding=self.interpolated).logits


@evidence.equals(
    "classify.vit",
    peer="transformers",
    tolerance="1e-5 of the largest logit",
    data="random weights, eval and train mode; the configured size, and larger and oblong images",
)
@pytest.mark.parametrize(
    ("made_for", "shown"), [((32, 32), (32, 32)), ((32, 48), (32, 48)), ((32, 32), (64, 40)), ((32, 32), (40, 72))]
)
def test_vit_equals_transformers(
    made_for: tuple[int, int], shown: tuple[int, int], measured: Callable[[float], None]
) -> None:
    theirs, ours, images = peer(made_for), vit(7, size=made_for, **SIZES), pixels(2, 3, *shown)
    logits = Answering(theirs, made_for != shown)
    error = difference(ours, theirs, images, logits, "transformers")
    error = max(error, training_difference(ours, logits, images))
    measured(error)
    assert error <= 1e-5


def test_positions_are_resized_row_by_row() -> None:
    row = torch.arange(2.0).view(2, 1).expand(2, 3)  # the value is the row
    positions = torch.cat([torch.full((1, 1, 1), 9.0), row.reshape(1, 6, 1)], dim=1)
    found = resize_positions(positions, (2, 3), (4, 3))[0, :, 0]
    assert found[0] == 9
    grid = found[1:].view(4, 3)
    assert torch.equal(grid, grid[:, :1].expand(4, 3))
    assert (grid[1:, 0] > grid[:-1, 0]).all()


def test_cam_map_lays_the_patches_out() -> None:
    model = vit(5, size=32, **SIZES).eval()
    seen: list[torch.Tensor] = []
    hook = model.cam_layer.register_forward_hook(lambda _m, _i, output: seen.append(output))
    model(pixels(2, 3, 32, 48))
    hook.remove()
    laid = model.cam_map(seen[0])
    assert isinstance(model, Classifier)
    assert model.cam_grid == (4, 6)
    assert laid.shape == (2, 96, 4, 6)
    assert torch.equal(laid[1, :, 2, 3], seen[0][1, 1 + 2 * 6 + 3])


@pytest.mark.parametrize(
    ("variant", "millions"),
    [("tiny", 5.7), ("small", 22.1), ("base", 86.6), ("large", 304.3)],  # Touvron 2021 and the public checkpoints
)
def test_variants_have_the_published_number_of_parameters(variant: str, millions: float) -> None:
    with torch.device("meta"):
        model = vit(1000, variant=variant)
    assert round(sum(p.numel() for p in model.parameters()) / 1e6, 1) == millions


@pytest.mark.parametrize(("size", "patch"), [(224, 16), (32, 4), (28, 4), (8, 1), (64, 8), ((48, 96), 6)])
def test_patch_suits_the_size(size: int | tuple[int, int], patch: int) -> None:
    assert vit(2, size=size, dim=8, depth=1, num_heads=1).config.patch == patch


def test_later_blocks_are_left_out_more_often_and_only_in_training() -> None:
    options = {**SIZES, "depth": 5}
    model = vit(5, size=32, **options, drop=0.2)
    rates = [block.skip.rate for block in model.blocks]
    assert rates == pytest.approx(torch.linspace(0, 0.2, 5).tolist(), abs=1e-7)
    assert all(block.skip.rate == 0 for block in vit(5, size=32, **options).blocks)
    images = pixels(3, 3, 32, 32)
    always = vit(5, size=32, **{**SIZES, "depth": 2}, drop=1.0)
    with torch.inference_mode():
        without_last = always.head(always.norm(always.blocks[0](always.embed(images)))[:, 0])
        assert torch.equal(always.train()(images), without_last)
        assert not torch.allclose(always.eval()(images), without_last, atol=1e-4)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"size": 30, "patch": 8}, "vit: patch must divide the size 30×30; got 8."),
        ({"dim": 10, "num_heads": 3}, "vit: num_heads must divide dim 10; got 3."),
        ({"variant": "bas"}, "Did you mean 'base'?"),
        ({"dropout": 1.5}, "vit: dropout must be a number in 0–1; got 1.5."),
        ({"drop": -0.1}, "vit: drop must be a number in 0–1; got -0.1."),
    ],
)
def test_bad_options_are_refused_by_name(options: dict[str, object], sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        vit(2, **{"depth": 1, **options})  # type: ignore[arg-type]
    assert sentence in str(caught.value)


def test_images_must_be_whole_patches() -> None:
    with pytest.raises(InputError, match="whole patches of 8×8 pixels; got 30×32"):
        vit(2, size=32, **SIZES)(pixels(1, 3, 30, 32))

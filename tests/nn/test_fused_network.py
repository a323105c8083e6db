"""Merged and packed layers give what the layers give: exactly in float64, to 1e-4 in float32, nearly in bfloat16."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sightline.core.errors import InputError
from sightline.nn import fused_network
from sightline.nn.fused_network import SIZES, STEP, FusedNetwork, merge, runs_bfloat16, runs_fused
from sightline.nn.matrix_panels import LANES
from sightline.nn.normalize import Normalize
from sightline.nn.packed_layers import PackedConvolution, PackedLinear, PackedPointwise, PackedThreeByThree
from sightline.nn.step_run import StepRun
from sightline.nn.step_work import LARGEST, WINOGRAD
from sightline.nn.winograd import pays

pytestmark = pytest.mark.skipif(not runs_fused(), reason="needs PyTorch with oneDNN")
short = pytest.mark.skipif(not runs_bfloat16(), reason="needs a processor with bfloat16")
SHAPE = (3, 24, 20)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


class Block(nn.Module):
    """Two convolutions and a shortcut: of what came in, or of one more convolution."""

    def __init__(self, channels: int, out: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, out, 3, stride, 1, groups=2, bias=False)
        self.second = nn.Conv2d(out, out, 3, 1, 1)
        self.norms = nn.ModuleList(nn.BatchNorm2d(out) for _ in range(3))
        self.across = nn.Conv2d(channels, out, 1, stride) if stride > 1 else None

    def forward(self, x: Tensor) -> Tensor:
        y = self.norms[1](self.second(F.relu(self.norms[0](self.first(x)), inplace=True)))
        return F.relu(y + (x if self.across is None else self.norms[2](self.across(x))))


class Convolutional(nn.Module):
    """All that is merged in convolutional networks, once."""

    def __init__(self) -> None:
        super().__init__()
        self.normalize = Normalize((0.4, 0.5, 0.6), (0.2, 0.3, 0.25))
        self.stem, self.norm = nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8)
        self.blocks = nn.Sequential(Block(8, 8, 1), Block(8, 16, 2), Block(16, 16, 1))
        self.alone = nn.BatchNorm2d(16)
        self.squeeze, self.excite = nn.Conv2d(16, 4, 1), nn.Conv2d(4, 16, 1)
        self.last = nn.Conv2d(16, 16, 1)
        self.grouped = nn.Conv2d(16, 16, 3, 1, 1, groups=4)
        self.gain = nn.Parameter(torch.randn(16, 1, 1))
        self.head = nn.Sequential(nn.Linear(16, 12), nn.BatchNorm1d(12), nn.Hardswish(), nn.Dropout(), nn.Linear(12, 7))

    def forward(self, images: Tensor) -> Tensor:
        x = F.max_pool2d(F.hardswish(self.norm(self.stem(self.normalize(images)))), 3, 1, 1)
        x = F.leaky_relu(self.alone(F.max_pool2d(self.blocks(x), 2)), 0.2)
        x = x * F.hardsigmoid(self.excite(F.silu(self.squeeze(x.mean((2, 3), keepdim=True)))))
        x = x + F.hardtanh(self.last(x) * self.gain / 2 - 1, -1.0, 2.0)
        x = F.relu(x + self.grouped(x))
        return self.head(F.adaptive_avg_pool2d(x, 1).flatten(1))


class Attentive(nn.Module):
    """A transformer of one layer whose first token answers."""

    def __init__(self) -> None:
        super().__init__()
        self.normalize, self.patches = Normalize((0.4, 0.5, 0.6), (0.2, 0.3, 0.25)), nn.Conv2d(3, 16, 4, 4)
        self.token, self.places = nn.Parameter(torch.randn(1, 1, 16)), nn.Parameter(torch.randn(1, 31, 16))
        self.norms = nn.ModuleList(nn.LayerNorm(16) for _ in range(3))
        self.qkv, self.out = nn.Linear(16, 48), nn.Linear(16, 16)
        self.mlp = nn.Sequential(nn.Linear(16, 32), nn.GELU(), nn.Linear(32, 16), nn.Dropout(0.5))
        self.head = nn.Linear(16, 7)

    def forward(self, images: Tensor) -> Tensor:
        x = self.patches(self.normalize(images)).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], dim=1) + self.places
        q, k, v = self.qkv(self.norms[0](x)).unflatten(2, (3, 4, 4)).permute(2, 0, 3, 1, 4).unbind()
        x = x + self.out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))
        x = x + self.mlp(self.norms[1](x))
        return self.head(self.norms[2](x)[:, 0])


def made(kind: type[nn.Module]) -> nn.Module:
    """Return a network whose norms have statistics of their own."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = kind().eval()
        for module in model.modules():
            if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
                for tensor in (module.running_mean, module.weight, module.bias):
                    nn.init.normal_(tensor)  # type: ignore[arg-type]
                nn.init.uniform_(module.running_var, 0.5, 2)  # type: ignore[arg-type]
    return model


def pictures(batch: int, shape: tuple[int, ...] = SHAPE) -> Tensor:
    return torch.rand(batch, *shape, generator=torch.Generator().manual_seed(batch))


def off(ours: Tensor, theirs: Tensor) -> float:
    """Return the largest difference, as a share of the largest answer."""
    return float((ours - theirs).abs().max() / theirs.abs().max())


@pytest.mark.parametrize("kind", [Convolutional, Attentive])
def test_merged_layers_are_the_layers_in_float64(kind: type[nn.Module]) -> None:
    model, images = made(kind), pictures(3).double()
    with torch.inference_mode():
        (merged,) = merge(model, SHAPE).double()(images)
        assert off(merged, copy.deepcopy(model).double()(images)) < 1e-13


@pytest.mark.parametrize("kind", [Convolutional, Attentive])
def test_batches_of_any_size_in_float32(kind: type[nn.Module]) -> None:
    model = made(kind)
    fast = FusedNetwork(model, SHAPE)
    for batch in (1, 3, STEP, 2 * STEP + 1):
        images = pictures(batch)
        kept = images.clone()
        with torch.inference_mode():
            assert off(fast(images), model(images)) < 1e-5
            assert off(fast(images.contiguous(memory_format=torch.channels_last)), model(images)) < 1e-5
        assert torch.equal(images, kept)
        assert torch.equal(fast(images), fast(images))
    assert fast(pictures(0)).shape == (0, 7)


@short
@pytest.mark.parametrize("kind", [Convolutional, Attentive])
def test_bfloat16_is_near(kind: type[nn.Module]) -> None:
    model, images = made(kind), pictures(11)
    found = FusedNetwork(model, SHAPE, "bf16")(images)
    assert found.dtype == torch.float32
    with torch.inference_mode():
        assert 1e-5 < off(found, model(images)) < 0.03


def test_nothing_is_left_between_layers() -> None:
    graph = FusedNetwork(made(Convolutional), SHAPE)._graphs[SHAPE][1]
    left = [str(node.target).split(".")[1] for node in graph.graph.nodes if node.op == "call_function"]
    assert sorted(left) == sorted(
        ["adaptive_avg_pool2d", "add", "add", "flatten", "mean", "mul", "relu"]
        + ["max_pool2d" for channels in (8, 16) if channels < LANES]  # others are steps
    )
    layers = [module for module in graph.modules() if isinstance(module, PackedConvolution | PackedLinear)]
    assert len(layers) == 1 + 7 + 1 + 3 + 1 + 2  # the stem, three blocks, a norm, three of one place, groups, the head
    assert sum(isinstance(layer, PackedPointwise) for layer in layers) == 3
    assert sum(layer.overwrites for layer in layers if isinstance(layer, PackedConvolution)) == 2


def test_3x3_goes_winograds_way_where_there_are_tiles_enough() -> None:
    torch.manual_seed(4)
    layers = [nn.Conv2d(3, 16, 3, 1, 1), nn.ReLU(), nn.Conv2d(16, 32, 3, 1, 1), nn.BatchNorm2d(32), nn.ReLU()]
    model = nn.Sequential(*layers, nn.MaxPool2d(6), nn.Conv2d(32, 32, 3, 1, 1), nn.Flatten()).eval()
    fast = FusedNetwork(model, (3, 48, 40))
    runs = [module for module in fast._graphs[3, 48, 40][1].modules() if isinstance(module, StepRun)]
    steps = [step for run in runs for step in run.program.steps]
    assert [step.sizes.kind for step in steps] == [WINOGRAD, LARGEST, WINOGRAD]  # pixels have too few channels
    assert pays((1, 16, 48, 40), 32)
    assert not pays((1, 32, 8, 6), 32)  # of one image, the last layer has four tiles: that goes the direct way
    for batch in (1, 9):
        images = pictures(batch, (3, 48, 40))
        with torch.inference_mode():
            assert off(fast(images), model(images)) < 1e-5


@short
def test_3x3_goes_winograds_way_in_bfloat16_too() -> None:
    torch.manual_seed(4)
    layers = [nn.Conv2d(3, 16, 3, 1, 1), nn.ReLU(), nn.Conv2d(16, 32, 3, 1, 1), nn.ReLU()]
    fast = FusedNetwork(nn.Sequential(*layers).eval(), (3, 48, 40), "bf16")
    found = [module for module in fast._graphs[3, 48, 40][1].modules() if isinstance(module, PackedThreeByThree)]
    assert [layer.filters for layer in found] == [32]
    model = nn.Sequential(*layers, nn.Conv2d(32, 48, 3, 1, 1)).eval()
    fast = FusedNetwork(model, (3, 48, 40), "bf16")
    (run,) = [module for module in fast._graphs[3, 48, 40][1].modules() if isinstance(module, StepRun)]
    assert [step.sizes.kind for step in run.program.steps] == [WINOGRAD, WINOGRAD]  # which follow each other
    images = pictures(9, (3, 48, 40))
    with torch.inference_mode():
        assert 1e-5 < off(fast(images), model(images)) < 0.01


def test_only_the_token_that_answers_is_computed() -> None:
    graph = merge(made(Attentive), SHAPE)
    sizes = [node.meta["val"].ndim for node in graph.graph.nodes if str(node.target) == "aten.linear.default"]
    assert sizes == [3, 2, 2, 2, 2]  # queries, keys and values of all tokens; then of one


def test_images_of_other_sizes_are_captured_when_they_come() -> None:
    model = made(Convolutional)
    fast = FusedNetwork(model, SHAPE)
    for side in range(20, 20 + SIZES + 1):
        images = pictures(2, (3, side, 25))
        with torch.inference_mode():
            assert off(fast(images), model(images)) < 1e-5
    assert len(fast._graphs) == SIZES
    with pytest.raises(InputError, match="images must be B×C×H×W; got 3 axes"):
        fast(torch.zeros(SHAPE))
    with pytest.raises(InputError, match=r"Convolutional cannot be captured: normalize: images must be B×3×H×W"):
        fast(torch.zeros(1, 1, 24, 20))


def test_what_cannot_be_captured_is_refused() -> None:
    class Asks(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return images.mean((1, 2)) if images.sum() > 0 else images.sum((1, 2))

    class Writes(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return (2 * images).clamp_(0, 1)

    with pytest.raises(InputError, match="Asks cannot be captured"):
        FusedNetwork(Asks(), SHAPE)
    with pytest.raises(InputError, match=r"Writes cannot be captured: it changes a tensor by aten\.clamp_"):
        FusedNetwork(Writes(), SHAPE)


def test_what_the_machine_cannot_do_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="precision must be"):
        FusedNetwork(made(Attentive), SHAPE, "fp16")
    monkeypatch.setattr(fused_network, "runs_bfloat16", lambda: False)
    with pytest.raises(InputError, match="'bf16' needs a processor with AVX-512"):
        FusedNetwork(made(Attentive), SHAPE, "bf16")
    monkeypatch.setattr(fused_network, "runs_fused", lambda: False)
    with pytest.raises(InputError, match="needs PyTorch with oneDNN"):
        FusedNetwork(made(Attentive), SHAPE)

"""Steps of a program against PyTorch in float64, alone and one after the other, on one thread and on two."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sightline.nn.fused_network import FusedNetwork, runs_bfloat16, runs_fused
from sightline.nn.join_steps import window_of
from sightline.nn.layer import NONE, Activation, Layer
from sightline.nn.matrix_panels import LANES
from sightline.nn.normalize import Normalize
from sightline.nn.packed_layers import PackedConvolution
from sightline.nn.row_products import COUNTS
from sightline.nn.step_plan import Sizes, cut, place_values, rows_at_once
from sightline.nn.step_run import Program, Step, StepLayer, StepRun, is_light_step, kind_of_step
from sightline.nn.step_work import AVERAGE, FILTER, FRAME, LARGEST, MATRIX, SCALE, WINOGRAD
from sightline.nn.winograd import WinogradConv

pytestmark = pytest.mark.skipif(not runs_fused(), reason="needs PyTorch with oneDNN")
ACTIVATIONS = {
    "none": lambda x: x,
    "relu": F.relu,
    "hardsigmoid": F.hardsigmoid,
    "hardswish": F.hardswish,
    "hardtanh": lambda x: F.hardtanh(x, -0.5, 1.5),
}


@pytest.fixture(autouse=True, params=[1, 2])
def _threads(request: pytest.FixtureRequest) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield
    torch.set_num_threads(before)


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def one_step(
    sizes: Sizes, given: list[Tensor], layer: StepLayer | WinogradConv | None = None, bias: Tensor | None = None
) -> Tensor:
    """Return what one step makes of a map, and of what is beside it."""
    program = Program(dtype=given[0].dtype)
    program.given = [program.value(tuple(tensor.shape[1:])) for tensor in given]
    program.answers = [program.value(sizes.after if given[0].ndim == 4 else sizes.after[:1])]
    beside = program.given[1] if len(given) == 2 else None
    program.steps = [Step(sizes, program.given[0], program.answers[0], beside, layer, bias)]
    found = StepRun(program)(*given)
    assert isinstance(found, Tensor)
    return found


def layered(layer: Layer, x: Tensor, shortcut: Tensor | None = None, framed: bool = False) -> tuple[Tensor, Tensor]:
    """Return what a step makes of a layer, and what PyTorch does in float64."""
    weight = layer.weight if layer.weight.ndim == 4 else layer.weight[:, :, None, None]
    deep = x.double() if x.ndim == 4 else x.double()[..., None, None]
    expected = F.conv2d(deep, weight, layer.bias, layer.stride, layer.padding, 1, layer.groups)
    after = tuple(expected.shape[1:])
    expected = expected if x.ndim == 4 else expected.flatten(1)
    expected = ACTIVATIONS[layer.activation.name](expected + (0 if shortcut is None else shortcut.double()))
    kind = kind_of_step(layer, framed)
    assert kind is not None
    step = StepLayer(layer, kind)
    before = tuple(x.shape[1:]) if x.ndim == 4 else (*x.shape[1:], 1, 1)
    return one_step(step.sizes(before, after), [x] if shortcut is None else [x, shortcut], step), expected


def check(found: Tensor, expected: Tensor) -> None:
    assert found.shape == expected.shape
    assert found.dtype == torch.float32
    scale = expected.abs().max().clamp(min=1)
    assert float((found - expected).abs().max() / scale) < 2e-6


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_what_follows_is_the_activation(name: str) -> None:
    numbers = (-0.5, 1.5) if name == "hardtanh" else ()
    layer = Layer(drawn(40, 24, 1, 1).double(), drawn(40, seed=1).double(), (1, 24, 5, 7), Activation(name, numbers))
    check(*layered(layer, drawn(2, 24, 5, 7, seed=2)))


@pytest.mark.parametrize("adds", [False, True])
@pytest.mark.parametrize(
    ("images", "channels", "filters", "high", "wide", "stride"),
    [
        (1, 5, LANES, 1, 1, 1),
        (3, 24, 24, 6, 4, 1),
        (1, 7, 33, 9, 13, 2),
        (2, 64, 72, 28, 28, 1),
        (1, 96, 160, 7, 7, 1),
        (1, 130, 520, 14, 14, 2),
    ],
)
def test_places_by_a_matrix(images: int, channels: int, filters: int, high: int, wide: int, stride: int, adds: bool):
    weight, bias = drawn(filters, channels, 1, 1).double() / channels**0.5, drawn(filters, seed=1).double()
    places = (1, channels, high, wide), Activation("relu"), adds, (stride, stride)
    shortcut = drawn(images, filters, -(-high // stride), -(-wide // stride), seed=3) if adds else None
    check(*layered(Layer(weight, bias, *places), drawn(images, channels, high, wide, seed=2), shortcut))


@pytest.mark.parametrize(("images", "channels", "filters"), [(1, 3, LANES), (3, 72, 24), (16, 130, 1000)])
def test_rows_by_a_matrix(images: int, channels: int, filters: int) -> None:
    layer = Layer(drawn(filters, channels).double() / channels**0.5, drawn(filters, seed=1).double(), (1, channels))
    check(*layered(layer, drawn(images, channels, seed=2)))


@pytest.mark.parametrize("rows", [*COUNTS, 29])
def test_rows_by_a_matrix_of_bfloat16(rows: int) -> None:
    weight = (drawn(40, 27) / 27**0.5).bfloat16().double()  # rounded already: nothing else is
    layer = Layer(weight[:, :, None, None], drawn(40, seed=1).double(), (1, 27, 1, rows), Activation("relu"))
    step = StepLayer(layer, MATRIX)
    step.shorten_weights()
    assert step.weights.dtype == torch.bfloat16
    x = drawn(2, 27, 3, rows, seed=2)
    found = one_step(step.sizes((27, 3, rows), (40, 3, rows)), [x], step)
    check(found, F.conv2d(x.double(), layer.weight, layer.bias).relu())


@pytest.mark.parametrize(("side", "stride"), [(3, 1), (3, 2), (7, 2), (4, 4)])
def test_pixels_by_a_matrix(side: int, stride: int) -> None:
    layer = Layer(
        drawn(48, 3, side, side).double(), drawn(48, seed=1).double(), (1, 3, 33, 24), stride=(stride, stride)
    )
    check(*layered(layer, drawn(2, 3, 33, 24, seed=2), framed=True))


@pytest.mark.parametrize(
    ("images", "channels", "high", "wide", "side", "stride", "padding"),
    [
        (1, LANES, 3, 3, 3, 1, 1),
        (2, 40, 9, 30, 3, 2, 1),
        (1, 72, 14, 14, 5, 1, 2),
        (1, 24, 70, 56, 5, 2, 2),
        (1, 33, 8, 8, 3, 1, 0),
        (1, 16, 5, 6, 1, 1, 0),
        (1, 16, 2, 90, 7, 1, 3),
    ],
)
def test_filters_of_one_channel(images: int, channels: int, high: int, wide: int, side: int, stride: int, padding: int):
    weight, bias = drawn(channels, 1, side, side).double(), drawn(channels, seed=1).double()
    places = {"stride": (stride, stride), "padding": (padding, padding), "groups": channels}
    layer = Layer(weight, bias, (1, channels, high, wide), Activation("hardswish"), **places)  # type: ignore[arg-type]
    check(*layered(layer, drawn(images, channels, high, wide, seed=2)))


def test_averages_shares_and_frames() -> None:
    x, share = drawn(2, 40, 9, 7), drawn(2, 40, 1, 1, seed=1)
    check(one_step(Sizes(AVERAGE, (40, 9, 7), (40, 1, 1)), [x]), x.double().mean((2, 3), keepdim=True))
    assert torch.equal(one_step(Sizes(SCALE, (40, 9, 7), (40, 9, 7)), [x, share]), x * share)
    pixels, colour = drawn(2, 3, 5, 4, seed=2), torch.tensor([0.5, -1.0, 2.0])
    found = one_step(Sizes(FRAME, (3, 5, 4), (3, 9, 8), padding=2), [pixels], bias=colour)
    expected = F.pad(pixels - colour.view(3, 1, 1), (2, 2, 2, 2)) + colour.view(3, 1, 1)
    torch.testing.assert_close(found, expected)
    assert torch.equal(found[:, :, 2:7, 2:6], pixels)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(("side", "stride", "padding"), [(3, 2, 1), (2, 2, 0), (3, 1, 1), (5, 3, 2)])
def test_largest_of_windows(side: int, stride: int, padding: int, dtype: torch.dtype) -> None:
    x = drawn(2, 40, 11, 8).to(dtype)
    x[1, 3, 5, 6] = torch.nan
    x[0, 7, 2, 2] = -torch.nan
    expected = F.max_pool2d(x, side, stride, padding)
    found = one_step(Sizes(LARGEST, (40, 11, 8), _after(expected), side, stride, padding), [x])
    torch.testing.assert_close(found, expected, rtol=0, atol=0, equal_nan=True)


def _after(map_: Tensor) -> tuple[int, int, int]:
    channels, high, wide = map_.shape[1:]
    return channels, high, wide


def test_which_windows_are_steps() -> None:
    graph = torch.fx.Graph()
    x = graph.placeholder("x")
    x.meta["val"] = torch.empty(2, 32, 8, 8, device="meta")
    asked = [([3, 3], [2, 2], [1, 1]), ([2, 2],), ([2, 2], [], 1), ([3, 2],), ([3, 3], [2, 2], [1, 1], [2, 2])]
    asked.append(([3, 3], [2, 2], [1, 1], [1, 1], True))
    found = [window_of(graph.call_function(torch.ops.aten.max_pool2d.default, (x, *given))) for given in asked]
    assert found == [(3, 2, 1), (2, 2, 0), (2, 2, 1), None, None, None]
    x.meta["val"] = torch.empty(2, 3, 8, 8, device="meta")
    assert window_of(graph.call_function(torch.ops.aten.max_pool2d.default, (x, [2, 2]))) is None


def test_nan_stays_where_it_is() -> None:
    x = drawn(1, 24, 3, 5)
    x[0, 3, 1, 2] = torch.nan
    layer = Layer(drawn(32, 24, 1, 1).double(), drawn(32).double(), (1, 24, 3, 5), Activation("relu"))
    step = StepLayer(layer, MATRIX)
    found = one_step(step.sizes((24, 3, 5), (32, 3, 5)), [x], step)
    assert found[0, :, 1, 2].isnan().all()
    assert int(found.isnan().sum()) == 32


def test_what_cannot_be_a_step_is_none() -> None:
    weight, bias = drawn(32, 32, 3, 3).double(), drawn(32).double()
    size = (1, 32, 9, 9)
    assert kind_of_step(Layer(weight, bias, size, padding=(1, 1)), framed=False) == MATRIX
    assert kind_of_step(Layer(weight, bias, size, padding=(1, 0)), framed=False) is None
    assert kind_of_step(Layer(weight[..., :1, :1], bias, size), framed=False) == MATRIX
    assert kind_of_step(Layer(weight, bias, size, dilation=(2, 2)), framed=False) is None
    assert kind_of_step(Layer(weight[..., :1, :1], bias, size, Activation("gelu")), framed=False) is None
    assert kind_of_step(Layer(weight[: LANES - 1, :, :1, :1], bias, size), framed=False) is None
    assert kind_of_step(Layer(weight[:, :1], bias, size, NONE, groups=32), framed=False) == FILTER
    assert kind_of_step(Layer(weight[:, :1], bias, size, NONE, adds=True, groups=32), framed=False) is None
    assert kind_of_step(Layer(weight[..., :1, :1], bias, (1, 32, 200, 200)), framed=False) is None  # too large to pay


def test_light_steps_are_those_that_bfloat16_does_not_hasten() -> None:
    weight, bias, size = drawn(32, 32, 3, 3).double(), drawn(32).double(), (1, 32, 8, 8)
    assert is_light_step(Layer(weight[..., :1, :1], bias, size), framed=False)
    assert is_light_step(Layer(weight[:, :1], bias, size, groups=32), framed=False)
    assert is_light_step(Layer(weight[..., 0, 0], bias, (1, 32)), framed=False)
    assert is_light_step(Layer(weight[:, :3], bias, (1, 3, 200, 200)), framed=True)
    assert not is_light_step(Layer(weight, bias, size), framed=False)
    assert not is_light_step(Layer(weight[..., :1, :1], bias, (1, 32, 200, 200)), framed=False)


@pytest.mark.parametrize("adds", [False, True])
@pytest.mark.parametrize(("images", "high", "wide", "padding"), [(1, 9, 14, 1), (3, 7, 7, 0), (2, 61, 40, 1)])
def test_winograds_way_is_a_step(images: int, high: int, wide: int, padding: int, adds: bool) -> None:
    conv = WinogradConv(drawn(48, 32, 3, 3) / 17, drawn(48, seed=1), padding, "relu")
    x = drawn(images, 32, high, wide, seed=2)
    expected = F.conv2d(x.double(), drawn(48, 32, 3, 3).double() / 17, drawn(48, seed=1).double(), padding=padding)
    shortcut = drawn(*expected.shape, seed=3) if adds else None
    given = [x] if shortcut is None else [x, shortcut]
    found = one_step(Sizes(WINOGRAD, (32, high, wide), _after(expected), 3, 1, padding), given, conv)
    check(found, (expected + (0 if shortcut is None else shortcut.double())).relu())
    layout = torch.channels_last
    others = [tensor.contiguous(memory_format=layout) for tensor in given]
    assert torch.equal(found, conv(*others))  # the same work, asked for alone


def test_items_cover_all_that_is_done_once_or_twice() -> None:
    draw = np.random.default_rng(0)
    for _ in range(200):
        filters, high, wide = (int(n) for n in draw.integers(1, [600, 20, 20]))
        stride, threads = int(draw.integers(1, 3)), int(draw.integers(1, 9))
        before = int(draw.integers(1, 600)), stride * high, stride * wide
        sizes = Sizes(MATRIX, before, (max(filters, LANES), high, wide), 1, stride)
        found = cut(sizes, int(draw.integers(1, 4)), threads)
        width = found["answers_wide"]
        assert found["rows"] in COUNTS
        assert found["rows"] <= width <= found["rows"] * found["blocks"]
        parts = -(-found["panels"] // found["panels_each"])
        assert found["items"] == parts * -(-found["lines"] * found["blocks"] // found["blocks_each"])
    assert [rows_at_once(count) for count in (1, 2, 3)] == [1, 2, COUNTS[2] if COUNTS[2] == 3 else 2]


def test_values_that_are_needed_together_do_not_overlap() -> None:
    draw = np.random.default_rng(0)
    for _ in range(50):
        sizes = [int(n) for n in draw.integers(1, 1000, 20)]
        made = sorted(int(n) for n in draw.integers(0, 30, 20))
        last = [first + int(n) for first, n in zip(made, draw.integers(0, 8, 20), strict=True)]
        offsets, total = place_values(sizes, made, last)
        held: dict[int, set[int]] = {}
        for k in range(20):
            for step in range(made[k], last[k] + 1):
                bytes_ = set(range(offsets[k], offsets[k] + sizes[k]))
                assert not held.get(step, set()) & bytes_
                held.setdefault(step, set()).update(bytes_)
        assert all(offset % 64 == 0 for offset in offsets)
        assert total == max(offset + size for offset, size in zip(offsets, sizes, strict=True))


class Inverted(nn.Module):
    """Pixels, inverted residuals with squeeze and excitation, and a head: all are steps."""

    def __init__(self) -> None:
        super().__init__()
        self.normalize, self.stem = Normalize((0.4, 0.5, 0.6), (0.2, 0.3, 0.25)), nn.Conv2d(3, 16, 3, 2, 1)
        self.expand, self.depthwise = nn.Conv2d(16, 72, 1), nn.Conv2d(72, 72, 5, 1, 2, groups=72)
        self.squeeze, self.excite = nn.Conv2d(72, 24, 1), nn.Conv2d(24, 72, 1)
        self.project, self.head = nn.Conv2d(72, 16, 1), nn.Linear(16, 20)

    def forward(self, images: Tensor) -> Tensor:
        x = F.hardswish(self.stem(self.normalize(images)))
        y = F.relu(self.depthwise(F.relu6(self.expand(x))))
        y = y * F.hardsigmoid(self.excite(F.relu(self.squeeze(y.mean((2, 3), keepdim=True)))))
        return self.head(F.adaptive_avg_pool2d(x + self.project(y), 1).flatten(1))


def inverted() -> tuple[nn.Module, Any]:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        model = Inverted().eval()
    return model, FusedNetwork(model, (3, 30, 34))


def test_a_whole_network_is_one_run_for_one_image() -> None:
    model, fast = inverted()
    one, several = fast._graphs[3, 30, 34]
    assert [node.op for node in one.graph.nodes if node.op != "get_attr"] == ["placeholder", "call_module", "output"]
    assert any(isinstance(module, PackedConvolution) for module in several.modules())
    for layout in (torch.contiguous_format, torch.channels_last):
        image = torch.rand(1, 3, 30, 34, generator=torch.Generator().manual_seed(1)).contiguous(memory_format=layout)
        kept = image.clone()
        with torch.inference_mode():
            found, expected = fast(image), copy.deepcopy(model).double()(image.double())
        check(found, expected)
        assert torch.equal(image, kept)
        assert torch.equal(found, fast(image))
    assert torch.equal(copy.deepcopy(one)(image)[0], found)


class Residual(nn.Module):
    """Pixels, windows and two residual blocks, one of which halves the sides: all are steps."""

    def __init__(self) -> None:
        super().__init__()
        self.normalize, self.stem = Normalize((0.4, 0.5, 0.6), (0.2, 0.3, 0.25)), nn.Conv2d(3, 32, 7, 2, 3)
        self.reduce, self.inner, self.expand = nn.Conv2d(32, 16, 1), nn.Conv2d(16, 16, 3, 1, 1), nn.Conv2d(16, 32, 1)
        self.first, self.second = nn.Conv2d(32, 48, 3, 2, 1), nn.Conv2d(48, 48, 3, 1, 1)
        self.beside, self.wide, self.head = nn.Conv2d(32, 48, 1, 2), nn.Conv2d(48, 32, 5, 1, 1), nn.Linear(32, 20)

    def forward(self, images: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.stem(self.normalize(images))), 3, 2, 1)
        x = F.relu(x + self.expand(F.relu(self.inner(F.relu(self.reduce(x))))))
        x = F.relu(self.beside(x) + self.second(F.relu(self.first(x))))
        return self.head(F.adaptive_avg_pool2d(F.relu(self.wide(x)), 1).flatten(1))


def residual() -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return Residual().eval()


@pytest.mark.parametrize(("high", "wide"), [(64, 96), (91, 54)])
def test_a_residual_network_is_one_run_for_one_image(high: int, wide: int) -> None:
    model, image = residual(), torch.rand(1, 3, high, wide, generator=torch.Generator().manual_seed(1))
    fast = FusedNetwork(model, (3, high, wide))
    (run,) = [module for module in fast._graphs[3, high, wide][0].modules() if isinstance(module, StepRun)]
    kinds = {step.sizes.kind for step in run.program.steps}
    assert kinds == {FRAME, MATRIX, LARGEST, AVERAGE, WINOGRAD}
    with torch.inference_mode():
        expected = copy.deepcopy(model).double()(image.double())
        check(fast(image), expected)
        several = run(torch.cat([image, image.flip(3), image]))  # as many images as there are
        assert isinstance(several, Tensor)
        check(several[1:2], copy.deepcopy(model).double()(image.flip(3).double()))
        assert torch.equal(several[0], several[2])
        assert torch.equal(pickle.loads(pickle.dumps(run))(image), run(image))


def test_weights_lie_in_the_order_in_which_they_are_read() -> None:
    graph = FusedNetwork(residual(), (3, 64, 96))._graphs[3, 64, 96][0]
    (run,) = [module for module in graph.modules() if isinstance(module, StepRun)]
    weights = [step.layer.weights for step in run.program.steps if step.layer is not None]
    places = [one.data_ptr() for one in weights]
    assert len(weights) == 9
    assert all(place % 64 == 0 for place in places)
    ends = [place + one.nbytes for place, one in zip(places, weights, strict=True)]
    assert all(0 <= after - end < 64 for after, end in zip(places[1:], ends[:-1], strict=True))


@pytest.mark.skipif(not runs_bfloat16(), reason="needs a processor with bfloat16")
def test_of_one_image_only_weights_are_rounded_where_that_is_faster() -> None:
    model, fast = inverted()
    short = FusedNetwork(model, (3, 30, 34), "bf16")
    images = torch.rand(2, 3, 30, 34, generator=torch.Generator().manual_seed(1))
    steps = [module for module in short._graphs[3, 30, 34][0].modules() if isinstance(module, StepRun)]
    assert len(steps) == 1
    layers = [step.layer for step in steps[0].program.steps if isinstance(step.layer, StepLayer)]
    by_kind = {(layer.kind, layer.weights.dtype) for layer in layers}
    assert by_kind == {(MATRIX, torch.bfloat16), (FILTER, torch.float32)}
    one, several = ((short(given) - fast(given)).abs().max() for given in (images[:1], images))
    assert 1e-5 < float(one) < 0.02
    assert 1e-5 < float(several) < 0.03


def test_many_threads_may_ask_at_once() -> None:
    _, fast = inverted()
    images = [torch.rand(1, 3, 30, 34, generator=torch.Generator().manual_seed(k)) for k in range(24)]
    expected = [fast(image) for image in images]
    with ThreadPoolExecutor(6) as pool:
        assert all(map(torch.equal, pool.map(fast, images), expected))

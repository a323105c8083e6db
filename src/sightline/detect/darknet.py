"""A network as darknet describes it: layers in a row, each of which may look back at any before it.

Redmon and Farhadi 2018, "YOLOv3: An Incremental Improvement", arXiv:1804.02767, section 2, for what a ``yolo`` layer
says: x = σ(tₓ) + cₓ, w = pᵥ·exp(tᵥ), objectness and classes through σ.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sightline.core.errors import FormatError, InputError, WeightsError
from sightline.core.types import PathLike
from sightline.detect.darknet_file import Section, read_numbers, read_sections, with_classes
from sightline.detect.detector import Targets
from sightline.detect.one_stage import OneStage
from sightline.detect.yolo_v3_loss import yolo_v3_loss

_ACTIVATIONS = {
    "linear": nn.Identity,
    "leaky": lambda: nn.LeakyReLU(0.1),
    "relu": nn.ReLU,
    "logistic": nn.Sigmoid,
    "swish": nn.SiLU,
    "mish": nn.Mish,
}


@dataclass(frozen=True)
class Grid:
    """What one ``yolo`` layer says.

    Parameters
    ----------
    raw
        B×a×H×W×(5 + K): tₓ, tᵧ, tᵥ, tₕ, objectness, classes, all before the sigmoid.
    anchors
        a×2 widths and heights, pixels.
    every
        All anchors of the network, n×2, pixels; a true box belongs to the one that is most like it.
    numbers
        Which of them this layer has.
    stride
        Pixels of one cell.
    stretch
        Factor about the cell's middle by which σ reaches beyond the cell (1 in the paper).
    """

    raw: Tensor
    anchors: Tensor
    every: Tensor
    numbers: tuple[int, ...]
    stride: tuple[float, float]
    stretch: float = 1.0

    def boxes(self) -> Tensor:
        """Return B×a×H×W×4 xyxy, pixels."""
        height, width = self.raw.shape[2:4]
        device = self.raw.device
        y, x = torch.meshgrid(torch.arange(height, device=device), torch.arange(width, device=device), indexing="ij")
        cells = torch.stack([x, y], dim=-1)  # H×W×2
        inside = self.raw[..., :2].sigmoid() * self.stretch - (self.stretch - 1) / 2
        middle = (inside + cells) * self.raw.new_tensor(self.stride)
        half = self.raw[..., 2:4].clamp(max=20).exp() * self.anchors[:, None, None] / 2
        return torch.cat([middle - half, middle + half], dim=-1)

    def scores(self) -> Tensor:
        """Return B×a×H×W×K: objectness times class."""
        return self.raw[..., 4:5].sigmoid() * self.raw[..., 5:].sigmoid()


class Route(nn.Module):
    """Earlier maps side by side; of each, where asked, one group of its channels."""

    def __init__(self, sources: Sequence[int], groups: int, group: int) -> None:
        super().__init__()
        self.sources, self.groups, self.group = tuple(sources), groups, group

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """Return B×ΣC×H×W."""
        parts = [maps[source].chunk(self.groups, dim=1)[self.group] for source in self.sources]
        return torch.cat(parts, dim=1)


class Shortcut(nn.Module):
    """The map before, plus an earlier one."""

    def __init__(self, source: int, activation: nn.Module) -> None:
        super().__init__()
        self.source, self.activation = source, activation

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """Return B×C×H×W."""
        return self.activation(maps[-1] + maps[self.source])


class MaxPool(nn.Module):
    """Maxima; what lies outside never wins, the odd pixel of padding is at the right and at the bottom."""

    def __init__(self, size: int, stride: int, padding: int) -> None:
        super().__init__()
        self.size, self.stride, self.padding = size, stride, padding

    def forward(self, x: Tensor) -> Tensor:
        """Return B×C×⌊(H + p − k)/s⌋+1×…"""
        before = self.padding // 2
        after = self.padding - before
        return F.max_pool2d(F.pad(x, (before, after, before, after), value=-torch.inf), self.size, self.stride)


class Head(nn.Module):
    """A ``yolo`` layer: it computes nothing, and knows which anchors are its own."""

    def __init__(self, anchors: np.ndarray, numbers: Sequence[int], classes: int, stretch: float) -> None:
        super().__init__()
        self.register_buffer("every", torch.tensor(anchors, dtype=torch.float32), persistent=False)
        self.numbers, self.classes, self.stretch = tuple(numbers), classes, stretch

    def grid(self, x: Tensor, size: tuple[int, int]) -> Grid:
        """Return what a map B×a(5 + K)×H×W says of an image of ``size`` pixels."""
        every: Tensor = self.every  # pyrefly: ignore
        batch, _, height, width = x.shape
        raw = x.reshape(batch, len(self.numbers), 5 + self.classes, height, width).permute(0, 1, 3, 4, 2)
        stride = (size[1] / x.shape[-1], size[0] / x.shape[-2])
        return Grid(raw, every[list(self.numbers)], every, self.numbers, stride, self.stretch)


class Darknet(OneStage):
    """The network of a ``.cfg``, as a :class:`~sightline.detect.detector.Detector`.

    Parameters
    ----------
    sections
        From :func:`~sightline.detect.darknet_file.parse`.
    """

    name = "yolo_v3"

    def __init__(self, sections: Sequence[Section]) -> None:
        super().__init__()
        net = sections[0]
        self.sections = tuple(sections)
        self.size = (net.integer("height", 416), net.integer("width", 416))
        self.layers = nn.ModuleList()
        widths = [net.integer("channels", 3)]  # of the image, then of what each layer gives
        for section in sections[1:]:
            layer, width = _build(section, widths)
            if isinstance(layer, Head):
                _begin_low(self.layers[-1], layer.classes)
            self.layers.append(layer)
            widths.append(width)
        if not any(isinstance(layer, Head) for layer in self.layers):
            raise FormatError("read_darknet: the network has no [yolo] layer: it is no detector.")

    def look(self, images: Tensor) -> list[Grid]:
        """Return what each ``yolo`` layer says of B×3×H×W images in 0–1, RGB; H and W are multiples of 32."""
        maps: list[Tensor] = []
        found: list[Grid] = []
        for layer in self.layers:
            x = maps[-1] if maps else images
            if isinstance(layer, Head):
                found.append(layer.grid(x, (images.shape[-2], images.shape[-1])))
                maps.append(x)
            else:
                maps.append(layer(maps if isinstance(layer, (Route, Shortcut)) else x))
        return found

    def answer(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return boxes B×A×4 in pixels and scores B×A×K: objectness times class."""
        grids = self.look(images)
        boxes = torch.cat([grid.boxes().flatten(1, 3) for grid in grids], dim=1)
        return boxes, torch.cat([grid.scores().flatten(1, 3) for grid in grids], dim=1)

    def learn(self, images: Tensor, targets: Sequence[Targets]) -> dict[str, Tensor]:
        """Return the losses, those of :func:`~sightline.detect.yolo_v3_loss.yolo_v3_loss`."""
        return yolo_v3_loss(self.look(images), targets)

    def begin(self, weights: PathLike, like: Sequence[int] = ()) -> None:
        """Begin with a ``.weights`` file of the same network for any classes; other classes' outputs stay fresh.

        Parameters
        ----------
        weights
            The file; the number of its classes follows from its length.
        like
            Of each of our classes, the number of the file's class whose outputs it begins with, −1 for none; empty for
            none at all.
        """
        numbers = read_numbers(weights)
        for classes in (80, 20, *range(1, 1000)):  # COCO's, VOC's, and whatever else
            whole = Darknet(with_classes(self.sections, classes)) if _length(self, classes) == len(numbers) else None
            if whole is not None:
                self.take(whole.load_numbers(numbers, str(weights)), like)
                return
        raise WeightsError(f"read_darknet: '{weights}' are not the weights of this network, for any number of classes.")

    def divided(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return views of an output's weights or biases: those of the classes of each anchor, those before them."""
        classes = next(layer.classes for layer in self.layers if isinstance(layer, Head))
        whole = rows.unflatten(0, (-1, 5 + classes))
        return whole[:, 5:], whole[:, :5]

    def load_numbers(self, numbers: np.ndarray, name: str) -> Darknet:
        """Fill the convolutions in order; raise :class:`WeightsError` when there are too few or too many numbers.

        Parameters
        ----------
        numbers
            Float32, as darknet keeps them.
        name
            What errors call them.
        """
        targets = [tensor for layer in self.layers if isinstance(layer, nn.Sequential) for tensor in _in_order(layer)]
        wanted = sum(tensor.numel() for tensor in targets)
        if wanted != len(numbers):
            raise WeightsError(
                f"read_darknet: '{name}' has {len(numbers):,} numbers, the network {wanted:,}: they do not belong "
                "together, or the file was cut short."
            )
        start = 0
        with torch.no_grad():
            for tensor in targets:
                part = numbers[start : start + tensor.numel()]
                tensor.copy_(torch.from_numpy(part.copy()).reshape(tensor.shape))
                start += tensor.numel()
        return self


def _begin_low(layer: nn.Module, classes: int) -> None:
    """Let every place say "nothing" at first: Lin et al. 2017, "Focal Loss", section 4.1, a probability of 0.01."""
    conv = layer[0] if isinstance(layer, nn.Sequential) else None
    if isinstance(conv, nn.Conv2d) and conv.bias is not None:
        nn.init.normal_(conv.weight, std=0.01)
        with torch.no_grad():
            bias = conv.bias.zero_().unflatten(0, (-1, 5 + classes))
            bias[:, 4] = -math.log(99)


def _length(model: Darknet, classes: int) -> int:
    """Return how many numbers the file of a network has for so many classes."""
    total = 0
    for place, layer in enumerate(model.layers):
        if isinstance(layer, nn.Sequential):
            count = sum(tensor.numel() for tensor in _in_order(layer))
            after = model.layers[place + 1] if place + 1 < len(model.layers) else None
            if isinstance(after, Head):  # every output has its weights and its bias
                count = count // (5 + after.classes) * (5 + classes)
            total += count
    return total


def _in_order(layer: nn.Sequential) -> list[Tensor]:
    """Return a convolution's tensors in the order in which darknet keeps them."""
    conv = layer[0]
    assert isinstance(conv, nn.Conv2d)
    norm = layer[1]
    if isinstance(norm, nn.BatchNorm2d):
        return [norm.bias, norm.weight, norm.running_mean, norm.running_var, conv.weight]  # pyrefly: ignore
    return [conv.bias, conv.weight]  # pyrefly: ignore


def _build(section: Section, widths: Sequence[int]) -> tuple[nn.Module, int]:
    """Return a layer and the channels that it gives; ``widths`` are those of the image and of all layers before."""
    kind, before = section.kind, widths[-1]
    if kind == "convolutional":
        return _convolution(section, before)
    if kind == "maxpool":
        size = section.integer("size", 2)
        stride = section.integer("stride", size)
        return MaxPool(size, stride, section.integer("padding", size - 1)), before
    if kind == "upsample":
        return nn.Upsample(scale_factor=section.integer("stride", 2), mode="nearest"), before
    if kind == "dropout":
        return nn.Dropout(section.numbers("probability", [0.5])[0]), before
    if kind == "route":
        sources = [_source(section, number, widths) for number in section.integers("layers")]
        groups = section.integer("groups", 1)
        route = Route(sources, groups, section.integer("group_id", 0))
        return route, sum(widths[source + 1] // groups for source in sources)
    if kind == "shortcut":
        source = _source(section, section.integer("from", -2), widths)
        return Shortcut(source, _activation(section)), before
    if kind == "yolo":
        anchors = np.array(section.numbers("anchors")).reshape(-1, 2)
        numbers = section.integers("mask", range(len(anchors)))
        classes = section.integer("classes", 20)
        if before != len(numbers) * (5 + classes):
            raise FormatError(
                f"read_darknet: {section.place} needs {len(numbers)}·(5 + {classes}) channels before it; got {before}."
            )
        return Head(anchors, numbers, classes, section.numbers("scale_x_y", [1.0])[0]), before
    raise FormatError(f"read_darknet: {section.place} is of a kind that is not understood.")


def _convolution(section: Section, before: int) -> tuple[nn.Module, int]:
    filters, size = section.integer("filters", 1), section.integer("size", 1)
    padding = size // 2 if section.integer("pad", 0) else section.integer("padding", 0)
    norm = bool(section.integer("batch_normalize", 0))
    stride, groups = section.integer("stride", 1), section.integer("groups", 1)
    conv = nn.Conv2d(before, filters, size, stride, padding, groups=groups, bias=not norm)
    middle: nn.Module = nn.BatchNorm2d(filters, 1e-5) if norm else nn.Identity()
    return nn.Sequential(conv, middle, _activation(section)), filters


def _activation(section: Section) -> nn.Module:
    name = section.values.get("activation", "linear")
    if name not in _ACTIVATIONS:
        raise FormatError(
            f"read_darknet: activation of {section.place} must be one of {', '.join(_ACTIVATIONS)}; got {name}."
        )
    return _ACTIVATIONS[name]()


def _source(section: Section, number: int, widths: Sequence[int]) -> int:
    """Return the layer that a number means: negative ones count back from the section."""
    here = len(widths) - 1
    source = here + number if number < 0 else number
    if not 0 <= source < here:
        raise FormatError(f"read_darknet: {section.place} looks at layer {number}, which is not before it.")
    return source


def darknet(classes: int = 80, *, cfg: str = "") -> Darknet:
    """Return the network of a ``.cfg`` for another number of classes, to be trained on.

    Parameters
    ----------
    classes
        Number of classes, ≥ 1.
    cfg
        The file, or its text.
    """
    if not cfg:
        raise InputError("train: cfg must be darknet's .cfg file, for example cfg=yolov3-tiny.cfg; got none.")
    return Darknet(with_classes(read_sections(cfg), classes))


def read_darknet(cfg: PathLike, weights: PathLike | None = None) -> Darknet:
    """Read a detector that darknet described, and its weights.

    Parameters
    ----------
    cfg
        The ``.cfg`` file: convolutional, maxpool, route, shortcut, upsample, dropout and yolo layers.
    weights
        The ``.weights`` file; None leaves fresh weights.

    Returns
    -------
    Darknet
        In evaluation mode: ``model(images)`` gives one ``Detections`` for each of B×3×H×W images in 0–1, RGB.

    Raises
    ------
    FormatError
        When a file is not darknet's, or has a layer that is not understood.
    WeightsError
        When the weights are too few or too many for the network.
    """
    model = Darknet(read_sections(cfg))
    if weights is not None:
        model.load_numbers(read_numbers(weights), str(weights))
    return model.eval()

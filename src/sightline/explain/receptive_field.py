"""Receptive field: which pixels can a unit see, and which of them does it listen to?

Araujo, Norris, Sim 2019, "Computing Receptive Fields of Convolutional Neural Networks", Distill (the arithmetic);
Luo, Li, Urtasun, Zemel 2016, "Understanding the Effective Receptive Field in Deep Convolutional Neural Networks",
NeurIPS (what is left of it).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor, nn

from sightline.core.canvas import Canvas, colour_of
from sightline.core.catalogue import method
from sightline.core.checks import integer
from sightline.core.layers import Boxes, Heat, Value
from sightline.core.trace import Step
from sightline.core.types import Range
from sightline.explain.fields import Field, fields_of
from sightline.explain.layers import Layer, blank_for, layer_named, layers_of, watching
from sightline.nn.probe import probing

_EFFECTIVE = 1 - 0.9545  # of the peak: Luo 2016, section 3.2


@dataclass(frozen=True)
class ReceptiveField:
    """What the units of one layer see of the image.

    Parameters
    ----------
    layer
        Name of the layer.
    size
        Height and width of the field in pixels, computed from the operations; may be larger than the image.
    stride
        Pixels from one unit's field to the next one's, down and across; 0 where every unit sees the whole image.
    offset
        Centre of the first unit's field in point coordinates, down and across; padding can put it outside.
    unit
        Row and column of the unit in the middle, whose influence was measured.
    influence
        H×W float32, the mean size of that unit's gradient at every pixel, with a maximum of 1.
    """

    layer: str
    size: tuple[int, int]
    stride: tuple[int, int]
    offset: tuple[float, float]
    unit: tuple[int, int] = (0, 0)
    influence: Float32[np.ndarray, "h w"] = field(default_factory=lambda: np.zeros((0, 0), np.float32), repr=False)

    def box(self, row: int, column: int) -> np.ndarray:
        """Return the field of one unit as a box (xyxy, continuous edges), not cut at the image's border."""
        centre = [o + i * s for o, i, s in zip(self.offset, (row, column), self.stride, strict=True)]
        (y, x), (height, width) = centre, self.size
        return np.array([x + 0.5 - width / 2, y + 0.5 - height / 2, x + 0.5 + width / 2, y + 0.5 + height / 2])

    @property
    def measured(self) -> np.ndarray:
        """The box (xyxy, continuous edges) around all pixels that moved the unit in the middle."""
        rows, columns = (np.flatnonzero(self.influence.any(axis=axis)) for axis in (1, 0))
        if not len(rows):
            return np.zeros(4)
        return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], np.float64)

    @property
    def effective(self) -> float:
        """Side in pixels of a square of as many pixels as have more than 4.55 % of the largest influence."""
        return float(np.sqrt((self.influence > _EFFECTIVE).sum()))

    def draw(self, image: np.ndarray | None = None) -> np.ndarray:
        """Return the influence as heat, over an image of that size where one is given, with the field's box."""
        canvas = Canvas(np.zeros(self.influence.shape, np.uint8) if image is None else image)
        canvas.heat(np.sqrt(self.influence), opacity=1.0 if image is None else 0.6)
        canvas.box(self.box(*self.unit), colour_of(1))
        return canvas.image()

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        place = {"layer": self.layer, "size": list(self.size), "stride": list(self.stride), "offset": list(self.offset)}
        return {**place, "measured": self.measured.tolist(), "effective": self.effective}


@method(task="explanation", paper="Araujo 2019", lesson="w5d6")
def receptive_field(
    model: nn.Module,
    layer: str | nn.Module | None = None,
    *,
    shape: tuple[int, int, int] | None = None,
    images: Annotated[int, Range(0, 256)] = 8,
    seed: int = 0,
) -> ReceptiveField:
    """Return the receptive field of a layer's units twice: from the arithmetic of strides, and by the gradient.

    The arithmetic follows every operation that runs, functions as well as modules, through shortcuts and branches, and
    gives the pixels that *can* matter. The gradient of the unit in the middle, over random images, shows which *do*;
    its box lies in the computed one, and is equal to it where no unit is dead and no maximum hides a pixel. The model
    is left as it was: mode, gradients, parameters, hooks.

    Parameters
    ----------
    model
        Any network that takes B×C×H×W in 0–1.
    layer
        Name of the layer or the module itself; the last one that has places when None.
    shape
        Channels, height and width of the images. None takes the channels of the first convolution, and the size that
        the model's configuration states, else 224×224, else 32×32 for a network that takes no larger ones.
    images
        Random images to measure over, 0 for the arithmetic alone.
    seed
        Of the random images.

    Returns
    -------
    ReceptiveField
        With ``size``, ``stride``, ``offset``, ``box(row, column)``, ``measured`` and ``effective``.

    Raises
    ------
    InputError
        When the model has no layer with places or none of that name, or takes no images of that shape.

    References
    ----------
    Araujo, Norris, Sim, "Computing Receptive Fields of Convolutional Neural Networks", Distill 2019.
    Luo, Li, Urtasun, Zemel, "Understanding the Effective Receptive Field in Deep Convolutional Neural Networks",
    NeurIPS 2016.

    Examples
    --------
    >>> import torch
    >>> from sightline.explain import receptive_field
    >>> model = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 5), torch.nn.MaxPool2d(2), torch.nn.Conv2d(2, 2, 3))
    >>> found = receptive_field(model, shape=(1, 28, 28))
    >>> found.size, found.stride, found.offset
    ((10, 10), (2, 2), (4.5, 4.5))
    """
    images = integer("receptive_field", "images", images, 0, 256)
    with probing(model):
        blank = blank_for("receptive_field", model, shape)
        known = layer_named("receptive_field", layers_of(model, blank), layer, model)
        found = fields_of(model, blank, (known,))[known.name]
        unit = (known.grid[0] // 2, known.grid[1] // 2)
        influence = _influence(model, blank, known, unit, images, seed)
    return _result(known, found, blank, unit, influence)


@receptive_field.steps
def _(
    model: nn.Module,
    layer: str | nn.Module | None = None,
    *,
    shape: tuple[int, int, int] | None = None,
    images: int = 8,
    seed: int = 0,
) -> Iterator[Step]:
    found = receptive_field(model, layer, shape=shape, images=images, seed=seed)
    boxes = np.stack([found.box(*found.unit), found.measured]).astype(np.float32)
    yield Step(
        "influence",
        Heat(np.sqrt(found.influence)),
        Boxes(boxes, ("computed", "measured")),
        note="The root of the mean gradient, so that the faint rim can be seen.",
    )
    yield Step("receptive field", Value(found))


def _result(layer: Layer, found: Field, blank: Tensor, unit: tuple[int, int], influence: np.ndarray) -> ReceptiveField:
    if found.whole:
        size = (blank.shape[2], blank.shape[3])
        middle = ((size[0] - 1) / 2, (size[1] - 1) / 2)
        return ReceptiveField(layer.name, size, (0, 0), middle, unit, influence)
    return ReceptiveField(layer.name, found.size, found.stride, found.centre, unit, influence)


def _influence(
    model: nn.Module, blank: Tensor, layer: Layer, unit: tuple[int, int], images: int, seed: int
) -> np.ndarray:
    """Return the mean |gradient| of all channels of one unit, H×W with a maximum of 1."""
    random = torch.Generator().manual_seed(seed)
    total = torch.zeros(blank.shape[2:], dtype=torch.float64)
    seen: list[Tensor] = []
    module = model.get_submodule(layer.name)
    with watching([module], lambda _, output: seen.append(output)):
        for _ in range(images):
            image = torch.rand(blank.shape, generator=random).to(blank.device).requires_grad_()
            model(image)
            response = layer.maps(seen.pop())[0, :, unit[0], unit[1]]
            signs = torch.randint(0, 2, response.shape, generator=random).mul(2).sub(1).to(response)
            (gradient,) = torch.autograd.grad((response * signs).sum(), image)
            total += gradient[0].abs().sum(dim=0).double().cpu()
    return (total / total.max().clamp(min=1e-300)).float().numpy()

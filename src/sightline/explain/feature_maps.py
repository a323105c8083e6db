"""Feature maps: what every layer of a network makes of one picture.

Yosinski, Clune, Nguyen, Fuchs, Lipson 2015, "Understanding Neural Networks Through Deep Visualization", ICML workshop,
section 2: the responses of each channel, drawn at their places.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import nn

from sightline.core.canvas import Canvas, colour_of
from sightline.core.catalogue import method
from sightline.core.errors import InputError, suggest
from sightline.core.layers import Grid, Heat, Picture, Value, paint
from sightline.core.trace import Step
from sightline.explain.layers import Layer, layer_named, layers_of, outputs_of
from sightline.nn.probe import Images, as_single, numbers_of, picture_of, probing

_GAP = 6  # pixels between sheets
_ASPECT = 4 / 3  # of a page of sheets, width by height
_SHEET = 480  # pixels a side that a sheet of maps is enlarged to


@dataclass(frozen=True)
class FeatureMaps:
    """The maps of a model's layers for one image.

    Parameters
    ----------
    layers
        What is known of each layer, in the order in which they ran.
    maps
        K×h×w float32 of each layer by its name; h = w = 1 where nothing has a place in the image.
    """

    layers: tuple[Layer, ...]
    maps: dict[str, np.ndarray]

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in self.maps:
            raise InputError(f"FeatureMaps: no layer is named '{name}'.{suggest(name, self.maps)}")
        return self.maps[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.maps)

    def __len__(self) -> int:
        return len(self.maps)

    def strongest(self, name: str, most: int = 64) -> np.ndarray:
        """Return the indices of a layer's ``most`` maps of the largest mean magnitude, in the order of the layer."""
        strength = np.abs(self[name]).mean(axis=(1, 2))
        return np.sort(np.argsort(-strength, kind="stable")[:most])

    def tiles(self, name: str, most: int = 64) -> np.ndarray:
        """Return a layer's strongest maps N×h×w; where nothing has a place, all its values as one tile."""
        maps = self[name]
        if maps.shape[1:] != (1, 1):
            return maps[self.strongest(name, most)]
        side = int(np.ceil(np.sqrt(len(maps))))
        laid = np.full(side * side, maps.min(), np.float32)
        laid[: len(maps)] = maps[:, 0, 0]
        return laid.reshape(1, side, side)

    def draw(self, name: str | None = None, most: int = 64) -> np.ndarray:
        """Return an atlas, H×W×3 uint8: a sheet of a layer's strongest maps, each from black to white by itself.

        Parameters
        ----------
        name
            The layer; None lays the sheets of all layers in rows, each with its name, on a page about 4 : 3.
        most
            Maps of a layer, at most.
        """
        if name is not None:
            return _sheet(self.tiles(name, most))
        sheets = []
        for layer in self.layers:
            sheet = Canvas(_sheet(self.tiles(layer.name, most)))
            sheet.text(f"{layer.name}  {'×'.join(map(str, layer.shape))}", (0, 0), colour_of(1))
            sheets.append(sheet.image())
        return _page(sheets)

    def to_json(self) -> dict[str, Any]:
        """Return each layer with the range of its values."""
        rows = [(layer, self.maps[layer.name]) for layer in self.layers]
        return {"layers": [{**layer.to_json(), "low": float(m.min()), "high": float(m.max())} for layer, m in rows]}


@method(task="explanation", paper="Yosinski 2015", lesson="w5d6")
def feature_maps(model: nn.Module, image: Images, layer: str | nn.Module | None = None) -> FeatureMaps:
    """Return what the layers of a network give for one image, as maps with places.

    Layers of note are found by running the model: convolutions, pools, blocks, patch embeddings, and layers of units
    without places. Tokens of a transformer are laid out as the patches that they come from, without the class token.
    NaN and infinity in the image are refused. The model is left as it was: mode, gradients, parameters, hooks.

    Parameters
    ----------
    model
        Any network that takes B×C×H×W in 0–1.
    image
        1×C×H×W or C×H×W float32 tensor in 0–1, or one image as an array (H×W or H×W×C).
    layer
        Name of the only layer to look at, or the module itself; all of note when None.

    Returns
    -------
    FeatureMaps
        With ``maps``, K×h×w float32 by name, ``layers``, and ``draw``, which makes an atlas of them.

    Raises
    ------
    InputError
        When there is more than one image, or no layer of that name.

    References
    ----------
    Yosinski, Clune, Nguyen, Fuchs, Lipson, "Understanding Neural Networks Through Deep Visualization", ICML 2015
    workshop on deep learning.

    Examples
    --------
    >>> import torch
    >>> from sightline.explain import feature_maps
    >>> model = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3), torch.nn.ReLU(), torch.nn.MaxPool2d(2))
    >>> found = feature_maps(model, torch.zeros(1, 8, 8))
    >>> {name: maps.shape for name, maps in found.maps.items()}
    {'0': (4, 6, 6), '2': (4, 3, 3)}
    """
    with probing(model):
        batch = as_single("feature_maps", model, image)
        layers = layers_of(model, batch)
        if layer is not None:
            layers = (layer_named("feature_maps", layers, layer, model),)
        outputs = outputs_of(model, batch, tuple(item.name for item in layers))
        for output in outputs.values():
            numbers_of("feature_maps", model, output)
        maps = {item.name: item.maps(outputs[item.name])[0].float().cpu().numpy() for item in layers}
        return FeatureMaps(layers, maps)


@feature_maps.steps
def _(model: nn.Module, image: Images, layer: str | nn.Module | None = None) -> Iterator[Step]:
    found = feature_maps(model, image, layer)
    yield Step("image", Picture(picture_of(as_single("feature_maps", model, image))))
    for item in found.layers:
        tiles = found.tiles(item.name)
        shape = "×".join(map(str, item.shape))
        yield Step(item.name, Grid(tiles) if len(tiles) > 1 else Heat(tiles[0]), note=f"{item.kind}, {shape}.")
    yield Step("all layers", Value(found), Picture(found.draw(most=16)))


def _page(sheets: Sequence[np.ndarray]) -> np.ndarray:
    """Return sheets H×W×3 in rows, read as a text is, H×W×3 uint8 on white."""
    height, width = np.mean([sheet.shape[:2] for sheet in sheets], axis=0)
    columns = min(len(sheets), max(1, round((_ASPECT * len(sheets) * height / width) ** 0.5)))
    rows = [sheets[start : start + columns] for start in range(0, len(sheets), columns)]
    widths = [max(sheet.shape[1] for sheet in sheets[at::columns]) + _GAP for at in range(columns)]
    heights = [max(sheet.shape[0] for sheet in row) + _GAP for row in rows]
    page = np.full((sum(heights), sum(widths), 3), 255, np.uint8)
    for top, row in zip(np.cumsum([0, *heights]), rows, strict=False):
        for left, sheet in zip(np.cumsum([0, *widths]), row, strict=False):
            page[top : top + sheet.shape[0], left : left + sheet.shape[1]] = sheet
    return page


def _sheet(tiles: np.ndarray) -> np.ndarray:
    """Return tiles side by side, enlarged in whole pixels, H×W×3 uint8."""
    canvas = paint(Grid(tiles), None)
    assert canvas is not None
    sheet = canvas.image()
    times = max(1, _SHEET // max(sheet.shape[:2]))
    return sheet.repeat(times, axis=0).repeat(times, axis=1)

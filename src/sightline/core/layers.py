"""Layers: the kinds of things that a step of a method can show, and how each is painted."""

from __future__ import annotations

import html
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np

from sightline.core.canvas import Canvas, colour_of, heat_colours, label_colours


@dataclass(frozen=True, eq=False)
class Layer:
    """One thing to look at. The first field of each kind is the value that it shows."""

    kind: ClassVar[str] = ""

    @property
    def value(self) -> Any:
        """What the layer shows."""
        return getattr(self, fields(self)[0].name)


@dataclass(frozen=True, eq=False)
class Picture(Layer):
    """An image: H×W or H×W×3, uint8, uint16 or float32 0–1."""

    kind = "picture"
    image: np.ndarray


@dataclass(frozen=True, eq=False)
class Heat(Layer):
    """Signed or unsigned values, H×W float; shown from their minimum to their maximum."""

    kind = "heat"
    values: np.ndarray


@dataclass(frozen=True, eq=False)
class Mask(Layer):
    """A bool H×W mask."""

    kind = "mask"
    mask: np.ndarray


@dataclass(frozen=True, eq=False)
class Labels(Layer):
    """An int32 H×W label map; 0 is left as it is, every other label has a colour of its own."""

    kind = "labels"
    labels: np.ndarray


@dataclass(frozen=True, eq=False)
class Boxes(Layer):
    """N×4 boxes with their labels."""

    kind = "boxes"
    boxes: np.ndarray
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Points(Layer):
    """N×2 points (x, y)."""

    kind = "points"
    points: np.ndarray


@dataclass(frozen=True, eq=False)
class Lines(Layer):
    """N×4 segments (x1, y1, x2, y2) in point coordinates."""

    kind = "lines"
    lines: np.ndarray


@dataclass(frozen=True, eq=False)
class Matches(Layer):
    """N×4 correspondences (x, y in the first picture, x, y in the second); both pictures follow in the same step."""

    kind = "matches"
    matches: np.ndarray


@dataclass(frozen=True, eq=False)
class Grid(Layer):
    """N×H×W (or N×H×W×3) tiles: feature maps, filters, samples."""

    kind = "grid"
    tiles: np.ndarray


@dataclass(frozen=True, eq=False)
class Table(Layer):
    """Rows of numbers under named columns."""

    kind = "table"
    rows: np.ndarray
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Curve(Layer):
    """N×2 points of a function, with the names of its axes and, where there is one, the position that was chosen."""

    kind = "curve"
    points: np.ndarray
    axes: tuple[str, str] = ("x", "y")
    mark: float | None = None


@dataclass(frozen=True, eq=False)
class Cloud(Layer):
    """N×3 points in space or N×6 with colours 0–1."""

    kind = "cloud"
    points: np.ndarray


@dataclass(frozen=True, eq=False)
class Value(Layer):
    """A number or a sentence; ``formula`` is its LaTeX, where there is one."""

    kind = "text"
    text: Any
    formula: str = ""


LAYERS: dict[str, type[Layer]] = {
    layer.kind: layer
    for layer in (Picture, Heat, Mask, Labels, Boxes, Points, Lines, Matches, Grid, Table, Curve, Cloud, Value)
}


def _stretch(values: np.ndarray) -> np.ndarray:
    low, high = (np.nanmin(values), np.nanmax(values)) if np.isfinite(values).any() else (0.0, 1.0)
    return (values - low) / (high - low if high > low else 1.0)


def paint(layer: Layer, canvas: Canvas | None) -> Canvas | None:
    """Paint a layer over what is there; return the canvas, None while nothing of it is a picture."""
    if isinstance(layer, Picture):
        return Canvas(layer.image)
    if isinstance(layer, Heat):
        return Canvas(heat_colours(_stretch(layer.values.astype(np.float32))))
    if isinstance(layer, Mask):
        if canvas is None:
            return Canvas(layer.mask.astype(np.uint8) * np.uint8(255))
        canvas.mask(layer.mask, colour_of(0))
    elif isinstance(layer, Labels):
        colours = label_colours(layer.labels)
        if canvas is None:
            return Canvas(colours)
        return Canvas(np.where(layer.labels[..., None] == 0, canvas.image(), canvas.image() // 2 + colours // 2))
    elif isinstance(layer, Grid):
        return Canvas(_mosaic(layer.tiles))
    elif canvas is not None and isinstance(layer, Boxes):
        for i, box in enumerate(layer.boxes):
            canvas.box(box, colour_of(i), layer.labels[i] if i < len(layer.labels) else "")
    elif canvas is not None and isinstance(layer, Points):
        canvas.dots(layer.points, colour_of(0))
    elif canvas is not None and isinstance(layer, Lines):
        for x1, y1, x2, y2 in layer.lines:
            canvas.line(np.array([(x1, y1), (x2, y2)]), colour_of(0))
    return canvas


def paint_pair(matches: Matches, first: Picture, second: Picture) -> Canvas:
    """Paint two pictures beside each other, with a line for each match."""
    both = [Canvas(picture.image).image() for picture in (first, second)]
    height = max(len(part) for part in both)
    wide = np.concatenate([np.pad(part, ((0, height - len(part)), (0, 0), (0, 0))) for part in both], axis=1)
    canvas = Canvas(wide)
    canvas.width = max(1, canvas.width // 2)
    for i, (x1, y1, x2, y2) in enumerate(matches.matches):
        canvas.line(np.array([(x1, y1), (x2 + both[0].shape[1], y2)]), colour_of(i))
    return canvas


def _mosaic(tiles: np.ndarray) -> np.ndarray:
    """Return the tiles on one sheet, each stretched to its own range, with a pixel between them."""
    count, height, width = tiles.shape[:3]
    columns = max(1, int(np.ceil(np.sqrt(count))))
    sheet = np.ones((-(-count // columns) * (height + 1) - 1, columns * (width + 1) - 1, *tiles.shape[3:]), np.float32)
    for i, tile in enumerate(tiles.astype(np.float32)):
        y, x = i // columns * (height + 1), i % columns * (width + 1)
        sheet[y : y + height, x : x + width] = _stretch(tile)
    return sheet


def polyline(curve: Curve) -> str:
    """Return a curve as inline SVG in the colour of the text, with a word on its axes."""
    x, y = _stretch(curve.points[:, 0].astype(np.float64)), _stretch(curve.points[:, 1].astype(np.float64))
    points = " ".join(f"{300 * a:.1f},{100 - 96 * b:.1f}" for a, b in zip(x, y, strict=True))
    mark = ""
    if curve.mark is not None:
        low, high = float(curve.points[:, 0].min()), float(curve.points[:, 0].max())
        at = 300 * (curve.mark - low) / (high - low if high > low else 1)
        mark = f'<line x1="{at:.1f}" x2="{at:.1f}" y1="0" y2="100" stroke="#d55e00" stroke-width="2"/>'
    label = html.escape(f"{curve.axes[1]} against {curve.axes[0]}")
    return (
        f'<svg viewBox="0 0 300 100" role="img" aria-label="{label}" style="width:100%">'
        f'<polyline fill="none" stroke="currentColor" stroke-width="1.5" points="{points}"/>{mark}</svg>'
        f"<small>{label}</small>"
    )

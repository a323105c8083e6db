"""Tiles: large images cut into overlapping squares, so that small things stay large enough to be learnt.

Akyon, Altinuc, Temizel 2022, "Slicing aided hyper inference and fine-tuning for small object detection", ICIP.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sightline.core.checks import integer, number
from sightline.core.seeds import generator
from sightline.data.annotation import Annotation
from sightline.data.detection_set import DetectionSet, DetectionSplit
from sightline.data.outline import Outline

Rectangle = tuple[int, int, int, int]  # top, left, height, width


def tile_places(shape: tuple[int, int], size: int, overlap: float) -> list[Rectangle]:
    """Return ``(top, left, height, width)`` of tiles that cover an image; the last ones end at its edges.

    Parameters
    ----------
    shape
        ``(height, width)`` of the image.
    size
        Side of a tile in pixels; a smaller image is one tile.
    overlap
        Least share of a tile that the next one covers too, 0–0.9.

    Examples
    --------
    >>> tile_places((100, 180), 100, 0.2)
    [(0, 0, 100, 100), (0, 80, 100, 100)]
    """
    starts = []
    for side in shape:
        count = 1 if side <= size else 1 + int(np.ceil((side - size) / max(1, int(size * (1 - overlap)))))
        starts.append(np.linspace(0, max(side - size, 0), count).round().astype(int).tolist())
    return [(top, left, min(size, shape[0]), min(size, shape[1])) for top in starts[0] for left in starts[1]]


def tile_detections(
    found: DetectionSet, *, size: int = 640, overlap: float = 0.2, keep: float = 0.3, empty: float = 0.1, seed: int = 0
) -> DetectionSet:
    """Return a set of the tiles of all images; tiles are cut when they are asked for.

    A box is cut at a tile's edges. It is left out of a tile that shows less than ``keep`` of it, and nothing is lost:
    a neighbour shows more, as long as the overlap is larger than the things.

    Parameters
    ----------
    found
        The set; boxes outside the images are never seen.
    size
        Side of a tile in pixels, 16–8192.
    overlap
        Least share of a tile that the next one covers too, 0–0.9.
    keep
        Least share of a box's area that must lie in a tile, 0–1.
    empty
        How many tiles without a box are kept, for each one with boxes, 0–100.
    seed
        Whole number ≥ 0; draws the empty tiles that are kept.

    Returns
    -------
    DetectionSet
        Its ``notes`` say how many tiles and boxes there are.
    """
    size = integer("tile_detections", "size", size, 16, 8192)
    overlap, keep = number("tile_detections", "overlap", overlap, 0, 0.9), number("tile_detections", "keep", keep, 0, 1)
    empty = number("tile_detections", "empty", empty, 0, 100)
    splits, dropped = {}, 0
    for order, (name, split) in enumerate(found.splits.items()):
        rows: list[_Tile] = []
        for index in range(len(split)):
            shape = split.size(index)
            tiles = [
                _cut(split.annotations[index], index, place, shape, keep) for place in tile_places(shape, size, overlap)
            ]
            dropped += _unseen(split.annotations[index], shape, [tile.seen for tile in tiles])
            rows += tiles
        with_boxes = sum(bool(len(tile.item)) for tile in rows)
        bare = np.array([place for place, tile in enumerate(rows) if not len(tile.item)], np.int64)
        drawn = generator(seed, order).permutation(bare)[: round(empty * max(with_boxes, 1))]
        chosen = [tile for place, tile in enumerate(rows) if len(tile.item) or place in set(drawn.tolist())]
        keys = [f"{_stem(split.keys[tile.index])}_{tile.place[0]}_{tile.place[1]}.png" for tile in chosen]
        images = TileImages(split, [(tile.index, tile.place) for tile in chosen])
        sizes = np.array([tile.place[2:] for tile in chosen])
        splits[name] = DetectionSplit(images, [tile.item for tile in chosen], keys, sizes=sizes)
    boxes = sum(len(item) for split in splits.values() for item in split.annotations)
    note = f"Its images were cut into tiles of {size} pixels that overlap by {overlap:.0%}: {boxes} boxes on "
    note += f"{sum(map(len, splits.values()))} tiles; {dropped} boxes are in no tile by {keep:.0%}."
    return replace(found, splits=splits, notes=(*found.notes, note))


@dataclass(frozen=True)
class _Tile:
    index: int
    place: Rectangle
    item: Annotation
    seen: np.ndarray  # N bool: which of the image's boxes are in it


class TileImages:
    """Tiles that are cut out of a split's images when they are asked for.

    Parameters
    ----------
    split
        The split.
    places
        Index of the image and rectangle of each tile.
    """

    def __init__(self, split: DetectionSplit, places: list[tuple[int, Rectangle]]) -> None:
        self._split, self._places = split, places
        self._last: tuple[int, np.ndarray] | None = None  # tiles of one image come one after the other

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, index: int) -> np.ndarray:
        row, (top, left, height, width) = self._places[index]
        last = self._last
        if last is None or last[0] != row:
            last = self._last = (row, self._split[row][0])
        return last[1][top : top + height, left : left + width].copy()


def _cut(item: Annotation, index: int, place: Rectangle, shape: tuple[int, int], keep: float) -> _Tile:
    top, left, height, width = place
    boxes = np.clip(item.boxes - (left, top, left, top), 0, (width, height, width, height))
    part = np.maximum(boxes[:, 2:] - boxes[:, :2], 0).prod(axis=1)
    inside = np.clip(item.boxes, 0, (shape[1], shape[0], shape[1], shape[0]))
    whole = np.maximum(inside[:, 2:] - inside[:, :2], 0).prod(axis=1)
    seen = (part > 0) & (part >= keep * whole - 1e-9)
    outlines = []
    for row in np.flatnonzero(seen) if item.outlines else ():
        outline = item.outlines[row]
        mask = None if outline is None else outline.mask(shape)[top : top + height, left : left + width]
        outlines.append(None if mask is None or not mask.any() else Outline.of_mask(np.ascontiguousarray(mask)))
    words = item.take(seen)
    cut = Annotation(
        boxes[seen],
        words.labels,
        crowd=words.crowd,
        ignore=words.ignore,
        outlines=tuple(outlines),
        attributes=words.attributes,
    )
    return _Tile(index, place, cut, seen)


def _unseen(item: Annotation, shape: tuple[int, int], seen: list[np.ndarray]) -> int:
    """Return how many boxes with an area in the image are in no tile."""
    inside = np.clip(item.boxes, 0, (shape[1], shape[0], shape[1], shape[0]))
    real = (inside[:, 2:] > inside[:, :2]).all(axis=1)
    return int((real & ~np.any(seen, axis=0)).sum())


def _stem(key: str) -> str:
    name = key.replace("\\", "/").rsplit("/", 1)[-1]
    return name.rsplit(".", 1)[0]

"""Cascade files as OpenCV reads and writes them: stages of weak classifiers on Haar or LBP features, as XML.

Two layouts exist: ``opencv-haar-classifier``, in which each node holds its own feature (Lienhart & Maydt 2002), and
``opencv-cascade-classifier``, in which features stand in a list of their own.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError, XMLParser

import numpy as np

from sightline.core.errors import FormatError, MissingFileError
from sightline.core.types import Array, PathLike

_MOST_BYTES = 1 << 26
_OLD, _NEW = "opencv-haar-classifier", "opencv-cascade-classifier"


@dataclass(frozen=True, eq=False)
class CascadeTables:
    """A cascade as flat arrays: S stages of T trees of N nodes, on F features.

    Parameters
    ----------
    kind
        ``haar`` or ``lbp``.
    size
        Height and width of the window in pixels.
    rects
        F×3×4 int32, x, y, width and height of up to three rectangles of a Haar feature (0 where there are fewer), or
        F×1×4, the top left one of the 3×3 blocks of an LBP feature.
    weights
        F×3 float32 of the rectangles; F×0 for LBP.
    tilted
        F bool: rectangles turned by 45°.
    stages
        S + 1 int32: where the trees of each stage begin.
    limits
        S float32: the sum of a stage that a window must reach.
    trees
        T + 1 int32: where the nodes of each tree begin; a tree of n nodes has n + 1 leaves.
    children
        N×2 int32: where to go on, left and right: a node of the same tree when above 0, else leaf -k.
    features
        N int32.
    thresholds
        N float32: a value below goes left; N×0 for LBP.
    subsets
        N×8 int32: the 256 bits of the LBP codes that go left; N×0 for Haar.
    leaves
        N + T float32, those of a tree one after the other.
    """

    kind: str
    size: tuple[int, int]
    rects: Array
    weights: Array
    tilted: Array
    stages: Array
    limits: Array
    trees: Array
    children: Array
    features: Array
    thresholds: Array
    subsets: Array
    leaves: Array

    @property
    def is_stumps(self) -> bool:
        """Whether each tree is one node."""
        return len(self.features) == len(self.trees) - 1


class _Tables:
    """Collects stages, trees and nodes in the order of the file."""

    def __init__(self) -> None:
        self.stages: list[int] = [0]
        self.limits: list[float] = []
        self.trees: list[int] = [0]
        self.children: list[tuple[int, int]] = []
        self.features: list[int] = []
        self.splits: list[list[float]] = []
        self.leaves: list[float] = []
        self.rects: list[list[list[float]]] = []
        self.tilted: list[bool] = []

    def finished(self, kind: str, size: tuple[int, int]) -> CascadeTables:
        haar, count = kind == "haar", len(self.features)
        rects = np.zeros((len(self.rects), 3 if haar else 1, 5))
        for row, given in zip(rects, self.rects, strict=True):
            for place, values in zip(row, given, strict=False):
                place[: len(values)] = values
        return CascadeTables(
            kind,
            size,
            rects[..., :4].astype(np.int32),
            rects[..., 4].astype(np.float32) if haar else np.zeros((len(rects), 0), np.float32),
            np.array(self.tilted, bool),
            np.array(self.stages, np.int32),
            np.array(self.limits, np.float32),
            np.array(self.trees, np.int32),
            np.array(self.children, np.int32).reshape(-1, 2),
            np.array(self.features, np.int32),
            np.array(self.splits, np.float32).reshape(count, -1)[:, 0] if haar else np.zeros(0, np.float32),
            np.zeros((0, 8), np.int32) if haar else np.array(self.splits, np.int64).reshape(-1, 8).astype(np.int32),
            np.array(self.leaves, np.float32),
        )


def read_cascade(path: PathLike) -> CascadeTables:
    """Read a cascade file, old or new; raise :class:`FormatError` when it is none, or contradicts itself."""
    file = Path(path)
    if not file.is_file():
        raise MissingFileError(f"HaarCascade.load: '{path}' does not exist.")
    data = _unpacked(file)
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:  # entities may expand without end; cascades have none
        raise FormatError(f"HaarCascade.load: '{path}' declares XML entities; a cascade file has none.")
    try:
        parser = XMLParser()  # noqa: S314 - without entities, nothing can expand
        parser.feed(data)
        root = parser.close()
        top = next(
            (item for item in (root, *root) if item.get("type_id") in (_OLD, _NEW) or item.tag == "cascade"), None
        )
        if top is None:
            raise ValueError("it holds no cascade")
        found = _read_old(top) if top.get("type_id") == _OLD else _read_new(top)
        _check(found)
    except (ParseError, ValueError, TypeError, IndexError, OverflowError, AttributeError) as error:
        raise FormatError(f"HaarCascade.load: '{path}' is not a cascade file: {error}.") from error
    return found


def _unpacked(file: Path) -> bytes:
    """Return a file's bytes, of a ``.gz`` what is packed in it, at most 64 MiB of it."""
    if file.suffix != ".gz":
        return file.read_bytes()
    try:
        with gzip.open(file) as stream:
            return stream.read(_MOST_BYTES)
    except (OSError, EOFError, zlib.error) as error:
        raise FormatError(f"HaarCascade.load: '{file}' cannot be unpacked: {error}.") from error


def _numbers(element: Element | None, name: str) -> list[float]:
    if element is None or element.text is None:
        raise ValueError(f"<{name}> is missing")
    return [float(word) for word in element.text.split()]


def _number(parent: Element, name: str) -> float:
    (value,) = _numbers(parent.find(name), name)
    return value


def _children(parent: Element, name: str) -> list[Element]:
    found = parent.find(name)
    if found is None:
        raise ValueError(f"<{name}> is missing")
    return list(found)


def _read_new(top: Element) -> CascadeTables:
    kind = (top.findtext("featureType") or "").strip().lower()
    if kind not in ("haar", "lbp") or (top.findtext("stageType") or "").strip() != "BOOST":
        raise ValueError(f"its features must be HAAR or LBP and its stages BOOST, got '{kind}'")
    tables, width = _Tables(), 4 if kind == "haar" else 11  # numbers of a node
    for stage in _children(top, "stages"):
        for weak in _children(stage, "weakClassifiers"):
            nodes = np.array(_numbers(weak.find("internalNodes"), "internalNodes")).reshape(-1, width)
            leaves = _numbers(weak.find("leafValues"), "leafValues")
            if len(leaves) != len(nodes) + 1:
                raise ValueError(f"a tree of {len(nodes)} nodes has {len(leaves)} leaves")
            tables.children += [(int(left), int(right)) for left, right in nodes[:, :2]]
            tables.features += nodes[:, 2].astype(int).tolist()
            tables.splits += nodes[:, 3:].tolist()
            tables.leaves += leaves
            tables.trees.append(len(tables.features))
        tables.stages.append(len(tables.trees) - 1)
        tables.limits.append(_number(stage, "stageThreshold"))
    for feature in _children(top, "features"):
        if kind == "haar":
            tables.rects.append([_numbers(rect, "rects") for rect in _children(feature, "rects")])
        else:
            tables.rects.append([_numbers(feature.find("rect"), "rect")])
        tables.tilted.append(bool(float(feature.findtext("tilted") or 0)))
    return tables.finished(kind, (int(_number(top, "height")), int(_number(top, "width"))))


def _read_old(top: Element) -> CascadeTables:
    tables, (width, height) = _Tables(), _numbers(top.find("size"), "size")
    for stage in _children(top, "stages"):
        for tree in _children(stage, "trees"):
            leaves: list[float] = []
            for node in tree:
                feature = node.find("feature")
                if feature is None:
                    raise ValueError("<feature> is missing")
                sides = []
                for side in ("left", "right"):
                    if node.find(f"{side}_node") is not None:
                        sides.append(int(_number(node, f"{side}_node")))
                    else:
                        sides.append(-len(leaves))
                        leaves.append(_number(node, f"{side}_val"))
                tables.children.append((sides[0], sides[1]))
                tables.features.append(len(tables.rects))
                tables.splits.append([_number(node, "threshold")])
                tables.rects.append([_numbers(rect, "rects") for rect in _children(feature, "rects")])
                tables.tilted.append(bool(float(feature.findtext("tilted") or 0)))
            tables.leaves += leaves
            tables.trees.append(len(tables.features))
        tables.stages.append(len(tables.trees) - 1)
        tables.limits.append(_number(stage, "stage_threshold"))
        if float(stage.findtext("next") or -1) != -1:
            raise ValueError("its stages form a tree, which no reader of the new layout knows either")
    return tables.finished("haar", (int(height), int(width)))


def _check(found: CascadeTables) -> None:
    """Raise ValueError where an index or a rectangle would lead outside."""
    height, width = found.size
    nodes, counts = len(found.features), np.diff(found.trees)
    if not len(found.limits) or not nodes or (np.diff(found.stages) < 1).any() or (counts < 1).any():
        raise ValueError("each stage must have a tree, and each tree a node")
    if not (3 <= height <= 1000 and 3 <= width <= 1000):
        raise ValueError(f"its window of {width}×{height} pixels is none of 3 to 1000")
    sizes, places = np.repeat(counts, counts)[:, None], np.arange(nodes) - np.repeat(found.trees[:-1], counts)
    forward = (found.children <= 0) | (found.children > places[:, None])  # a walk must come to an end
    if ((found.children >= sizes) | (found.children < -sizes) | ~forward).any():
        raise ValueError("a node leads outside its tree")
    if (found.features < 0).any() or (found.features >= len(found.rects)).any():
        raise ValueError("a node has a feature that is not there")
    numbers = (found.weights, found.limits, found.thresholds, found.leaves)
    if not all(np.isfinite(values).all() for values in numbers):
        raise ValueError("a number is not finite")
    x, y, w, h = np.moveaxis(found.rects, 2, 0)
    blocks = 3 if found.kind == "lbp" else 1
    inside = (x >= 0) & (x + w * blocks <= width) & (y >= 0) & (y + h * blocks <= height)
    slanted = (x - h >= 0) & (x + w <= width) & (y >= 0) & (y + w + h <= height)
    used = (w > 0) | (h > 0)
    if ((w < 0) | (h < 0) | (used & ~np.where(found.tilted[:, None], slanted, inside))).any():
        raise ValueError("a rectangle lies outside the window")


def cascade_text(tables: CascadeTables) -> str:
    """Return the file of a cascade of stumps on Haar features, in the new layout, which OpenCV reads."""
    height, width = tables.size
    longest = int(np.diff(tables.stages).max())
    lines = [
        '<?xml version="1.0"?>',
        "<opencv_storage>",
        f'<cascade type_id="{_NEW}">',
        "  <stageType>BOOST</stageType>",
        "  <featureType>HAAR</featureType>",
        f"  <height>{height}</height>",
        f"  <width>{width}</width>",
        "  <stageParams>",
        f"    <maxWeakCount>{longest}</maxWeakCount></stageParams>",
        "  <featureParams>",
        "    <maxCatCount>0</maxCatCount></featureParams>",
        f"  <stageNum>{len(tables.limits)}</stageNum>",
        "  <stages>",
    ]
    for stage, limit in enumerate(tables.limits):
        start, end = tables.stages[stage : stage + 2]
        lines += ["    <_>", f"      <maxWeakCount>{end - start}</maxWeakCount>"]
        lines += [f"      <stageThreshold>{_said(limit)}</stageThreshold>", "      <weakClassifiers>"]
        for tree in range(start, end):
            a, b = tables.trees[tree : tree + 2]
            nodes = " ".join(
                f"{left} {right} {tables.features[i]} {_said(tables.thresholds[i])}"
                for i, (left, right) in zip(range(a, b), tables.children[a:b].tolist(), strict=True)
            )
            leaves = " ".join(_said(value) for value in tables.leaves[a + tree : b + tree + 1])
            lines += ["        <_>", f"          <internalNodes>{nodes}</internalNodes>"]
            lines += [f"          <leafValues>{leaves}</leafValues></_>"]
        lines[-1] += "</weakClassifiers></_>"
    lines[-1] += "</stages>"
    lines += ["  <features>", *_feature_lines(tables), "</cascade>", "</opencv_storage>"]
    return "\n".join(lines) + "\n"


def _feature_lines(tables: CascadeTables) -> Iterable[str]:
    for i, (rects, weights) in enumerate(zip(tables.rects.tolist(), tables.weights.tolist(), strict=True)):
        yield "    <_>"
        yield "      <rects>"
        shown = [f"{x} {y} {w} {h} {weight:g}" for (x, y, w, h), weight in zip(rects, weights, strict=True) if w and h]
        yield from (f"        <_>{line}</_>" for line in shown)
        end = "</_></features>" if i == len(tables.rects) - 1 else "</_>"
        yield f"      </rects><tilted>{int(tables.tilted[i])}</tilted>{end}"


def _said(value: float) -> str:
    """Return a float32 in so many digits that it comes back as it was."""
    return f"{float(value):.9g}"

"""Write a detector into one ONNX file, with everything between a picture's bytes and its boxes inside.

The graph does what :class:`~sightline.detect.search.Search` does with a whole picture: it is resized with its shape
kept, laid into the smallest grey frame whose sides are multiples of 32, rounded to whole levels, divided by 255; of
what the places answer, the surest are kept, of each thing one; their boxes go back to pixels of the picture.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from sightline.core.exported_file import IMAGES
from sightline.core.types import PathLike
from sightline.data.placement import GREY
from sightline.detect.answers import ANSWERS, answers_graph
from sightline.detect.dense import Limits
from sightline.detect.exported import BOXES, LABELS, OUTPUTS, PICTURES, SCORES
from sightline.detect.framed import Framed
from sightline.detect.prepare import STRIDE
from sightline.nn.onnx_network import PIXELS
from sightline.nn.onnx_nodes import Nodes, surround, write_graph

_PLACED = ("frame_size", "frame_corner", "picture_sides", "picture_size")  # each (height, width), int64


def export(recipe: Any, model: nn.Module, path: PathLike) -> Path:
    """Write a detector to ``path``; return it.

    Parameters
    ----------
    recipe
        The recipe of a run, which knows what a picture becomes.
    model
        Its network, of one stage.
    path
        File to write, ``….onnx``.

    Raises
    ------
    InputError
        When it is no detector of one stage, or cannot be traced.
    MissingExtraError
        When the extra ``export`` is not installed.
    """
    graph = answers_graph(model, recipe.size)
    before, after = Nodes(), Nodes("found")
    _prepare(before, recipe.size, recipe.square)
    _select(after, model.limits, isinstance(model, Framed))  # pyrefly: ignore
    pictures = {IMAGES: ("UINT8", ["batch", "height", "width", 3])}
    kinds = {BOXES: ("FLOAT", ["found", 4]), SCORES: ("FLOAT", ["found"])}
    surround(graph, before, after, pictures, {**kinds, LABELS: ("INT64", ["found"]), PICTURES: ("INT64", ["found"])})
    about = {"recipe": recipe.name, "classes": list(recipe.classes), "size": recipe.size, "square": recipe.square}
    return write_graph(graph, path, {**about, "channels": 3, "int8": False})


def _prepare(nodes: Nodes, size: int, square: bool) -> None:
    """Add what turns N×H×W×3 bytes into N×3×H'×W' float32 in 0–1, as ``frame_of`` does, and where the picture lies."""
    frame, corner, sides, resized = _PLACED
    one, two = nodes.constant([1], np.int64), nodes.constant([2], np.int64)
    nodes.add("Shape", IMAGES, start=1, end=3, name=sides)
    exact = nodes.cast(sides, "DOUBLE")
    if square:
        nodes.add("Identity", nodes.constant([size, size], np.int64), name=frame)
    else:
        longest = nodes.add("ReduceMax", exact, keepdims=1)
        scaled = nodes.add("Div", nodes.add("Mul", exact, nodes.constant([size], np.float64)), longest)
        whole = nodes.add("Max", nodes.cast(nodes.add("Round", scaled), "INT64"), one)
        stride = nodes.constant([STRIDE], np.int64)
        steps = nodes.add("Div", nodes.add("Add", whole, nodes.constant([STRIDE - 1], np.int64)), stride)
        nodes.add("Mul", steps, stride, name=frame)
    scale = nodes.add("ReduceMin", nodes.add("Div", nodes.cast(frame, "DOUBLE"), exact), keepdims=1)
    fitted = nodes.cast(nodes.add("Round", nodes.add("Mul", exact, scale)), "INT64")
    nodes.add("Max", fitted, one, name=resized)
    nodes.add("Div", nodes.add("Sub", frame, resized), two, name=corner)
    planes = nodes.cast(nodes.add("Transpose", IMAGES, perm=[0, 3, 1, 2]), "FLOAT")  # N×H×W×3 → N×3×H×W
    shape = nodes.add("Concat", nodes.add("Shape", planes, start=0, end=2), resized, axis=0)
    small = nodes.add("Resize", planes, "", "", shape, mode="linear", antialias=1, exclude_outside=1)
    levels = nodes.add("Round", small)
    margin = nodes.add("Sub", nodes.add("Sub", frame, resized), corner)
    none = nodes.constant([0, 0], np.int64)
    margins = nodes.add("Concat", none, corner, none, margin, axis=0)
    framed = nodes.add("Pad", levels, margins, nodes.constant(GREY, np.float32))
    nodes.add("Div", framed, nodes.constant(255.0, np.float32), name=PIXELS)


def _select(nodes: Nodes, limits: Limits, cut: bool) -> None:
    """Add what keeps the surest answers and of each thing one, as ``select`` does, and brings the boxes back."""
    boxes, scores = _within(nodes, ANSWERS[0]) if cut else ANSWERS[0], ANSWERS[1]
    if not cut:  # of levels, each has its own limit, which the answers of a trained detector do not reach
        scores = _surest(nodes, scores, limits.candidates)
    kept = _suppressed(nodes, boxes, nodes.add("Transpose", scores, perm=[0, 2, 1]), limits)  # N×K×A, 0 where it went
    flat = nodes.add("Flatten", kept, axis=1)
    values, numbers = _best(nodes, flat, limits.most)
    found = nodes.add("Greater", values, nodes.constant(0.0, np.float32))
    pick = nodes.add("Transpose", nodes.add("NonZero", found), perm=[1, 0])  # M×2: picture and rank
    places = nodes.add("Shape", boxes, start=1, end=2)
    chosen = nodes.add("GatherND", numbers, pick)  # M: class · A + place
    labels, place = nodes.add("Div", chosen, places), nodes.add("Mod", chosen, places)
    pictures = nodes.add("Gather", pick, nodes.constant(0, np.int64), axis=1)
    last = nodes.constant([1], np.int64)
    pairs = nodes.add("Concat", *(nodes.add("Unsqueeze", v, last) for v in (pictures, place)), axis=1)
    moved = _back(nodes, nodes.add("GatherND", boxes, pairs))
    x1, y1, x2, y2 = (nodes.add("Gather", moved, nodes.constant(i, np.int64), axis=1) for i in range(4))
    real = nodes.add("And", nodes.add("Greater", x2, x1), nodes.add("Greater", y2, y1))
    answers = (moved, nodes.add("GatherND", values, pick), labels, pictures)
    for name, answer in zip(OUTPUTS, answers, strict=True):
        nodes.add("Compress", answer, real, name=name, axis=0)


def _within(nodes: Nodes, boxes: str) -> str:
    """Add what cuts boxes at the edges of the frame."""
    turned = nodes.constant([1, 0, 1, 0], np.int64)  # (height, width) → (x, y, x, y)
    edge = nodes.cast(nodes.add("Gather", _PLACED[0], turned), "FLOAT")
    return nodes.add("Min", nodes.add("Max", boxes, nodes.constant([0.0], np.float32)), edge)


def _surest(nodes: Nodes, scores: str, count: int) -> str:
    """Add what sets all but the highest scores of each picture to 0; return N×A×K."""
    values, _ = _best(nodes, nodes.add("Flatten", scores, axis=1), count)
    end = nodes.constant([np.iinfo(np.int64).max], np.int64)
    one, last = nodes.constant([1], np.int64), nodes.constant([-1], np.int64)
    least = nodes.add("Unsqueeze", nodes.add("Slice", values, last, end, one), one)  # N×1×1
    high = nodes.add("GreaterOrEqual", scores, least)
    return nodes.add("Where", high, scores, nodes.constant(0.0, np.float32))


def _best(nodes: Nodes, flat: str, count: int) -> tuple[str, ...]:
    """Add the ``count`` highest of each row, or all; return values and places, in falling order."""
    length = nodes.add("Shape", flat, start=1, end=2)
    number = nodes.add("Min", length, nodes.constant([count], np.int64))
    names = (f"best_values_{len(nodes.nodes)}", f"best_places_{len(nodes.nodes)}")
    return nodes.several("TopK", flat, number, names=names, axis=1)


def _suppressed(nodes: Nodes, boxes: str, scores: str, limits: Limits) -> str:
    """Add the suppression class by class; return the N×K×A scores of what survives, 0 elsewhere."""
    limit = nodes.constant([limits.most], np.int64)
    near, least = (nodes.constant([value], np.float32) for value in (limits.near, limits.least))
    survivors = nodes.add("NonMaxSuppression", boxes, scores, limit, near, least)  # M×3: picture, class, place
    nothing = nodes.add("Mul", scores, nodes.constant(0.0, np.float32))
    return nodes.add("ScatterND", nothing, survivors, nodes.add("GatherND", scores, survivors))


def _back(nodes: Nodes, boxes: str) -> str:
    """Add the way of M×4 boxes from the frame to the picture, as ``Placement.back``; float32."""
    _, corner, sides, resized = _PLACED
    turned = nodes.constant([1, 0, 1, 0], np.int64)  # (height, width) → (x, y, x, y)
    start, size, picture = (nodes.cast(nodes.add("Gather", v, turned), "DOUBLE") for v in (corner, resized, sides))
    scale = nodes.add("Div", picture, size)
    moved = nodes.add("Mul", nodes.add("Sub", nodes.cast(boxes, "DOUBLE"), start), scale)
    inside = nodes.add("Min", nodes.add("Max", moved, nodes.constant([0.0], np.float64)), picture)
    return nodes.cast(inside, "FLOAT")

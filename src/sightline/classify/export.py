"""Write a classifier into one ONNX file, with everything between a picture's bytes and the probabilities inside.

The graph does what :class:`~sightline.classify.prepare.Form` does: the largest centred window of the network's
proportions, resized with antialiasing, rounded to whole levels, divided by 255. Mean and deviation are in the network.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from sightline.classify.exported import PROBABILITIES
from sightline.classify.prepare import Form
from sightline.classify.recipe import ClassifyRecipe
from sightline.core.errors import InputError
from sightline.core.exported_file import IMAGES
from sightline.core.types import PathLike
from sightline.nn.eight_bits import to_int8
from sightline.nn.onnx_network import PIXELS, SCORES, to_onnx
from sightline.nn.onnx_nodes import Nodes, surround, write_graph

_CALIBRATED = 8  # images in a batch of those that show what is usual


def export(
    recipe: Any, model: nn.Module, path: PathLike, *, int8: bool = False, usual: Sequence[np.ndarray] = ()
) -> Path:
    """Write a classifier to ``path``; return it.

    Parameters
    ----------
    recipe
        The recipe of a run, which knows what a picture becomes.
    model
        Its network.
    path
        File to write, ``….onnx``.
    int8
        Whether weights and activations get eight bits.
    usual
        Pictures that show what activations are usual, for eight bits; some dozens are enough.

    Raises
    ------
    InputError
        When it is no classifier, cannot be traced, or eight bits are asked for without pictures.
    MissingExtraError
        When the extra ``export`` is not installed.
    """
    if not isinstance(recipe, ClassifyRecipe) or recipe.field != "classify":
        raise InputError(f"export: only classifiers of PyTorch can be exported; {recipe.name} is none.")
    graph = to_onnx(model, recipe.form.shape)
    if int8:
        if not len(usual):
            raise InputError("export: int8 needs pictures that show what is usual; none were given.")
        graph = to_int8(graph, _batches(recipe.form, usual))
    _surround(graph, recipe.form, len(recipe.classes))
    about = {
        "recipe": recipe.name,
        "classes": list(recipe.classes),
        "size": list(recipe.form.size),
        "channels": recipe.form.channels,
        "share": recipe.form.share,
        "int8": int8,
    }
    return write_graph(graph, path, about)


def _batches(form: Form, usual: Sequence[np.ndarray]) -> list[np.ndarray]:
    pixels = np.stack([form.prepare(image) for image in usual]).transpose(0, 3, 1, 2)  # N×H×W×C → N×C×H×W
    whole = np.multiply(pixels, np.float32(1 / 255), dtype=np.float32)
    return [whole[first : first + _CALIBRATED] for first in range(0, len(whole), _CALIBRATED)]


def _surround(graph: Any, form: Form, classes: int) -> None:
    """Put the picture's preparation before a network's graph and the softmax behind it, in place."""
    before, after = Nodes(), Nodes("answer")
    _prepare(before, form)
    after.add("Softmax", SCORES, name=PROBABILITIES, axis=1)
    shape = ["batch", "height", "width", form.channels]
    surround(graph, before, after, {IMAGES: ("UINT8", shape)}, {PROBABILITIES: ("FLOAT", ["batch", classes])})


def _prepare(nodes: Nodes, form: Form) -> None:
    """Add what turns N×H×W×C bytes into the network's N×C×H×W float32 in 0–1, as ``Form.prepare`` does."""
    start, end = _window(nodes, form)
    cut = nodes.add("Slice", IMAGES, start, end, nodes.constant([1, 2], np.int64))
    planes = nodes.cast(nodes.add("Transpose", cut, perm=[0, 3, 1, 2]), "FLOAT")  # N×H×W×C → N×C×H×W
    # All four sizes: where only two axes are named, ONNX Runtime's optimiser of eight-bit graphs trips over them.
    kept = nodes.add("Shape", planes, start=0, end=2)
    sizes = nodes.add("Concat", kept, nodes.constant(form.size, np.int64), axis=0)
    resized = nodes.add("Resize", planes, "", "", sizes, mode="linear", antialias=1, exclude_outside=1)
    levels = nodes.add("Round", resized)
    nodes.add("Div", levels, nodes.constant(255.0, np.float32), name=PIXELS)


def _window(nodes: Nodes, form: Form) -> tuple[str, str]:
    """Add the first and last row and column of the window that is cut out; return their names."""
    sides = nodes.add("Shape", IMAGES, start=1, end=3)  # height and width
    wanted, size = nodes.constant(form.size, np.float64), nodes.constant(form.size, np.int64)
    ratios = nodes.add("Div", nodes.cast(sides, "DOUBLE"), wanted)
    scale = nodes.add("ReduceMin", ratios, keepdims=1)
    if form.share != 1:  # a picture that has the form's size already is left whole
        alike = nodes.add("ReduceMin", nodes.cast(nodes.add("Equal", sides, size), "INT64"), keepdims=1)
        one, share = nodes.constant([1.0], np.float64), nodes.constant([form.share], np.float64)
        scale = nodes.add("Mul", scale, nodes.add("Where", nodes.cast(alike, "BOOL"), one, share))
    exact = nodes.add("Round", nodes.add("Mul", wanted, scale))
    window = nodes.cast(nodes.add("Max", exact, nodes.constant([1.0], np.float64)), "INT64")
    start = nodes.add("Div", nodes.add("Sub", sides, window), nodes.constant([2], np.int64))
    return start, nodes.add("Add", start, window)

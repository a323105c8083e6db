"""What learning is made of: optimisers that race down a loss of two weights, and the tape of a tiny net."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from sightline.core.checks import number
from sightline.core.errors import InputError, suggest
from sightline.core.types import Array
from sightline.learn import PCA, Tensor, bfgs, differentiated, gradients, lbfgs, newton, optimizers
from sightline.learn.autograd import in_order
from sightline.learn.graph_picture import grid_of
from sightline.serve.workers import Stop

FIRST_ORDER = ("SGD", "Momentum", "Nesterov", "AdaGrad", "RMSProp", "Adam", "AdamW")
SECOND_ORDER: dict[str, Callable[..., Any]] = {"newton": newton, "bfgs": bfgs, "lbfgs": lbfgs}
_WIDE, _HIGH = 180, 120  # heights of the map
_FAR = 1e6  # a racer that is further away has left
_WEIGHTS = (0.5, -0.8, 1.2, 0.3, 0.1, -0.2, 0.9, -1.1, 0.2)

Height = Callable[[Tensor, Tensor], Tensor]


def _rosenbrock(a: Tensor, b: Tensor) -> Tensor:
    return (1 - a) ** 2 + 100 * (b - a**2) ** 2


@lru_cache(1)
def _threes_and_eights() -> tuple[Array, Array]:
    """Return N×2 coordinates of the digits 3 and 8 along two directions, and 1 for each 8."""
    from sightline.data import open_dataset

    train = open_dataset("digits").split("train")
    labels = np.array(train.labels)
    chosen = np.flatnonzero((labels == 3) | (labels == 8))[:200]
    pixels = np.asarray(train.array)
    table = pixels[chosen].reshape(len(chosen), -1) / pixels.max()
    return PCA(2).fit_transform(table.astype(np.float64)), (labels[chosen] == 8).astype(np.float64)


def _neuron(a: Tensor, b: Tensor) -> Tensor:
    x, y = _threes_and_eights()
    shape = (*a.shape, 1)
    said = (a.reshape(*shape) * x[:, 0] + b.reshape(*shape) * x[:, 1]).sigmoid()
    return ((said - y) ** 2).mean(-1)


# The loss, its map's extent, and where the race begins unless somebody says otherwise.
LOSSES: dict[str, tuple[Height, tuple[float, float, float, float], tuple[float, float]]] = {
    "rosenbrock": (_rosenbrock, (-2.0, 2.0, -1.0, 3.0), (-1.2, 1.0)),
    "neuron": (_neuron, (-15.0, 21.0, -12.0, 12.0), (-7.5, -4.5)),
}


def race(
    stop: Stop, loss: str, start: tuple[float, float] | None, racers: dict[str, float], steps: int
) -> dict[str, Any]:
    """Return a map of the loss and each racer's path: places and heights, the start first."""
    height, (left, right, low, high), usual = LOSSES[loss]
    begin = np.array(usual if start is None else start, np.float64)
    if not (np.abs(begin) < _FAR).all():
        raise InputError(f"race: start must be near the map; got {begin.tolist()}.")
    a, b = np.meshgrid(np.linspace(left, right, _WIDE), np.linspace(high, low, _HIGH))
    heights = np.log10(height(Tensor(a), Tensor(b)).value + 1e-4)
    span = float(heights.min()), float(heights.max())
    levels = np.round((heights - span[0]) / (span[1] - span[0]) * 65535).astype("<u2")
    found = []
    for name, rate in racers.items():
        stop()
        path, values = _path(name, rate, height, begin, steps)
        found.append({"name": name, "rate": rate, "path": path, "values": values})
    return {
        "extent": [left, right, low, high],
        "size": [_WIDE, _HIGH],
        "levels": base64.b64encode(levels.tobytes()).decode(),
        "start": begin.tolist(),
        "racers": found,
    }


def _path(name: str, rate: float, height: Height, start: Array, steps: int) -> tuple[list[list[float]], list[float]]:
    asked = differentiated(lambda w: height(w[0], w[1]), bend=name == "newton")
    path: list[list[float]] = []
    values: list[float] = []

    def seen(place: Array, value: float) -> None:
        if (np.abs(place) < _FAR).all() and math.isfinite(value):
            path.append([float(f"{v:.6g}") for v in place])
            values.append(float(f"{value:.6g}"))

    if name in SECOND_ORDER:
        SECOND_ORDER[name](asked, start, steps=steps, tolerance=1e-9, progress=seen)
        return path, values
    if name not in FIRST_ORDER:
        known = (*FIRST_ORDER, *SECOND_ORDER)
        raise InputError(f"race: no optimiser is named '{name}'.{suggest(name, known)} Known: {', '.join(known)}.")
    optimizer = getattr(optimizers, name)(number("race", "rate", rate, 0, 1000))
    w = start.copy()
    for step in range(steps + 1):
        value, slope = asked(w)
        seen(w, value)
        if len(path) <= step:  # it has left
            break
        optimizer.step([w], [slope])
    return path, values


def tape(inputs: tuple[float, float], target: float, weights: list[float], kind: str, rate: float) -> dict[str, Any]:
    """Return a tiny net as it was computed, node by node, and what each sends back, from the loss to the weights."""
    if weights and len(weights) != len(_WEIGHTS):
        raise InputError(f"tape: weights must be {len(_WEIGHTS)} numbers; got {len(weights)}.")
    given = [number("tape", "weights", w, -1e3, 1e3) for w in weights] or list(_WEIGHTS)
    x = [Tensor(number("tape", "inputs", value, -1e3, 1e3), f"x{i}") for i, value in enumerate(inputs, 1)]
    names = ("u11", "u12", "u21", "u22", "b1", "b2", "v1", "v2", "c")
    w = {name: Tensor(value, name) for name, value in zip(names, given, strict=True)}
    hidden = []
    for i in (1, 2):
        total = w[f"u{i}1"] * x[0] + w[f"u{i}2"] * x[1] + w[f"b{i}"]
        hidden.append(getattr(total, kind)())
        hidden[-1].name = f"h{i}"
    y = w["v1"] * hidden[0] + w["v2"] * hidden[1] + w["c"]
    y.name = "y"
    loss = (y - number("tape", "target", target, -1e3, 1e3)) ** 2
    loss.name = "loss"
    order = in_order(loss)
    slopes = dict(zip(map(id, order), gradients(loss, order), strict=True))
    index = {id(tensor): i for i, tensor in enumerate(order)}
    cells = grid_of(order)
    nodes = [
        {
            "name": tensor.name or ("t" if not tensor.parents else ""),
            "operation": tensor.operation,
            "cell": cells[id(tensor)],
            "value": float(tensor.value),
            "slope": float(slopes[id(tensor)].value),
            "parents": [index[id(parent)] for parent in tensor.parents],
            "learnt": tensor.name in w,
        }
        for tensor in order
    ]
    return {
        "nodes": nodes,
        "sent": _sent(order, index, slopes),
        "weights": given,
        "next": [value - rate * float(slopes[id(w[name])].value) for name, value in zip(names, given, strict=True)],
    }


def _sent(order: list[Tensor], index: dict[int, int], slopes: dict[int, Tensor]) -> list[dict[str, Any]]:
    """Return what each node sends to what it was made of: the slope there, times its own derivative."""
    so_far: dict[int, float] = {}
    rows = []
    for tensor in reversed(order):
        if not tensor.parents:
            continue
        parts = []
        for parent in tensor.parents:
            # No input of a node here reaches it a second way, so that this is the derivative of the node alone.
            local = float(gradients(tensor, [parent])[0].value)
            part = local * float(slopes[id(tensor)].value)
            so_far[id(parent)] = so_far.get(id(parent), 0.0) + part
            parts.append({"to": index[id(parent)], "local": local, "part": part, "so_far": so_far[id(parent)]})
        rows.append({"node": index[id(tensor)], "slope": float(slopes[id(tensor)].value), "parts": parts})
    return rows

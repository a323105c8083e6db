"""The graph of a computation as a drawing: what was given on the left, the result on the right, arrows between."""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np

from sightline.learn.autograd import Tensor, in_order

_WIDE, _HIGH, _GAP, _LANE = 104, 40, 44, 14


def draw_graph(output: Tensor, *, most: int = 200) -> str:
    """Return an SVG of everything that a Tensor was made of, with values, and derivatives after ``backward()``.

    Parameters
    ----------
    output
        The result.
    most
        Boxes that are drawn at most, ≥ 1; those furthest from the result are left out.

    Examples
    --------
    >>> x = Tensor(2.0, "x")
    >>> draw_graph(x * x).count("<rect")
    2
    """
    tensors = in_order(output)[-max(1, most) :]
    cells = grid_of(tensors)
    places = {key: (x * (_WIDE + _GAP) + 4, y * (_HIGH + _LANE) + 4) for key, (x, y) in cells.items()}
    width = (1 + max(x for x, _ in cells.values())) * (_WIDE + _GAP) - _GAP + 8
    height = (1 + max(y for _, y in cells.values())) * (_HIGH + _LANE) - _LANE + 8
    parts = [_arrow(places[id(p)], places[id(t)]) for t in tensors for p in t.parents if id(p) in places]
    parts += [_box(tensor, places[id(tensor)]) for tensor in tensors]
    head = (
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="6" markerHeight="6" orient="auto">'
        '<path d="M0 0 8 4 0 8z" fill="#777"/></marker></defs>'
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="graph of a computation" font-family="sans-serif" font-size="11">'
        f"{head}{''.join(parts)}</svg>"
    )


def grid_of(tensors: Sequence[Tensor]) -> dict[int, tuple[int, int]]:
    """Return the column and the row of each Tensor by its ``id``: every one to the right of what it was made of.

    Parameters
    ----------
    tensors
        Each after what it was made of itself, as ``in_order`` gives them.
    """
    column: dict[int, int] = {}
    for tensor in tensors:
        column[id(tensor)] = 1 + max((column.get(id(parent), -1) for parent in tensor.parents), default=-1)
    for tensor in reversed(tensors):  # what was given stands just before its first use
        for parent in tensor.parents:
            if id(parent) in column and not parent.parents:
                column[id(parent)] = column[id(tensor)] - 1
    rows: dict[int, int] = {}
    cells: dict[int, tuple[int, int]] = {}
    for tensor in tensors:
        x = column[id(tensor)]
        cells[id(tensor)] = x, rows.get(x, 0)
        rows[x] = rows.get(x, 0) + 1
    return cells


def _box(tensor: Tensor, place: tuple[int, int]) -> str:
    x, y = place
    given = not tensor.parents
    title = tensor.name or tensor.operation or "value"
    lines = [(title, "bold", "#111"), (_short(tensor.value), "normal", "#333")]
    if tensor.grad is not None:
        lines.append((f"∂ {_short(tensor.grad)}", "normal", "#a23b00"))
    text = "".join(
        f'<text x="{x + _WIDE / 2:g}" y="{y + 13 + 11 * i}" text-anchor="middle" font-weight="{weight}" '
        f'fill="{colour}">{html.escape(line)}</text>'
        for i, (line, weight, colour) in enumerate(lines)
    )
    fill = "#dbeafe" if given else "#f3f4f6"
    return f'<rect x="{x}" y="{y}" width="{_WIDE}" height="{_HIGH}" rx="5" fill="{fill}" stroke="#777"/>{text}'


def _arrow(start: tuple[int, int], end: tuple[int, int]) -> str:
    x1, y1, x2, y2 = start[0] + _WIDE, start[1] + _HIGH / 2, end[0], end[1] + _HIGH / 2
    bend = max(20.0, (x2 - x1) / 2)
    path = f"M{x1} {y1:g} C{x1 + bend:g} {y1:g} {x2 - bend:g} {y2:g} {x2} {y2:g}"
    return f'<path d="{path}" fill="none" stroke="#777" marker-end="url(#tip)"/>'


def _short(value: np.ndarray) -> str:
    if value.size == 1:
        return f"{float(value.reshape(-1)[0]):.4g}"
    return f"{'×'.join(map(str, value.shape))} array"

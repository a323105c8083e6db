"""Codes of bars in a picture: many scan lines, and what most of them read in one place.

One line may be misread, and a texture may look like bars: what counts is that several lines agree.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float64, UInt8

from sightline.core.types import Array
from sightline.image.codes.code import Code
from sightline.image.codes.linear_decode import Line, decode_rows
from sightline.image.codes.linear_regions import directions_of, pieces_over
from sightline.image.codes.linear_scan import HEAD, lines_over, scan, step_across, sums_across

_ANGLES = tuple(turn * math.pi / 8 for turn in (0, 4, 2, 6, 1, 7, 3, 5))  # across, down, then slanted
_UPRIGHT = 2  # of them lie along the picture's sides
_TRUST = 0.45  # a line of this roughness, in modules, counts for nothing
_ENOUGH = 0.35  # the sum of (trust − roughness) over the lines of a code
_PLENTY = 2.0  # a sum after which nobody doubts
_SURE = 0.2  # at least one line must be as smooth as this, or three agree


@dataclass(eq=False)
class _Group:
    """Lines of one place that say the same.

    Parameters
    ----------
    line
        What they say.
    ends
        Where each begins and ends in the picture: x1, y1, x2, y2.
    sources
        Of each: the direction, the line, and whether it was read backwards.
    roughness, weight
        Of each, and the sum of what they count.
    """

    line: Line
    ends: list[tuple[float, float, float, float]] = field(default_factory=list)
    sources: list[tuple[int, int, bool]] = field(default_factory=list)
    roughness: list[float] = field(default_factory=list)
    weight: float = 0.0


def find_bars(
    gray: UInt8[np.ndarray, "h w"], spacing: float, *, patient: bool
) -> tuple[list[Code], Float64[np.ndarray, "n 4"]]:
    """Return the codes of bars in a picture, and the segments (x1, y1, x2, y2) in which they were read.

    Parameters
    ----------
    gray
        The picture.
    spacing
        Between scan lines, in pixels.
    patient
        Whether to look in all directions even when a code was found in the first ones.
    """
    groups: list[_Group] = []
    sums: dict[tuple[int, int], Array] = {}
    directions = directions_of(gray, _ANGLES)
    for index, angle in enumerate(_ANGLES):
        if not patient and any(group.weight > _PLENTY for group in groups):
            break
        lines = lines_over(gray.shape, angle, spacing if index < _UPRIGHT else 1.5 * spacing)
        pieces, owners = pieces_over(directions, index, lines)
        if not len(pieces):
            continue
        step = step_across(angle)
        if step not in sums:
            sums[step] = sums_across(gray, step)
        rows = scan(sums[step], pieces)
        for line, row in zip(decode_rows(rows), rows, strict=True):
            if line is not None:
                _join(groups, line, row, pieces, owners, index)
    chosen: list[_Group] = []
    for group in sorted(groups, key=lambda g: -g.weight):
        agreed = len(set(group.sources)) >= 3
        enough = group.weight >= _ENOUGH and (agreed or min(group.roughness) < _SURE)
        if enough and not any(_overlap(group, other) for other in chosen):
            chosen.append(group)
    segments = [ends for group in chosen for ends in group.ends]
    return [_code(group) for group in chosen], np.array(segments, np.float64).reshape(-1, 4)


def _join(groups: list[_Group], line: Line, row: Array, pieces: Array, owners: Array, direction: int) -> None:
    """Put a line to the group that says the same nearby, or begin a new one."""
    _, piece, backwards, count, times = (int(v) for v in row[:HEAD])
    x, y, dx, dy, length = pieces[piece].tolist()
    first, last = float(row[HEAD]), float(row[HEAD + count - 1])
    if backwards:
        first, last = length - first, length - last
    ends = x + first * dx, y + first * dy, x + last * dx, y + last * dy
    near = 0.6 * abs(last - first)
    for group in groups:
        if (group.line.kind, group.line.text) == (line.kind, line.text) and any(
            math.hypot(a + c - ends[0] - ends[2], b + d - ends[1] - ends[3]) < 2 * near
            for a, b, c, d in (group.ends[0], *group.ends[-3:])
        ):
            break
    else:
        group = _Group(line)
        groups.append(group)
    group.ends.append(ends)
    group.sources.append((direction, int(owners[piece]), bool(backwards)))
    group.roughness.append(line.roughness)
    group.weight += times * max(_TRUST - line.roughness, 0.0)


def _overlap(group: _Group, other: _Group) -> bool:
    """Return whether one group lies in the middle of the other's place, or a line of it runs through there."""
    (low, high), (other_low, other_high) = _reach(group), _reach(other)
    ends = np.array(group.ends).reshape(-1, 2, 2)
    middles = np.concatenate([ends.mean(axis=1), (low + high)[None] / 2])
    inside = ((middles >= other_low) & (middles <= other_high)).all(axis=1).any()
    around = (other_low + other_high) / 2
    return bool(inside or ((around >= low) & (around <= high)).all())


def _reach(group: _Group) -> tuple[Array, Array]:
    """Return the corners of the upright box around the lines of a group."""
    ends = np.array(group.ends).reshape(-1, 2)
    return ends.min(axis=0) - 2, ends.max(axis=0) + 2


def _corners(group: _Group) -> Float64[np.ndarray, "4 2"]:
    """Return the ends of the outermost lines among those that run in the direction of the smoothest one."""
    ends = np.array(group.ends).reshape(-1, 2, 2)
    along = ends[:, 1] - ends[:, 0]
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    smoothest = along[int(np.argmin(group.roughness))]
    beside = ends[along @ smoothest > 0.97]
    places = beside.sum(axis=1) @ np.array([-smoothest[1], smoothest[0]])
    first, last = beside[int(places.argmin())], beside[int(places.argmax())]
    return np.array([first[0], first[1], last[1], last[0]])


def _code(group: _Group) -> Code:
    line = group.line
    data = line.text.encode("latin-1")
    return Code(line.kind, line.text, data, _corners(group).astype(np.float32), gs1=line.gs1)

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
from sightline.image.codes.linear_decode import Line, decode_lines
from sightline.image.codes.linear_scan import Reading, scan, sums_across

_ANGLES = tuple(turn * math.pi / 8 for turn in (0, 4, 2, 6, 1, 7, 3, 5))  # across, down, then slanted
_TRUST = 0.45  # a line of this roughness, in modules, counts for nothing
_ENOUGH = 0.35  # the sum of (trust − roughness) over the lines of a code
_PLENTY = 2.0  # a sum after which nobody doubts
_SURE = 0.2  # at least one line must be as smooth as this, or three agree


@dataclass(eq=False)
class _Group:
    """Lines of one place that say the same."""

    line: Line
    readings: list[Reading] = field(default_factory=list)
    roughness: list[float] = field(default_factory=list)

    @property
    def weight(self) -> float:
        return sum(max(_TRUST - value, 0.0) for value in self.roughness)


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
    sums = sums_across(gray)
    for angle in _ANGLES:
        if not patient and any(group.weight > _PLENTY for group in groups):
            break
        readings = scan(sums, angle, spacing if angle in _ANGLES[:2] else 1.5 * spacing)
        for reading, line in zip(readings, decode_lines(readings), strict=True):
            if line is not None:
                _join(groups, line, reading)
    chosen: list[_Group] = []
    for group in sorted(groups, key=lambda g: -g.weight):
        agreed = len({(r.line, float(r.start @ (r.end - r.start) > 0)) for r in group.readings}) >= 3
        enough = group.weight >= _ENOUGH and (agreed or min(group.roughness) < _SURE)
        if enough and not any(_overlap(group, other) for other in chosen):
            chosen.append(group)
    segments = [np.concatenate([r.start, r.end]) for group in chosen for r in group.readings]
    return [_code(group) for group in chosen], np.array(segments).reshape(-1, 4)


def _join(groups: list[_Group], line: Line, reading: Reading) -> None:
    """Put a line to the group that says the same nearby, or begin a new one."""
    middle, length = (reading.start + reading.end) / 2, np.linalg.norm(reading.end - reading.start)
    for group in groups:
        if (group.line.kind, group.line.text) == (line.kind, line.text):
            others = [(near.start + near.end) / 2 for near in (group.readings[0], *group.readings[-3:])]
            if min(np.linalg.norm(other - middle) for other in others) < 0.6 * length:
                break
    else:
        group = _Group(line)
        groups.append(group)
    group.readings.append(reading)
    group.roughness.append(line.roughness)


def _overlap(group: _Group, other: _Group) -> bool:
    """Return whether one group lies in the middle of the other's place, or a line of it runs through there."""
    (low, high), (other_low, other_high) = _reach(group), _reach(other)
    middles = np.array([(r.start + r.end) / 2 for r in group.readings] + [(low + high) / 2])
    inside = ((middles >= other_low) & (middles <= other_high)).all(axis=1).any()
    around = (other_low + other_high) / 2
    return bool(inside or ((around >= low) & (around <= high)).all())


def _reach(group: _Group) -> tuple[Array, Array]:
    """Return the corners of the upright box around the lines of a group."""
    ends = np.array([end for reading in group.readings for end in (reading.start, reading.end)])
    return ends.min(axis=0) - 2, ends.max(axis=0) + 2


def _corners(group: _Group) -> Float64[np.ndarray, "4 2"]:
    """Return the ends of the outermost lines among those that run in the direction of the smoothest one."""
    smoothest = group.readings[int(np.argmin(group.roughness))]
    along = smoothest.end - smoothest.start
    along = along / np.linalg.norm(along)
    down = np.array([-along[1], along[0]])
    beside = []
    for reading in group.readings:
        direction = reading.end - reading.start
        if direction @ along > 0.97 * np.linalg.norm(direction):
            beside.append(reading)
    places = [float((r.start + r.end) @ down) for r in beside]
    first, last = beside[int(np.argmin(places))], beside[int(np.argmax(places))]
    return np.array([first.start, first.end, last.end, last.start])


def _code(group: _Group) -> Code:
    line = group.line
    data = line.text.encode("latin-1")
    return Code(line.kind, line.text, data, _corners(group).astype(np.float32), gs1=line.gs1)

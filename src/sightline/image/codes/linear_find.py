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
from sightline.image.codes.linear_regions import ANGLES, BLOCK, UPRIGHT, directions_of, lines_over, pieces_over
from sightline.image.codes.linear_scan import framed, scan

_TURNS = tuple(range(len(ANGLES)))
_SLANTED = tuple(turn for turn in _TURNS if turn not in UPRIGHT)
_THOROUGH = (_TURNS, 0, 2), (_TURNS, 1, 2)  # turns, first line, every how many: the lines in between come second
_QUICK = (UPRIGHT, 0, 1), (_SLANTED, 0, 1)  # the slanted ones only when nothing sure was found
_TRUST = 0.45  # a line of this roughness, in modules, counts for nothing
_ENOUGH = 0.35  # the sum of (trust − roughness) over the lines of a code
_PLENTY = 2.0  # a sum after which nobody doubts
_SURE = 0.2  # at least one line must be as smooth as this,
_AGREED = 0.28  # or as this, and three agree: what blur makes of bars is misread alike by all lines


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
        Of each: the round, the line, and whether it was read backwards.
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
    directions, picture = directions_of(gray, ANGLES), framed(gray)
    for turns, first, every in _THOROUGH if patient else _QUICK:
        lines, turn_of = lines_over(gray.shape, turns, spacing, first, every)
        pieces, owners = pieces_over(directions, lines, turn_of)
        if len(pieces):
            for line in _outermost(decode_rows(scan(picture, pieces, turn_of[owners]), pieces)):
                _join(groups, line, (first, int(owners[line.piece]), line.backwards))
        sure = [group for group in groups if group.weight > _PLENTY]
        if sure and not patient:
            break
        for group in sure:
            _leave_out(directions, group)
    chosen: list[_Group] = []
    for group in sorted(groups, key=lambda g: -g.weight):
        agreed = len(set(group.sources)) >= 3
        roughness = min(group.roughness)
        # The little that a UPC-E says is checked by one digit: several lines must say it, and one of them well.
        short = group.line.kind == "upce"
        sure = (agreed and roughness < (_SURE if short else _AGREED)) or (roughness < _SURE and not short)
        enough = group.weight >= _ENOUGH and sure
        if enough and not any(_overlap(group, other) for other in chosen):
            chosen.append(group)
    segments = [ends for group in chosen for ends in group.ends]
    return [_code(group) for group in chosen], np.array(segments, np.float64).reshape(-1, 4)


def _leave_out(directions: Array, group: _Group) -> None:
    """Mark the blocks within the lines of a group as crossed by nothing."""
    (left, top), (right, bottom) = _reach(group)
    down, across = (slice(int(max(a, 0)) // BLOCK + 1, int(b) // BLOCK) for a, b in ((top, bottom), (left, right)))
    directions[down, across] = 0


def _outermost(lines: list[Line]) -> list[Line]:
    """Return the lines without those that lie within a longer one: some codes hold what looks like a shorter one."""
    if len({line.text for line in lines}) < 2:
        return lines
    longest: dict[int, Line] = {}
    for line in lines:
        if line.piece not in longest or _length(line) > _length(longest[line.piece]):
            longest[line.piece] = line
    return [line for line in lines if not _lies_within(line, longest[line.piece])]


def _length(line: Line) -> float:
    x1, y1, x2, y2 = line.ends
    return math.hypot(x2 - x1, y2 - y1)


def _lies_within(line: Line, other: Line) -> bool:
    (x1, y1, x2, y2), (a, b, c, d) = line.ends, other.ends
    apart = math.hypot(x1 + x2 - a - c, y1 + y2 - b - d) / 2
    return line.text != other.text and apart + _length(line) / 2 < _length(other) / 2


def _join(groups: list[_Group], line: Line, source: tuple[int, int, bool]) -> None:
    """Put a line to the group that says the same nearby, or begin a new one."""
    x1, y1, x2, y2 = line.ends
    near = 1.2 * math.hypot(x2 - x1, y2 - y1)  # of twice the middles
    for group in groups:
        if group.line.text == line.text and group.line.kind == line.kind:
            others = *group.ends[:-4:-1], group.ends[0]  # those of the same direction come last
            if any(math.hypot(a + c - x1 - x2, b + d - y1 - y2) < near for a, b, c, d in others):
                break
    else:
        group = _Group(line)
        groups.append(group)
    group.ends.append(line.ends)
    group.sources.append(source)
    group.roughness.append(line.roughness)
    group.weight += line.times * max(_TRUST - line.roughness, 0.0)


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

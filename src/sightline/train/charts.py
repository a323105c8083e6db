"""Charts of a report as SVG text: lines, bars of calibration, a matrix. No script, no font, no library.

Colours are the page's CSS variables, so that one drawing serves light, dark and print; every chart has a title that
a screen reader says, and every point one that the pointer shows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

_WIDTH, _HEIGHT = 380, 230  # in CSS pixels of a phone; larger screens scale it up
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 14, 14, 40


@dataclass(frozen=True)
class Series:
    """One line of a chart.

    Parameters
    ----------
    name
        What the legend calls it.
    x, y
        Points, of one length; a point whose y is not finite is left out.
    """

    name: str
    x: Sequence[float]
    y: Sequence[float]


def line_chart(
    series: Sequence[Series],
    *,
    title: str,
    x_label: str,
    percent: bool = False,
    mark: float | None = None,
    mark_label: str = "",
) -> str:
    """Return a chart of lines over a common x axis, with a legend below it.

    Parameters
    ----------
    series
        Lines, in the order of the page's colours.
    title
        What a screen reader says.
    x_label
        Name of the x axis.
    percent
        Write the y axis in percent.
    mark, mark_label
        A position on the x axis to point at, such as the best epoch, and its name.
    """
    points = [[(a, b) for a, b in zip(one.x, one.y, strict=True) if math.isfinite(b)] for one in series]
    flat = [point for line in points for point in line]
    if not flat:
        return f'<p class="quiet">{escape(title)}: nothing was measured.</p>'
    low_x, high_x = min(a for a, _ in flat), max(a for a, _ in flat)
    ticks = nice_ticks(min(b for _, b in flat), max(b for _, b in flat))
    if percent and ticks[-1] > 1:
        ticks = [tick for tick in ticks if tick <= 1 + 1e-9]
        ticks = ticks if ticks[-1] > 1 - 1e-9 else [*ticks, 1.0]
    across = _Axis(low_x, high_x, _LEFT, _WIDTH - _RIGHT)
    up = _Axis(ticks[0], ticks[-1], _HEIGHT - _BOTTOM, _TOP)
    parts = [_grid(across, up, ticks, x_label, percent)]
    if mark is not None:
        at = across(mark)
        side = "end" if at > _WIDTH - 60 else "start" if at < _LEFT + 30 else "middle"
        parts.append(
            f'<line class="mark" x1="{at:.1f}" x2="{at:.1f}" y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}"/>'
            f'<text class="note" x="{at:.1f}" y="{_TOP - 4}" text-anchor="{side}">{escape(mark_label)}</text>'
        )
    for index, (one, line) in enumerate(zip(series, points, strict=True)):
        parts.append(_line(index, one.name, [(across(a), up(b)) for a, b in line], line, percent))
    legend = "".join(
        f'<li><span class="key s{index % 7}"></span>{escape(one.name)}</li>' for index, one in enumerate(series)
    )
    return f'{_svg(title, "".join(parts))}<ul class="legend">{legend if len(series) > 1 else ""}</ul>'


def calibration_chart(confidence: np.ndarray, accuracy: np.ndarray, counts: np.ndarray) -> str:
    """Return the reliability diagram: in each bin of stated confidence, how often the model was right.

    Parameters
    ----------
    confidence, accuracy
        Means of each bin, 0–1.
    counts
        Number of images in each bin; empty bins are left out.
    """
    across = _Axis(0.0, 1.0, _LEFT, _WIDTH - _RIGHT)
    up = _Axis(0.0, 1.0, _HEIGHT - _BOTTOM, _TOP)
    ticks = [0.0, 0.25, 0.5, 0.75, 1.0]
    bins, most = len(counts), max(1, int(counts.max()))
    bars = []
    for i, (stated, right, count) in enumerate(zip(confidence, accuracy, counts, strict=True)):
        if count:
            x1, x2, y = across(i / bins), across((i + 1) / bins), up(right)
            note = f"said {stated:.0%}, right {right:.0%}, {count} images"
            bars.append(
                f'<rect class="bar" x="{x1 + 1:.1f}" y="{y:.1f}" width="{x2 - x1 - 2:.1f}" height="{up(0) - y:.1f}"'
                f' fill-opacity="{0.25 + 0.75 * math.sqrt(count / most):.2f}"><title>{note}</title></rect>'
            )
    diagonal = f'<line class="mark" x1="{across(0)}" y1="{up(0)}" x2="{across(1)}" y2="{up(1)}"/>'
    body = _grid(across, up, ticks, "stated confidence", True, x_percent=True) + "".join(bars) + diagonal
    return _svg("Share of right answers against stated confidence", body)


def matrix_chart(counts: np.ndarray, names: Sequence[str], limit: int = 20) -> str:
    """Return a confusion matrix: a table with numbers up to ``limit`` classes, a picture beyond.

    Parameters
    ----------
    counts
        classes×classes, true class by row, predicted by column.
    names
        Class names.
    limit
        Largest number of classes whose numbers are written out.
    """
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    if len(names) > limit:
        return _matrix_picture(shares, names)
    head = "".join(f'<th scope="col"><span>{escape(_short(name))}</span></th>' for name in names)
    tall = " tall" if max(map(len, names)) > 4 else ""
    rows = []
    for i, name in enumerate(names):
        cells = "".join(
            f'<td class="{_cell_class(i, j, counts)}" style="--v:{shares[i, j]:.3f}" '
            f'title="{escape(names[i])} taken for {escape(names[j])}">{int(counts[i, j]) or "·"}</td>'
            if i != j
            else f'<td class="hit" style="--v:{shares[i, j]:.3f}" title="{escape(name)} recognised">'
            f"{int(counts[i, j])}</td>"
            for j in range(len(names))
        )
        rows.append(f'<tr><th scope="row">{escape(_short(name))}</th>{cells}</tr>')
    return (
        f'<div class="scroll" tabindex="0"><table class="matrix{tall}">'
        '<caption class="hidden">Confusion matrix</caption>'
        f'<thead><tr><th class="corner">true \\ predicted</th>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _cell_class(row: int, column: int, counts: np.ndarray) -> str:
    return "miss" if counts[row, column] else "none"


def _matrix_picture(shares: np.ndarray, names: Sequence[str]) -> str:
    count = len(names)
    side = 360 / count
    cells = "".join(
        f'<rect class="{"hit" if i == j else "miss"}" x="{j * side:.2f}" y="{i * side:.2f}" width="{side:.2f}"'
        f' height="{side:.2f}" fill-opacity="{min(1.0, shares[i, j] if i == j else shares[i, j] * 3):.2f}">'
        f"<title>{escape(names[i])} taken for {escape(names[j])}: {shares[i, j]:.0%}</title></rect>"
        for i in range(count)
        for j in range(count)
        if shares[i, j] > 0.004
    )
    title = f"Confusion matrix of {count} classes, true class by row"
    return (
        f'<svg class="chart square" viewBox="0 0 360 360" role="img" aria-label="{title}"><title>{title}</title>'
        f'<rect class="frame" x="0" y="0" width="360" height="360"/>{cells}</svg>'
    )


def nice_ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Return about ``count`` round numbers that enclose ``low`` and ``high``.

    Parameters
    ----------
    low, high
        Finite numbers, low ≤ high.
    count
        How many are wanted.

    Examples
    --------
    >>> nice_ticks(0.13, 0.94)
    [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    """
    if high <= low:
        low, high = low - (abs(low) or 1.0) * 0.1, high + (abs(high) or 1.0) * 0.1
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(index * step, 12) for index in range(first, last + 1)]


def _whole_ticks(low: float, high: float) -> list[float]:
    """Return round numbers between ``low`` and ``high``, whole ones: epochs are counted, not measured."""
    ticks = [tick for tick in nice_ticks(low, high) if tick == round(tick) and low <= tick <= high]
    return ticks or [low]


@dataclass(frozen=True)
class _Axis:
    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        span = self.high - self.low
        share = (value - self.low) / span if span else 0.5
        return self.start + share * (self.end - self.start)


def _grid(
    across: _Axis, up: _Axis, ticks: Sequence[float], x_label: str, percent: bool, x_percent: bool = False
) -> str:
    parts = []
    for tick in ticks:
        y = up(tick)
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{_number(tick, percent)}</text>')
    below = _HEIGHT - _BOTTOM
    marks = ticks if x_percent else _whole_ticks(across.low, across.high)
    for tick in marks:
        parts.append(
            f'<text x="{across(tick):.1f}" y="{below + 16}" text-anchor="middle">{_number(tick, x_percent)}</text>'
        )
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    parts.append(f'<text class="axis" x="{middle}" y="{_HEIGHT - 7}" text-anchor="middle">{escape(x_label)}</text>')
    return "".join(parts)


def _line(
    index: int, name: str, at: list[tuple[float, float]], values: list[tuple[float, float]], percent: bool
) -> str:
    if not at:
        return ""
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in at)
    every = max(1, len(at) // 60)  # more points than that cannot be pointed at
    dots = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5"><title>{escape(name)}, {a:g}: {_exact(b, percent)}</title></circle>'
        for (x, y), (a, b) in list(zip(at, values, strict=True))[::every]
    )
    x, y = at[-1]
    return (
        f'<g class="s{index % 7}"><polyline points="{path}"/><circle class="end" cx="{x:.1f}" cy="{y:.1f}" r="2.8"/>'
        f'<g class="ghost">{dots}</g></g>'
    )


def _svg(title: str, body: str) -> str:
    text = escape(title)
    return (
        f'<svg class="chart" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{text}">'
        f"<title>{text}</title>{body}</svg>"
    )


def _number(value: float, percent: bool) -> str:
    if percent:
        return f"{100 * value:.3g} %"
    if value != 0 and not 1e-3 <= abs(value) < 1e5:
        mantissa, _, exponent = f"{value:.1e}".partition("e")
        return f"{mantissa.removesuffix('.0')}e{int(exponent)}"
    return f"{value:.4g}"


def _exact(value: float, percent: bool) -> str:
    return f"{value:.2%}" if percent else f"{value:.4g}"


def _short(name: str, limit: int = 14) -> str:
    return name if len(name) <= limit else name[: limit - 1] + "…"

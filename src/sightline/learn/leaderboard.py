"""What a search for settings found: a table, best first, and a picture of the score against each setting."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sightline.core.errors import InputError

_WIDE, _HIGH, _EDGE = 220, 160, 34


@dataclass(frozen=True)
class Trial:
    """One training with one choice of settings.

    Parameters
    ----------
    settings
        By name.
    score
        On the validation samples; greater is better.
    budget
        What it was given: epochs, or samples.
    seconds
        It took.
    model
        What was trained.
    """

    settings: dict[str, Any]
    score: float
    budget: int
    seconds: float
    model: Any = field(repr=False, compare=False)

    @property
    def rank(self) -> tuple[int, float]:
        """What trials are ordered by: more budget first, then the greater score; NaN last."""
        return -self.budget, math.inf if math.isnan(self.score) else -self.score


@dataclass(frozen=True)
class Leaderboard:
    """All trials of a search.

    Parameters
    ----------
    trials
        In any order, one at least; they are kept best first.

    Examples
    --------
    >>> board = Leaderboard((Trial({"k": 1}, 0.8, 9, 0.1, None), Trial({"k": 3}, 0.9, 9, 0.1, None)))
    >>> board.best.settings
    {'k': 3}
    >>> print(board.table())
    rank  score  budget  seconds  k
       1    0.9       9     0.10  3
       2    0.8       9     0.10  1
    """

    trials: tuple[Trial, ...]

    def __post_init__(self) -> None:
        if not self.trials:
            raise InputError("Leaderboard: trials must be one at least; got none.")
        object.__setattr__(self, "trials", tuple(sorted(self.trials, key=lambda trial: trial.rank)))

    @property
    def best(self) -> Trial:
        """The trial of the greatest score among those of the greatest budget."""
        return self.trials[0]

    @property
    def names(self) -> list[str]:
        """Names of the settings."""
        return sorted({name for trial in self.trials for name in trial.settings})

    def table(self, most: int = 20) -> str:
        """Return the best trials as text.

        Parameters
        ----------
        most
            Rows at most, ≥ 1.
        """
        rows = [["rank", "score", "budget", "seconds", *self.names]]
        for number, trial in enumerate(self.trials[:most], 1):
            values = (_said(trial.settings.get(name, "")) for name in self.names)
            rows.append([str(number), f"{trial.score:.4g}", str(trial.budget), f"{trial.seconds:.2f}", *values])
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join("  ".join(cell.rjust(w) for cell, w in zip(row, widths, strict=True)) for row in rows)

    def to_json(self) -> list[dict[str, Any]]:
        """Return plain JSON values, best first; what was trained is left out."""
        return [
            {
                "settings": {name: _plain(value) for name, value in trial.settings.items()},
                "score": None if math.isnan(trial.score) else trial.score,
                "budget": trial.budget,
                "seconds": trial.seconds,
            }
            for trial in self.trials
        ]

    def plot(self) -> str:
        """Return an SVG: for each setting a panel of the scores, darker where the budget was greater."""
        panels = [self._panel(name, place) for place, name in enumerate(self.names)]
        width, height = _WIDE * max(1, len(panels)), _HIGH
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
            'role="img" aria-label="scores of a search" font-family="sans-serif" font-size="11">'
            f"{''.join(panels)}</svg>"
        )

    def _panel(self, name: str, place: int) -> str:
        seen = [trial for trial in self.trials if name in trial.settings and math.isfinite(trial.score)]
        xs, ticks, log = _places([trial.settings[name] for trial in seen])
        scores = [trial.score for trial in seen]
        low, high = (min(scores), max(scores)) if scores else (0.0, 1.0)
        left, right, top, bottom = place * _WIDE + _EDGE, (place + 1) * _WIDE - 12, 12, _HIGH - _EDGE
        budgets = sorted({trial.budget for trial in self.trials})
        dots = []
        for x, trial in sorted(zip(xs, seen, strict=True), key=lambda pair: pair[1].budget):
            down = (high - trial.score) / (high - low) if high > low else 0.5
            depth = (1 + budgets.index(trial.budget)) / len(budgets)
            best = ' stroke="#a23b00" stroke-width="2"' if trial is self.best else ""
            dots.append(
                f'<circle cx="{left + x * (right - left):.1f}" cy="{top + down * (bottom - top):.1f}" r="4" '
                f'fill="#1d4ed8" fill-opacity="{0.15 + 0.7 * depth:.2f}"{best}>'
                f"<title>{html.escape(_told(trial))}</title></circle>"
            )
        marks = "".join(
            f'<text x="{left + x * (right - left):.1f}" y="{bottom + 14}" text-anchor="middle" fill="#333">'
            f"{html.escape(text)}</text>"
            for x, text in ticks
        )
        label = html.escape(name + (" (logarithmic)" if log else ""))
        return (
            f'<path d="M{left} {top}V{bottom}H{right}" fill="none" stroke="#777"/>'
            f'<text x="{left - 4}" y="{top + 4}" text-anchor="end" fill="#333">{high:.3g}</text>'
            f'<text x="{left - 4}" y="{bottom}" text-anchor="end" fill="#333">{low:.3g}</text>{marks}'
            f'<text x="{(left + right) / 2}" y="{bottom + 28}" text-anchor="middle" font-weight="bold" fill="#111">'
            f"{label}</text>{''.join(dots)}"
        )


def _places(values: Sequence[Any]) -> tuple[list[float], list[tuple[float, str]], bool]:
    """Return where values lie, 0–1, what stands below the line, and whether it is logarithmic."""
    numbers = [float(v) for v in values if isinstance(v, (int, float, np.number)) and not isinstance(v, bool)]
    if len(numbers) < len(values) or len(set(numbers)) < 2:
        words = list(dict.fromkeys(map(_said, values)))
        at = {word: (i + 0.5) / len(words) for i, word in enumerate(words)}
        return [at[_said(value)] for value in values], [(at[word], word) for word in words], False
    low, high = min(numbers), max(numbers)
    log = low > 0 and high / low > 50
    scale = math.log if log else float
    share = [(scale(v) - scale(low)) / (scale(high) - scale(low)) for v in numbers]
    return share, [(0.0, _said(low)), (1.0, _said(high))], log


def _said(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, (float, np.floating)) else str(value)


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _told(trial: Trial) -> str:
    settings = ", ".join(f"{name} {_said(value)}" for name, value in trial.settings.items())
    return f"{settings}: {trial.score:.4g} with {trial.budget}"

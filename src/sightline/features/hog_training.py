"""How a window of gradients learns: a linear machine on what is to be found and on background, then on what fooled it.

Dalal & Triggs 2005, "Histograms of Oriented Gradients for Human Detection", CVPR, section 4: the machine is trained,
the backgrounds are searched for false positives, and it is trained once more with those.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from sightline.core.errors import InputError
from sightline.core.types import Array
from sightline.features.hog import hog_blocks
from sightline.features.hog_windows import BLOCK, Level, levels_of, score_map, windows_at
from sightline.image.resize import resize
from sightline.learn.linear_svm import LinearSVM

_SCALE = 1.1  # between the sizes at which backgrounds are looked at
_NEAR = -0.5  # windows above this score are worth learning from


@dataclass(frozen=True)
class RoundReport:
    """What became of a round of training.

    Parameters
    ----------
    round
        Its number, from 1.
    windows
        How many windows of the backgrounds it was taught with.
    hit_rate
        Share of what is to be found with a score above 0.
    false_alarm
        Share of those windows with a score above 0.
    """

    round: int
    windows: int
    hit_rate: float
    false_alarm: float


def train_window(
    asked: str,
    cutouts: Sequence[Array],
    backgrounds: Sequence[Array],
    size: tuple[int, int],
    cell: int,
    bins: int,
    *,
    cost: float,
    negatives: int,
    rounds: int,
    random: np.random.Generator,
    progress: Callable[[RoundReport], object] | None,
) -> tuple[Array, float, list[RoundReport]]:
    """Return the weights (M×N×D float32), the offset and the report of each round; see ``HogTemplate.train``."""
    blocks = size[0] // cell - BLOCK + 1, size[1] // cell - BLOCK + 1
    big_enough = [b for b in backgrounds if b.shape[0] >= size[0] and b.shape[1] >= size[1]]
    if len(cutouts) < 1 or not big_enough:
        raise InputError(
            f"{asked}: there must be 1 cutout and 1 background of the window's size at least;"
            f" got {len(cutouts)} cutouts and {len(big_enough)} such backgrounds."
        )
    positives = np.stack([cutout_descriptor(c, size, cell, bins) for cut in cutouts for c in (cut, cut[:, ::-1])])
    share = -(-negatives // len(big_enough))
    weights, offset = np.zeros((*blocks, BLOCK * BLOCK * bins), np.float32), 0.0
    others, history = np.zeros((0, positives.shape[1]), np.float32), []
    for number in range(1, rounds + 1):
        found = []
        for picture in big_enough:
            levels = list(levels_of(picture, size, cell, bins, _SCALE))
            scores = [score_map(level.blocks, weights, offset) for level in levels]
            found.append(_choose(levels, scores, blocks, share, random if number == 1 else None))
        others = np.concatenate([others, *found])
        samples = np.concatenate([positives, others])
        is_found = np.arange(len(samples)) < len(positives)
        machine = LinearSVM(cost, tolerance=1e-2, seed=random).fit(samples, is_found)
        weights, offset = machine.coef_[0].reshape(weights.shape), float(machine.intercept_[0])
        passed = machine.predict(samples)
        rates = float(passed[is_found].mean()), float(passed[~is_found].mean())
        history.append(RoundReport(number, len(others), *rates))
        if progress is not None:
            progress(history[-1])
        if number > 1 and not sum(map(len, found)):
            break  # no window of the backgrounds comes near any more
    return weights, offset, history


def cutout_descriptor(cutout: Array, size: tuple[int, int], cell: int, bins: int) -> Array:
    """Return the descriptor of a cutout of any size, as that of a window in the midst of a picture."""
    inner = resize(np.ascontiguousarray(cutout), size, "area" if cutout.shape[0] >= 1.5 * size[0] else "bilinear")
    around = hog_blocks(np.pad(inner, cell, mode="edge"), cell, BLOCK, bins)
    return around[1:-1, 1:-1].reshape(-1)


def _choose(
    levels: list[Level], scores: list[Array], blocks: tuple[int, int], count: int, random: np.random.Generator | None
) -> Array:
    """Return up to ``count`` windows of a picture as K×D: any with ``random``, else those with the highest scores."""
    flat = np.concatenate([s.ravel() for s in scores])
    if random is None:
        chosen = np.flatnonzero(flat > _NEAR)
        chosen = chosen[np.argsort(-flat[chosen], kind="stable")[:count]]
    else:
        chosen = random.permutation(len(flat))[:count]
    starts = np.concatenate([[0], np.cumsum([s.size for s in scores])])
    parts = []
    for level, map_, start, end in zip(levels, scores, starts[:-1], starts[1:], strict=True):
        here = np.sort(chosen[(chosen >= start) & (chosen < end)]) - start
        parts.append(windows_at(level.blocks, blocks, *np.divmod(here, map_.shape[1])))
    return np.concatenate(parts)

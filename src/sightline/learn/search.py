"""Search for settings: try them, rank them on samples that taught nothing, and give what promises more its time.

``grid_search`` tries all of a grid; ``random_search`` draws settings (Bergstra & Bengio 2012, "Random Search for
Hyper-Parameter Optimization", JMLR 13); ``halving_search`` gives many settings a short training, and the best third of
them three times as long, again and again (Jamieson & Talwalkar 2016, "Non-stochastic Best Arm Identification and
Hyperparameter Optimization", AISTATS).

What is tried is anything with ``fit`` and ``score``, or a :class:`~sightline.learn.solver.Solver`.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import describe, integer, number
from sightline.core.errors import InputError
from sightline.core.seeds import generator
from sightline.core.types import Range, Seed
from sightline.learn.leaderboard import Leaderboard, Trial
from sightline.learn.solver import Solver

Settings = dict[str, Any]
Samples = tuple[Any, Any]


@dataclass(frozen=True)
class Between:
    """Any number between two, for :func:`random_search` and :func:`halving_search`.

    Parameters
    ----------
    low, high
        The ends.
    log
        Whether every power of ten is as likely as any other; the ends are > 0 then.
    whole
        Whether only whole numbers are meant.

    Examples
    --------
    >>> Between(1e-4, 1.0, log=True).draw(np.random.default_rng(0)) < 1
    True
    """

    low: float
    high: float
    log: bool = False
    whole: bool = False

    def __post_init__(self) -> None:
        number("Between", "low", self.low, above=0 if self.log else None)
        number("Between", "high", self.high, above=self.low)

    def draw(self, random: np.random.Generator) -> float:
        """Return a number.

        Parameters
        ----------
        random
            Where chance comes from.
        """
        low, high = self.low, self.high + self.whole
        drawn = math.exp(random.uniform(math.log(low), math.log(high))) if self.log else random.uniform(low, high)
        return math.floor(drawn) if self.whole else drawn


@method(task="search", paper="Bergstra & Bengio 2012", lesson="w5d7")
def grid_search(
    build: Callable[..., Any], space: Mapping[str, Sequence[Any]], train: Samples, validation: Samples, **fit: Any
) -> Leaderboard:
    """Try every combination of some values of each setting.

    A score that is NaN stands last.

    Parameters
    ----------
    build
        Called with settings by name; returns a :class:`Solver`, or anything with ``fit(x, y)`` and ``score(x, y)``.
    space
        For each setting its values, one at least.
    train, validation
        Samples and targets to learn from, and others to be scored on.
    **fit
        More arguments of ``fit``, such as ``epochs``.

    Returns
    -------
    Leaderboard
        Best first. A Solver's score is its accuracy on the validation samples, or minus the loss where the targets
        are no classes.

    Raises
    ------
    InputError
        When a setting has no values, or what was built can be neither fitted nor scored.

    References
    ----------
    J. Bergstra, Y. Bengio, "Random Search for Hyper-Parameter Optimization", Journal of Machine Learning Research 13,
    2012.

    Examples
    --------
    >>> from sightline.learn import LDA
    >>> x, y = np.random.default_rng(0).normal(size=(60, 4)), np.arange(60) % 3
    >>> x[:, 0] += 3 * y
    >>> board = grid_search(LDA, {"n_components": [1, 2]}, (x[:30], y[:30]), (x[30:], y[30:]))
    >>> len(board.trials), board.best.score > 0.7
    (2, True)
    """
    for name, values in space.items():
        if isinstance(values, (str, Between)) or not isinstance(values, (Sequence, np.ndarray)) or not len(values):
            raise InputError(f"grid_search: space['{name}'] must be a list of values; got {describe(values)}.")
    names = sorted(space)
    all_of_them = [dict(zip(names, values, strict=True)) for values in itertools.product(*(space[n] for n in names))]
    return Leaderboard(
        tuple(_tried("grid_search", build, settings, train, validation, fit) for settings in all_of_them)
    )


@method(task="search", paper="Bergstra & Bengio 2012", lesson="w5d7")
def random_search(
    build: Callable[..., Any],
    space: Mapping[str, Any],
    train: Samples,
    validation: Samples,
    *,
    trials: Annotated[int, Range(1, 10**6)] = 20,
    seed: Seed = 0,
    **fit: Any,
) -> Leaderboard:
    """Try settings that are drawn: where few of them matter, each trial says something new of those.

    A score that is NaN stands last.

    Parameters
    ----------
    build
        As in :func:`grid_search`.
    space
        For each setting a :class:`Between`, or a list of values.
    train, validation
        Samples and targets to learn from, and others to be scored on.
    trials
        How many, ≥ 1.
    seed
        Whole number or generator.
    **fit
        More arguments of ``fit``, such as ``epochs``.

    Returns
    -------
    Leaderboard
        Best first, as in :func:`grid_search`.

    Raises
    ------
    InputError
        When a setting has no values, or what was built can be neither fitted nor scored.

    References
    ----------
    J. Bergstra, Y. Bengio, "Random Search for Hyper-Parameter Optimization", Journal of Machine Learning Research 13,
    2012.
    """
    drawn = draw_settings("random_search", space, integer("random_search", "trials", trials, 1), seed)
    return Leaderboard(tuple(_tried("random_search", build, one, train, validation, fit) for one in drawn))


@method(task="search", paper="Jamieson & Talwalkar 2016", lesson="w5d7")
def halving_search(
    build: Callable[..., Any],
    space: Mapping[str, Any],
    train: Samples,
    validation: Samples,
    *,
    trials: Annotated[int, Range(2, 10**6)] = 27,
    factor: Annotated[int, Range(2, 100)] = 3,
    least: Annotated[int, Range(1, 10**9)] = 1,
    seed: Seed = 0,
) -> Leaderboard:
    """Try many settings with little, and again and again the best of them with more.

    Little is few epochs for a :class:`Solver`, which goes on where it stopped, and few samples for anything else.
    A score that is NaN stands last in its round.

    Parameters
    ----------
    build
        As in :func:`grid_search`.
    space
        For each setting a :class:`Between`, or a list of values.
    train, validation
        Samples and targets to learn from, and others to be scored on.
    trials
        Settings in the first round, ≥ 2.
    factor
        From round to round there are so many times fewer of them, and each gets so many times more, ≥ 2.
    least
        Epochs (or samples) in the first round, ≥ 1.
    seed
        Whole number or generator.

    Returns
    -------
    Leaderboard
        The last round first, best first in each.

    Raises
    ------
    InputError
        When a setting has no values, or what was built can be neither fitted nor scored.

    References
    ----------
    K. Jamieson, A. Talwalkar, "Non-stochastic Best Arm Identification and Hyperparameter Optimization", AISTATS 2016.
    """
    name = "halving_search"
    factor, budget = integer(name, "factor", factor, 2), integer(name, "least", least, 1)
    drawn = draw_settings(name, space, integer(name, "trials", trials, 2), seed)
    running = [(settings, build(**settings)) for settings in drawn]
    done: list[Trial] = []
    order = generator(seed, 1).permutation(len(train[0]))
    while running:
        found = []
        for settings, what in running:
            if isinstance(what, Solver):
                found.append(_scored(name, what, settings, train, validation, budget, {"epochs": budget}))
            else:
                few = np.sort(order[:budget])
                part = np.asarray(train[0])[few], np.asarray(train[1])[few]
                found.append(_scored(name, what, settings, part, validation, min(budget, len(order)), {}))
        done += found
        if len(running) < factor:
            return Leaderboard(tuple(done))
        ranked = sorted(range(len(found)), key=lambda i: found[i].rank)
        running = [running[i] for i in ranked[: -(-len(running) // factor)]]
        budget *= factor
    return Leaderboard(tuple(done))


def draw_settings(function: str, space: Mapping[str, Any], count: int, seed: Seed) -> list[Settings]:
    """Return settings that are drawn from a space; trial i depends on the seed and i alone.

    Parameters
    ----------
    function
        Name for the error's sentence.
    space
        For each setting a :class:`Between`, or a list of values.
    count
        How many.
    seed
        Whole number or generator.
    """
    random = generator(seed)
    found = []
    for _ in range(count):
        settings: Settings = {}
        for name in sorted(space):
            values = space[name]
            if isinstance(values, Between):
                settings[name] = values.draw(random)
            elif isinstance(values, (list, tuple, np.ndarray)) and len(values):
                settings[name] = values[int(random.integers(len(values)))]
            else:
                raise InputError(
                    f"{function}: space['{name}'] must be Between(low, high) or a list of values;"
                    f" got {describe(values)}."
                )
        found.append(settings)
    return found


def _tried(
    function: str, build: Callable[..., Any], settings: Settings, train: Samples, validation: Samples, fit: Settings
) -> Trial:
    what = build(**settings)
    budget = fit.get("epochs", 20) if isinstance(what, Solver) else len(train[0])
    return _scored(function, what, settings, train, validation, budget, fit)


def _scored(
    function: str, what: Any, settings: Settings, train: Samples, validation: Samples, budget: int, fit: Settings
) -> Trial:
    start = time.perf_counter()
    if isinstance(what, Solver):
        what.fit(*train, **fit)
        row = what.measure(*validation)
        score = row.get("val_accuracy", -row["val_loss"])
    elif hasattr(what, "fit") and hasattr(what, "score"):
        what.fit(*train, **fit)
        score = float(what.score(*validation))
    else:
        raise InputError(f"{function}: build must return a Solver, or what has fit and score; got {describe(what)}.")
    return Trial(settings, float(score), int(budget), time.perf_counter() - start, what)

"""Searches give scikit-learn's scores for the same settings, and halving its rounds."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from sklearn.experimental import enable_halving_search_cv  # noqa: F401 - makes the next import possible
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, PredefinedSplit
from sklearn.neighbors import KNeighborsClassifier

from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.learn import (
    LDA,
    SGD,
    Between,
    Leaderboard,
    Linear,
    Sequential,
    SoftmaxCrossEntropy,
    Solver,
    grid_search,
    halving_search,
    random_search,
)
from sightline.learn.search import draw_settings

RANDOM = np.random.default_rng(0)
Y = np.arange(120) % 3
X = RANDOM.normal(0, 1, (120, 6)) + np.eye(3)[Y].repeat(2, axis=1)
TRAIN, VALIDATION = (X[:80], Y[:80]), (X[80:], Y[80:])
FOLD = PredefinedSplit([-1] * 80 + [0] * 40)


def scores_of(board: Leaderboard) -> dict[str, float]:
    return {str(sorted(trial.settings.items())): trial.score for trial in board.trials}


def apart(board: Leaderboard, settings: list[dict[str, Any]]) -> float:
    """Return the greatest difference from scikit-learn's search over these settings."""
    grid = [{name: [value] for name, value in one.items()} for one in settings]
    peer = GridSearchCV(KNeighborsClassifier(), grid, cv=FOLD, refit=False).fit(X, Y)
    ours = scores_of(board)
    theirs = zip(peer.cv_results_["params"], peer.cv_results_["mean_test_score"], strict=True)
    return max(abs(ours[str(sorted(params.items()))] - score) for params, score in theirs)


@evidence.equals("learn.grid_search", peer="scikit-learn", tolerance="identical scores in GridSearchCV's order")
@evidence.equals("learn.random_search", peer="scikit-learn", tolerance="identical scores of the settings it drew")
def test_scores_are_scikit_learns(measured: Callable[[float], None]) -> None:
    space: dict[str, Any] = {"weights": ["uniform", "distance"], "n_neighbors": [1, 5, 15]}
    board = grid_search(KNeighborsClassifier, space, TRAIN, VALIDATION)
    assert len(board.trials) == 6
    drawn = draw_settings("test", space | {"n_neighbors": Between(1, 30, whole=True)}, 8, 4)
    other = random_search(
        KNeighborsClassifier, space | {"n_neighbors": Between(1, 30, whole=True)}, TRAIN, VALIDATION, trials=8, seed=4
    )
    assert sorted(str(trial.settings) for trial in other.trials) == sorted(map(str, drawn))
    error = max(apart(board, [trial.settings for trial in board.trials]), apart(other, drawn))
    measured(error)
    assert error == 0
    assert board.best.score == max(trial.score for trial in board.trials)
    assert board.best.model.score(*VALIDATION) == board.best.score


@evidence.equals("learn.halving_search", peer="scikit-learn", tolerance="identical counts of settings and budgets")
def test_rounds_are_scikit_learns(measured: Callable[[float], None]) -> None:
    build = lambda alpha: SGDClassifier(alpha=alpha, random_state=0)
    board = halving_search(build, {"alpha": Between(1e-6, 1, log=True)}, TRAIN, VALIDATION, trials=14, least=9)
    peer = HalvingGridSearchCV(
        SGDClassifier(), {"alpha": np.logspace(-6, 0, 14)}, factor=3, min_resources=9, max_resources=81, cv=FOLD
    ).fit(X, Y)
    rounds = [[trial for trial in board.trials if trial.budget == budget] for budget in (9, 27, 80)]
    assert [len(one) for one in rounds] == peer.n_candidates_ == [14, 5, 2]
    assert peer.n_resources_ == [9, 27, 81]
    measured(float(sum(abs(len(one) - count) for one, count in zip(rounds, peer.n_candidates_, strict=True))))
    for before, after in itertools.pairwise(rounds):  # the best ones went on
        worst = before[len(after) - 1].score
        assert {t.settings["alpha"] for t in after} <= {t.settings["alpha"] for t in before if t.score >= worst}


def solver(learning_rate: float) -> Solver:
    return Solver(Sequential(Linear(6, 3, seed=1)), SoftmaxCrossEntropy(), SGD(learning_rate), batch_size=20)


def test_solvers_go_on_from_round_to_round() -> None:
    space = {"learning_rate": Between(1e-4, 1.0, log=True)}
    board = halving_search(solver, space, TRAIN, VALIDATION, trials=9, seed=2)
    again = halving_search(solver, space, TRAIN, VALIDATION, trials=9, seed=2)
    assert scores_of(board) == scores_of(again)
    assert [trial.budget for trial in board.trials] == [9] + [3] * 3 + [1] * 9
    assert len(board.best.model.history) == 9
    alone = grid_search(solver, {"learning_rate": [board.best.settings["learning_rate"]]}, TRAIN, VALIDATION, epochs=9)
    assert alone.best.score == board.best.score
    assert board.best.score > 0.6


def test_the_board_is_a_table_and_a_picture() -> None:
    board = random_search(
        solver, {"learning_rate": Between(1e-4, 1.0, log=True)}, TRAIN, VALIDATION, trials=5, epochs=2
    )
    lines = board.table(3).splitlines()
    assert len(lines) == 4
    assert lines[0].split() == ["rank", "score", "budget", "seconds", "learning_rate"]
    root = ElementTree.fromstring(board.plot())
    assert len(root.findall("{http://www.w3.org/2000/svg}circle")) == 5
    assert [row["score"] for row in board.to_json()] == sorted((t.score for t in board.trials), reverse=True)
    many = np.array([Between(1e-4, 1.0, log=True).draw(np.random.default_rng(i)) for i in range(400)])
    assert 0.4 < (many < 1e-2).mean() < 0.6
    whole = {Between(1, 3, whole=True).draw(np.random.default_rng(i)) for i in range(50)}
    assert whole == {1, 2, 3}


def test_refuses_by_name() -> None:
    with pytest.raises(InputError, match=r"grid_search: space\['n_components'\] must be a list of values; got int 3"):
        grid_search(LDA, {"n_components": 3}, TRAIN, VALIDATION)  # type: ignore[dict-item]
    with pytest.raises(InputError, match=r"random_search: space\['k'\] must be Between\(low, high\) or a list"):
        random_search(LDA, {"k": "abc"}, TRAIN, VALIDATION)
    with pytest.raises(InputError, match="grid_search: build must return a Solver, or what has fit and score"):
        grid_search(dict, {"a": [1]}, TRAIN, VALIDATION)
    with pytest.raises(InputError, match="Between: low must be a number"):
        Between(0, 1, log=True)
    with pytest.raises(InputError, match="halving_search: trials must be a whole number"):
        halving_search(LDA, {}, TRAIN, VALIDATION, trials=1)

"""Nearest neighbours against scikit-learn's, and blocks against the tree."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.learn import KNN

peer = pytest.importorskip("sklearn.neighbors")


def noise(count: int, width: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return random.normal(size=(count, width)), random.integers(0, 4, count)


@evidence.equals(
    "learn.KNN", peer="scikit-learn", tolerance="the same neighbours; 1e-10", data="noise in 2 to 60 directions"
)
@pytest.mark.parametrize("method", ["blocks", "tree"])
def test_neighbours_and_votes_equal_those_of_scikit_learn(method: str, measured: Callable[[float], None]) -> None:
    worst = 0.0
    for width, k, weights in ((2, 1, "uniform"), (3, 5, "distance"), (8, 12, "distance"), (60, 5, "uniform")):
        samples, y = noise(5000, width)
        asked = noise(200, width, 1)[0]
        ours = KNN(k, weights=weights, method=method).fit(samples, y)
        theirs = peer.KNeighborsClassifier(k, weights=weights, algorithm="brute").fit(samples, y)
        places, distances = ours.neighbours(asked)
        far, expected = theirs.kneighbors(asked)
        assert (places == expected).all()
        assert (ours.predict(asked) == theirs.predict(asked)).all()
        shares = np.abs(ours.predict_proba(asked) - theirs.predict_proba(asked)).max()
        worst = max(worst, float(np.abs(distances - far).max()), float(shares))
        assert ours.score(asked, y[:200]) == theirs.score(asked, y[:200])
    measured(worst)
    assert worst < 1e-10


@pytest.mark.parametrize("name", ["a grid", "far from zero", "tiny", "huge", "one place", "many numbers"])
def test_blocks_prove_what_the_tree_finds(name: str) -> None:
    random = np.random.default_rng(3)
    grid = random.integers(0, 3, (1500, 4)).astype(np.float64)  # equal distances everywhere
    samples = {
        "a grid": grid,
        "far from zero": grid + 1e7 + random.normal(size=grid.shape) * 1e-3,
        "tiny": random.normal(size=(1500, 5)) * 1e-140,
        "huge": random.normal(size=(1500, 5)) * 1e140,
        "one place": np.ones((1500, 3)),
        "many numbers": random.normal(size=(1500, 200)).round(1),
    }[name]
    asked = np.concatenate([samples[:20], samples[:20] * 1.5, samples[:1] * 1e9])
    y = random.integers(0, 2, len(samples))
    blocks, tree = (KNN(7, method=method).fit(samples, y).neighbours(asked) for method in ("blocks", "tree"))
    exact = np.linalg.norm(samples - asked[:, None], axis=2)
    assert (blocks[0] == tree[0]).all()
    assert (blocks[1] == tree[1]).all()
    assert np.allclose(blocks[1], np.sort(exact, axis=1)[:, :7], rtol=1e-9)
    equal = np.diff(blocks[1], axis=1) == 0
    assert (np.diff(blocks[0], axis=1)[equal] > 0).all()  # of equally near ones, the first in the table comes first


def test_float32_is_measured_as_exactly() -> None:
    samples, y = noise(800, 30)
    single = samples.astype(np.float32)
    found = [KNN(4).fit(table, y).neighbours(table[:50]) for table in (single, single.astype(np.float64))]
    assert (found[0][0] == found[1][0]).all()
    assert np.abs(found[0][1] - found[1][1]).max() < 1e-12


def test_a_sample_of_distance_zero_has_all_votes() -> None:
    knn = KNN(3, weights="distance").fit([[0.0], [0.1], [0.2], [9.0]], ["a", "b", "b", "a"])
    assert knn.predict([[0.0], [0.05]]).tolist() == ["a", "b"]
    assert knn.predict_proba([[0.0]]).tolist() == [[1.0, 0.0]]


def test_steps_end_in_the_class() -> None:
    samples, y = noise(80, 2)
    trace = sl.trace(KNN, KNN(3), samples, y, samples[0] + 0.1)
    assert trace.result == KNN(3).fit(samples, y).predict(samples[:1] + 0.1)[0]
    assert trace["neighbours"].picture().shape == (360, 360, 3)
    pictures = noise(40, 64)
    assert sl.trace(KNN, KNN(3), *pictures, pictures[0][0])["neighbours"].value.shape == (3, 8, 8)


def test_refuses_by_name() -> None:
    samples, y = noise(30, 3)
    with pytest.raises(InputError, match="k must be at most the n_samples = 30 of fit; got 31"):
        KNN(31).fit(samples, y).predict(samples)
    with pytest.raises(InputError, match="weights must be one of 'uniform', 'distance'; got 'distant'"):
        KNN(weights="distant").fit(samples, y)
    with pytest.raises(InputError, match="squares of distances must be numbers"):
        KNN(1, method="tree").fit(samples, y).predict(samples * 1e200)
    with pytest.raises(InputError, match=r"KNN\.neighbours: the estimator must have been fitted"):
        KNN().neighbours(samples)

"""t-SNE against scikit-learn's: probabilities, slopes, and what the maps are worth."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.learn import TSNE
from sightline.learn.affinities import dense_affinities, sparse_affinities
from sightline.learn.quad_tree import repulsion
from sightline.learn.tsne import AllPairs, ByTree

peer = pytest.importorskip("sklearn.manifold")
inner = pytest.importorskip("sklearn.manifold._t_sne")
pools = pytest.importorskip("threadpoolctl")
neighbours = pytest.importorskip("sklearn.neighbors")


def samples_of(count: int = 300) -> np.ndarray:
    random = np.random.default_rng(0)
    middles = random.normal(size=(6, 8)) * 3
    return middles[np.arange(count) % 6] + random.normal(size=(count, 8))


def places_of(count: int = 300) -> np.ndarray:
    return np.random.default_rng(1).normal(size=(2, count)) * 5


@evidence.equals("learn.TSNE", peer="scikit-learn", tolerance="1e-5 of the greatest", data="affinities of 300 samples")
def test_probabilities_equal_those_of_scikit_learn(measured: Callable[[float], None]) -> None:
    samples = samples_of()
    squares = ((samples[:, None] - samples) ** 2).sum(axis=2)
    theirs = inner._joint_probabilities(squares.astype(np.float32), 20.0, 0)
    ours = dense_affinities(samples, 20.0)
    worst = float(np.abs(ours[np.triu_indices(300, 1)] - theirs).max() / theirs.max())
    graph = neighbours.NearestNeighbors(n_neighbors=61).fit(samples).kneighbors_graph(mode="distance")
    graph.data **= 2
    theirs = inner._joint_probabilities_nn(graph, 20.0, 0)
    near = sparse_affinities(samples, 20.0)
    assert near.nnz == theirs.nnz
    worst = max(worst, float(abs(near - theirs).max() / theirs.max()))
    measured(worst)
    assert worst < 1e-5


@evidence.equals("learn.TSNE", peer="scikit-learn", tolerance="1e-10, by a tree 1e-5", data="slope at 300 places")
def test_slope_and_divergence_equal_those_of_scikit_learn(measured: Callable[[float], None]) -> None:
    affinities, places = dense_affinities(samples_of(), 20.0), places_of()
    flat = affinities[np.triu_indices(300, 1)]
    kl, slope = inner._kl_divergence(places.T.ravel(), flat, 1, 300, 2)
    ours, divergence = AllPairs(affinities).at(places, 1.0, divergence=True)
    worst = float(np.abs(ours.T.ravel() - slope).max() / np.abs(slope).max())
    assert worst < 1e-10
    assert abs(divergence - kl) < 1e-9
    tree, small = ByTree(samples_of(), 20.0, 0.0), places.astype(np.float32)
    kl, slope = inner._kl_divergence_bh(small.T.ravel(), tree.affinities, 1, 300, 2, angle=0.0)
    ours, divergence = tree.at(small, 1.0, divergence=True)
    measured(worst := float(np.abs(ours.T.ravel() - slope).max() / np.abs(slope).max()))
    assert worst < 1e-5
    assert abs(divergence - kl) < 1e-4


def test_the_tree_errs_less_than_that_of_scikit_learn() -> None:
    tree, small = ByTree(samples_of(), 20.0, 0.0), places_of().astype(np.float32)
    exact, _ = tree.at(small, 1.0)
    for angle in (0.3, 0.5, 0.8):
        tree.angle = angle
        ours, _ = tree.at(small, 1.0)
        _, theirs = inner._kl_divergence_bh(small.T.ravel(), tree.affinities, 1, 300, 2, angle=angle)
        off = float(np.linalg.norm(ours - exact) / np.linalg.norm(exact))
        assert off < np.linalg.norm(theirs.reshape(-1, 2).T - exact) / np.linalg.norm(exact)


def test_pushes_of_any_places_are_those_of_all_pairs() -> None:
    random = np.random.default_rng(2)
    for places in (
        random.normal(size=(2, 200)),
        np.zeros((2, 50)),  # all in one place
        np.repeat(random.normal(size=(2, 4)), 30, axis=1),
        np.stack([np.arange(70.0), np.zeros(70)]),
        random.normal(size=(2, 2)) * 1e-5,
    ):
        small = places.astype(np.float32)
        push, total = repulsion(small, 0.0)
        apart = small[:, :, None].astype(np.float64) - small[:, None]
        q = 1 / (1 + (apart**2).sum(axis=0))
        assert np.allclose(push, (q**2 * apart).sum(axis=2), atol=2e-4)
        assert np.isclose(total, q.sum() - len(q), rtol=1e-5)


def test_slope_is_that_of_the_divergence() -> None:
    slope, places = AllPairs(dense_affinities(samples_of(40), 8.0)), places_of(40)
    found, _ = slope.at(places, 1.0)
    for d, i in ((0, 3), (1, 17)):
        step = np.zeros_like(places)
        step[d, i] = 1e-5
        rise = slope.at(places + step, 1.0, divergence=True)[1] - slope.at(places - step, 1.0, divergence=True)[1]
        assert np.isclose(rise / 2e-5, found[d, i], rtol=1e-5)


@evidence.reaches(
    "learn.TSNE", figure="KL against that of scikit-learn's map", published=1.02, source="scikit-learn, in the same run"
)
def test_map_is_as_good_as_that_of_scikit_learn(measured: Callable[[float], None]) -> None:
    samples = samples_of(200)
    ours = TSNE(perplexity=20, iterations=400).fit(samples)
    with pools.threadpool_limits(1):
        theirs = peer.TSNE(perplexity=20, max_iter=400).fit(samples)
    measured(ratio := ours.kl_divergence_ / theirs.kl_divergence_)
    assert ratio < 1.02
    trust = [peer.trustworthiness(samples, one.embedding_) for one in (ours, theirs)]
    assert trust[0] > trust[1] - 0.005
    exact = TSNE(perplexity=20, iterations=350, method="exact", n_components=3).fit(samples[:90])
    assert exact.embedding_.shape == (90, 3)
    assert peer.trustworthiness(samples[:90], exact.embedding_) > 0.95


def test_same_seed_same_map_at_any_thread_count() -> None:
    from sightline.core.kernels import set_threads, threads

    before, maps = threads(), []
    try:
        for count in (1, 3):
            set_threads(count)
            maps.append(TSNE(perplexity=9, iterations=30, init="random", seed=4).fit_transform(samples_of(80)))
    finally:
        set_threads(before)
    assert maps[0].tobytes() == maps[1].tobytes()


def test_steps_end_in_the_map() -> None:
    samples = samples_of(60)
    trace = sl.trace(TSNE, TSNE(perplexity=9, iterations=120), samples, np.arange(60) % 6)
    assert (trace.result == TSNE(perplexity=9, iterations=120).fit_transform(samples)).all()
    assert [step.name for step in trace][:4] == ["widest directions", "iteration 0", "iteration 50", "iteration 100"]


def test_refuses_by_name() -> None:
    samples = samples_of(30)
    with pytest.raises(InputError, match=r"TSNE: perplexity must be less than n_samples = 30; got 30\. Use 7\."):
        TSNE().fit(samples)
    with pytest.raises(InputError, match="n_components must be 1 or 2 with method='barnes_hut'; got 3"):
        TSNE(3, perplexity=5).fit(samples)
    with pytest.raises(InputError, match="init must be 'pca', 'random' or 30×2 finite numbers; got 3×2 float64"):
        TSNE(perplexity=5, init=np.zeros((3, 2))).fit(samples)
    with pytest.raises(InputError, match=r"TSNE: angle must be a number in 0–1; got 2"):
        TSNE(perplexity=5, angle=2).fit(samples)

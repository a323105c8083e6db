"""K-means against scikit-learn's, from the same centres and by the sum that its own starts end in."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.learn import KMeans
from sightline.learn.lloyd import nearest, rounds

peer = pytest.importorskip("sklearn.cluster")
pools = pytest.importorskip("threadpoolctl")


def crowds(count: int, width: int, k: int, seed: int = 0, apart: float = 3.0) -> np.ndarray:
    random = np.random.default_rng(seed)
    middles = random.normal(size=(k, width)) * apart
    return middles[random.integers(0, k, count)] + random.normal(size=(count, width)) + 20


@evidence.equals("learn.KMeans", peer="scikit-learn", tolerance="1e-9 of the greatest", data="crowds, 1 to 30 columns")
def test_centres_equal_those_of_scikit_learn_from_the_same_start(measured: Callable[[float], None]) -> None:
    worst = 0.0
    for count, width, k in ((400, 2, 5), (900, 30, 12), (300, 1, 3), (60, 4, 1), (500, 8, 40)):
        samples = crowds(count, width, k, seed=count, apart=1.0)
        start = samples[:k]
        ours = KMeans(k, init=start, eps=0).fit(samples)
        theirs = peer.KMeans(k, init=start, n_init=1, tol=0, algorithm="lloyd").fit(samples)
        assert (ours.labels_ == theirs.labels_).all()
        assert (ours.predict(samples + 0.3) == theirs.predict(samples + 0.3)).all()
        pairs = [
            (ours.cluster_centers_, theirs.cluster_centers_),
            (ours.inertia_, theirs.inertia_),
            (ours.transform(samples), theirs.transform(samples)),
            (ours.score(samples), theirs.score(samples)),
        ]
        worst = max(worst, *(float(np.abs(a - b).max() / np.abs(b).max()) for a, b in pairs))
    measured(worst)
    assert worst < 1e-9


def test_bounds_never_keep_a_sample_from_the_nearest_centre() -> None:
    for kind, width in ((np.float32, 12), (np.float64, 12), (np.float32, 3)):
        samples = crowds(1200, width, 9, apart=0.7).astype(kind)
        samples -= samples.mean(axis=0)
        for now in rounds(samples, samples[:9], 12):
            squares = ((samples[:, None].astype(np.float64) - now.centres) ** 2).sum(axis=2)
            own = squares[np.arange(len(samples)), now.labels]
            assert (own <= squares.min(axis=1) + 1e-4).all()
        assert (nearest(samples, now.centres)[0] == now.labels).all()


def test_a_centre_without_samples_goes_where_it_is_needed_as_in_scikit_learn() -> None:
    samples = np.array([[0.0], [1.0], [10.0], [11.0], [30.0]])
    start = np.array([[0.5], [0.5], [100.0]])
    ours = KMeans(3, init=start, eps=0).fit(samples)
    theirs = peer.KMeans(3, init=start, n_init=1, tol=0).fit(samples)
    assert np.allclose(np.sort(ours.cluster_centers_.ravel()), np.sort(theirs.cluster_centers_.ravel()))
    assert np.isfinite(KMeans(3, init=np.zeros((3, 2))).fit(np.ones((4, 2))).cluster_centers_).all()


def test_starts_and_batches_end_as_low_as_those_of_scikit_learn() -> None:
    samples = crowds(900, 5, 12, apart=2.0)
    ours = [KMeans(12, seed=seed).fit(samples).inertia_ for seed in range(5)]
    batches = [KMeans(12, batch_size=200, seed=seed).fit(samples).inertia_ for seed in range(3)]
    with pools.threadpool_limits(1):
        theirs = [peer.KMeans(12, n_init=1, random_state=seed).fit(samples).inertia_ for seed in range(5)]
        other = [peer.MiniBatchKMeans(12, batch_size=200, n_init=1, random_state=s).fit(samples) for s in range(3)]
    assert np.mean(ours) < 1.05 * np.mean(theirs)
    assert np.mean(batches) < 1.08 * np.mean([one.inertia_ for one in other])
    best = KMeans(12, n_init=5, seed=0).fit(samples)
    assert best.inertia_ <= np.mean(ours)
    assert KMeans(12, init="random", seed=3).fit(samples).inertia_ >= best.inertia_ * 0.999


def test_steps_end_in_the_clusters() -> None:
    samples = crowds(120, 3, 4)
    trace = sl.trace(KMeans, KMeans(4, init=samples[:4]), samples)
    assert (trace.result == KMeans(4, init=samples[:4]).fit_predict(samples)).all()
    curve = trace["sum of squares"].value
    assert (np.diff(curve[:, 1]) <= 1e-9).all()
    assert trace["start"].picture().shape == (420, 420, 3)


def test_same_seed_same_clusters_and_float32_stays() -> None:
    samples = crowds(300, 4, 5).astype(np.float32)
    a, b = KMeans(5, seed=7).fit(samples), KMeans(5, seed=7).fit(samples)
    assert a.cluster_centers_.tobytes() == b.cluster_centers_.tobytes()
    assert a.cluster_centers_.dtype == a.transform(samples).dtype == np.float32


def test_refuses_by_name() -> None:
    samples = crowds(6, 4, 2)
    with pytest.raises(InputError, match=r"KMeans\.fit: samples must be 8 at least, as n_clusters; got n_samples = 6"):
        KMeans().fit(samples)
    with pytest.raises(InputError, match=r"KMeans: init must be 2×4 finite numbers, or .*; got 2×3 float64"):
        KMeans(2, init=np.zeros((2, 3))).fit(samples)
    with pytest.raises(InputError, match=r"KMeans: init must be one of 'k-means\+\+', 'random'; got 'kmeans'"):
        KMeans(2, init="kmeans").fit(samples)
    with pytest.raises(InputError, match=r"KMeans: eps must be a number ≥ 0; got -1"):
        KMeans(2, eps=-1).fit(samples)
    with pytest.raises(InputError, match=r"KMeans\.predict: the estimator must have been fitted"):
        KMeans(2).predict(samples)

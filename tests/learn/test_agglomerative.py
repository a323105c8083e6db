"""Agglomerative clustering against SciPy's trees and scikit-learn's clusters."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.cluster import hierarchy

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.learn import Agglomerative
from sightline.learn.agglomerative import LINKAGES, cut_at
from sightline.learn.clusterer import by_first
from sightline.learn.dendrogram_picture import draw_dendrogram

peer = pytest.importorskip("sklearn.cluster")


def samples_of(kind: str) -> np.ndarray:
    random = np.random.default_rng(1)
    return random.normal(size=(90, 3)) if kind == "cloud" else random.integers(0, 5, (70, 2)).astype(np.float64)


@evidence.equals("learn.Agglomerative", peer="scipy", tolerance="1e-12, ties too", data="a cloud and a grid")
def test_trees_equal_those_of_scipy(measured: Callable[[float], None]) -> None:
    worst = 0.0
    for kind in ("cloud", "grid"):
        samples = samples_of(kind)
        for linkage in LINKAGES:
            ours = Agglomerative(4, linkage=linkage).fit(samples).linkage_
            worst = max(worst, float(np.abs(ours - hierarchy.linkage(samples, linkage)).max()))
    measured(worst)
    assert worst < 1e-12


@evidence.equals("learn.Agglomerative", peer="scikit-learn", tolerance="the same groups", data="a cloud, 4 linkages")
def test_clusters_equal_those_of_scikit_learn(measured: Callable[[float], None]) -> None:
    samples = samples_of("cloud")
    for linkage in LINKAGES:
        ours = Agglomerative(7, linkage=linkage).fit(samples)
        assert (ours.labels_ == by_first(peer.AgglomerativeClustering(7, linkage=linkage).fit_predict(samples))).all()
        limit = float(ours.distances_[-6:-4].mean())
        ours = Agglomerative(None, linkage=linkage, distance_threshold=limit).fit(samples)
        theirs = peer.AgglomerativeClustering(None, linkage=linkage, distance_threshold=limit).fit(samples)
        assert ours.n_clusters_ == theirs.n_clusters_
        assert (ours.labels_ == by_first(theirs.labels_)).all()
    measured(0)


def test_any_cut_of_the_tree() -> None:
    joined = Agglomerative(1).fit(samples_of("cloud"))
    assert joined.n_leaves_ == 90
    assert not joined.labels_.any()
    assert cut_at(joined.linkage_, 90).tolist() == list(range(90))
    for clusters in (2, 5, 40):
        ours = cut_at(joined.linkage_, clusters)
        theirs = hierarchy.fcluster(joined.linkage_, clusters, "maxclust")
        assert (ours == by_first(theirs)).all()


def test_dendrogram_has_the_colours_of_the_clusters() -> None:
    joined = Agglomerative(3).fit(samples_of("cloud"))
    picture = draw_dendrogram(joined.linkage_, joined.labels_)
    colours = {tuple(colour) for colour in picture.reshape(-1, 3).tolist()}
    assert picture.shape == (360, 640, 3)
    assert {(255, 255, 255), (60, 60, 60), (230, 159, 0), (86, 180, 233), (0, 158, 115)} <= colours


def test_steps_end_in_the_clusters() -> None:
    samples = samples_of("cloud")
    trace = sl.trace(Agglomerative, Agglomerative(3), samples)
    assert (trace.result == Agglomerative(3).fit_predict(samples)).all()
    assert trace["dendrogram"].picture().shape == (360, 640, 3)


def test_refuses_by_name() -> None:
    samples = samples_of("cloud")
    with pytest.raises(InputError, match=r"Agglomerative: linkage must be one of .*; got 'wards'\. Did you mean"):
        Agglomerative(2, linkage="wards").fit(samples)
    with pytest.raises(InputError, match="exactly one of n_clusters and distance_threshold must be given"):
        Agglomerative(2, distance_threshold=1.0).fit(samples)
    with pytest.raises(InputError, match="n_clusters must be a whole number in 1–90; got 91"):
        Agglomerative(91).fit(samples)

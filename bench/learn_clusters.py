"""Clusters and reduction against scikit-learn and SciPy, from the same starts and with as many rounds."""

from __future__ import annotations

import warnings

import numpy as np
from scipy.cluster import hierarchy
from sklearn import cluster, decomposition, exceptions, manifold, mixture

from sightline import image, learn
from sightline.data import sample

from .timing import Case


def cases() -> list[Case]:
    """Return the cases, made for the sizes at which people use them."""
    return [*_means(), *_reductions(), *_others()]


def _crowds(count: int, width: int, k: int, kind: type = np.float32) -> np.ndarray:
    random = np.random.default_rng(0)
    middles = random.normal(size=(k, width)) * 2
    return (middles[random.integers(0, k, count)] + random.normal(size=(count, width))).astype(kind)


def _means() -> list[Case]:
    found = []
    pixels = image.resize(sample("astronaut"), (1080, 1920)).reshape(-1, 3).astype(np.float32)
    for name, samples, k in (("60,000×50", _crowds(60_000, 50, 64), 64), ("pixels 1080p", pixels, 8)):
        start = samples[:: len(samples) // k][:k].copy()
        ours = learn.KMeans(k, init=start, eps=0, iterations=20)
        peer = cluster.KMeans(k, init=start, n_init=1, tol=0, max_iter=20, algorithm="lloyd")
        found.append(
            Case(
                f"learn.KMeans {name}, K = {k}, 20 rounds",
                "sklearn",
                lambda ours=ours, x=samples: ours.fit(x).inertia_ / len(x),
                lambda peer=peer, x=samples: _fit(peer, x).inertia_ / len(x),
                bytes=samples.nbytes,
                within=None,  # the tests hold that they are the same
            )
        )
    return found


def _reductions() -> list[Case]:
    samples, few = _crowds(5000, 64, 10), _crowds(20_000, 100, 10)
    ours, peer = learn.TSNE(perplexity=30, iterations=300), manifold.TSNE(perplexity=30, max_iter=300)
    return [
        Case(
            "learn.TSNE 5,000×64, 300 iterations",
            "sklearn",
            lambda: ours.fit(samples).embedding_,
            lambda: _fit(peer, samples).embedding_,
            bytes=samples.nbytes,
            within=None,
        ),
        Case(
            "learn.PCA 20,000×100 to 10",
            "sklearn",
            lambda: np.abs(learn.PCA(10).fit(few).components_),
            lambda: np.abs(decomposition.PCA(10).fit(few).components_),
            bytes=few.nbytes,
            within=1e-2,
        ),
        Case(
            "learn.PCA 400×10,304 to 50 (faces)",
            "sklearn",
            lambda: learn.PCA(50).fit(_FACES).explained_variance_,
            lambda: decomposition.PCA(50).fit(_FACES).explained_variance_,
            bytes=_FACES.nbytes,
            within=None,  # the peer's is a random approximation
        ),
    ]


def _others() -> list[Case]:
    samples, few, plane = _crowds(3000, 10, 8, float), _crowds(20_000, 8, 6, float), _crowds(1000, 2, 6, float)
    start = (np.full(6, 1 / 6), few[:6], np.stack([np.eye(8)] * 6))
    ours = learn.GaussianMixture(6, init=start, eps=0, iterations=20)
    given = {"weights_init": start[0], "means_init": start[1], "precisions_init": start[2]}
    peer = mixture.GaussianMixture(6, tol=0, max_iter=20, **given)
    return [
        Case(
            "learn.Agglomerative 3,000×10, ward",
            "scipy",
            lambda: learn.Agglomerative(8).fit(samples).linkage_[:, 2],
            lambda: hierarchy.linkage(samples, "ward")[:, 2],
            bytes=8 * 3000 * 3000,
            within=1e-9,
        ),
        Case(
            "learn.GaussianMixture 20,000×8, K = 6, 20 rounds",
            "sklearn",
            lambda: ours.fit(few).means_,
            lambda: _fit(peer, few).means_,
            bytes=few.nbytes,
            within=1e-6,
        ),
        Case(
            "learn.MeanShift 1,000×2, bins",
            "sklearn",
            lambda: learn.MeanShift(1.0, bin_seeding=True).fit(plane).cluster_centers_,
            lambda: cluster.MeanShift(bandwidth=1.0, bin_seeding=True).fit(plane).cluster_centers_,
            bytes=plane.nbytes,
            within=1e-9,
        ),
    ]


def _fit(peer, samples):
    """Return the peer's estimator after fit, without its words on rounds that were too few."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", exceptions.ConvergenceWarning)
        return peer.fit(samples)


_FACES = np.random.default_rng(0).normal(size=(400, 10_304)).astype(np.float32)

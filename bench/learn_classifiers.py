"""Classifiers against scikit-learn: neighbours by blocks and by a tree, machines with margins, softmax, naive Bayes."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from sklearn import linear_model, naive_bayes, neighbors, svm

from sightline.learn import KNN, KernelSVM, LinearSVM, NaiveBayes, SoftmaxClassifier

from .timing import Case


def cases() -> list[Case]:
    """Return the cases; clouds of ten classes in as many directions as a digit of MNIST has pixels, and in three."""
    x, y = _clouds(2000, 784)
    asked = _clouds(500, 784, 1)[0]
    single, labels = x.astype(np.float32), y
    few, names = _clouds(60_000, 3)
    double = x[:, :60].copy()
    return [
        _neighbours("blocks", 784, 60_000, 500, np.float32),
        _neighbours("tree", 3, 60_000, 10_000, np.float64),
        _fit("learn.KernelSVM rbf 2000×784", KernelSVM(cost=5), svm.SVC(C=5), single, labels),
        _fit("learn.LinearSVM 2000×60", LinearSVM(0.1, tolerance=1e-3), svm.LinearSVC(C=0.1, tol=1e-3), double, labels),
        _fit(
            "learn.SoftmaxClassifier 2000×784",
            SoftmaxClassifier(tolerance=1e-4),
            linear_model.LogisticRegression(),
            x,
            y,
        ),
        _fit("learn.NaiveBayes gaussian 60000×3", NaiveBayes(), naive_bayes.GaussianNB(), few, names),
        _ask("learn.KernelSVM predict 500 of 784", KernelSVM(cost=5), svm.SVC(C=5), (single, labels), asked),
    ]


def _clouds(count: int, width: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    y = np.arange(count) % 10
    middles = np.random.default_rng(99).normal(size=(10, width))
    return middles[y] * 0.5 + random.normal(size=(count, width)), y


def _neighbours(method: str, width: int, count: int, asked: int, kind: Any) -> Case:
    (x, y), question = _clouds(count, width), _clouds(asked, width, 1)[0].astype(kind)
    x = x.astype(kind)
    algorithm = "brute" if method == "blocks" else "kd_tree"
    ours = cache(lambda: KNN(5, method=method).fit(x, y))  # by the first call, which is not timed
    theirs = cache(lambda: neighbors.KNeighborsClassifier(5, algorithm=algorithm).fit(x, y))
    name = f"learn.KNN {method} {asked} of {width} among {count}"
    return _case(
        name, lambda: ours().neighbours(question)[0], lambda: theirs().kneighbors(question)[1], question.nbytes
    )


def _fit(name: str, ours: Any, theirs: Any, x: np.ndarray, y: np.ndarray) -> Case:
    # How far apart they end is what the tests hold.
    return _case(name, lambda: ours.fit(x, y), lambda: theirs.fit(x, y), x.nbytes, within=None)


def _ask(name: str, ours: Any, theirs: Any, taught: tuple[np.ndarray, np.ndarray], asked: np.ndarray) -> Case:
    question = asked.astype(taught[0].dtype)
    mine, peers = cache(lambda: ours.fit(*taught)), cache(lambda: theirs.fit(*taught))  # by the first call, not timed
    return _case(name, lambda: mine().predict(question), lambda: peers().predict(question), asked.nbytes, within=None)


def _case(name: str, ours: Callable[[], Any], peers: Callable[[], Any], size: int, within: float | None = 0) -> Case:
    return Case(name, "sklearn", ours, peers, bytes=size, within=within)

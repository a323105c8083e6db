"""Visual words against scikit-learn, and what a tree and a pyramid promise."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from sklearn.cluster import KMeans

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.core.seeds import generator
from sightline.features.vocabulary import flat, kmeans, mean_shift, tree
from sightline.features.word_classifiers import scores_of
from sightline.learn import LinearSVM, NaiveBayes


def groups(count: int = 12, each: int = 60, dims: int = 8) -> np.ndarray:
    random = np.random.default_rng(1)
    centres = random.normal(0, 4, (count, 1, dims))
    return (centres + random.normal(0, 0.5, (count, each, dims))).reshape(-1, dims).astype(np.float32)


def squares(data: np.ndarray, centres: np.ndarray) -> float:
    return float(((data[:, None] - centres[None]) ** 2).sum(axis=2).min(axis=1).sum())


def test_kmeans_is_as_tight_as_scikit_learn() -> None:
    data = groups()
    centres = kmeans(data, 12, generator(0))
    assert squares(data, centres) <= 1.01 * KMeans(12, n_init=5, random_state=0).fit(data).inertia_
    assert np.array_equal(flat(centres).assign(centres), np.arange(12))


def test_kmeans_finds_no_more_words_than_there_are_descriptors() -> None:
    data = np.repeat(np.eye(3, dtype=np.float32), 5, axis=0)
    assert len(kmeans(data, 8, generator(0))) == 3


def test_mean_shift_finds_the_groups() -> None:
    data = groups(6, 40)
    words = mean_shift(data, 20, generator(0))
    middles = data.reshape(6, 40, -1).mean(axis=1)
    assert 6 <= len(words) <= 20
    assert np.abs(words[:, None] - middles).max(axis=2).min(axis=0).max() <= 0.6


def test_a_tree_leads_each_descriptor_to_a_near_word() -> None:
    data = groups(30, 40)
    found = tree(data, 100, generator(0))
    words = found.assign(data)
    assert 80 <= len(found) <= 110
    assert sorted(set(words.tolist())) == list(range(len(found)))
    assert squares(data, found.centres[found.words >= 0]) < squares(data, kmeans(data, 20, generator(0)))


def test_scores_are_those_of_the_classifier() -> None:
    random = np.random.default_rng(3)
    for kinds in (2, 4):
        labels = np.arange(120) % kinds
        counts = random.poisson(1 + 3 * random.random((kinds, 30))[labels]).astype(np.float32)
        for classifier in (NaiveBayes("multinomial"), LinearSVM(10, tolerance=1e-2)):
            classifier.fit(counts, labels)
            scores = scores_of(classifier)
            assert scores.weights.shape == (30, kinds)
            assert np.array_equal(scores.predict(counts), classifier.predict(counts))


@evidence.equals(
    "features.spatial_pyramid", peer="invariant: histograms of the parts", tolerance="1e-6", data="made points"
)
def test_the_pyramid_counts_each_part(measured: Callable[[float], None]) -> None:
    random = np.random.default_rng(4)
    points, words = random.random((200, 2)) * (64, 48) - 0.5, random.integers(0, 5, 200)
    found = sl.features.spatial_pyramid(points, words, (48, 64), 5)
    expected = []
    for level, weight in enumerate((0.25, 0.25, 0.5)):
        high, wide = 48 / 2**level, 64 / 2**level
        for j in range(2**level):
            for i in range(2**level):
                x, y = points[:, 0] + 0.5, points[:, 1] + 0.5
                here = (x >= i * wide) & (x < (i + 1) * wide) & (y >= j * high) & (y < (j + 1) * high)
                expected.append(weight * np.bincount(words[here], minlength=5) / 200)
    error = float(np.abs(found - np.concatenate(expected)).max())
    measured(error)
    assert error <= 1e-6
    assert found.sum() == pytest.approx(1)


def test_the_pyramid_refuses_by_name() -> None:
    points = np.zeros((2, 2))
    for words, sentence in ((np.array([0, 9]), "words must be in 0–4; got 0 to 9"), (np.zeros(3, int), "2 whole")):
        with pytest.raises(InputError, match=f"spatial_pyramid: .*{sentence}"):
            sl.features.spatial_pyramid(points, words, (4, 4), 5)
    with pytest.raises(InputError, match="points must be finite"):
        sl.features.spatial_pyramid(points * np.nan, np.zeros(2, int), (4, 4), 5)
    assert not sl.features.spatial_pyramid(np.zeros((0, 2)), np.zeros(0, int), (4, 4), 5).any()

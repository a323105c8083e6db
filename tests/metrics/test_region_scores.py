"""Covering, variation of information and the Rand index against scikit-image, scikit-learn and sets of pixels."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from skimage.metrics import variation_of_information as peer_information
from sklearn.metrics import rand_score

from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.metrics import probabilistic_rand_index, segmentation_covering, variation_of_information

RANDOM = np.random.default_rng(2)
MAPS = [np.kron(RANDOM.integers(0, n, (7, 9)), np.ones((4, 5), int)).astype(np.int32) for n in (2, 5, 30)]
SCORES = (segmentation_covering, variation_of_information, probabilistic_rand_index)


@evidence.equals("metrics.variation_of_information", peer="scikit-image", tolerance="1e-12", data="random partitions")
def test_information_equals_scikit_image(measured: Callable[[float], None]) -> None:
    worst = max(abs(variation_of_information(a, [b]) - sum(peer_information(a, b))) for a in MAPS for b in MAPS)
    measured(worst)
    assert worst <= 1e-12


@evidence.equals("metrics.probabilistic_rand_index", peer="scikit-learn", tolerance="1e-12", data="random partitions")
def test_rand_index_equals_scikit_learn(measured: Callable[[float], None]) -> None:
    worst = max(abs(probabilistic_rand_index(a, [b]) - rand_score(a.ravel(), b.ravel())) for a in MAPS for b in MAPS)
    measured(worst)
    assert worst <= 1e-12


@evidence.equals("metrics.segmentation_covering", peer="numpy", tolerance="1e-12", data="sets of pixels")
def test_covering_equals_the_sets(measured: Callable[[float], None]) -> None:
    worst = 0.0
    for labels in MAPS:
        for truth in MAPS:
            total = 0.0
            for region in np.unique(truth):
                here = truth == region
                others = [labels == other for other in np.unique(labels)]
                total += here.sum() * max((here & other).sum() / (here | other).sum() for other in others)
            worst = max(worst, abs(segmentation_covering(labels, [truth]) - total / truth.size))
    measured(worst)
    assert worst <= 1e-12


@pytest.mark.parametrize("score", SCORES)
def test_names_of_regions_do_not_matter_and_people_are_averaged(score: Callable[..., float]) -> None:
    labels, truth = MAPS[1], MAPS[2]
    assert score(labels * -7 + 3, [truth + 100]) == pytest.approx(score(labels, [truth]))
    each = [score(labels, [other]) for other in MAPS]
    assert score(labels, MAPS) == pytest.approx(np.mean(each))


def test_equal_partitions_are_perfect() -> None:
    assert [score(MAPS[2], [MAPS[2] + 5]) for score in SCORES] == [1.0, pytest.approx(0), 1.0]


@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize(
    ("labels", "truths", "sentence"),
    [
        (MAPS[0].astype(float), [MAPS[0]], "labels must be H×W whole numbers"),
        (MAPS[0], [], "truths must be a list of at least one"),
        (MAPS[0], MAPS[0], "truths must be a list"),
        (MAPS[0], [MAPS[0][:5]], "truths must be of the labels' shape 28×45"),
    ],
)
def test_bad_arguments_are_refused(score: Callable[..., float], labels: object, truths: object, sentence: str) -> None:
    with pytest.raises(InputError, match=f"{score.__name__}: {sentence}"):
        score(labels, truths)

"""The convention of clusterers, by the test-suite of scikit-learn itself."""

from __future__ import annotations

import numpy as np
import pytest

from sightline.learn import TSNE, Agglomerative, GaussianMixture, KMeans, MeanShift
from sightline.learn.clusterer import by_first
from sightline.learn.estimator import Estimator

ESTIMATORS = [KMeans(3), MeanShift(), Agglomerative(), GaussianMixture(), TSNE(perplexity=2, iterations=20)]
peer = pytest.importorskip("sklearn.utils.estimator_checks")


@pytest.mark.filterwarnings("ignore")  # among others, that ours do not inherit from its class
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda estimator: type(estimator).__name__)
def test_passes_the_checks_of_scikit_learn(estimator: Estimator) -> None:
    results = peer.check_estimator(estimator, on_skip=None)
    passed = {row["check_name"] for row in results if row["status"] == "passed"}
    others = {row["check_name"] for row in results if row["status"] != "passed"}
    assert len(passed) >= 38
    assert others <= {"check_array_api_input"}  # for arrays of other libraries


def test_groups_are_numbered_by_their_first_sample() -> None:
    assert by_first(np.array([5, 2, 5, 9, 2])).tolist() == [0, 1, 0, 2, 1]

"""The estimator convention, by the test-suite of scikit-learn itself."""

from __future__ import annotations

import numpy as np
import pytest

from sightline.core.errors import InputError
from sightline.learn import KNN, LDA, PCA, KernelSVM, LinearSVM, NaiveBayes, SoftmaxClassifier
from sightline.learn.estimator import Estimator, as_table, as_targets

peer = pytest.importorskip("sklearn.utils.estimator_checks")
ESTIMATORS = (
    PCA(2),
    LDA(),
    KNN(),
    KNN(3, weights="distance", method="blocks"),
    LinearSVM(),
    KernelSVM(),
    NaiveBayes(),
    NaiveBayes("multinomial"),
    NaiveBayes("bernoulli"),
    SoftmaxClassifier(),
)


@pytest.mark.filterwarnings("ignore")  # among others, that ours do not inherit from its class
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=repr)
def test_passes_the_checks_of_scikit_learn(estimator: Estimator) -> None:
    results = peer.check_estimator(estimator, on_skip=None)
    passed = {row["check_name"] for row in results if row["status"] == "passed"}
    others = {row["check_name"] for row in results if row["status"] != "passed"}
    assert len(passed) >= 40
    assert others <= {"check_array_api_input"}  # for arrays of other libraries


def test_says_what_it_was_told() -> None:
    assert repr(PCA(2)) == "PCA(n_components=2, whiten=False)"


def test_tables_and_labels_are_refused_by_name() -> None:
    with pytest.raises(InputError, match=r"F\.fit: samples must be N×D numbers, one sample a row; got 3 float64"):
        as_table("F.fit", np.ones(3))
    with pytest.raises(InputError, match="samples must be 1 at least; got n_samples = 0"):
        as_table("F.fit", np.ones((0, 3)))
    with pytest.raises(InputError, match="samples must be numbers; got 1×1 str32"):
        as_table("F.fit", [["a"]])
    with pytest.raises(InputError, match="y must be whole numbers or words; got fractions"):
        as_targets("F.fit", [0.5, 1.0], 2)
    with pytest.raises(InputError, match="y must be 2 whole numbers or words; got 2 object"):
        as_targets("F.fit", [None, {}], 2)
    classes, index = as_targets("F.fit", np.array(["b", "a", "b"], object), 3)
    assert classes.tolist() == ["a", "b"]
    assert index.tolist() == [1, 0, 1]

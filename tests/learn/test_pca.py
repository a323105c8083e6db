"""Principal components against scikit-learn's."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.learn import PCA

peer = pytest.importorskip("sklearn.decomposition")


def clouds(count: int, width: int, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    return random.normal(size=(count, width)) @ random.normal(size=(width, width)) + random.normal(size=width) * 5


@evidence.equals("learn.PCA", peer="scikit-learn", tolerance="1e-8 of the greatest", data="clouds, tall and wide")
@pytest.mark.parametrize("whiten", [False, True])
def test_components_equal_those_of_scikit_learn(whiten: bool, measured: Callable[[float], None]) -> None:
    worst = 0.0
    for shape, wanted in (((200, 12), None), ((200, 12), 5), ((30, 90), 20), ((30, 90), 0.8), ((12, 12), None)):
        samples = clouds(*shape)
        ours = PCA(wanted, whiten=whiten).fit(samples)
        theirs = peer.PCA(wanted, whiten=whiten, svd_solver="full").fit(samples)
        assert ours.n_components_ == theirs.n_components_
        good = theirs.singular_values_ > 1e-6 * theirs.singular_values_[0]  # beyond, directions are anybody's
        pairs = [
            (ours.components_[good], theirs.components_[good]),
            (ours.explained_variance_, theirs.explained_variance_),
            (ours.explained_variance_ratio_, theirs.explained_variance_ratio_),
            (ours.singular_values_[good], theirs.singular_values_[good]),
            (ours.transform(samples)[:, good], theirs.transform(samples)[:, good]),
            (ours.inverse_transform(ours.transform(samples)), theirs.inverse_transform(theirs.transform(samples))),
        ]
        worst = max(worst, *(float(np.abs(a - b).max() / np.abs(b).max()) for a, b in pairs))
    measured(worst)
    assert worst < 1e-8


def test_all_components_are_across_one_another_even_without_spread() -> None:
    samples = clouds(8, 30)
    pca = PCA().fit(samples)
    assert pca.components_.shape == (8, 30)
    assert np.allclose(pca.components_ @ pca.components_.T, np.eye(8), atol=1e-10)
    assert np.allclose(pca.inverse_transform(pca.transform(samples)), samples)
    flat = PCA(2).fit(np.ones((4, 5)))
    assert np.allclose(flat.inverse_transform(flat.transform(np.ones((1, 5)))), 1)


def test_dtype_and_parameters_are_kept() -> None:
    samples = clouds(40, 6).astype(np.float32)
    pca = PCA(3)
    assert pca.fit_transform(samples).dtype == np.float32
    assert pca.get_params() == {"n_components": 3, "whiten": False}
    assert pca.set_params(n_components=2).fit(samples).n_components_ == 2


def test_refuses_by_name() -> None:
    samples = clouds(6, 4)
    with pytest.raises(InputError, match=r"PCA\.transform: the estimator must have been fitted"):
        PCA().transform(samples)
    with pytest.raises(InputError, match=r"n_components must be a whole number in 1–4; got 5"):
        PCA(5).fit(samples)
    with pytest.raises(InputError, match="as a share must lie between 0 and 1; got 1"):
        PCA(1.0).fit(samples)
    with pytest.raises(InputError, match="samples must be 2 at least; got n_samples = 1"):
        PCA().fit(samples[:1])
    with pytest.raises(InputError, match="X has 2 features, but PCA is expecting 4"):
        PCA().fit(samples).transform(samples[:, :2])
    with pytest.raises(InputError, match="must be finite"):
        PCA().fit(np.where(samples > 0, np.nan, samples))
    with pytest.raises(InputError, match=r"no parameter is named .components.\. Did you mean"):
        PCA().set_params(components=3)

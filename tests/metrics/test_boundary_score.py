"""The boundary benchmark: its matching against SciPy's, its thinning against scikit-image's, and cases by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import maximum_bipartite_matching
from skimage.morphology import thin

from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.metrics import BoundaryCounts, boundary_precision_recall, boundary_score, match_boundaries
from sightline.metrics.boundary_matching import thinned

RANDOM = np.random.default_rng(5)


def pairs_possible(boundary: np.ndarray, truth: np.ndarray, tolerance: float) -> int:
    """Return the greatest number of pairs, by SciPy."""
    a, b = np.argwhere(boundary), np.argwhere(truth)
    reach = tolerance * np.hypot(*boundary.shape)
    near = ((a[:, None] - b[None]) ** 2).sum(axis=2) <= reach * reach
    return int((maximum_bipartite_matching(coo_matrix(near).tocsr(), perm_type="column") >= 0).sum())


@evidence.equals("metrics.match_boundaries", peer="scipy", tolerance="as many pairs", data="random masks")
def test_as_many_pairs_as_scipy(measured: Callable[[float], None]) -> None:
    worst = 0
    for shape, share, tolerance in (
        ((60, 80), 0.1, 0.02),
        ((40, 40), 0.3, 0.04),
        ((50, 33), 0.02, 0.2),
        ((9, 9), 0.4, 0),
    ):
        for _ in range(3):
            boundary, truth = RANDOM.random((2, *shape)) < share
            matched, other = match_boundaries(boundary, truth, tolerance=tolerance)
            assert (matched <= boundary).all()
            assert (other <= truth).all()
            assert matched.sum() == other.sum()
            worst = max(worst, abs(int(matched.sum()) - pairs_possible(boundary, truth, tolerance)))
    measured(worst)
    assert worst == 0


def test_thins_as_scikit_image_does() -> None:
    for scale in (1, 3, 6):
        mask = np.kron(RANDOM.random((30, 30)) > 0.4, np.ones((scale, scale), bool))
        assert np.array_equal(thinned(mask), thin(mask))


def line(row: int, shape: tuple[int, int] = (60, 80)) -> np.ndarray:
    """Return a mask of one level line."""
    mask = np.zeros(shape, bool)
    mask[row] = True
    return mask


@evidence.equals("metrics.boundary_precision_recall", peer="scipy", tolerance="exact", data="lines and random maps")
def test_counts_by_hand_and_by_scipy(measured: Callable[[float], None]) -> None:
    strength = np.zeros((60, 80), np.float32)
    strength[10], strength[30], strength[50, :40] = 0.9, 0.5, 0.2
    counts = boundary_precision_recall(strength, [line(10), line(30)], thresholds=9, tolerance=0.01)
    assert counts.found.tolist() == [200, 200, 160, 160, 160, 80, 80, 80, 80]
    assert counts.matched.tolist() == [160, 160, 160, 160, 160, 80, 80, 80, 80]
    assert counts.recalled.tolist() == [160] * 5 + [80] * 4
    assert counts.drawn.tolist() == [160] * 9
    soft, truth = RANDOM.random((40, 50)).astype(np.float32), RANDOM.random((40, 50)) < 0.1
    found = boundary_precision_recall(soft, [truth], thresholds=3, tolerance=0.03, thin=False)
    expected = [pairs_possible(soft >= np.float32(t), truth, 0.03) for t in (0.25, 0.5, 0.75)]
    measured(float(np.abs(found.recalled - expected).max()))
    assert found.recalled.tolist() == expected


def test_a_pixel_is_right_when_anyone_drew_it_and_recall_counts_each() -> None:
    strength = (line(10) | line(30)).astype(np.float32)
    counts = boundary_precision_recall(
        strength, [line(10), line(11), line(30) | line(50)], thresholds=1, tolerance=0.015
    )
    assert counts.precision[0] == 1
    assert counts.recall[0] == 240 / 320
    assert counts.f1[0] == pytest.approx(2 * 0.75 / 1.75)


def test_within_the_tolerance_and_beyond() -> None:
    for away, share in ((1, 1.0), (2, 0.0)):
        counts = boundary_precision_recall(
            line(20 + away).astype(np.float32), [line(20)], thresholds=1, tolerance=0.015
        )
        assert counts.precision[0] == share


@evidence.equals("metrics.boundary_score", peer="numpy", tolerance="1e-12", data="two images by hand")
def test_one_threshold_for_all_and_one_for_each(measured: Callable[[float], None]) -> None:
    levels = np.array([0.25, 0.5, 0.75])
    one = BoundaryCounts(
        levels, np.array([50, 40, 20]), np.array([100, 50, 20]), np.array([50, 40, 20]), np.full(3, 50)
    )
    two = BoundaryCounts(levels, np.array([50, 20, 5]), np.array([55, 20, 5]), np.array([50, 20, 5]), np.full(3, 50))
    score = boundary_score([one, two])
    precision, recall = np.array([100 / 155, 60 / 70, 1.0]), np.array([1.0, 0.6, 0.25])
    t = np.linspace(0, 1, 101)
    dense_p = np.concatenate([(1 - t) * precision[i] + t * precision[i + 1] for i in (0, 1)])
    dense_r = np.concatenate([(1 - t) * recall[i] + t * recall[i + 1] for i in (0, 1)])
    error = abs(score.ods - (2 * dense_p * dense_r / (dense_p + dense_r)).max())
    own = np.array([40 + 50, 50 + 55, 40 + 50, 100])
    p, r = own[0] / own[1], own[2] / own[3]
    error = max(error, abs(score.ois - 2 * p * r / (p + r)))
    measured(error)
    assert error <= 1e-12
    assert score.ois >= score.ods
    assert 0 < score.average_precision < 1


def test_a_perfect_map_scores_one_and_a_wrong_one_nothing() -> None:
    perfect = boundary_score([boundary_precision_recall(line(9).astype(np.float32), [line(9)])])
    assert (perfect.ods, perfect.ois) == (1.0, 1.0)
    wrong = boundary_score([boundary_precision_recall(line(9).astype(np.float32), [line(40)])])
    assert (wrong.ods, wrong.ois) == (0.0, 0.0)
    assert perfect.to_json()["ods"] == 1.0


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: match_boundaries(line(3), line(3)[:9]), "match_boundaries: truth must have the image's shape 60×80"),
        (lambda: match_boundaries(line(3).astype(int), line(3)), "match_boundaries: boundary must be H×W bool"),
        (
            lambda: match_boundaries(line(3), line(3), tolerance=2),
            "match_boundaries: tolerance must be a number in 0–1",
        ),
        (lambda: boundary_precision_recall(np.full((3, 3), np.nan, np.float32), [line(1)]), "strength must be finite"),
        (lambda: boundary_precision_recall(line(3).astype(np.float32), []), "truths must be a list of at least one"),
        (lambda: boundary_precision_recall(line(3).astype(np.float32), line(3)), "truths must be a list"),
        (lambda: boundary_score([]), "boundary_score: counts must be a list of at least one BoundaryCounts"),
    ],
)
def test_bad_arguments_are_refused(call: Callable[[], object], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        call()


def test_different_thresholds_are_refused() -> None:
    rows = [BoundaryCounts(np.array([t]), *np.ones((4, 1), int)) for t in (0.5, 0.6)]
    with pytest.raises(InputError, match="boundary_score: counts must have the same thresholds"):
        boundary_score(rows)

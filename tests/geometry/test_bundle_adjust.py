"""Bundle adjustment beside Ceres and SciPy: costs, robust losses, what stays, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import least_squares

import ceres_peer
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.core.trace import trace
from sightline.geometry import (
    BundleProblem,
    bundle_adjust,
    read_bundle_problem,
    reduced_system,
    synthetic_bundle_problem,
)

Measured = Callable[[float], None]
ALL = ("focal", "aspect", "cx", "cy", "k1", "k2", "p1", "p2", "k3")


@pytest.fixture(scope="module")
def small() -> BundleProblem:
    return synthetic_bundle_problem(6, 40, views=4, seed=3)[0]


@evidence.equals("geometry.bundle_adjust", peer="pycolmap", tolerance="cost within 0.1 % of Ceres", data="libmv, BAL")
@pytest.mark.parametrize("name", ["dubrovnik-3-7-pre.txt", *(f"libmv_problem_0{n}.bin" for n in (1, 2, 3))])
def test_real_problems_end_where_ceres_ends(shared_data: Path, measured: Measured, name: str) -> None:
    pytest.importorskip("pycolmap")
    problem = read_bundle_problem(shared_data / "sfm_problems" / name)
    ours = bundle_adjust(problem)
    theirs = ceres_peer.solve(problem)
    assert ours.costs[0] == pytest.approx(theirs.initial_cost, rel=1e-9)
    above = max(0.0, ours.costs[-1] / theirs.final_cost - 1)
    measured(above)
    assert above < 1e-3 or ours.costs[-1] < 1e-9


@evidence.equals("geometry.bundle_adjust", peer="pycolmap", tolerance="cost within 0.1 % of Ceres", data="generated")
def test_a_generated_problem_ends_where_ceres_ends(measured: Measured) -> None:
    pytest.importorskip("pycolmap")
    start, truth = synthetic_bundle_problem(20, 600, views=6, seed=1)
    ours, theirs = bundle_adjust(start), ceres_peer.solve(start)
    measured(abs(ours.costs[-1] / theirs.final_cost - 1))
    assert ours.costs[-1] == pytest.approx(theirs.final_cost, rel=1e-3)
    assert abs(ours.problem.intrinsics[0, 0] - truth.intrinsics[0, 0]) < 2
    assert ours.problem.mean_reprojection < truth.mean_reprojection


@evidence.equals(
    "geometry.bundle_adjust", peer="scipy", tolerance="cost within 1e-6 of least_squares", data="generated"
)
@pytest.mark.parametrize(("loss", "own"), [("squared", False), ("huber", False), ("cauchy", True), ("soft_l1", True)])
def test_losses_and_all_intrinsics_end_where_scipy_ends(
    small: BundleProblem, measured: Measured, loss: str, own: bool
) -> None:
    problem = replace(small, free=ALL if not own else ("focal", "k1"))
    if own:  # a model for each camera
        problem = replace(problem, group_of=np.arange(6), intrinsics=np.repeat(problem.intrinsics, 6, axis=0))
    ours = bundle_adjust(problem, loss, tolerance=1e-12, max_iterations=300)
    reached = _by_scipy(problem, loss, ours.problem)
    measured(ours.costs[-1] / reached - 1)
    assert ours.costs[-1] <= reached * (1 + 1e-6)
    assert ours.costs[-1] < 0.1 * ours.costs[0]


def _by_scipy(problem: BundleProblem, loss: str, start: BundleProblem) -> float:
    """Return the cost that scipy still reaches from there: our residuals, its own derivatives and steps."""
    columns = [ALL.index(name) for name in problem.free]
    sizes = np.cumsum([start.poses.size, start.points.size])

    def unpacked(x: np.ndarray) -> BundleProblem:
        poses, points, models = np.split(x, sizes)
        intrinsics = start.intrinsics.copy()
        intrinsics[:, columns] = models.reshape(len(intrinsics), -1)
        return replace(start, poses=poses.reshape(-1, 6), points=points.reshape(-1, 3), intrinsics=intrinsics)

    def roots(x: np.ndarray) -> np.ndarray:
        square = (unpacked(x).residuals() ** 2).sum(axis=1)
        costs = {
            "squared": square,
            "huber": np.where(square > 1, 2 * np.sqrt(square) - 1, square),
            "cauchy": np.log1p(square),
            "soft_l1": 2 * (np.sqrt(1 + square) - 1),
        }
        return np.sqrt(costs[loss])

    first = np.concatenate([start.poses.ravel(), start.points.ravel(), start.intrinsics[:, columns].ravel()])
    return float(least_squares(roots, first, x_scale="jac", max_nfev=6).cost)


@pytest.mark.parametrize("free", [(), ("focal", "k1", "k2")])
def test_each_way_to_solve_gives_the_same_step(
    small: BundleProblem, monkeypatch: pytest.MonkeyPatch, free: tuple[str, ...]
) -> None:
    problem = replace(small, free=free)
    dense = bundle_adjust(problem, max_iterations=3)
    monkeypatch.setattr(reduced_system, "DENSE", 5)
    sparse = bundle_adjust(problem, max_iterations=3)
    np.testing.assert_allclose(sparse.costs, dense.costs, rtol=1e-9)
    monkeypatch.undo()
    few = replace(
        problem,
        points=problem.points[:8],
        **{name: getattr(problem, name)[problem.point_of < 8] for name in ("observations", "camera_of", "point_of")},
    )
    taken_out = bundle_adjust(few, max_iterations=3)
    monkeypatch.setattr(reduced_system, "DENSE", 5)
    np.testing.assert_allclose(bundle_adjust(few, max_iterations=3).costs, taken_out.costs, rtol=1e-9)


def test_what_is_held_stays(small: BundleProblem) -> None:
    found = bundle_adjust(small, fixed=("points", "k1", "k2"), fixed_cameras=(0, 2)).problem
    assert np.array_equal(found.points, small.points)
    assert np.array_equal(found.intrinsics[:, 1:], small.intrinsics[:, 1:])
    assert found.intrinsics[0, 0] != small.intrinsics[0, 0]
    moved = np.abs(found.poses - small.poses).max(axis=1) > 1e-9
    assert moved.tolist() == [False, True, False, True, True, True]
    found = bundle_adjust(small, fixed=("poses", "focal", "k1", "k2")).problem
    np.testing.assert_allclose(found.poses, small.poses, atol=1e-12)
    assert np.abs(found.points - small.points).max() > 1e-3


def test_a_robust_loss_is_not_led_astray_by_outliers() -> None:
    start, truth = synthetic_bundle_problem(6, 80, views=5, noise=0.1, seed=5)
    wrong = start.observations.copy()
    wrong[::40] += 60.0
    start = replace(start, observations=wrong, free=())
    exact = replace(start, intrinsics=truth.intrinsics)
    good = np.arange(len(wrong)) % 40 != 0

    def error(loss: str) -> float:
        found = bundle_adjust(exact, loss, max_iterations=200).problem.residuals()[good]
        return float(np.hypot(*found.T).mean())

    assert error("cauchy") < 0.2 < 2 < error("squared")


def test_the_input_is_not_changed_and_the_result_does_not_depend_on_threads(small: BundleProblem) -> None:
    from sightline.core import kernels

    before = [getattr(small, name).copy() for name in ("poses", "points", "intrinsics", "observations")]
    first = bundle_adjust(small, max_iterations=5).problem
    count = kernels.threads()
    kernels.set_threads(1)
    second = bundle_adjust(small, max_iterations=5).problem
    kernels.set_threads(count)
    np.testing.assert_array_equal(first.poses, second.poses)
    for name, values in zip(("poses", "points", "intrinsics", "observations"), before, strict=True):
        assert np.array_equal(getattr(small, name), values)


def test_the_steps_are_the_iterations(small: BundleProblem) -> None:
    steps = trace(bundle_adjust, small, "huber").steps
    assert [step.name for step in steps][:3] == ["start", "iteration 1", "iteration 2"]
    assert steps[-2].name == "cost"
    assert steps[-1].value.costs[-1] == bundle_adjust(small, "huber").costs[-1]
    assert steps[0].value.shape == (46, 6)


def test_bad_input_is_refused_in_one_sentence(small: BundleProblem) -> None:
    with pytest.raises(InputError, match=r"bundle_adjust: problem must be a BundleProblem"):
        bundle_adjust(np.zeros(3))  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"bundle_adjust: loss must be one of .*Did you mean 'huber'"):
        bundle_adjust(small, "hubert")
    with pytest.raises(InputError, match=r"bundle_adjust: fixed must be one of"):
        bundle_adjust(small, fixed=("everything",))
    with pytest.raises(InputError, match=r"bundle_adjust: fixed_cameras must be numbers from 0 to 5"):
        bundle_adjust(small, fixed_cameras=(6,))
    with pytest.raises(InputError, match=r"bundle_adjust: problem must have observations"):
        bundle_adjust(small, fixed=("poses", "points", "focal", "k1", "k2"))
    centre = replace(small, points=np.zeros((40, 3)), poses=np.zeros((6, 6)))
    with pytest.raises(InputError, match=r"bundle_adjust: problem must be seen by its cameras"):
        bundle_adjust(centre)

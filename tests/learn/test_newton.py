"""Newton's method doubles the digits; BFGS and L-BFGS take SciPy's steps; a real loss ends as scikit-learn's does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from scipy import optimize
from scipy.optimize import rosen, rosen_der, rosen_hess
from sklearn.linear_model import LogisticRegression

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.learn import Tensor, bfgs, differentiated, lbfgs, newton
from sightline.learn.line_search import wolfe_step

STARTS = (np.array([-1.2, 1.0]), np.array([2.0, -1.0, 3.0, 0.5, 1.7, -0.3]))


def valley(x: np.ndarray) -> tuple[float, np.ndarray]:
    return float(rosen(x)), rosen_der(x)


def steps_apart(run: Callable[..., Any], peer: str, options: dict[str, Any]) -> float:
    worst = 0.0
    for start in STARTS:
        path: list[np.ndarray] = []
        theirs = [start]
        found = run(valley, start, progress=lambda x, _, path=path: path.append(x))
        optimize.minimize(
            rosen, start, jac=rosen_der, method=peer, options=options, callback=lambda x, to=theirs: to.append(x.copy())
        )
        assert len(path) == len(theirs) == found.steps + 1
        assert found.found
        worst = max(worst, float(np.abs(np.subtract(path, theirs)).max()))
    return worst


@evidence.equals("learn.bfgs", peer="scipy", tolerance="1e-5 at each of 33 and 62 steps, as many steps as SciPy's")
def test_bfgs_takes_scipys_steps(measured: Callable[[float], None]) -> None:
    worst = steps_apart(bfgs, "BFGS", {"gtol": 1e-6})
    measured(worst)
    assert worst < 1e-5


@evidence.equals("learn.lbfgs", peer="scipy", tolerance="1e-6 at each step, memory 3 and 10, as many steps as SciPy's")
def test_lbfgs_takes_scipys_steps(measured: Callable[[float], None]) -> None:
    worst = max(
        steps_apart(
            lambda *a, m=memory, **k: lbfgs(*a, memory=m, **k), "L-BFGS-B", {"gtol": 1e-6, "ftol": 0, "maxcor": memory}
        )
        for memory in (3, 10)
    )
    measured(worst)
    assert worst < 1e-6


@evidence.equals(
    "learn.lbfgs", peer="torch", tolerance="the same minimum to 1e-6, strong Wolfe conditions on both sides"
)
def test_lbfgs_ends_where_torchs_does(measured: Callable[[float], None]) -> None:
    random = np.random.default_rng(0)
    a, b = random.normal(0, 1, (30, 8)), random.normal(0, 1, 30)
    loss = lambda x: (((Tensor(a) @ x.reshape(8, 1)).reshape(30) - b) ** 2).sum() + (x**4).sum()
    ours = lbfgs(differentiated(loss), np.ones(8), tolerance=1e-9)
    x = torch.ones(8, dtype=torch.float64, requires_grad=True)
    peer = torch.optim.LBFGS([x], max_iter=200, tolerance_grad=1e-9, tolerance_change=0, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        peer.zero_grad()
        value = ((torch.tensor(a) @ x - torch.tensor(b)) ** 2).sum() + (x**4).sum()
        value.backward()
        return value

    peer.step(closure)
    measured(float(np.abs(ours.point - x.detach().numpy()).max()))
    assert np.abs(ours.point - x.detach().numpy()).max() < 1e-6


def digits_loss() -> tuple[Callable[[np.ndarray], tuple[Any, ...]], np.ndarray, np.ndarray]:
    """Return value, slope and curvature of the penalised logistic loss of telling 3 from 8, the pictures and labels."""
    train = sl.data.open_dataset("digits").split("train")
    labels = np.array(train.labels)
    chosen = (labels == 3) | (labels == 8)
    x = train.array[chosen].reshape(chosen.sum(), -1)[:, ::3] / train.array.max()
    y = np.where(labels[chosen] == 8, 1.0, -1.0)

    def loss(w: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        margin = y * (x @ w)
        p = 0.5 * (1 - np.tanh(0.5 * margin))
        value = np.logaddexp(0, -margin).sum() + 0.5 * w @ w
        return float(value), w - x.T @ (y * p), np.eye(len(w)) + (x.T * (p * (1 - p))) @ x

    return loss, x, y


@evidence.equals("learn.newton", peer="scikit-learn", tolerance="1e-8 in every weight of a logistic regression, digits")
def test_a_real_loss_ends_where_scikit_learns_does(measured: Callable[[float], None]) -> None:
    loss, x, y = digits_loss()
    start = np.zeros(x.shape[1])
    found = newton(loss, start)
    peer = LogisticRegression(C=1.0, fit_intercept=False, tol=1e-12, max_iter=1000, solver="newton-cholesky").fit(x, y)
    others = [run(lambda w: loss(w)[:2], start, tolerance=1e-8).point for run in (bfgs, lbfgs)]
    apart = float(np.abs(found.point - peer.coef_[0]).max())
    measured(apart)
    assert found.found
    assert found.steps < 12
    assert apart < 1e-8
    assert max(np.abs(point - peer.coef_[0]).max() for point in others) < 1e-6


@evidence.equals("learn.newton", peer="scipy", tolerance="1e-8 from the minimum of trust-exact on Rosenbrock's valley")
def test_newton_doubles_the_digits_and_gets_out_of_hollows(measured: Callable[[float], None]) -> None:
    values: list[float] = []
    asked = lambda x: (*valley(x), rosen_hess(x))
    for start in STARTS:
        found = newton(asked, start, progress=lambda _, value: values.append(value))
        peer = optimize.minimize(rosen, start, jac=rosen_der, hess=rosen_hess, method="trust-exact", tol=1e-10)
        measured(float(np.abs(found.point - peer.x).max()))
        assert np.abs(found.point - peer.x).max() < 1e-8
        assert found.value < 1e-20
        assert values[-2] < 1e3 * values[-3] ** 2 < 1e-12  # each error is about the square of the one before
    # A saddle: the curvature is negative along the first axis, and the steps go down nevertheless.
    hollow = differentiated(lambda x: ((x[0] ** 2 - 1.0) ** 2 + x[1] ** 2).reshape(1).sum(), bend=True)
    assert newton(hollow, [0.1, 1.0]).point == pytest.approx([1.0, 0.0], abs=1e-8)
    quadratic = differentiated(lambda x: ((x - 3.0) ** 2).sum() + x[0] * x[1], bend=True)
    assert newton(quadratic, [5.0, -7.0]).steps == 1


def test_a_step_holds_the_wolfe_conditions() -> None:
    random = np.random.default_rng(0)
    for _ in range(100):
        a, w = random.normal(0, 1, 3), random.uniform(0.1, 4, 2)
        phi = lambda t, a=a, w=w: float(a[0] * np.sin(w[0] * t) + a[1] * np.cos(w[1] * t) + 0.2 * t * t)
        slope = lambda t, a=a, w=w: float(a[0] * w[0] * np.cos(w[0] * t) - a[1] * w[1] * np.sin(w[1] * t) + 0.4 * t)
        if slope(0) >= -1e-3:
            continue
        step = wolfe_step(lambda t, f=phi, g=slope: (f(t), g(t)), phi(0), slope(0), 1.0, c1=1e-3, c2=0.1, trials=50)
        assert step is not None
        assert phi(step) <= phi(0) + 1e-3 * step * slope(0)
        assert abs(slope(step)) <= 0.1 * abs(slope(0))


def test_it_says_that_it_found_nothing() -> None:
    for run in (bfgs, lbfgs):
        assert not run(valley, STARTS[0], steps=3).found
        assert run(lambda x: (np.nan, x * np.nan), [1.0]).steps == 0
        assert not run(lambda x: (float(x.sum()), np.ones_like(x)), [1.0], steps=5).found  # falls for ever


def test_refuses_by_name() -> None:
    with pytest.raises(InputError, match=r"bfgs: start must be N ≥ 1 finite numbers; got 1×2 float64"):
        bfgs(valley, [[1.0, 2.0]])
    with pytest.raises(InputError, match=r"lbfgs: function must return a value and 2 derivatives; got float"):
        lbfgs(lambda x: 3.0, [1.0, 2.0])  # type: ignore[arg-type,return-value]
    with pytest.raises(InputError, match=r"lbfgs: memory must be a whole number"):
        lbfgs(valley, [1.0, 2.0], memory=0)
    with pytest.raises(InputError, match=r"newton: function must return a value, 2 derivatives and 2×2 second ones"):
        newton(valley, [1.0, 2.0])

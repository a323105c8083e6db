"""The routes of the rooms of learning: the race of optimisers, the tape of a tiny net."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import pytest

pytest.importorskip("fastapi", reason="the extra 'lab' is not installed")

from fastapi.testclient import TestClient

from sightline.lab.app import make_app
from sightline.lab.lab import Lab
from sightline.learn import Adam


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with TestClient(make_app(Lab(tmp_path_factory.mktemp("learning"))), base_url="http://127.0.0.1") as found:
        yield found


def posted(client: Any, path: str, body: dict[str, Any], status: int = 200) -> Any:
    answer = client.post(path, json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


def test_the_paths_are_those_of_the_optimisers(client: Any) -> None:
    racers = {"Adam": 0.1, "newton": 1.0, "SGD": 1.0}
    found = posted(client, "/api/race", {"racers": racers, "steps": 30})
    paths = {racer["name"]: np.array(racer["path"]) for racer in found["racers"]}
    w, optimizer = np.array(found["start"]), Adam(0.1)
    for place in paths["Adam"]:
        assert np.allclose(place, w, atol=1e-4)
        x, y = w
        optimizer.step([w], [np.array([-400 * x * (y - x * x) - 2 * (1 - x), 200 * (y - x * x)])])
    assert len(paths["Adam"]) == 31
    assert np.allclose(paths["newton"][-1], 1, atol=1e-5)
    assert len(paths["SGD"]) < 6  # at such a rate it leaves, and no place without a number is told
    levels = np.frombuffer(base64.b64decode(found["levels"]), "<u2").reshape(found["size"][::-1])
    assert levels.min() == 0
    assert levels.max() == 65535
    # The lowest level lies in the valley.
    row, column = np.unravel_index(levels.argmin(), levels.shape)
    left, right, low, high = found["extent"]
    x, y = left + column * (right - left) / (levels.shape[1] - 1), high - row * (high - low) / (levels.shape[0] - 1)
    assert abs(y - x * x) < 0.05


def test_a_real_loss_is_raced_on_too(client: Any) -> None:
    found = posted(client, "/api/race", {"loss": "neuron", "racers": {"Momentum": 3.0, "lbfgs": 1.0}, "steps": 60})
    for racer in found["racers"]:
        assert racer["values"][-1] < 0.6 * racer["values"][0]
    posted(client, "/api/race", {"racers": {"Adamm": 0.1}}, 422)
    posted(client, "/api/race", {"loss": "hill"}, 422)
    posted(client, "/api/race", {"start": [1e30, 0]}, 422)


@pytest.mark.parametrize("kind", ["tanh", "sigmoid", "relu"])
def test_the_tape_is_right_forward_and_back(client: Any, kind: str) -> None:
    found = posted(client, "/api/tape", {"kind": kind, "rate": 0.01})
    u11, u12, u21, u22, b1, b2, v1, v2, c = found["weights"]
    bend = {"tanh": np.tanh, "sigmoid": lambda v: 1 / (1 + np.exp(-v)), "relu": lambda v: np.maximum(v, 0)}[kind]
    h = bend(np.array([u11 - 0.5 * u12 + b1, u21 - 0.5 * u22 + b2]))
    nodes = {node["name"]: node for node in found["nodes"]}
    y = v1 * h[0] + v2 * h[1] + c
    assert nodes["loss"]["value"] == pytest.approx((y - 1) ** 2)
    assert nodes["v1"]["slope"] == pytest.approx(2 * (y - 1) * h[0])
    # What arrives adds up to each node's slope.
    arrived = {part["to"]: part["so_far"] for row in found["sent"] for part in row["parts"]}
    assert all(found["nodes"][to]["slope"] == pytest.approx(total) for to, total in arrived.items())
    better = posted(client, "/api/tape", {"kind": kind, "rate": 0.01, "weights": found["next"]})
    assert better["nodes"][-1]["value"] < nodes["loss"]["value"]
    posted(client, "/api/tape", {"weights": [1.0]}, 422)

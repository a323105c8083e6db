"""The routes of the attack room and of made pictures, on a network that was hardly trained."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from lab.trained import train_few
from sightline.core.trace import Trace, trace_from_bytes
from sightline.lab.lab import Lab

pytest.importorskip("torch", reason="the extra 'deep' is not installed")
import torch

from sightline.attack import fgsm, pgd
from sightline.explain import class_visualization
from sightline.train import load

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a LeNet-5 that has seen few digits."""
    folder = tmp_path_factory.mktemp("attacked")
    train_few(folder, lenet5="lenet5")
    return folder


@pytest.fixture
def lab(listing: Any, runs: Path) -> Lab:
    return Lab(runs, listing=listing)


def test_classifiers_are_listed_and_told(client: TestClient) -> None:
    rows = client.get("/api/classifiers").json()
    assert (rows[0]["name"], rows[0]["public"]) == ("lenet5", False)
    told = client.get("/api/classifiers/lenet5").json()
    assert told == {"classes": [str(digit) for digit in range(10)], "height": 16, "width": 16}


@pytest.mark.parametrize("method", ["fgsm", "pgd"])
def test_the_attack_is_that_of_the_method(client: TestClient, lab: Lab, method: str) -> None:
    ask = {"input": "sample:coins", "method": method, "eps": 0.1, "target": "7"}
    traced = trace_from_bytes(client.post("/api/attack/lenet5", json=ask).content)
    run = load(lab.root / "runs" / "lenet5")
    seen = run.recipe.form.prepare(lab.pictures.get("sample:coins").image)
    expected = {"fgsm": fgsm, "pgd": pgd}[method](run.model, seen, eps=0.1, target=7)
    np.testing.assert_array_equal(traced["attacked"].value, expected)
    assert traced.about["largest"] <= 0.1 + 1e-6
    with torch.no_grad():
        scores = run.model(torch.from_numpy(expected).permute(2, 0, 1)[None]).softmax(1)[0]
    first = traced.about["after"][0]
    assert (first["label"], first["score"]) == (str(int(scores.argmax())), pytest.approx(float(scores.max()), abs=1e-6))


def test_probabilities_are_told_at_every_radius(client: TestClient) -> None:
    found = client.post("/api/attack/lenet5/sweep", json={"input": "sample:coins", "target": "7"}).json()
    assert found["radii"][0] == 0
    assert [len(line["probabilities"]) for line in found["lines"]] == [len(found["radii"])] * len(found["lines"])
    assert [line["label"] for line in found["lines"]][:2] == list(dict.fromkeys([found["labels"][0], "7"]))
    rising = next(line["probabilities"] for line in found["lines"] if line["label"] == "7")
    assert max(rising) > rising[0]


def steps_of(data: bytes) -> list[Trace]:
    found = []
    while data:
        (length,) = struct.unpack_from("<I", data)
        found.append(trace_from_bytes(data[4 : 4 + length]))
        data = data[4 + length :]
    return found


def test_a_picture_is_made_step_by_step(client: TestClient, lab: Lab) -> None:
    answer = client.post("/api/imagine/lenet5", json={"kind": "class", "target": "3", "iterations": 5, "seed": 2})
    assert answer.status_code == 200
    steps = steps_of(answer.content)
    places = [step.about["id"] for step in steps]
    assert places == sorted(set(places))
    assert places[-1] == 5
    run = load(lab.root / "runs" / "lenet5")
    made = class_visualization(run.model, 3, shape=run.recipe.form.shape, iterations=5, seed=2)
    assert np.abs(steps[-1].result.astype(float) - 255 * made).mean() < 4  # it went through a JPEG
    for kind, more in (("style", {"style": "sample:flower"}), ("dream", {}), ("inversion", {})):
        ask = {"kind": kind, "input": "sample:coins", "size": 32, "iterations": 2, **more}
        assert steps_of(client.post("/api/imagine/lenet5", json=ask).content)[-1].about["id"] >= 2


BAD = {
    "class": ("attack/lenet5", {"input": "sample:coins", "target": "cat"}, "no class is named 'cat'"),
    "picture": ("attack/lenet5", {"input": "sample:dragon"}, "no sample is named 'dragon'"),
    "eps": ("attack/lenet5", {"input": "sample:coins", "eps": 2}, "eps"),
    "run": ("attack/nothing", {"input": "sample:coins"}, "no run is named 'nothing'"),
    "no class": ("imagine/lenet5", {"kind": "class"}, "class needs a class"),
    "no photo": ("imagine/lenet5", {"kind": "dream"}, "dream needs a photo"),
    "no style": ("imagine/lenet5", {"kind": "style", "input": "sample:coins"}, "style needs a second picture"),
    "kind": ("imagine/lenet5", {"kind": "poem"}, "kind"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_done_is_refused(client: TestClient, case: str) -> None:
    path, body, words = BAD[case]
    answer = client.post(f"/api/{path}", json=body)
    assert answer.status_code in (404, 422)
    assert words in answer.json()["error"]["message"]

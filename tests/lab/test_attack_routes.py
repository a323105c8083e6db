"""The routes of the attack room and of made pictures, on a network that was hardly trained."""

from __future__ import annotations

import asyncio
import struct
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from lab.trained import train_few
from sightline.core.conversions import to_float
from sightline.core.trace import Trace, trace_from_bytes
from sightline.lab import together
from sightline.lab.inspecting import held_out
from sightline.lab.lab import Lab
from sightline.serve.failures import RequestError

pytest.importorskip("torch", reason="the extra 'deep' is not installed")
import torch

from sightline.attack import cw_l2, deep_fool, fgsm, pgd, universal_perturbation
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


@pytest.mark.parametrize("method", ["deep_fool", "cw_l2"])
def test_a_short_change_is_that_of_the_method(client: TestClient, lab: Lab, method: str) -> None:
    answer = client.post("/api/attack/lenet5", json={"input": "sample:coins", "method": method})
    assert answer.status_code == 200, answer.text
    traced = trace_from_bytes(answer.content)
    run = load(lab.root / "runs" / "lenet5")
    seen = run.recipe.form.prepare(lab.pictures.get("sample:coins").image)
    expected = {"deep_fool": deep_fool, "cw_l2": cw_l2}[method](run.model, seen)
    np.testing.assert_allclose(traced["attacked"].value, expected, atol=1e-6)
    with torch.no_grad():
        said = run.model(torch.from_numpy(expected).permute(2, 0, 1)[None])
    assert traced.about["after"][0]["label"] == str(int(said.argmax()))
    assert traced.about["length"] == pytest.approx(np.linalg.norm(expected - to_float(seen)), abs=1e-5)


def test_probabilities_are_told_at_every_radius(client: TestClient) -> None:
    found = client.post("/api/attack/lenet5/sweep", json={"input": "sample:coins", "target": "7"}).json()
    assert found["radii"][0] == 0
    assert [len(line["probabilities"]) for line in found["lines"]] == [len(found["radii"])] * len(found["lines"])
    assert [line["label"] for line in found["lines"]][:2] == list(dict.fromkeys([found["labels"][0], "7"]))
    rising = next(line["probabilities"] for line in found["lines"] if line["label"] == "7")
    assert max(rising) > rising[0]


def test_one_change_for_many_pictures_is_learnt_once(client: TestClient, lab: Lab) -> None:
    ask = {"input": "sample:coins", "method": "universal_perturbation", "eps": 0.3}
    first = client.post("/api/attack/lenet5/together", json=ask)
    assert first.status_code == 200, first.text
    traced = trace_from_bytes(first.content)
    assert {"made_from": 15, "tried_on": 15, "pictures": "test pictures"}.items() <= traced.about.items()
    assert 0 < traced.about["works"] <= 1
    run = load(lab.root / "runs" / "lenet5")
    part, _, _ = held_out(run)
    seen = np.stack([run.recipe.form.prepare(part[i][0]) for i in range(0, 30, 2)]).transpose(0, 3, 1, 2)
    batch = torch.from_numpy(seen.astype(np.float32) / 255)
    change = universal_perturbation(run.model, batch, eps=0.3, passes=4, steps=20, classes=5)
    before, after = traced["what the model sees"].value, traced["attacked"].value
    here = torch.from_numpy(to_float(before)).permute(2, 0, 1)
    np.testing.assert_allclose(after, change.apply(here).permute(1, 2, 0), atol=1e-6)
    with torch.no_grad():
        said = [str(int(run.model(one[None]).argmax())) for one in (here, change.apply(here))]
    assert [traced.about[name][0]["label"] for name in ("before", "after")] == said
    assert len(traced.about["others"]) == 6
    assert [step.name for step in traced.steps[3:]] == [f"other {i}" for i in range(1, 7)]
    assert client.post("/api/attack/lenet5/together", json=ask).content == first.content


def test_a_patch_lies_where_the_seed_says(client: TestClient) -> None:
    ask = {"input": "sample:coins", "method": "patch", "target": "7"}
    one, two, again = (
        trace_from_bytes(client.post("/api/attack/lenet5/together", json={**ask, "seed": seed}).content)
        for seed in (0, 1, 0)
    )
    np.testing.assert_array_equal(one["change"].value, two["change"].value)
    assert (one["attacked"].value != two["attacked"].value).any()
    np.testing.assert_array_equal(one["attacked"].value, again["attacked"].value)
    assert {one.about[name] <= 1 for name in ("already", "works")} == {True}
    losses = one.about["losses"]
    assert len(losses) == 200
    assert np.mean(losses[-20:]) < np.mean(losses[:20])


def test_the_next_change_ends_the_one_before(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = threading.Event()

    def slow(predictor: Any, method: str, eps: float, target: str | None) -> Any:
        begun.set()
        while eps == 0.1:  # until it is told to stop
            predictor.model(torch.zeros(1, 3, 16, 16))
        return eps

    monkeypatch.setattr(together, "_learn", slow)

    async def asked() -> None:
        learning = together.Learning(lab)
        before = [asyncio.create_task(learning("lenet5", "universal_perturbation", 0.1, "")) for _ in range(2)]
        await asyncio.to_thread(begun.wait, 60)
        assert await learning("lenet5", "universal_perturbation", 0.2, "") == 0.2
        for task in before:
            with pytest.raises(RequestError, match="another change was asked for"):
                await task
        lab.close()

    asyncio.run(asked())


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
    "nearest": (
        "attack/lenet5",
        {"input": "sample:coins", "method": "deep_fool", "target": "7"},
        "deep_fool goes to the nearest class, and takes no target",
    ),
    "no target": ("attack/lenet5/together", {"input": "sample:coins", "method": "patch"}, "name its target"),
    "a target": ("attack/lenet5/together", {"input": "sample:coins", "target": "7"}, "it takes no target"),
    "another class": (
        "attack/lenet5/together",
        {"input": "sample:coins", "method": "patch", "target": "cat"},
        "no class is named 'cat'",
    ),
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

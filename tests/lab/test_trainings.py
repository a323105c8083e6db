"""Trainings and what is done with a trained model, from the page's side."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from sightline.core.trace import trace_from_bytes
from sightline.data.sample import SAMPLES
from sightline.lab import trainings
from sightline.lab.lab import Lab

pytestmark = pytest.mark.slow

MLP = {"recipe": "classify/mlp", "data": "digits", "settings": {"threads": 1}}


def wait_for(client: TestClient, name: str, *states: str) -> dict[str, Any]:
    end = time.monotonic() + 120
    while time.monotonic() < end:
        told = client.get(f"/api/trainings/{name}").json()
        if told["state"] in states:
            return told
        time.sleep(0.1)
    raise AssertionError(told)


def events_of(client: TestClient, name: str) -> list[tuple[str, Any]]:
    text = client.get(f"/api/trainings/{name}/events").text
    found = []
    for block in text.strip().split("\n\n"):
        if block.startswith("event:"):
            kind, data = block.split("\n")
            found.append((kind.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


def test_a_model_is_trained_watched_used_and_explained(client: TestClient, lab: Lab) -> None:
    started = client.post("/api/trainings", json={**MLP, "epochs": 2})
    assert (started.status_code, started.json()) == (201, {"name": "digits-1"})
    second = client.post("/api/trainings", json={**MLP, "epochs": 2})
    assert second.status_code == 409
    assert "one runs at a time" in second.json()["error"]["message"]
    events = events_of(client, "digits-1")
    assert [row["epoch"] for kind, row in events if kind == "row"] == [1, 2]
    assert events[-1] == ("end", {"state": "finished"})
    told = client.get("/api/trainings/digits-1").json()
    assert told["state"] == "finished"
    assert told["log"]
    assert client.get("/api/trainings").json()[0]["epochs"] == 2
    about = client.get("/api/runs/digits-1").json()
    assert about["classes"] == [str(digit) for digit in range(10)]
    assert len(about["metrics"]) == 2
    assert client.get("/api/runs").json()[0]["name"] == "digits-1"
    report = client.get(about["report"])
    assert report.headers["content-security-policy"].startswith("sandbox;")
    use_model(client)
    again = client.post("/api/trainings/digits-1/resume")
    assert again.status_code == 202
    assert wait_for(client, "digits-1", "finished")["state"] == "finished"
    assert lab.trainings.running is None


def use_model(client: TestClient) -> None:
    by_reference = client.post("/api/predict/digits-1", json={"input": "sample:coins"}).json()
    data = SAMPLES["coins"].path.read_bytes()
    by_bytes = client.post("/api/predict/digits-1", files={"file": ("coins.jpg", data, "image/jpeg")}).json()
    assert by_bytes == by_reference
    assert len(by_reference["top"]) == 10
    answer = client.post("/api/explain/digits-1", json={"input": "sample:coins", "method": "saliency", "target": "3"})
    traced = trace_from_bytes(answer.content)
    assert (traced.method, traced.parameters) == ("explain.saliency", {"target": "3"})
    assert traced.steps[-1].name == "over the picture"
    refused = client.post("/api/explain/digits-1", json={"input": "sample:coins", "target": "cat"})
    assert refused.status_code == 422
    assert "no class is named 'cat'" in refused.json()["error"]["message"]
    no_map = client.post("/api/explain/digits-1", json={"input": "sample:coins", "method": "grad_cam"})
    assert no_map.status_code == 422
    measured = client.get("/api/runs/digits-1/evaluation").json()
    assert 0 < measured["accuracy"] <= 1


def test_a_training_is_stopped_and_resumed(client: TestClient) -> None:
    name = client.post("/api/trainings", json={**MLP, "epochs": 400}).json()["name"]
    wait_for(client, name, "running")
    assert client.post(f"/api/trainings/{name}/stop").status_code == 202
    stopped = wait_for(client, name, "stopped")
    assert 1 <= len(stopped["metrics"]) < 400
    assert client.post(f"/api/trainings/{name}/stop").status_code == 409
    assert client.post(f"/api/trainings/{name}/resume").status_code == 202
    end = time.monotonic() + 60
    while len(client.get(f"/api/trainings/{name}").json()["metrics"]) <= len(stopped["metrics"]):
        assert time.monotonic() < end
        time.sleep(0.1)


def test_a_lab_that_closes_stops_its_training(lab: Lab) -> None:
    name = lab.trainings.start("classify/mlp", "digits", 400, {})
    lab.trainings.close()
    assert lab.trainings.running is None
    assert lab.trainings.told(name)["state"] in ("stopped", "failed")


BAD = {
    "recipe": ({"recipe": "nonsense"}, "recipe must be like"),
    "option": ({"recipe": "--out=/x/y"}, "recipe must be like"),
    "data": ({"data": "imagenet-of-my-own"}, "data must be a folder"),
    "address": ({"data": "http://example.org/x"}, "data must be a folder"),
    "missing": ({"data": "file:nothing"}, "does not exist"),
    "place": ({"settings": {"out": "/tmp/x"}}, "has no 'out'"),
    "word": ({"settings": {"x y": 1}}, "has no 'x y'"),
    "text": ({"settings": {"optimizer": "a\nb"}}, "short word"),
    "epochs": ({"epochs": 0}, "epochs"),
}


@pytest.mark.parametrize("case", BAD)
def test_trainings_that_cannot_start(client: TestClient, case: str) -> None:
    change, words = BAD[case]
    answer = client.post("/api/trainings", json={**MLP, **change})
    assert answer.status_code == 422
    assert words in answer.json()["error"]["message"]


def test_a_training_that_fails_says_why(client: TestClient) -> None:
    started = client.post("/api/trainings", json={**MLP, "settings": {"no_such_setting": 1}})
    told = wait_for(client, started.json()["name"], "failed")
    assert "no_such_setting" in told["error"]


def test_a_stale_run_is_told_and_harms_nothing(client: TestClient, lab: Lab) -> None:
    for name, text in (("stale-1", "["), ("stale-2", 'recipe = "classify/mlp"')):
        (lab.root / "runs" / name).mkdir(parents=True)
        (lab.root / "runs" / name / "config.toml").write_text(text, "utf-8")
    rows = client.get("/api/runs").json()
    assert all("config.toml" in row["error"] for row in rows)
    assert client.get("/api/trainings/stale-1").json()["state"] == "broken"
    assert client.get("/api/trainings/stale-1/events").text.count("event: end") == 1
    for answer in (
        client.get("/api/runs/stale-1"),
        client.post("/api/predict/stale-2", json={"input": "sample:cat"}),
        client.post("/api/trainings/stale-1/resume"),
    ):
        assert answer.status_code in (404, 415, 422)
        assert answer.json()["error"]["message"]


@pytest.mark.parametrize("name", ["nothing", "..", "%2e%2e", "a%2fb"])
def test_runs_that_are_none(client: TestClient, name: str) -> None:
    for answer in (
        client.get(f"/api/runs/{name}/report"),
        client.post(f"/api/predict/{name}", json={"input": "sample:cat"}),
        client.get(f"/api/trainings/{name}/events"),
        client.post(f"/api/trainings/{name}/stop"),
    ):
        assert answer.status_code in (404, 405, 422), answer.text


def test_a_full_disk_is_told(client: TestClient, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(name: str, parent: Path) -> Path:
        raise OSError(28, "No space left on device", str(parent))

    monkeypatch.setattr(trainings.files, "claim", full)
    answer = client.post("/api/trainings", json=MLP)
    assert answer.status_code == 507
    assert "no space left" in answer.json()["error"]["message"].lower()
    assert client.get("/healthz").status_code == 200


def test_what_can_be_trained_is_told(client: TestClient) -> None:
    told = client.get("/api/recipes").json()
    names = {row["name"] for row in told["recipes"]}
    assert {"classify/mlp", "classify/resnet18", "learn/two-layer", "learn/conv-net"} <= names
    from sightline.train.recipe import find_recipe

    for name in names:
        find_recipe(name)  # what is offered can be trained
    assert "digits" in [row["name"] for row in told["data"]]
    by_name = {row["name"]: row for row in told["settings"]}
    assert by_name["optimizer"]["choices"]
    assert by_name["learning_rate"]["default"] == 1e-3
    assert by_name["mixup"]["text"]

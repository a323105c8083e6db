"""The routes of the rooms of features and geometry: made photos, the tower, two views, calibration, reconstructions."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("fastapi", reason="the extra 'lab' is not installed")

from fastapi.testclient import TestClient

from sightline.lab.app import make_app
from sightline.lab.lab import Lab


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Any:
    lab = Lab(tmp_path_factory.mktemp("geometry"))
    with TestClient(make_app(lab), base_url="http://127.0.0.1") as found:
        yield found


def posted(client: Any, path: str, body: dict[str, Any], status: int = 200) -> Any:
    answer = client.post(path, json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


def test_made_photos_are_pictures_like_others(client: Any) -> None:
    for scene in client.get("/api/scenes").json():
        for reference in (scene["refs"][0], scene["refs"][-1]):
            answer = client.get(f"/api/pictures/{reference}")
            assert answer.headers["content-type"] == "image/jpeg"
    assert client.get("/api/pictures/scene:desk-99").status_code == 404


def test_a_keypoint_of_the_tower_is_described(client: Any) -> None:
    found = posted(client, "/api/tower/keypoints", {"input": "scene:desk-0"})
    kept = [row for row in found["rows"] if row[7] == 0]
    assert 50 < len(kept) < len(found["rows"]) <= found["extrema"]
    octave, level, x, y, sigma, *_ = kept[0]
    body = {"input": "scene:desk-0", "octave": int(octave), "level": int(level), "x": x, "y": y, "sigma": sigma}
    one = posted(client, "/api/tower/keypoint", body)
    assert len(one["histogram"]) == 36
    assert np.linalg.norm(one["descriptors"][0]) == pytest.approx(1, abs=1e-5)
    assert np.shape(one["descriptors"][0]) == (4, 4, 8)
    posted(client, "/api/tower/keypoint", {**body, "octave": 29}, 422)
    fewer = posted(client, "/api/tower/keypoints", {"input": "scene:desk-0", "contrast": 0.1})
    assert sum(row[7] == 0 for row in fewer["rows"]) < len(kept)


def test_rounds_go_on_until_there_are_enough(client: Any) -> None:
    body = {"model": "line", "threshold": 5, "outliers": 0.5, "seed": 1, "confidence": 0.99}
    found = posted(client, "/api/views/rounds", body)
    rounds = found["rounds"]
    assert found["stopped"]
    assert rounds[-1]["needed"] <= len(rounds)
    best = max(one["count"] for one in rounds)
    assert [one["count"] for one in rounds if one["better"]][-1] == best
    assert best <= found["fit"]["count"] + 6
    a, b, c = rounds[-1]["model"]
    rows = np.array(found["rows"])
    agree = np.unpackbits(np.frombuffer(base64.b64decode(rounds[-1]["agree"]), np.uint8), bitorder="little")
    assert (agree[: len(rows)] == (np.abs(rows @ [a, b] + c) <= 5)).all()
    assert rounds == posted(client, "/api/views/rounds", body)["rounds"]


def test_pairs_of_two_views_lie_on_their_lines(client: Any) -> None:
    found = posted(client, "/api/views/geometry", {"a": "scene:desk-2", "b": "scene:desk-5", "threshold": 1.5})
    rows, matrix = np.array(found["rows"]), np.array(found["model"])
    lines = np.insert(rows[:, :2], 2, 1, axis=1) @ matrix.T
    away = np.abs((lines * np.insert(rows[:, 2:], 2, 1, axis=1)).sum(axis=1)) / np.hypot(lines[:, 0], lines[:, 1])
    np.testing.assert_allclose(away, found["distances"], atol=2e-3)
    assert found["count"] > 0.8 * len(rows)
    assert not found["doubts"]
    same = posted(client, "/api/views/geometry", {"a": "scene:desk-2", "b": "scene:desk-2"}, 422)
    assert "another place" in same["error"]["message"]
    flat = posted(
        client, "/api/views/geometry", {"a": "scene:board-5", "b": "scene:board-6", "ratio": 1.0}, 422 if False else 200
    )
    assert flat["doubts"]


def test_the_made_board_gives_back_its_camera(client: Any) -> None:
    found = posted(client, "/api/calibration", {"folder": "scene:board"})
    assert found["camera"]["matrix"][0][0] == pytest.approx(430, abs=0.2)
    assert found["camera"]["distortion"][0] == pytest.approx(-0.28, abs=0.005)
    assert found["rms"] < 0.06
    view = found["views"][0]
    error = np.hypot(*(np.array(view["corners"]) - np.array(view["seen"])).T)
    assert np.sqrt((error**2).mean()) == pytest.approx(view["error"], abs=1e-6)
    without = posted(client, "/api/calibration", {"folder": "scene:board", "aside": ["board-1"]})
    assert [one["name"] for one in without["views"] if not one["used"]] == ["board-1"]
    assert without["views"][1]["error"] < 0.2
    wrong = posted(client, "/api/calibration", {"folder": "scene:board", "columns": 9}, 422)
    assert "9×5 board" in wrong["error"]["message"]
    posted(client, "/api/calibration", {"folder": "file:nowhere"}, 404)
    posted(client, "/api/calibration", {"folder": "file:../x"}, 422)


def test_reconstructions_stay_under_the_root(client: Any) -> None:
    assert client.get("/api/reconstructions").json() == {
        "found": [],
        "started": {"name": None, "state": "none", "log": []},
    }
    posted(client, "/api/reconstructions", {"folder": "file:../photos"}, 422)
    posted(client, "/api/reconstructions", {"folder": "photos"}, 422)
    posted(client, "/api/reconstructions/stop", {}, 409)
    assert client.get("/api/reconstructions/told/runs/none").status_code == 404


@pytest.mark.slow
def test_the_made_desk_is_reconstructed(client: Any) -> None:
    import time

    name = posted(client, "/api/reconstructions", {"folder": "scene:desk"}, 201)["name"]
    posted(client, "/api/reconstructions", {"folder": "scene:desk"}, 409)
    while (state := client.get("/api/reconstructions").json()["started"])["state"] == "running":
        time.sleep(0.5)
    assert state["state"] == "finished", state["log"]
    told = client.get(f"/api/reconstructions/told/{name}").json()
    assert told["registered"] == told["images"] == 8
    assert told["focal"] == pytest.approx(430, rel=0.02)
    assert sum(told["histogram"]["counts"]) == told["observations"]
    assert Path(name).name == "sfm-sample-desk"
    assert client.get(f"/api/reconstructions/cloud/{name}").content[4:20].startswith(b"{")

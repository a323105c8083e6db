"""The routes of the rooms of motion and faces: flow, the tracker's ledger, the cascade, eigenfaces."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np
import pytest

pytest.importorskip("fastapi", reason="the extra 'lab' is not installed")

from fastapi.testclient import TestClient
from PIL import Image

from sightline.lab.app import make_app
from sightline.lab.lab import Lab
from sightline.lab.scenes import fair_boxes


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Any:
    root = tmp_path_factory.mktemp("motion")
    (root / "one").mkdir()
    Image.fromarray(np.zeros((40, 30), np.uint8)).save(root / "one" / "face.png")
    lab = Lab(root)
    with TestClient(make_app(lab), base_url="http://127.0.0.1") as found:
        yield found


def posted(client: Any, path: str, body: dict[str, Any], status: int = 200) -> Any:
    answer = client.post(path, json=body)
    assert answer.status_code == status, answer.text
    return answer


def steps(answer: Any) -> dict[str, str]:
    """Return the notes of a trace's steps by their names."""
    (length,) = struct.unpack_from("<I", answer.content)
    return {step["name"]: step["note"] for step in json.loads(answer.content[4 : 4 + length])["steps"]}


def test_flow_explains_most_of_what_changed(client: Any) -> None:
    found = steps(posted(client, "/api/flow", {"a": "scene:fair-12", "b": "scene:fair-13", "method": "horn_schunck"}))
    _, mean, before, after, known = map(float, found["flow"].split())
    assert 1 < mean < 4
    assert after < 0.3 * before
    assert known == 1
    assert {"wheel", "arrows", "difference", "warped difference", "speeds"} <= set(found)
    posted(client, "/api/flow", {"a": "scene:fair-12", "b": "scene:fair-13", "method": "canny"}, 422)
    posted(client, "/api/flow", {"a": "scene:fair-12", "b": "sample:cat", "method": "horn_schunck"}, 422)


def test_the_ledger_is_that_of_the_tracker(client: Any) -> None:
    easy = {"missed": 0, "noise": 0, "invented": 0}
    found = posted(client, "/api/tracking", {"tracker": "sort", **easy}).json()
    assert len(found["frames"]) == 48
    first = found["frames"][3]
    boxes = np.array([track["box"] for track in first["tracks"]])
    truth = fair_boxes(3)
    for box in boxes:
        assert np.abs(truth - box).max(axis=1).min() < 3
    for page in found["frames"]:
        for stage in page["stages"]:
            assert np.shape(stage["cost"]) in ((len(stage["ids"]), len(stage["detections"])), (0,))
    for one in found["switches"]:
        assert found["frames"][one["frame"]]["is"][one["thing"]] == one["to"]
    hard = posted(client, "/api/tracking", {"tracker": "byte_track", "missed": 0.4}).json()
    assert len(hard["switches"]) >= 1


def test_the_cascade_counts_what_each_stage_leaves(client: Any) -> None:
    found = posted(client, "/api/cascade", {"input": "sample:astronaut", "stage": 3}).json()
    assert sorted(found["asked"], reverse=True) == found["asked"]
    assert found["count"] == found["asked"][3]
    assert len(found["asked"]) == found["stages"] + 1 == len(found["questions"]) + 1
    assert len(found["found"]["boxes"]) == 1
    assert posted(client, "/api/cascade", {"input": "sample:astronaut", "stage": 0}).json()["windows"] == []
    assert client.get("/api/cascade/2").status_code == 200


def test_a_face_is_rebuilt_from_all_components_of_the_others(client: Any) -> None:
    errors = []
    for k in (0, 10, 59):
        used, error, kept, most = map(float, steps(posted(client, "/api/eigenfaces", {"k": k}))["rebuilt"].split())
        assert used == k
        assert 58 <= most <= 59
        errors.append(error)
    assert errors[0] > 2 * errors[1] > 2 * errors[2]
    assert kept == pytest.approx(1, abs=1e-4)
    answer = posted(client, "/api/eigenfaces", {"folder": "file:one"}, 422)
    assert "4 or more faces; got 1" in answer.json()["error"]["message"]
    posted(client, "/api/eigenfaces", {"folder": "file:../x"}, 422)

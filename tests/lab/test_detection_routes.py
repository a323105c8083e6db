"""The routes of the rooms of detection: what they tell is what the methods give."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("fastapi", reason="the extra 'lab' is not installed")

from fastapi.testclient import TestClient

from sightline import detect, metrics
from sightline.core.results import Detections
from sightline.core.trace import load_trace
from sightline.lab.app import make_app
from sightline.lab.lab import Lab

THINGS = [[163, 50, 258, 176], [334, 2, 422, 268]]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Any:
    lab = Lab(Path(tmp_path_factory.mktemp("detection")))
    with TestClient(make_app(lab), base_url="http://127.0.0.1") as found:
        yield found


def posted(client: Any, path: str, body: dict[str, Any], status: int = 200) -> Any:
    answer = client.post(path, json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


@pytest.mark.parametrize("rule", ["hard", "linear", "gaussian"])
def test_the_court_keeps_what_suppression_keeps(client: Any, rule: str) -> None:
    found = posted(client, "/api/court", {"source": "crowd", "rule": rule, "threshold": 0.4})
    boxes, scores = np.array(found["boxes"]), np.array(found["scores"])
    assert len(boxes) >= 20
    if rule == "hard":
        assert found["kept"] == detect.nms(boxes, scores, 0.4).tolist()
    else:
        kept, left = detect.soft_nms(boxes, scores, 0.4, kind=rule, floor=0.05)
        assert found["kept"] == kept.tolist()
        np.testing.assert_allclose(found["left"], left, rtol=1e-9)
    assert [one["best"] for one in found["rounds"]] == found["kept"]


def test_the_court_finds_what_looks_alike_and_takes_what_is_drawn(client: Any) -> None:
    coins = {"source": "alike", "input": "sample:coins", "model": [132, 28, 180, 76], "least": 0.5}
    found = posted(client, "/api/court", coins)
    assert found["scores"][0] == pytest.approx(1, abs=1e-3)
    assert np.abs(np.array(found["boxes"][0]) - coins["model"]).max() <= 1
    assert len(found["kept"]) > 3
    drawn = [[0, 0, 40, 40, 0.5], [4, 0, 44, 40, 0.9]]
    assert posted(client, "/api/court", {"source": "mine", "drawn": drawn})["rounds"][0]["rivals"] == [1]
    assert posted(client, "/api/court", {"source": "mine"})["rounds"] == []
    posted(client, "/api/court", {**coins, "model": [10, 10, 12, 12]}, 422)


def test_anchors_stand_for_what_match_says(client: Any) -> None:
    ask = {"input": "sample:astronaut", "truth": THINGS, "high": 0.5, "low": 0.4, "level": 3, "place": [3, 1]}
    found = posted(client, "/api/anchors", ask)
    strides = [level["stride"] for level in found["levels"]]
    levels = detect.anchors((480, 480), strides, [4 * stride for stride in strides])
    said = detect.match(np.concatenate(levels), np.array(THINGS, float), 0.5, 0.4)
    assert sum(level["matched"] for level in found["levels"]) == (said >= 0).sum()
    assert sum(level["neither"] for level in found["levels"]) == (said == -2).sum()
    assert [thing["anchors"] for thing in found["things"]] == [(said == k).sum() for k in range(2)]
    assert len(found["verdicts"]) == found["levels"][3]["rows"] * found["levels"][3]["columns"]
    first = found["here"][0]["box"]
    assert [(first[0] + first[2]) / 2, (first[1] + first[3]) / 2] == pytest.approx([3.5 * 64, 1.5 * 64])
    bare = posted(client, "/api/anchors", {"input": "sample:astronaut"})
    assert bare["matched"] == bare["neither"] == bare["things"] == bare["here"] == []


@pytest.mark.parametrize("area", ["all", "eleven", "coco"])
def test_average_precision_grows_to_what_the_metric_says(client: Any, area: str) -> None:
    found = posted(client, "/api/precision", {"photos": 4, "doubled": 0.5, "invented": 1, "area": area})
    count = len(found["detections"])
    assert len(found["averages"]) == len(found["heights"]) == count + 1
    seen, truth = [], []
    for k, photo in enumerate(found["photos"]):
        own = [one for one in found["detections"] if one["photo"] == k]
        boxes = np.array([one["box"] for one in own]).reshape(-1, 4)
        seen.append(Detections(boxes, np.array([one["score"] for one in own]), np.zeros(len(own))))
        truth.append(Detections(photo["truth"], np.ones(len(photo["truth"])), np.zeros(len(photo["truth"]))))
    if area == "coco":
        expected = metrics.mean_average_precision(seen, truth).ap50
    else:
        expected = float(metrics.voc_average_precision(seen, truth, points=area))
    assert found["averages"][0] == 0
    assert found["averages"][-1] == pytest.approx(expected, abs=1e-9)
    heights = np.array(found["heights"][-1])
    area_of = (np.diff(heights[:, 0], prepend=0) @ heights[:, 1]) if area == "all" else heights[:, 1].mean()
    assert area_of == pytest.approx(expected, abs=1e-9)  # what is drawn is what is told
    assert {one["why"] for one in found["detections"]} == {"right", "doubled", "wrong"}
    right = sum(one["why"] == "right" for one in found["detections"])
    assert found["curve"][-1][0] == pytest.approx(right / found["things"])


def test_proposals_cover_things_the_better_the_more_there_are(client: Any) -> None:
    ask = {"input": "sample:coffee", "way": "windows", "truth": [[173, 18, 405, 240]]}
    found = posted(client, "/api/proposals", ask)
    (covers,), (thing,) = found["covers"], found["things"]
    assert sorted(covers) == covers
    assert covers[-1] == pytest.approx(thing["overlap"])
    assert found["looked"][-1] == found["count"] > 1000
    assert posted(client, "/api/proposals", {**ask, "truth": []})["covers"] == []
    regions = posted(client, "/api/proposals", {**ask, "way": "selective"})
    assert regions["things"][0]["overlap"] > 0.7
    posted(client, "/api/proposals", {**ask, "way": "network", "run": "unknown"}, 404)


@pytest.mark.slow
def test_a_network_that_has_learnt_nothing_proposes_anyhow(client: Any) -> None:
    pytest.importorskip("torch", reason="the extra 'deep' is not installed")
    ask = {"input": "sample:coins", "way": "network", "truth": [[132, 28, 180, 76]]}
    found = posted(client, "/api/proposals", ask)
    assert 100 < found["count"] <= 1000
    assert found == posted(client, "/api/proposals", ask)


@pytest.mark.parametrize("fresh", ["detr", "deformable_detr"])
def test_queries_are_told_the_surest_first_with_where_they_look(client: Any, fresh: str, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="the extra 'deep' is not installed")
    answer = client.post("/api/queries", json={"input": "sample:coins", "fresh": fresh})
    (tmp_path / "lens.trace").write_bytes(answer.content)
    trace = load_trace(tmp_path / "lens.trace")
    told = {name: np.array(trace.about[name]) for name in ("boxes", "scores", "overlaps", "queries")}
    queries, layers = told["scores"].shape
    assert told["boxes"].shape == (queries, layers, 4)
    assert (np.diff(told["scores"][:, -1]) <= 0).all()
    assert sorted(told["queries"]) == list(range(queries))
    np.testing.assert_allclose(told["overlaps"][:, -1], 1, rtol=1e-5)
    picture = trace[0].picture()
    assert picture is not None
    height, width = picture.shape[:2]
    assert max(height, width) == 320
    layer: Any = trace[1].layers[0]
    tiles = np.asarray(layer.tiles)
    maps = tiles.reshape(queries, layers, *tiles.shape[1:])
    assert maps.shape[2] / maps.shape[3] == pytest.approx(height / width, rel=0.1)
    if fresh == "detr":
        np.testing.assert_allclose(maps.sum(axis=(2, 3)), 1, rtol=1e-4)


def test_words_are_told_with_where_they_look(client: Any, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="the extra 'deep' is not installed")
    answer = client.post("/api/words", json={"input": "sample:coins", "text": "a coin. dark ground."})
    assert answer.status_code == 200, answer.text
    (tmp_path / "lens.trace").write_bytes(answer.content)
    trace = load_trace(tmp_path / "lens.trace")
    assert trace.about["phrases"] == ["a coin", "dark ground"]
    boxes, scores = np.array(trace.about["boxes"]), np.array(trace.about["scores"])
    assert boxes.shape == (2, 5, 4)
    assert scores.shape == (2, 5)
    assert (np.diff(scores) <= 0).all()
    picture, layer = trace[0].picture(), trace[1].layers[0]
    assert picture is not None
    assert max(picture.shape[:2]) == 320
    maps = np.asarray(layer.tiles)  # type: ignore[attr-defined]
    assert len(maps) == 2 * trace.about["layers"]
    np.testing.assert_allclose(maps.sum(axis=(1, 2)), 1, rtol=1e-4)
    assert not np.allclose(maps[0], maps[trace.about["layers"]])
    again = client.post("/api/words", json={"input": "sample:coins", "text": "a coin. dark ground."})
    assert again.content == answer.content
    refused = client.post("/api/words", json={"input": "sample:coins", "text": ". ."})
    assert refused.status_code == 422
    assert "text" in refused.json()["error"]["message"]

"""The routes of the model inspector, on small networks that were not trained: what they show holds all the same."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from lab.trained import train_few
from sightline.core.trace import trace_from_bytes
from sightline.lab import inspecting
from sightline.lab.lab import Lab

pytest.importorskip("torch", reason="the extra 'deep' is not installed")
from sightline.explain import attention_map, feature_maps, grad_cam, sanity_check
from sightline.train import load

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a LeNet-5, a perceptron and a transformer, hardly trained."""
    folder = tmp_path_factory.mktemp("inspected")
    train_few(folder, lenet5="lenet5", mlp="mlp", vit="vit")
    return folder


@pytest.fixture
def lab(listing: Any, runs: Path) -> Lab:
    return Lab(runs, listing=listing)


def digit_of(client: TestClient, run: str, index: int = 3) -> dict[str, Any]:
    answer = client.post(f"/api/inspect/{run}/picture", json={"index": index})
    assert answer.status_code == 200, answer.text
    return answer.json()


def prepared(lab: Lab, run: str, ref: str) -> tuple[Any, np.ndarray]:
    predictor = load(lab.root / "runs" / run)
    return predictor.model, predictor.recipe.form.prepare(lab.pictures.get(ref).image)


def test_a_model_is_told(client: TestClient) -> None:
    told = client.get("/api/inspect/lenet5").json()
    assert told["input"] == {"height": 16, "width": 16, "channels": 3}
    assert told["classes"] == [str(digit) for digit in range(10)]
    by_name = {layer["name"]: layer for layer in told["layers"]}
    assert by_name["c1"]["shape"] == [6, 28, 28]
    assert by_name["s4"]["field"] == {"size": [16, 16], "stride": [4, 4], "offset": [-0.5, -0.5]}
    assert by_name["head.3"]["field"] is None
    assert told["attention"] is None
    told = client.get("/api/inspect/vit").json()
    assert told["attention"] == {"layers": 2, "heads": 3, "tokens": 17, "grid": [4, 4], "skipped": 1}


def test_held_out_pictures_are_given(client: TestClient) -> None:
    first, again = digit_of(client, "lenet5", 3), digit_of(client, "mlp", 3 + 30)
    assert first["count"] == 30
    assert first["split"] == "test"
    assert {key: first[key] for key in ("label", "index")} == {key: again[key] for key in ("label", "index")}
    assert client.get(f"/api/pictures/{first['ref']}").status_code == 200


def test_maps_are_those_of_the_method(client: TestClient, lab: Lab) -> None:
    ref = digit_of(client, "lenet5")["ref"]
    answer = client.post("/api/inspect/lenet5/maps", json={"input": ref, "layer": "c3", "most": 5})
    traced = trace_from_bytes(answer.content)
    model, seen = prepared(lab, "lenet5", ref)
    expected = feature_maps(model, seen, "c3")
    assert traced.about["of"] == 16
    assert traced.about["indices"] == expected.strongest("c3", 5).tolist()
    np.testing.assert_array_equal(traced.result, expected["c3"][traced.about["indices"]])
    np.testing.assert_array_equal(traced["what the model sees"].value, seen)
    flat = trace_from_bytes(client.post("/api/inspect/mlp/maps", json={"input": ref, "layer": "hidden.0"}).content)
    assert flat.result.shape == (300, 1, 1)


def test_evidence_is_that_of_the_method(client: TestClient, lab: Lab) -> None:
    ref = digit_of(client, "lenet5")["ref"]
    answer = client.post("/api/inspect/lenet5/evidence", json={"input": ref, "target": "7"})
    model, seen = prepared(lab, "lenet5", ref)
    np.testing.assert_allclose(trace_from_bytes(answer.content).result, grad_cam(model, seen, 7), atol=1e-6)
    for run, method in (("vit", "attention_rollout"), ("vit", "grad_cam"), ("mlp", "deconvnet")):
        answer = client.post(f"/api/inspect/{run}/evidence", json={"input": ref, "target": "7", "method": method})
        found = trace_from_bytes(answer.content).result
        assert found.shape == (16, 16)
        assert 0 <= found.min() <= found.max() <= 1
        explained = client.post(f"/api/explain/{run}", json={"input": ref, "target": "7", "method": method})
        assert trace_from_bytes(explained.content).steps[-1].name == "over the picture"


def test_sanity_is_that_of_the_method(client: TestClient, lab: Lab) -> None:
    ref = digit_of(client, "lenet5")["ref"]
    answer = client.post("/api/inspect/lenet5/sanity", json={"input": ref, "target": "7"})
    assert answer.status_code == 200, answer.text
    traced = trace_from_bytes(answer.content)
    model, seen = prepared(lab, "lenet5", ref)
    expected = sanity_check(grad_cam, model, seen, 7)
    assert traced.about["layers"] == list(expected.layers)
    np.testing.assert_allclose(traced.about["correlations"], expected.correlations, atol=1e-4)
    assert traced.about["indices"] == list(range(len(expected.maps)))
    np.testing.assert_allclose(traced.result, expected.maps, atol=1e-6)


def test_of_many_layers_fewer_maps_are_sent(client: TestClient, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspecting, "_MOST_FORGOTTEN", 3)
    ref = digit_of(client, "lenet5")["ref"]
    ask = {"input": ref, "target": "7", "method": "saliency"}
    traced = trace_from_bytes(client.post("/api/inspect/lenet5/sanity", json=ask).content)
    count = len(traced.about["layers"])
    assert traced.about["indices"] == [0, round(count / 2), count]
    assert len(traced.about["correlations"]) == count + 1
    assert len(traced.result) == 3


@pytest.mark.parametrize("layout", ["pca", "tsne"])
def test_a_map_of_pictures_is_a_page_that_reaches_nothing(client: TestClient, layout: str) -> None:
    answer = client.get(f"/api/inspect/lenet5/embedding?layout={layout}&most=12")
    assert answer.status_code == 200, answer.text
    told = json.loads(answer.text.partition('type="application/json">')[2].partition("</script>")[0])
    assert len(told["points"]) == len(told["labels"]) == 12
    assert set(told["names"]) <= {str(digit) for digit in range(10)}
    assert len(set(told["labels"])) > 5  # spread over all held-out pictures, which lie in folders of classes
    assert "12 of 30 test pictures" in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "sandbox allow-scripts;" in answer.headers["content-security-policy"]
    bundled = client.get("/api/inspect/vit/embedding?pictures=samples")
    assert "Chelsea the cat" in bundled.text


def test_attention_is_that_of_the_method(client: TestClient, lab: Lab) -> None:
    ref = digit_of(client, "vit")["ref"]
    traced = trace_from_bytes(client.post("/api/inspect/vit/attention", json={"input": ref, "layer": 0}).content)
    model, seen = prepared(lab, "vit", ref)
    np.testing.assert_array_equal(traced["heads"].value, attention_map(model, seen, 0))
    assert traced["rollout"].value.shape == (1, 17, 17)


def test_questions_at_once_do_not_mix(client: TestClient) -> None:
    refs = [digit_of(client, "lenet5", index)["ref"] for index in range(4)]
    ask = [("maps", {"input": ref, "layer": "c1"}) for ref in refs] * 3
    alone = [client.post(f"/api/inspect/lenet5/{path}", json=body).content for path, body in ask]
    found: dict[int, bytes] = {}

    def post(i: int) -> None:
        path, body = ask[i]
        client.post("/api/predict/lenet5", json={"input": refs[(i + 1) % 4]})
        found[i] = client.post(f"/api/inspect/lenet5/{path}", json=body).content

    threads = [threading.Thread(target=post, args=(i,)) for i in range(len(ask))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[i] for i in range(len(ask))] == alone


BAD = {
    "layer": ("lenet5/maps", {"input": "sample:cat", "layer": "c9"}, "layer must be one of the model's; got 'c9'"),
    "class": ("lenet5/evidence", {"input": "sample:cat", "target": "cat"}, "no class is named 'cat'"),
    "picture": ("lenet5/maps", {"input": "sample:dragon", "layer": "c1"}, "no sample is named 'dragon'"),
    "attention": ("lenet5/attention", {"input": "sample:cat"}, "model must attend"),
    "no layer": ("vit/attention", {"input": "sample:cat", "layer": 7}, "layer must be a whole number in -2–1; got 7"),
    "no map": ("mlp/evidence", {"input": "sample:cat", "target": "1"}, "saliency"),
    "run": ("nothing/maps", {"input": "sample:cat", "layer": "c1"}, "no run is named 'nothing'"),
    "field": ("lenet5/maps", {"input": "sample:cat", "layer": "c1", "least": 1}, "least"),
    "no class": ("lenet5/sanity", {"input": "sample:cat", "target": "cat"}, "no class is named 'cat'"),
    "no pixels": (
        "vit/sanity",
        {"input": "sample:cat", "target": "1", "method": "attention_rollout"},
        "has no map of pixels to check",
    ),
    "index": ("lenet5/picture", {"index": -1}, "index"),
}


@pytest.mark.parametrize("query", ["most=2", "layout=circle", "pictures=all"])
def test_a_map_that_cannot_be_made_is_refused(client: TestClient, query: str) -> None:
    answer = client.get(f"/api/inspect/lenet5/embedding?{query}")
    assert answer.status_code == 422
    assert query.partition("=")[0] in answer.json()["error"]["message"]


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_answered_is_refused(client: TestClient, case: str) -> None:
    path, body, words = BAD[case]
    answer = client.post(f"/api/inspect/{path}", json=body)
    assert answer.status_code in (404, 422)
    assert words in answer.json()["error"]["message"]

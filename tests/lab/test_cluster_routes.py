"""The routes of the rooms of clusters and maps: the clock of k-means, the map of digits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("fastapi", reason="the extra 'lab' is not installed")

from fastapi.testclient import TestClient

from sightline.lab.app import make_app
from sightline.lab.lab import Lab
from sightline.learn import KMeans


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with TestClient(make_app(Lab(tmp_path_factory.mktemp("clusters"))), base_url="http://127.0.0.1") as found:
        yield found


def posted(client: Any, path: str, body: dict[str, Any], status: int = 200) -> Any:
    answer = client.post(path, json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


def test_a_bad_start_rests_above_a_good_one(client: Any) -> None:
    bad, good = (posted(client, "/api/clock", {"k": 5, "start": start}) for start in ("one place", "far"))
    sums = [one["sum"] for one in bad["rounds"]]
    assert (np.diff(sums) <= 1e-6).all()
    assert sums[-1] > 1.2 * bad["best"]
    assert good["rounds"][-1]["sum"] < 1.01 * good["best"]
    assert bad["rounds"][-1]["changed"] == 0
    expected = KMeans(5, init=np.array(bad["rounds"][0]["centres"]), eps=0).fit(np.array(bad["points"]))
    assert np.allclose(expected.cluster_centers_, bad["rounds"][-1]["centres"], atol=0.1)


@pytest.mark.parametrize("shape", ["lines", "rings", "nothing"])
def test_starts_of_ones_own(client: Any, shape: str) -> None:
    places = [[10.0, 10.0], [90.0, 90.0], [50.0, 5.0]]
    found = posted(client, "/api/clock", {"shape": shape, "start": "mine", "places": places})
    assert found["rounds"][0]["centres"] == places
    assert set(found["rounds"][-1]["labels"]) <= {0, 1, 2}
    assert len(found["points"]) == 240


def test_the_map_of_digits_finds_them_without_labels(client: Any) -> None:
    found = posted(client, "/api/digit-map", {"perplexity": 20})
    labels, places = np.array(found["labels"]), np.array(found["frames"][-1]["places"])
    assert [frame["turn"] for frame in found["frames"]][::5] == [0, 250, 500, 750]
    squares = ((places[:, None] - places) ** 2).sum(axis=2)
    np.fill_diagonal(squares, np.inf)
    assert (labels[squares.argmin(axis=1)] == labels).mean() > 0.93
    assert len(found["pixels"]) == 64 * len(labels)
    assert all(i not in row and len(row) == 5 for i, row in enumerate(found["near"]))
    posted(client, "/api/digit-map", {"perplexity": 1}, 422)

"""Boxes that are drawn in the browser: kept whole or not at all, and read back as a detection set."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from sightline.data import open_detection_set
from sightline.lab.annotations import FILE
from sightline.lab.lab import Lab

BOX = [4.0, 6.0, 20.0, 30.0, 1.0]


@pytest.fixture
def yard(lab: Lab) -> Path:
    """Return a folder with six pictures of 40×32 pixels."""
    folder = lab.root / "yard"
    folder.mkdir()
    for i in range(6):
        Image.fromarray(np.full((32, 40, 3), 40 * i, np.uint8)).save(folder / f"{i}.png")
    return folder


def told(client: TestClient) -> dict[str, Any]:
    answer = client.get("/api/annotations", params={"folder": "file:yard"})
    assert answer.status_code == 200, answer.text
    return answer.json()


def put(client: TestClient, version: str = "", **change: Any) -> Any:
    body = {"folder": "file:yard", "version": version, "classes": ["cat", "dog"], "pictures": {"0.png": [BOX]}}
    return client.put("/api/annotations", json={**body, **change})


def test_what_is_drawn_is_kept_and_is_a_set(client: TestClient, yard: Path) -> None:
    assert told(client)["pictures"][0] == {
        "name": "0.png",
        "ref": "file:yard/0.png",
        "width": 40,
        "height": 32,
        "boxes": None,
    }
    first = put(client).json()
    assert (first["pictures"], first["boxes"]) == (1, 1)
    more = {"0.png": [BOX, [0, 0, 40, 32, 0]], "3.png": [], "5.png": [[1, 2, 3, 4, 0]]}
    second = put(client, first["version"], pictures=more)
    assert second.status_code == 200
    again = told(client)
    assert again["version"] == second.json()["version"] != first["version"]
    assert [one["boxes"] for one in again["pictures"]] == [more["0.png"], None, None, [], None, more["5.png"]]
    found = open_detection_set(yard).pool()
    assert {Path(key).name: len(item) for key, item in zip(found.keys, found.annotations, strict=True)} == {
        "0.png": 2,
        "3.png": 0,
        "5.png": 1,
    }
    assert open_detection_set(yard).classes == ("cat", "dog")


def test_a_change_from_elsewhere_is_not_lost(client: TestClient, yard: Path) -> None:
    version = put(client).json()["version"]
    assert put(client, version, pictures={"1.png": []}).status_code == 200
    late = put(client, version, pictures={"2.png": []})
    assert late.status_code == 409
    assert "changed elsewhere" in late.json()["error"]["message"]
    assert told(client)["pictures"][1]["boxes"] == []


def test_what_was_not_touched_keeps_its_outline(client: TestClient, yard: Path) -> None:
    version = put(client, pictures={"0.png": [BOX], "1.png": [BOX]}).json()["version"]
    value = json.loads((yard / FILE).read_text("utf-8"))
    for record in value["annotations"]:
        record["segmentation"] = [[4, 6, 20, 6, 20, 30]]
    (yard / FILE).write_text(json.dumps(value), "utf-8")
    version = told(client)["version"]
    assert put(client, version, pictures={"0.png": [BOX], "1.png": [[4, 6, 21, 30, 1]]}).status_code == 200
    kept = json.loads((yard / FILE).read_text("utf-8"))["annotations"]
    assert [bool(record["segmentation"]) for record in kept] == [True, False]


def test_another_form_is_looked_at_only(client: TestClient, yard: Path) -> None:
    (yard / "2.txt").write_text("0 0.5 0.5 0.5 0.5\n", "utf-8")
    (yard / "classes.txt").write_text("cat\n", "utf-8")
    seen = told(client)
    assert seen["form"] == "yolo"
    assert seen["pictures"][2]["boxes"] == [[10, 8, 30, 24, 0]]
    refused = put(client)
    assert refused.status_code == 422
    assert "annotated as yolo already" in refused.json()["error"]["message"]
    assert not (yard / FILE).exists()


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "outside": ({"pictures": {"0.png": [[0, 0, 41, 10, 0]]}}, "within 40×32 pixels"),
    "no area": ({"pictures": {"0.png": [[5, 5, 5, 10, 0]]}}, "x1 < x2"),
    "class": ({"pictures": {"0.png": [[0, 0, 5, 5, 2]]}}, "a class in 0–1"),
    "half a class": ({"pictures": {"0.png": [[0, 0, 5, 5, 0.5]]}}, "a class in 0–1"),
    "no such picture": ({"pictures": {"9.png": []}}, "has no picture '9.png'"),
    "a way out": ({"pictures": {"../0.png": []}}, "has no picture"),
    "twice": ({"classes": ["cat", "cat "]}, "classes must differ"),
    "no name": ({"classes": ["cat", " "]}, "1 to 60 letters"),
    "no folder": ({"folder": "file:nothing"}, "is no folder"),
    "outside the root": ({"folder": "file:../yard"}, "under the lab's root"),
    "form": ({"pictures": {"0.png": [[0, 0, 5, 5]]}}, "pictures"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_kept_is_refused(client: TestClient, yard: Path, case: str) -> None:
    change, words = BAD[case]
    answer = put(client, **change)
    assert answer.status_code in (404, 422)
    assert words in answer.json()["error"]["message"]
    assert not (yard / FILE).exists()

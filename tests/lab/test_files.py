"""What lies under the root may be named; nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from starlette.testclient import TestClient

import sightline as sl
from sightline.core.errors import InputError
from sightline.core.trace import trace_from_bytes
from sightline.lab.lab import Lab
from sightline.lab.places import under

OUTSIDE = [
    "../secret.png",
    "..",
    "a/../../secret.png",
    "/etc/passwd",
    "//etc/passwd",
    "..\\secret.png",
    "C:\\secret.png",
    "c:/secret.png",
    "~/secret.png",
    ".hidden/photo.png",
    "a/.git/config",
    "a\0b",
    "a\nb",
    "out.png/../../secret.png",
    "x" * 2000,
    "link/secret.png",
    "link",
    "%2e%2e/secret.png",
]


@pytest.fixture
def root(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Path:
    outside = tmp_path_factory.mktemp("outside")
    sl.write(outside / "secret.png", np.zeros((2, 2), np.uint8))
    (lab.root / "a" / ".git").mkdir(parents=True)
    (lab.root / ".hidden").mkdir()
    (lab.root / "link").symlink_to(outside)
    sl.write(lab.root / "a" / "photo.png", np.full((20, 30, 3), 90, np.uint8))
    sl.write(lab.root / "b.jpg", np.full((20, 30, 3), 90, np.uint8))
    (lab.root / "notes.txt").write_text("no picture", "utf-8")
    return lab.root


def test_pictures_folders_and_runs_are_listed(client: TestClient, root: Path) -> None:
    (root / "runs" / "digits-1").mkdir(parents=True)
    (root / "runs" / "digits-1" / "config.toml").write_text("", "utf-8")
    items = client.get("/api/files").json()["entries"]
    assert [(item["name"], item["kind"]) for item in items] == [
        ("a", "folder"),
        ("runs", "folder"),
        ("b.jpg", "picture"),
    ]
    inner = client.get("/api/files?folder=a").json()
    assert [item["ref"] for item in inner["entries"]] == ["file:a/photo.png"]
    assert client.get("/api/files?folder=runs").json()["entries"][0]["kind"] == "run"


def test_a_file_is_named_and_read_again_when_it_changes(client: TestClient, root: Path) -> None:
    ask = {"inputs": {"image": "file:a/photo.png"}, "as": "json"}
    first = client.post("/api/run/image.moments", json=ask)
    assert first.status_code == 200
    sl.write(root / "a" / "photo.png", np.full((20, 40, 3), 200, np.uint8))
    assert client.post("/api/run/image.moments", json=ask).json()["size"] == [40, 20]


@pytest.mark.parametrize("name", OUTSIDE)
def test_nothing_outside_the_root_can_be_named(client: TestClient, root: Path, name: str) -> None:
    ask = {"inputs": {"image": f"file:{name}"}}
    answers = [
        client.post("/api/run/image.canny", json=ask),
        client.get("/api/pictures/" + f"file:{name}".replace("%", "%25").replace("\0", "%00").replace("\n", "%0A")),
        client.get("/api/files", params={"folder": name}),
        client.get("/api/video", params={"ref": f"file:{name}"}),
        client.post("/api/trainings", json={"recipe": "classify/mlp", "data": f"file:{name}"}),
    ]
    for answer in answers:
        assert answer.status_code in (404, 415, 422), answer.text
        assert answer.json()["error"]["message"]


def test_one_function_joins_paths(tmp_path: Path) -> None:
    assert under(tmp_path, "a/b.png") == tmp_path / "a" / "b.png"
    assert under(tmp_path, "") == tmp_path
    for name in OUTSIDE[:14]:
        with pytest.raises(InputError, match="under the lab's root"):
            under(tmp_path, name)


def test_a_frame_of_a_video_is_a_picture(client: TestClient, root: Path) -> None:
    frames = [np.full((24, 32, 3), value, np.uint8) for value in (10, 100, 200)]
    sl.image.write_frames(root / "clip.gif", frames, fps=5)
    about = client.get("/api/video?ref=file:clip.gif").json()
    assert (about["width"], about["height"]) == (32, 24)
    ask = {"inputs": {"image": "file:clip.gif@2"}, "steps": False}
    traced = trace_from_bytes(client.post("/api/run/image.box_blur", json=ask).content)
    assert abs(int(traced.result.mean()) - 200) < 8
    beyond = client.post("/api/run/image.box_blur", json={"inputs": {"image": "file:clip.gif@99"}})
    assert beyond.status_code == 404


def test_a_text_file_renamed_to_a_picture(client: TestClient, root: Path) -> None:
    (root / "text.jpg").write_text("just text", "utf-8")
    answer = client.post("/api/run/image.canny", json={"inputs": {"image": "file:text.jpg"}})
    assert answer.status_code == 415
    assert "text" in answer.json()["error"]["message"]

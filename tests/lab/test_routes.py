"""Methods and pictures over HTTP: listed, described, run, refused."""

from __future__ import annotations

import io
import json
import struct
import threading
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

import sightline as sl
from sightline.core import index
from sightline.core.catalogue import methods
from sightline.core.index import Index
from sightline.core.trace import trace_from_bytes
from sightline.data.sample import SAMPLES
from sightline.lab import lessons
from sightline.lab.lab import Lab
from sightline.lab.listing import Listing

OF_PAIRS = {("data", "mixup"), ("data", "cutmix")}
OF_NO_PAGE = {("metrics", name) for name in ("mota", "idf1", "hota", "bleu")}  # a page has no tracks, and no sentences
RUNNABLE = [
    f"{entry.field}.{entry.name}"
    for field in ("image", "data", "metrics")
    for entry in methods(field)
    if entry.task != "files" and (field, entry.name) not in OF_PAIRS | OF_NO_PAGE
]


def sample(name: str) -> np.ndarray:
    return sl.read(SAMPLES[name].path, mode="unchanged")


def test_every_method_is_listed_once_under_its_field(client: TestClient) -> None:
    fields = client.get("/api/methods").json()["fields"]
    names = [f"{row['field']}.{row['name']}" for field in fields for row in field["methods"]]
    assert sorted(names) == sorted(f"{entry.field}.{entry.name}" for entry in methods())
    assert [field["floor"] for field in fields] == sorted(field["floor"] for field in fields)
    canny = next(row for field in fields for row in field["methods"] if row["name"] == "canny")
    assert (canny["year"], canny["returns"], canny["first"], canny["steps"]) == (1986, "mask", "image", True)


def test_what_changed_is_listed_after_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    today = Index(folder=tmp_path / "kept")
    today.refresh()
    today.write(tmp_path / "catalogue.json")
    held = json.loads((tmp_path / "catalogue.json").read_text("utf-8"))
    held["modules"]["sightline.classify.vit"]["digest"] = "of another source"
    (tmp_path / "catalogue.json").write_text(json.dumps(held), "utf-8")
    monkeypatch.setattr(index, "SHIPPED", tmp_path / "catalogue.json")
    go, refresh = threading.Event(), Index.refresh
    monkeypatch.setattr(Index, "refresh", lambda self: (go.wait(20), refresh(self)))
    listing = Listing(tmp_path / "empty")
    first = set(listing.rows())
    assert first == {f"{entry.field}.{entry.name}" for entry in methods()} - {"classify.vit"}
    assert not listing.whole
    go.set()
    assert listing.find("classify.vit").name == "vit"
    assert listing.whole


def test_a_method_is_described_with_its_source_and_its_proof(client: TestClient) -> None:
    told = client.get("/api/methods/image.canny").json()
    lines = told["source"]["text"].splitlines()
    assert "def canny(" in "\n".join(lines[told["source"]["start"] - 1 : told["source"]["end"]])
    assert [section["title"] for section in told["doc"]][:2] == ["", "Parameters"]
    assert {parameter["name"] for parameter in told["parameters"]} >= {"image", "low", "high"}
    assert any(row["peer"] == "opencv" and row["tolerance"] for row in told["evidence"])
    assert all(row["name"].startswith("image.canny") for row in told["bench"])
    written = {day.id: day.title for day in lessons.days()}
    assert told["lesson"] == ({"id": "w1d6", "title": written["w1d6"]} if "w1d6" in written else None)


@pytest.mark.parametrize("name", RUNNABLE)
def test_every_method_runs_on_its_sample(standing_client: TestClient, name: str) -> None:
    row = standing_client.get(f"/api/methods/{name}").json()
    ask = {"inputs": {"image": row["sample"]}, "parameters": row["example"], "size": 30_000}
    answer = standing_client.post(f"/api/run/{name}", json=ask)
    assert answer.status_code == 200, answer.text[:400]
    traced = trace_from_bytes(answer.content)
    assert traced.method == name
    assert traced.about["milliseconds"] > 0
    assert len({step.name for step in traced}) == len(traced) >= 2


def test_a_trace_is_what_the_method_itself_shows(client: TestClient) -> None:
    answer = client.post("/api/run/image.canny", json={"inputs": {"image": "sample:camera"}, "parameters": {"low": 40}})
    ours = trace_from_bytes(answer.content)
    theirs = sl.trace(sl.image.canny, sample("camera"), low=40)
    assert [step.name for step in ours] == [step.name for step in theirs]
    np.testing.assert_array_equal(ours.result, theirs.result)
    assert ours.about["size"] == [512, 512]
    assert ours.about["scale"] == 1.0
    assert [step.line for step in ours] == [step.line for step in theirs]


def test_a_picture_is_shrunk_to_the_size_that_is_asked_for(client: TestClient) -> None:
    ask = {"inputs": {"image": "sample:camera"}, "size": 10_000}
    traced = trace_from_bytes(client.post("/api/run/image.canny", json=ask).content)
    assert traced.result.shape == (100, 100)
    assert traced.about["scale"] == pytest.approx(100 / 512)


def test_curl_gets_a_picture_for_a_picture(client: TestClient) -> None:
    data = SAMPLES["coffee"].path.read_bytes()
    files = {"image": ("coffee.jpg", data, "image/jpeg")}
    answer = client.post("/api/run/image.canny?as=picture", files=files, data={"low": "40"})
    assert answer.headers["content-type"] == "image/png"
    expected = sl.image.canny(sample("coffee"), low=40)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(answer.content))) > 0, expected)
    raw = client.post("/api/run/image.canny?as=picture&low=40", content=data, headers={"content-type": "image/jpeg"})
    assert raw.content == answer.content


def test_results_that_are_no_pictures_come_as_json(client: TestClient) -> None:
    ask = {"inputs": {"image": "sample:coins"}, "as": "json"}
    told = client.post("/api/run/image.otsu_threshold", json=ask).json()
    assert told["result"] == sl.image.otsu_threshold(sample("coins"))
    refused = client.post("/api/run/image.moments", json={**ask, "as": "picture"})
    assert refused.status_code == 422
    assert "no picture" in refused.json()["error"]["message"]


def test_text_and_points_come_as_parameters(client: TestClient) -> None:
    made = client.post("/api/run/image.make_code", json={"parameters": {"text": "123", "kind": "qr"}})
    np.testing.assert_array_equal(trace_from_bytes(made.content).result, sl.image.make_code("123", "qr"))
    hull = client.post(
        "/api/run/image.convex_hull", json={"parameters": {"points": [[0, 0], [4, 0], [2, 1], [2, 4]]}, "as": "json"}
    )
    assert len(hull.json()["result"]) == 3


def test_a_second_picture_is_given_by_reference(client: TestClient) -> None:
    mask = np.zeros((427, 640), np.uint8)
    mask[:, :300] = 255
    kept = client.post("/api/uploads?kind=mask", content=png(mask), headers={"content-type": "image/png"}).json()
    ask = {"inputs": {"image": "sample:rocket", "b": "sample:china", "mask": kept["ref"]}, "as": "picture"}
    answer = client.post("/api/run/image.blend", json=ask)
    expected = sl.image.blend(sample("rocket"), sample("china"), mask > 0)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(answer.content))), expected)


def png(pixels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "png")
    return stream.getvalue()


def test_uploads_are_kept_and_given_back(client: TestClient) -> None:
    photo = np.random.default_rng(1).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    form = client.post("/api/uploads", files={"file": ("a.png", png(photo), "image/png")}).json()
    assert (form["width"], form["height"]) == (60, 40)
    back = client.get(f"/api/pictures/{form['ref']}")
    assert back.headers["content-type"] == "image/png"
    assert back.content == png(photo)  # as it was sent: what is exported can be run on it
    small = client.get(f"/api/pictures/{form['ref']}?width=30")
    assert small.headers["content-type"] == "image/jpeg"
    assert Image.open(io.BytesIO(small.content)).size == (30, 20)


def test_old_uploads_make_room(client: TestClient, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sightline.lab.pictures.UPLOADED_BYTES", 20_000)
    noise = np.random.default_rng(2).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    kept = [client.post("/api/uploads", content=png(noise)).json()["ref"] for _ in range(3)]
    gone = client.get(f"/api/pictures/{kept[0]}")
    assert gone.status_code == 404
    assert "Upload it again" in gone.json()["error"]["message"]
    assert client.get(f"/api/pictures/{kept[2]}").status_code == 200


def test_every_sample_is_as_it_is_told(client: TestClient) -> None:
    listed = client.get("/api/samples").json()
    assert {row["ref"] for row in listed} == {f"sample:{name}" for name in SAMPLES}
    for row in listed:
        size = Image.open(io.BytesIO(client.get(f"/api/pictures/{row['ref']}").content)).size
        assert size == (row["width"], row["height"])
        assert SAMPLES[row["ref"].partition(":")[2]].path.stat().st_size < 60_000


BAD: dict[str, tuple[str, dict[str, Any], int, str]] = {
    "unknown method": ("image.cany", {}, 404, "Did you mean 'image.canny'?"),
    "no picture": ("image.canny", {}, 422, "inputs must name a picture"),
    "unknown sample": ("image.canny", {"inputs": {"image": "sample:cats"}}, 404, "Did you mean 'cat'?"),
    "unknown reference": ("image.canny", {"inputs": {"image": "http://x"}}, 422, "must start with sample:"),
    "out of range": ("image.canny", {"parameters": {"low": 9000}}, 422, "canny: low must be a number in 0–1500"),
    "swapped": ("image.canny", {"parameters": {"low": 200, "high": 100}}, 422, "Swap them"),
    "no number": ("image.canny", {"parameters": {"low": "much"}}, 422, "canny: low must be a number"),
    "no choice": ("image.canny", {"parameters": {"norm": "l3"}}, 422, "must be one of 'l2', 'l1'"),
    "unknown parameter": ("image.canny", {"parameters": {"lo": 4}}, 422, "Did you mean 'low'?"),
    "a buffer": ("image.canny", {"parameters": {"out": [[1]]}}, 422, "no parameter 'out'"),
    "an object": ("image.canny", {"parameters": {"low": {"a": 1}}}, 422, "must be a number, a word or a list"),
    "ragged": ("image.convolve", {"parameters": {"kernel": [[1], [1, 2]]}}, 422, "rows of numbers"),
    "huge shape": ("image.resize", {"parameters": {"shape": [10**6, 10**6]}}, 422, "at most 25,000,000 pixels"),
    "huge number": ("image.histogram", {"parameters": {"bins": 10**9}}, 422, "at most 100,000"),
    "files": ("image.read", {"parameters": {"path": "/etc/passwd"}}, 422, "cannot be run here"),
    "a model": ("classify.vit", {}, 422, "cannot be run here"),
    "unknown form": ("image.canny", {"as": "gif"}, 422, "as:"),
    "unknown field": ("image.canny", {"stepps": True}, 422, "stepps"),
    "size": ("image.canny", {"size": 10**9}, 422, "size"),
    "unknown picture": ("image.canny", {"inputs": {"image": "sample:cat", "other": "sample:cat"}}, 422, "'other'"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_run_is_told_in_a_sentence(client: TestClient, case: str) -> None:
    name, ask, status, words = BAD[case]
    given = {} if case in ("no picture", "unknown reference") else {"inputs": {"image": "sample:cat"}}
    answer = client.post(f"/api/run/{name}", json={**given, **ask})
    assert answer.status_code == status, answer.text
    assert words in answer.json()["error"]["message"]
    assert client.get("/healthz").status_code == 200


def test_the_argument_that_is_wrong_is_named(client: TestClient) -> None:
    ask = {"inputs": {"image": "sample:cat"}, "parameters": {"sigma": -1}}
    assert client.post("/api/run/image.canny", json=ask).json()["error"]["argument"] == "sigma"


@pytest.mark.parametrize("body", [b"{", b"[1]", b'{"size": NaN}', b"\xff\xfe", b"[" * 100_000])
def test_bodies_that_are_no_json_objects(client: TestClient, body: bytes) -> None:
    answer = client.post("/api/run/image.canny", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert "body" in answer.json()["error"]["message"]


@pytest.mark.parametrize("data", [b"just text", b"", b"\x89PNG\r\n\x1a\n", b"%PDF-1.4 x", b"\x00" * 400])
def test_what_is_no_picture_is_415(client: TestClient, data: bytes) -> None:
    for where in ("/api/uploads", "/api/run/image.canny"):
        answer = client.post(where, files={"file" if "up" in where else "image": ("photo.jpg", data, "image/jpeg")})
        assert answer.status_code == 415, answer.text
        assert answer.json()["error"]["kind"] == "FormatError"


def test_a_photo_of_200_megapixels_is_413_before_it_is_decoded(client: TestClient) -> None:
    small = bytearray(png(np.zeros((1, 1), np.uint8)))
    small[16:24] = struct.pack(">II", 20_000, 10_000)
    small[29:33] = struct.pack(">I", zlib.crc32(small[12:29]))
    answer = client.post("/api/uploads", content=bytes(small))
    assert answer.status_code == 413
    assert "20000×10000 pixels" in answer.json()["error"]["message"]


def test_more_bytes_than_are_taken_is_413_however_they_are_sent(client: TestClient) -> None:
    def endless() -> Any:
        for _ in range(70):
            yield bytes(2**20)

    streamed = client.post("/api/uploads", content=endless())
    assert streamed.status_code == 413
    assert "64 MB" in streamed.json()["error"]["message"]
    form = client.post("/api/run/image.canny", files={"image": ("a.jpg", bytes(65 * 2**20), "image/jpeg")})
    assert form.status_code == 413
    as_json = client.post("/api/pipeline", content=endless(), headers={"content-type": "application/json"})
    assert as_json.status_code == 413


def test_addresses_that_are_none(client: TestClient) -> None:
    assert client.get("/api/nothing").status_code == 404
    assert client.get("/static/nothing.js").status_code == 404
    assert client.post("/api/samples").status_code == 405
    page = client.get("/methods/image.canny")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'self'" in page.headers["content-security-policy"]


def test_the_server_tells_how_it_is(client: TestClient) -> None:
    client.get("/api/samples")
    assert client.get("/healthz").json() == {"status": "ok", "version": sl.__version__}
    figures = client.get("/metrics").text
    assert 'sightline_requests_total{method="GET",status="200"}' in figures
    assert "sightline_seconds_count" in figures

"""Networks that have learnt one painting, listed by the lab and put to a photo; and those that learn one."""

from __future__ import annotations

import struct
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from starlette.testclient import TestClient

from lab.trained import train_few
from sightline.apply.painting import painted
from sightline.core.trace import Trace, trace_from_bytes
from sightline.data.sample import SAMPLES
from sightline.explain import StyleNet
from sightline.image import write
from sightline.lab.asks import PainterAsk
from sightline.lab.lab import Lab
from sightline.lab.painters import file_of, learn
from sightline.train import load
from sightline.train.tensors import save_tensors


def streamed(answer: Any) -> list[Trace]:
    """Return the traces of an answer."""
    traces, data = [], answer.content
    while data:
        (length,) = struct.unpack_from("<I", data)
        traces.append(trace_from_bytes(data[4 : 4 + length]))
        data = data[4 + length :]
    return traces


@pytest.fixture
def net(lab: Lab) -> StyleNet:
    """Save a network among the runs, and beside it files that are none."""
    torch.manual_seed(3)
    made = StyleNet(4).eval()
    runs = lab.root / "runs"
    runs.mkdir()
    made.save(runs / "candy.safetensors")
    save_tensors(lab.root / "other.safetensors", {"x": torch.zeros(1)}, {"kind": "other"})
    (lab.root / "torn.safetensors").write_bytes(b"nothing")
    return made


def test_a_network_of_a_painting_is_listed_and_paints(client: TestClient, lab: Lab, net: StyleNet) -> None:
    assert client.get("/api/painters").json() == [{"name": "candy.safetensors", "file": "runs/candy.safetensors"}]
    ask = {"kind": "style", "input": "sample:coins", "size": 64}
    answer = client.post("/api/imagine/candy.safetensors", json=ask)
    assert answer.status_code == 200
    trace = streamed(answer)[-1]  # the photo, where it was taken before the painted one was there, is before it
    assert (trace.method, trace.about["id"]) == ("explain.fast_style", 1)
    expected = painted(net, lab.pictures.get("sample:coins").image, 64)
    np.testing.assert_array_equal(trace.result, expected)


def test_what_cannot_be_painted_is_refused(client: TestClient, net: StyleNet) -> None:
    for name, ask, code, words in (
        ("candy", {"kind": "dream", "input": "sample:coins"}, 404, "no network of a painting is named"),
        ("cndy", {"kind": "style", "input": "sample:coins"}, 404, "Did you mean 'candy.safetensors'"),
        ("torn", {"kind": "style", "input": "sample:coins"}, 404, "no network of a painting is named"),
        ("candy", {"kind": "style"}, 422, "style needs a photo"),
    ):
        answer = client.post(f"/api/imagine/{name}.safetensors", json=ask)
        assert answer.status_code == code
        assert words in answer.json()["error"]["message"]


def test_a_link_that_leads_out_is_not_listed(client: TestClient, lab: Lab, net: StyleNet) -> None:
    outside = lab.root.parent / "outside.safetensors"
    net.save(outside)
    (lab.root / "linked.safetensors").symlink_to(outside)
    assert [row["name"] for row in client.get("/api/painters").json()] == ["candy.safetensors"]


@pytest.fixture
def judge(lab: Lab) -> str:
    """Train a network that judges, on a few digits."""
    train_few(lab.root, judge="lenet5")
    return "judge"


LEARNING = {"style": "sample:flower", "input": "sample:coins", "size": 32, "width": 4}


def test_a_network_learns_a_painting_while_one_looks_on(client: TestClient, lab: Lab, judge: str) -> None:
    (lab.root / "photos").mkdir()
    for name in ("a", "b"):
        write(lab.root / "photos" / f"{name}.png", lab.pictures.get("sample:cat").image[:90, :120])
    (lab.root / "photos" / "torn.png").write_bytes(b"\x89PNG no more")
    ask = {**LEARNING, "model": judge, "photos": "file:photos", "iterations": 2}
    answer = client.post("/api/painters/flower.safetensors", json=ask)
    assert answer.status_code == 200, answer.text
    last = streamed(answer)[-1]
    assert (last.method, last.about["id"], last.about["of"]) == ("explain.fast_style", 2, 2)
    assert (last.about["photos"], last.about["left_out"]) == (2, 1)
    assert last.about["loss"] > 0
    kept = StyleNet.load(lab.root / "runs" / "flower.safetensors")
    assert kept.width == 4
    photo = lab.pictures.get("sample:coins").image
    np.testing.assert_array_equal(last.result, painted(kept, photo, 32))
    assert {"name": "flower.safetensors", "file": "runs/flower.safetensors"} in client.get("/api/painters").json()
    again = client.post("/api/painters/flower.safetensors", json=ask)
    assert again.status_code == 409
    assert "is there already" in again.json()["error"]["message"]


def test_what_is_learnt_is_kept_when_it_is_stopped(lab: Lab, judge: str) -> None:
    steps = 0

    def stop() -> None:
        nonlocal steps
        steps += 1
        if steps > len(SAMPLES) + 2:  # once a photo, then once a step
            raise RuntimeError("nobody waits any longer")

    seen: list[int] = []
    ready: Any = SimpleNamespace(copied=lambda: load(lab.root / "runs" / judge))
    ask = PainterAsk(model=judge, **LEARNING, iterations=1000)
    file = file_of(lab.root, "half.safetensors")
    with pytest.raises(RuntimeError, match="nobody waits"):
        learn(lab, ready, ask, file, stop, lambda picture, **told: seen.append(told["id"]))  # type: ignore[arg-type]
    assert seen[0] == 1
    assert StyleNet.load(file).width == 4


def test_what_cannot_be_learnt_is_refused(client: TestClient, lab: Lab, judge: str) -> None:
    (lab.root / "empty").mkdir()
    (lab.root / "empty" / "torn.png").write_bytes(b"\x89PNG no more")
    ask = {**LEARNING, "model": judge, "iterations": 1}
    for name, change, code, words in (
        ("x.safetensors", {"photos": "file:../out"}, 422, "under the lab's root"),
        ("x.safetensors", {"photos": "file:none"}, 422, "is no folder"),
        ("x.safetensors", {"photos": "file:empty"}, 422, "holds no photo that can be read"),
        ("x.safetensors", {"model": "none"}, 404, "none"),
        ("x.safetensors", {"width": 1}, 422, "width"),
        ("x.png", {}, 422, "must be named NAME.safetensors"),
        (".x.safetensors", {}, 422, "under the lab's root"),
    ):
        answer = client.post(f"/api/painters/{name}", json={**ask, **change})
        assert answer.status_code == code, answer.text
        assert words in answer.json()["error"]["message"]
    assert not list((lab.root / "runs").glob("*.safetensors"))

"""Networks that have learnt one painting, listed by the lab and put to a photo."""

from __future__ import annotations

import struct

import numpy as np
import pytest
import torch
from starlette.testclient import TestClient

from sightline.apply.painting import painted
from sightline.core.trace import trace_from_bytes
from sightline.explain import StyleNet
from sightline.lab.lab import Lab
from sightline.train.tensors import save_tensors


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
    traces, data = [], answer.content
    while data:  # the photo, where it was taken before the painted one was there, and the painted one
        (length,) = struct.unpack_from("<I", data)
        traces.append(trace_from_bytes(data[4 : 4 + length]))
        data = data[4 + length :]
    trace = traces[-1]
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

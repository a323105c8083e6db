"""The table of public weights, and finding them on this machine; the network is not used."""

from __future__ import annotations

import hashlib
import inspect
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from sightline import zoo
from sightline.classify import resnet18
from sightline.core.catalogue import find
from sightline.core.errors import DataError, InputError
from sightline.zoo import export_weights, fetch
from sightline.zoo.fetch import is_here
from sightline.zoo.table import entries, entry


def test_every_line_can_be_fetched_and_checked() -> None:
    assert len(entries()) == 83
    for name, line in entries().items():
        assert line.name == name
        assert line.url.startswith("https://")
        # the publisher's digest stands in the file's name, unless it was converted
        assert line.file or line.url.endswith(f"-{line.sha256}.pth")
        assert (50 < line.top1 < line.top5 < 100) if line.classifies else (20 < line.ap < 100)


def test_every_line_names_a_network_that_can_be_built() -> None:
    networks: set[str] = set()
    with torch.device("meta"):
        for name, line in entries().items():  # one of each, arguments of the others; the oracle lane builds all
            inspect.signature(find(line.method).function).bind(mean=line.mean, std=line.std, **line.options)
            if line.method not in networks:
                networks.add(line.method)
                assert isinstance(zoo.build(name), nn.Module)


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(InputError, match=r"zoo: no weights are named 'resnet18'\. Did you mean 'resnet18-imagenet'"):
        entry("resnet18")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SIGHTLINE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "data" / "weights").mkdir(parents=True)
    return tmp_path / "data" / "weights"


def test_nothing_is_fetched_unasked(folder: Path) -> None:
    with pytest.raises(DataError, match=r"'resnet18-f37072fd\.pth' is not on this machine .* not allowed"):
        fetch("resnet18-imagenet", download=False)


def test_a_file_of_that_name_with_another_digest_is_not_used(folder: Path) -> None:
    (folder / "resnet18-f37072fd.pth").write_bytes(b"something else")
    with pytest.raises(DataError, match="is not on this machine"):
        fetch("resnet18-imagenet", download=False)


def test_a_converted_file_is_looked_for_on_this_machine_alone(folder: Path) -> None:
    assert not is_here("squeezenet1_1-caffe")
    with pytest.raises(DataError, match=r"'squeezenet_v1\.1\.npz' is not on this machine .* it is converted from"):
        fetch("squeezenet1_1-caffe")
    (folder / "squeezenet_v1.1.npz").write_bytes(b"something")
    assert is_here("squeezenet1_1-caffe")


def test_a_file_whose_digest_is_not_known_is_not_fetched(folder: Path) -> None:
    with pytest.raises(
        DataError, match=r"'grounding-dino-tiny.safetensors' is not on this machine .* digest is not known"
    ):
        fetch("grounding-dino-tiny")
    (folder / "grounding-dino-tiny.safetensors").write_bytes(b"something")
    assert fetch("grounding-dino-tiny").read_bytes() == b"something"


def test_load_gives_the_network_with_its_weights(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    source = resnet18()
    path = folder / "made.pth"
    torch.save(export_weights(source, naming="torchvision"), path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:8]
    path = path.rename(folder / f"resnet18-{digest}.pth")
    line = replace(entry("resnet18-imagenet"), url=f"https://example.org/{path.name}", sha256=digest)
    monkeypatch.setitem(entries(), "resnet18-imagenet", line)
    model = zoo.load("resnet18-imagenet", download=False)
    assert not model.training
    assert torch.equal(model.state_dict()["head.linear.weight"], source.state_dict()["head.linear.weight"])

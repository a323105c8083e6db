"""Public weights on this machine: listed, copied from a mirror, checked; the network is not used."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sightline import zoo
from sightline.classify import resnet20
from sightline.cli.app import main
from sightline.core.errors import DataError, InputError, MissingFileError
from sightline.core.files import sha256_of
from sightline.zoo import table
from sightline.zoo.table import Entry, entries, entry, imagenet_classes

NAME = "tiny"


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a mirror with the one file of a zoo of one network; nothing is on the machine yet."""
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    monkeypatch.setenv("SIGHTLINE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "cache"))
    weights = {key: value.numpy() for key, value in resnet20(10).state_dict().items()}
    np.savez(mirror / "tiny.npz", **weights)
    row = Entry(
        name=NAME,
        method="classify.resnet20",
        url="https://example.org/tiny.npz",
        sha256=sha256_of(mirror / "tiny.npz")[:8],
        naming="sightline",
        licence="CC0",
        source="nobody",
        resize=32,
        mean=(0.5,) * 3,
        std=(0.5,) * 3,
        options={"classes": 10},
    )
    monkeypatch.setattr(table, "entries", lambda: {NAME: row})
    return mirror


def answer(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, Any]:
    code = main(["zoo", *words, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_weights_come_from_a_mirror_and_are_checked(machine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert zoo.check(NAME).problem == "check: 'tiny.npz' is not on this machine."
    assert main(["zoo", "check", NAME]) == 1
    assert "NOT whole" in capsys.readouterr().out
    code, rows = answer(capsys, "get", NAME, "--mirror", str(machine))
    assert (code, rows[0]["licence"]) == (0, "CC0")
    path = Path(rows[0]["path"])
    assert path.read_bytes() == (machine / "tiny.npz").read_bytes()
    assert zoo.fetch(NAME, download=False) == path  # from now on the network is not needed
    found = zoo.check(NAME)
    assert found.is_whole
    assert (found.path, found.sha256) == (path, sha256_of(path))
    code, rows = answer(capsys, "check", NAME)
    assert (code, rows) == (0, [found.to_json()])


def test_a_changed_file_is_told_and_not_taken(machine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = zoo.fetch(NAME, mirror=machine / "tiny.npz")
    for broken in (path, machine / "tiny.npz"):
        broken.write_bytes(broken.read_bytes()[:-1] + b"?")
    assert "is not the published file: its SHA-256 begins with" in zoo.check(NAME).problem
    assert main(["zoo", "check", NAME]) == 1
    assert "expected" in capsys.readouterr().out
    path.unlink()
    with pytest.raises(DataError, match="is not 'tiny': its SHA-256 begins with"):
        zoo.fetch(NAME, mirror=machine)
    assert not list(path.parent.iterdir())  # nothing half written
    with pytest.raises(MissingFileError, match=r"has no 'tiny\.npz'"):
        zoo.fetch(NAME, mirror=machine / "nowhere")


def test_a_file_that_does_not_fit_its_network_is_told(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    zoo.fetch(NAME, mirror=machine)
    other = replace(entry(NAME), options={"classes": 12})
    monkeypatch.setattr(table, "entries", lambda: {NAME: other})
    assert "must be 12×64, got 10×64" in zoo.check(NAME).problem


def test_the_list_says_what_is_published_and_what_is_here(capsys: pytest.CaptureFixture[str]) -> None:
    code, rows = answer(capsys, "list", "resnet50-imagenet")
    assert code == 0
    assert {row["name"]: (row["top1"], row["ap"]) for row in rows}["resnet50-imagenet"] == (76.13, None)
    assert {row["name"] for row in answer(capsys, "list")[1]} == set(entries())
    shown = answer(capsys, "list", "--here")[1]
    assert all(row["here"] for row in shown)
    assert main(["zoo", "list", "resnet18"]) == 0
    assert "69.8" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["list", "nothinglikeit"], ["get", "resnet50"], ["check", "resnet50"], ["get"]])
def test_unknown_names_are_wrong_usage(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["zoo", *words]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_the_classes_of_public_classifiers_have_names() -> None:
    names = entry("resnet18-imagenet").classes
    assert names == imagenet_classes()
    assert len(set(names)) == 1000
    assert (names[0], names[76], names[999]) == ("tench", "tarantula", "toilet tissue")
    assert not entry("detr-resnet50-coco").classes
    with pytest.raises(InputError, match="Did you mean"):
        entry("resnet18-imagnet")


def test_a_listed_network_is_built_on_no_device() -> None:
    with torch.device("meta"):
        assert zoo.build("squeezenet1_1-caffe")(torch.zeros(1, 3, 64, 64)).shape == (1, 1000)

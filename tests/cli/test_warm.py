"""``sightline warm``: every method is called, by one process or shared out among several."""

import importlib
import json

import pytest

from sightline.cli.app import main
from sightline.core.catalogue import find

warm = importlib.import_module("sightline.cli.warm")  # the package's name is the function


@pytest.mark.parametrize("threads", [1, 2])
def test_every_method_is_called_by_any_number_of_processes(threads, monkeypatch, capsys):
    few = [find(f"image.{name}") for name in ("otsu_threshold", "read", "threshold")]
    monkeypatch.setattr(warm, "methods", lambda field: few)
    monkeypatch.setattr(warm, "threads", lambda: threads)
    monkeypatch.setattr(warm, "find_spec", lambda name: None)
    assert main(["warm", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    rows = told["methods"]
    assert [row["name"] for row in rows] == ["otsu_threshold", "threshold"]  # a path is no picture
    assert all(row["calls"] == 6 for row in rows)
    assert told["networks"] == []


def test_networks_are_run_alone_and_several_at_once():
    pytest.importorskip("torch", reason="needs the extra 'deep'")
    from sightline.nn.fused_network import runs_fused

    row = warm.warm_network("resnet18")
    assert row["name"] == "resnet18"
    assert row["calls"] == (2 if runs_fused() else 0)
    assert row["seconds"] > 0 or not runs_fused()


def test_what_learns_finds_its_kernels_compiled():
    pytest.importorskip("torch", reason="needs the extra 'deep'")
    from sightline.nn.matrix_panels import LANES
    from sightline.nn.trained_convolution import pays

    assert warm.warm_training()["calls"] == 2
    assert all(pays((1, 64, side, side), 64) for side in warm._SIDES) or LANES < 8

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
    assert main(["warm", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["methods"]
    assert [row["name"] for row in rows] == ["otsu_threshold", "threshold"]  # a path is no picture
    assert all(row["calls"] == 6 for row in rows)

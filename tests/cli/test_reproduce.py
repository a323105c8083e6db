"""``sightline reproduce``: published figures, and the ledger that they go to."""

import json
from types import SimpleNamespace

import pytest

from sightline.cli import reproduce as command
from sightline.cli.app import main
from sightline.core import evidence


@pytest.fixture
def recorded(monkeypatch):
    """Return what went to the ledger; the figure that was measured is 1.2, or what a test puts there."""
    found = {"figure": "error (%)", "published": 0.95, "ours": 1.2, "sd": 0.1, "holds": False}

    @evidence.reaches("classify.lenet5", figure="error (%)", published=0.95, source="LeCun 1998")
    def reproduce():
        return dict(found)

    entries = []
    monkeypatch.setattr(command, "load_file", lambda folder, name: SimpleNamespace(reproduce=reproduce))
    monkeypatch.setattr(command, "_first_line", lambda name: "An error.")
    monkeypatch.setattr(evidence, "record", entries.extend)
    return SimpleNamespace(found=found, entries=entries)


def test_the_list_names_every_file(capsys):
    assert main(["reproduce", "--json"]) == 0
    assert {"covid-xray", "lenet5-mnist"} <= {row["name"] for row in json.loads(capsys.readouterr().out)}


def test_a_figure_that_is_missed_fails_and_is_recorded(recorded, capsys):
    assert main(["reproduce", "lenet5-mnist", "--json"]) == 1
    value = json.loads(capsys.readouterr().out)
    assert {key: value[key] for key in ("figure", "published", "ours", "sd")} == {
        "figure": "error (%)",
        "published": 0.95,
        "ours": 1.2,
        "sd": 0.1,
    }
    assert value["seconds"] >= 0
    (entry,) = recorded.entries
    assert (entry.method, entry.measured, entry.holds) == ("lenet5", 1.2, False)
    assert entry.command == "sightline reproduce lenet5-mnist"


def test_a_figure_that_is_reached_is_told(recorded, capsys):
    recorded.found.update(ours=0.9, holds=True)
    assert main(["reproduce", "lenet5-mnist"]) == 0
    assert "published 0.95, ours 0.9 ± 0.1" in capsys.readouterr().out


def test_a_ledger_that_cannot_be_written_costs_no_figure(recorded, monkeypatch, capsys):
    def refuse(entries):
        raise PermissionError(13, "Permission denied", "evidence.json")

    monkeypatch.setattr(evidence, "record", refuse)
    recorded.found.update(holds=True)
    assert main(["reproduce", "lenet5-mnist", "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["ours"] == 1.2
    assert "The ledger was not written" in err

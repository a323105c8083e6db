"""``sightline evidence`` and ``sightline methods``: what machines read."""

import json

import pytest

from sightline.cli import evidence as command
from sightline.cli.app import main
from sightline.core.evidence import Evidence

PROVEN = Evidence("canny", "image", "equals", peer="opencv", tolerance="1 %", measured=0.5, holds=True)
FAILING = Evidence("lenet5", "classify", "reaches", figure="error", published=0.95, source="LeCun", measured=2.0)


class Entry:
    def __init__(self, name):
        self.field, self.name = name.split(".")


@pytest.fixture(autouse=True)
def ledger(monkeypatch):
    monkeypatch.setattr(command, "ledger", lambda: (PROVEN, FAILING))
    monkeypatch.setattr(command, "listed", lambda: [Entry("image.canny"), Entry("classify.lenet5")])


def test_the_ledger_as_json(capsys):
    assert main(["evidence", "--json"]) == 0
    first, second = json.loads(capsys.readouterr().out)
    assert (first["method"], first["kind"], first["peer"], first["holds"]) == ("canny", "equals", "opencv", True)
    assert (second["published"], second["measured"], second["holds"]) == (0.95, 2.0, False)


def test_check_names_methods_without_evidence_that_holds(capsys):
    assert main(["evidence", "--check"]) == 1
    assert "classify.lenet5: no evidence that holds" in capsys.readouterr().out
    assert main(["evidence", "--check", "--json"]) == 1
    out, err = capsys.readouterr()
    assert len(json.loads(out)) == 2
    assert err == "classify.lenet5: no evidence that holds\n"


def test_methods_as_json(capsys):
    assert main(["methods", "image", "--json"]) == 0
    found = {entry["name"]: entry for entry in json.loads(capsys.readouterr().out)}
    assert {"name", "field", "paper", "lesson", "parameters", "evidence"} <= set(found["canny"])
    low = next(item for item in found["canny"]["parameters"] if item["name"] == "low")
    assert (low["kind"], low["low"]) == ("float", 0)


def test_methods_for_people(capsys):
    assert main(["methods", "image"]) == 0
    assert "Canny 1986" in capsys.readouterr().out

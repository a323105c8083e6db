"""The ledger: merged, rounded, and honest about what failed."""

from __future__ import annotations

from pathlib import Path

import pytest

from sightline.core import evidence
from sightline.core.errors import FormatError


@pytest.fixture
def ledger_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "evidence.json"
    monkeypatch.setattr(evidence, "LEDGER", path)
    evidence.ledger.cache_clear()
    yield path
    evidence.ledger.cache_clear()


def claim(method: str, command: str, **values: object) -> evidence.Evidence:
    return evidence.Evidence(method, "image", "equals", peer="numpy", tolerance="identical", command=command, **values)


def test_a_claim_that_ran_again_replaces_its_line(ledger_file: Path) -> None:
    evidence.record([claim("a", "pytest x", measured=0.123456, holds=True), claim("b", "pytest y", holds=True)])
    evidence.record([claim("a", "pytest x", measured=2.0, holds=False)])
    rows = {entry.method: entry for entry in evidence.ledger()}
    assert rows["a"].measured == 2.0
    assert not rows["a"].holds
    assert rows["b"].holds
    assert rows["a"].version


def test_measured_values_are_rounded_so_that_the_file_is_stable(ledger_file: Path) -> None:
    evidence.record([claim("a", "pytest x", measured=0.123456, holds=True)])
    before = ledger_file.stat().st_mtime_ns
    evidence.record([claim("a", "pytest x", measured=0.123461, holds=True)])
    assert ledger_file.stat().st_mtime_ns == before


def test_claims_whose_test_is_gone_are_dropped(ledger_file: Path) -> None:
    evidence.record([claim("a", "pytest x", holds=True)])
    evidence.record([claim("b", "pytest y", holds=True)], still_there=lambda entry: False)
    assert [entry.method for entry in evidence.ledger()] == ["b"]


def test_a_broken_ledger_is_named(ledger_file: Path) -> None:
    ledger_file.write_text('[{"nonsense": 1}]')
    with pytest.raises(FormatError, match=r"evidence\.json"):
        evidence.ledger()


def test_json_leaves_out_what_does_not_apply() -> None:
    assert "figure" not in claim("a", "x").to_json()
    reached = evidence.Evidence("a", "classify", "reaches", figure="error %", published=0.95)
    assert "peer" not in reached.to_json()

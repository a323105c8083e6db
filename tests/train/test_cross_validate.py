"""Several trainings of one kind: their figures are the runs' own."""

from __future__ import annotations

import statistics
from pathlib import Path

import pytest

from sightline.core.errors import DataError
from sightline.core.files import read_json
from sightline.train import Run, cross_validate


@pytest.mark.slow
def test_mean_and_deviation_are_of_the_runs(tmp_path: Path) -> None:
    found = cross_validate(
        "classify/mlp", "digits", folds=2, seeds=2, out=tmp_path / "all", epochs=1, hidden=(8,), threads=1, device="cpu"
    )
    assert [(row["seed"], row["fold"]) for row in found.rows] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    values = [Run(Path(row["run"])).best["val_accuracy"] for row in found.rows]
    assert found.values == values
    assert found.mean == pytest.approx(statistics.fmean(values))
    assert found.deviation == pytest.approx(statistics.stdev(values))
    assert str(found) == f"accuracy {found.mean:.4f} ± {found.deviation:.4f} (mean ± sd of 4)"
    assert read_json(tmp_path / "all" / "cross_validation.json")["mean"] == found.mean


def test_more_folds_than_images_are_refused() -> None:
    with pytest.raises(DataError, match="folds must be at most the smallest class's images"):
        cross_validate("classify/mlp", "digits", folds=900)

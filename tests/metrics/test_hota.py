"""HOTA on films that can be counted by hand; beside TrackEval it is held in the oracle lane."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sightline.core.tracks import Tracks
from sightline.metrics import hota
from tracking_data import SEQUENCES, given_result, truth_of

BOX = np.array([[0.0, 0.0, 10.0, 20.0]])
# Of the tracker's result that came with the truth, as TrackEval 1.3.0 gives it.
FIGURES = {"TUD-Campus": 0.39140, "TUD-Stadtmitte": 0.39785}


def film(*ids: int) -> list[Tracks]:
    return [Tracks([i], BOX, frame=t) for t, i in enumerate(ids, 1)]


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_one_thing_under_two_names(cut: int) -> None:
    score = hota(film(1, 1, 1, 1), film(*[7] * cut, *[8] * (4 - cut)))
    expected = (cut * cut + (4 - cut) ** 2) / 16  # each match shares its own part of four frames
    np.testing.assert_allclose(score.association, expected)
    np.testing.assert_allclose(score.at, np.sqrt(expected))
    assert score.association_precision.tolist() == [1.0] * 19


def test_half_an_overlap_counts_up_to_half() -> None:
    score = hota(film(1, 1), [Tracks([1], BOX * [1, 1, 1, 0.5], frame=t) for t in (1, 2)])
    assert score.detection.tolist() == [1.0] * 10 + [0.0] * 9
    assert score.localization[0] == 0.5
    assert score.to_json()["hota"] == pytest.approx(10 / 19)


@pytest.mark.parametrize("name", SEQUENCES)
def test_the_figure_of_a_known_result(shared_data: Path, name: str) -> None:
    assert float(hota(truth_of(shared_data, name), given_result(shared_data, name))) == pytest.approx(
        FIGURES[name], abs=5e-5
    )

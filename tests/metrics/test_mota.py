"""CLEAR MOT, identity and HOTA scores against py-motmetrics, and on films that can be counted by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.core.tracks import Tracks
from sightline.detect import iou
from sightline.metrics import hota, idf1, mota
from tracking_data import SEQUENCES, given_result, truth_of

pytestmark = pytest.mark.filterwarnings("ignore")  # the peer's table library warns of its own future
DATA = "TUD-Campus and TUD-Stadtmitte, truth and a tracker's result"
BOX = np.array([[0.0, 0.0, 10.0, 20.0]])


def peer_of(truth: list[Tracks], found: list[Tracks]) -> dict[str, Any]:
    motmetrics = pytest.importorskip("motmetrics")
    book = motmetrics.MOTAccumulator(auto_id=True)
    frames = {item.frame: item for item in found}
    for item in truth:
        other = frames.get(item.frame, item[:0])
        away = 1 - iou(item.boxes, other.boxes)
        away[away > 0.5] = np.nan
        book.update(item.ids, other.ids, away)
    names = [*motmetrics.metrics.motchallenge_metrics, "idtp", "idfp", "idfn"]
    return motmetrics.metrics.create().compute(book, metrics=names).iloc[0].to_dict()


@evidence.equals("metrics.mota", peer="motmetrics", tolerance="1e-9, and every count", data=DATA)
@evidence.equals("metrics.idf1", peer="motmetrics", tolerance="1e-9, and every count", data=DATA)
def test_scores_equal_py_motmetrics(shared_data: Path, measured: Callable[[float], None]) -> None:
    worst = 0.0
    for name in SEQUENCES:
        truth, found = truth_of(shared_data, name), given_result(shared_data, name)
        peer, ours, identity = peer_of(truth, found), mota(truth, found), idf1(truth, found)
        counts = {
            "num_switches": ours.switches,
            "num_false_positives": ours.false_positives,
            "num_misses": ours.misses,
            "num_fragmentations": ours.fragmentations,
            "mostly_tracked": ours.mostly_tracked,
            "partially_tracked": ours.partly_tracked,
            "mostly_lost": ours.mostly_lost,
            "idtp": identity.true_positives,
            "idfp": identity.false_positives,
            "idfn": identity.false_negatives,
        }
        assert counts == {key: peer[key] for key in counts}
        off = (ours.mota - peer["mota"], ours.motp - 1 + peer["motp"], identity.idf1 - peer["idf1"])
        worst = max(worst, *map(abs, off))
    measured(worst)
    assert worst < 1e-9


def film(*ids: int | None) -> list[Tracks]:
    return [Tracks([i], BOX, frame=t) for t, i in enumerate(ids, 1) if i is not None]


def test_counts_by_hand() -> None:
    truth = film(1, 1, 1, 1)
    score = mota(truth, film(7, None, 7, 8))
    assert (score.matches, score.misses, score.false_positives, score.switches) == (3, 1, 0, 1)
    assert float(score) == 0.5
    assert float(idf1(truth, film(7, 7, 8, 8))) == 0.5
    double = mota(truth, film(7, 7, 7, 7)) + score
    assert (double.boxes, double.mota) == (8, 0.75)
    both = idf1(truth, truth) + idf1(truth, film(7, 7, 8, 8))
    assert both.idf1 == 0.75


def test_no_result_and_no_truth() -> None:
    truth, nothing = film(1, 1), []
    assert (mota(truth, nothing).misses, mota(nothing, truth).false_positives) == (2, 2)
    assert float(mota(truth, nothing)) == 0
    assert float(idf1(truth, nothing)) == 0
    assert float(hota(truth, nothing)) == 0
    assert float(hota(nothing, nothing)) == 0
    assert mota(truth, nothing).mostly_lost == 1


def test_a_box_of_nan_is_nobody() -> None:
    lost = [Tracks([1], BOX * np.nan, frame=1)]
    assert mota(film(1), lost).misses == 1
    assert float(idf1(film(1), lost)) == 0
    assert float(hota(film(1), lost)) == 0


def test_what_is_no_sequence_is_refused() -> None:
    with pytest.raises(InputError, match=r"mota: truth must be a list of Tracks, one a frame; got 3 float64"):
        mota(np.zeros(3), [])
    with pytest.raises(InputError, match=r"idf1: found must have one entry a frame; got 2 of 1 frames"):
        idf1(film(1), film(1) * 2)
    with pytest.raises(InputError, match=r"mota: overlap must be a number in 0–1; got 2"):
        mota([], [], overlap=2)

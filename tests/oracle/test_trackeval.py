"""HOTA, CLEAR MOT and identity scores against TrackEval, the tracking benchmarks' own program."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sightline.core import evidence
from sightline.core.tracks import Tracks
from sightline.detect import iou
from sightline.metrics import hota, idf1, mota
from sightline.motion import ByteTrack, Sort
from tracking_data import SEQUENCES, detections_of, given_result, truth_of

pytestmark = pytest.mark.oracle
DATA = "TUD-Campus and TUD-Stadtmitte: a given result, SORT's and ByteTrack's"


def as_trackeval(truth: list[Tracks], found: list[Tracks]) -> dict[str, Any]:
    frames = {item.frame: item for item in found}
    other = [frames.get(item.frame, item[:0]) for item in truth]
    true_ids, found_ids = (np.unique(np.concatenate([item.ids for item in side])) for side in (truth, other))
    return {
        "num_timesteps": len(truth),
        "num_gt_ids": len(true_ids),
        "num_tracker_ids": len(found_ids),
        "num_gt_dets": sum(map(len, truth)),
        "num_tracker_dets": sum(map(len, other)),
        "gt_ids": [np.searchsorted(true_ids, item.ids) for item in truth],
        "tracker_ids": [np.searchsorted(found_ids, item.ids) for item in other],
        "similarity_scores": [iou(a.boxes, b.boxes) for a, b in zip(truth, other, strict=True)],
    }


@evidence.equals("metrics.hota", peer="trackeval", tolerance="1e-9 at each overlap", data=DATA)
@evidence.equals("metrics.mota", peer="trackeval", tolerance="1e-9, and every count", data=DATA)
@evidence.equals("metrics.idf1", peer="trackeval", tolerance="1e-9, and every count", data=DATA)
@pytest.mark.filterwarnings("ignore")
def test_scores_equal_trackeval(shared_data: Path, tmp_path: Path, measured: Callable[[float], None]) -> None:
    metrics = pytest.importorskip("trackeval.metrics")
    quiet, worst = {"PRINT_CONFIG": False}, 0.0
    for name in SEQUENCES:
        truth, boxes = truth_of(shared_data, name), detections_of(shared_data, name, tmp_path)
        for found in (given_result(shared_data, name), *([t.update(d) for d in boxes] for t in (Sort(), ByteTrack()))):
            data = as_trackeval(truth, found)
            clear, identity, higher = (
                made.eval_sequence(data) for made in (metrics.CLEAR(quiet), metrics.Identity(quiet), metrics.HOTA())
            )
            a, b, c = mota(truth, found), idf1(truth, found), hota(truth, found)
            counts = (a.switches, a.fragmentations, a.mostly_tracked, a.mostly_lost, a.misses, a.false_positives)
            assert counts == tuple(clear[key] for key in ("IDSW", "Frag", "MT", "ML", "CLR_FN", "CLR_FP"))
            assert (b.true_positives, b.false_negatives) == (identity["IDTP"], identity["IDFN"])
            pairs = [
                (a.mota, clear["MOTA"]),
                (a.motp, clear["MOTP"]),
                (b.idf1, identity["IDF1"]),
                (c.at, higher["HOTA"]),
            ]
            parts = {"DetA": c.detection, "AssA": c.association, "LocA": c.localization}
            more = {"DetRe": c.detection_recall, "DetPr": c.detection_precision}
            last = {"AssRe": c.association_recall, "AssPr": c.association_precision}
            pairs += [(ours, higher[key]) for key, ours in {**parts, **more, **last}.items()]
            worst = max(worst, *(float(np.abs(ours - theirs).max()) for ours, theirs in pairs))
    measured(worst)
    assert worst < 1e-9

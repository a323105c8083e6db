"""Yolo-Fastest 1.1, whose public weights have seen COCO, trained on with a CPU: raccoons, blood cells, people.

The network and the weights are read from darknet's files; 10 % of what is learnt from chooses the best epoch. Published
for such sets: raccoons AP50 of 0.7 to 0.9 with pretraining; blood cells 0.7 to 0.9 with the full set, of which a fifth
is here; people box AP of about 0.8 by a Mask R-CNN with 120 photos, which has a hundred times the computations.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import sightline
from sightline.core import evidence
from sightline.data.named import local_folder

FIGURE = {
    "figure": "mAP50 on 40 photos of raccoons, Yolo-Fastest trained on",
    "published": 0.9,
    "source": "usual for this set with pretraining: 0.7 to 0.9",
    "data": "raccoon (130 photos to learn from, 40 to test), bccd (70, 40), penn_fudan (136, 34)",
}
# Of each set: what differs from the recipe's own settings.
SETS: dict[str, dict[str, Any]] = {
    "raccoon": {"epochs": 30, "image_size": 256},
    "bccd": {"epochs": 28, "image_size": 320, "batch_size": 8, "learning_rate": 1.5e-3, "mosaic": 0.3},
    "penn_fudan": {"epochs": 16, "image_size": 320, "mosaic": 0.3},
}
COMMON: dict[str, Any] = {"batch_size": 16, "val_fraction": 0.1, "threads": 1, "device": "cpu"}


def learn(folder: Path, settings: dict[str, Any]) -> dict[str, Any]:
    """Train on one set with seed 0; return the figures on its test photos."""
    fastest = folder.parent / "weights" / "yolo-fastest-1.1"
    begun = {"cfg": f"{fastest}.cfg", "weights": f"{fastest}.weights", "progress": False, "report": False}
    with tempfile.TemporaryDirectory() as place:
        run = sightline.train("detect/darknet", folder, out=Path(place) / "run", **begun, **{**COMMON, **settings})
        return run.evaluate(folder, "test")


@evidence.reaches("detect.yolo_v3", **FIGURE)
def reproduce() -> dict[str, Any]:
    """Train on the three sets; return mAP50 of the raccoons, the others in the note."""
    start, processor = time.perf_counter(), time.process_time()
    found = {name: learn(local_folder(name), settings) for name, settings in SETS.items()}
    said = "; ".join(f"{name} mAP50 {row['map50']:.3f}, mAP {row['map']:.3f}" for name, row in found.items())
    ours = found["raccoon"]["map50"]
    return {
        "figure": FIGURE["figure"],
        "published": FIGURE["published"],
        "ours": round(ours, 3),
        "sd": 0.0,
        "seconds": round(time.perf_counter() - start, 1),
        "holds": ours >= FIGURE["published"],
        "note": f"{said}; one seed each; {(time.process_time() - processor) / 60:.0f} minutes of one processor",
    }

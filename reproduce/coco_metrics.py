"""COCO's evaluation of its 100 images with made-up results: twelve numbers each for boxes and masks.

The published numbers are the output that comes with COCO's tools, three decimals each. Beside them stands VOC's average
precision of Padilla's second sample, from all points and from eleven.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np

from sightline.core import evidence
from sightline.data.named import local_folder
from sightline.metrics import BoxSet, box_sets_of_coco, mean_average_precision, voc_average_precision

FIGURE = {
    "figure": "AP of made-up boxes on 100 COCO images",
    "published": 0.505,
    "source": "COCO API, output of its evaluation",
    "data": "detection_metrics: 839 annotations, 734 results",
}
PADILLA = {"all": 24.56, "eleven": 26.84}  # %, cut off and rounded


def published(folder: Path, kind: str) -> list[float]:
    """Return the twelve numbers that come with the data, for ``bbox`` or ``segm``."""
    parts = (folder / "val2014_fake_eval_res.txt").read_text("utf-8").split("type=")[1:]
    part = next(part for part in parts if part.startswith(kind))
    return [float(line.split("=")[-1]) for line in part.splitlines() if "@[" in line]


def of_coco(folder: Path, kind: str) -> dict[str, float]:
    """Return our twelve numbers."""
    truth = json.loads((folder / "instances_val2014_100.json").read_text("utf-8"))
    results = json.loads((folder / f"instances_val2014_fake{kind}100_results.json").read_text("utf-8"))
    masks = kind == "segm"
    found, true = box_sets_of_coco(truth, results, masks=masks)
    return mean_average_precision(found, true, of="masks" if masks else "boxes").twelve


def of_padilla(archive: Path) -> dict[str, float]:
    """Return VOC's average precision of the sample in percent; its boxes count their last pixel, as continuous ones."""
    sets: dict[str, list[BoxSet]] = {"detections": [], "groundtruths": []}
    with ZipFile(archive) as kept:
        for kind, several in sets.items():
            for i in range(1, 8):
                lines = kept.read(f"samples/sample_2/{kind}/{i:05}.txt").decode().splitlines()
                rows = np.array([line.split()[1:] for line in lines if line.strip()], float)
                edges = np.hstack([rows[:, -4:-2], rows[:, -4:-2] + rows[:, -2:] + 1])
                several.append(BoxSet(edges, np.zeros(len(rows)), rows[:, 0] if kind == "detections" else np.zeros(0)))
    found, true = sets["detections"], sets["groundtruths"]
    return {points: 100 * float(voc_average_precision(found, true, threshold=0.3, points=points)) for points in PADILLA}


@evidence.reaches("metrics.mean_average_precision", **FIGURE)
def reproduce() -> dict[str, Any]:
    """Score boxes, masks and Padilla's sample; return AP of the boxes, with every other number beside its own."""
    start = time.perf_counter()
    folder = local_folder("detection_metrics")
    holds, lines, ap = True, [], 0.0
    for kind in ("bbox", "segm"):
        theirs, ours = published(folder / "coco", kind), of_coco(folder / "coco", kind)
        holds &= [round(value, 3) for value in ours.values()] == theirs
        told = (f"{name} {value:.3f} ({other:.3f})" for (name, value), other in zip(ours.items(), theirs, strict=True))
        lines.append(f"{kind}: {', '.join(told)}")
        ap = ours["ap"] if kind == "bbox" else ap
    sample = of_padilla(folder / "padilla_samples.zip")
    holds &= all(abs(sample[points] - figure) < 0.01 for points, figure in PADILLA.items())
    lines.append(f"Padilla: all points {sample['all']:.3f} % (24.56), eleven {sample['eleven']:.3f} % (26.84)")
    return {
        "figure": FIGURE["figure"],
        "published": FIGURE["published"],
        "ours": round(ap, 3),
        "seconds": round(time.perf_counter() - start, 1),
        "holds": bool(holds),
        "note": "ours (published): " + "; ".join(lines),
    }

"""Boxes: suppression against OpenCV and plain NumPy, overlaps, COCO's evaluation against its own tools in C and C++.

torchvision's operators take part where they are installed.
"""

from __future__ import annotations

import contextlib
import copy
import importlib.util
import io
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np

from sightline import detect, metrics

from .timing import Case

IMAGES, CLASSES = 50, 10


def cases() -> list[Case]:
    """Return the cases: a detector's raw boxes, and the results of a validation set."""
    return [*_suppression(), *_evaluation(), *_regions()]


def _boxes(count: int, size: float = 1000.0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    corner, sides = random.uniform(0, size, (count, 2)), random.uniform(10, 150, (count, 2))
    return np.hstack([corner, corner + sides]).astype(np.float32), random.random(count).astype(np.float32)


def _suppression() -> list[Case]:
    boxes, scores = _boxes(5000)
    sides = np.hstack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]]).astype(float).tolist()
    listed = scores.tolist()  # OpenCV takes lists

    def opencv() -> np.ndarray:
        return np.asarray(cv2.dnn.NMSBoxes(sides, listed, 0.0, 0.5)).reshape(-1)

    def soft() -> np.ndarray:
        return np.asarray(cv2.dnn.softNMSBoxes(whole, listed, 0.01, 0.3, 0, 0.5, 2)[1]).reshape(-1)

    whole = np.rint(sides).astype(int).tolist()
    rounded = np.array(whole, np.float32)
    rounded[:, 2:] += rounded[:, :2]
    found = [
        Case("detect.nms 5,000 boxes", "opencv", lambda: detect.nms(boxes, scores, 0.5), opencv, boxes.nbytes),
        Case(
            "detect.nms 5,000 boxes", "numpy", lambda: detect.nms(boxes, scores, 0.5), lambda: _plain(boxes, scores),
            boxes.nbytes,
        ),
        Case(
            "detect.soft_nms 5,000 boxes", "opencv", lambda: detect.soft_nms(rounded, scores, floor=0.01)[0], soft,
            boxes.nbytes, None,  # its scores are float32, ours float64
        ),
    ]  # fmt: skip
    if importlib.util.find_spec("torchvision") is not None:
        found += _torchvision(boxes, scores)
    return found


def _plain(boxes: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Suppress as one writes it with NumPy."""
    order, kept = np.argsort(-scores, kind="stable"), []
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    while len(order):
        best, order = order[0], order[1:]
        kept.append(best)
        width = np.minimum(boxes[best, 2], boxes[order, 2]) - np.maximum(boxes[best, 0], boxes[order, 0])
        height = np.minimum(boxes[best, 3], boxes[order, 3]) - np.maximum(boxes[best, 1], boxes[order, 1])
        inside = np.maximum(width, 0) * np.maximum(height, 0)
        order = order[inside / (areas[best] + areas[order] - inside) <= 0.5]
    return np.array(kept)


def _torchvision(boxes: np.ndarray, scores: np.ndarray) -> list[Case]:
    import torch
    from torchvision import ops

    given = torch.from_numpy(boxes), torch.from_numpy(scores)
    return [
        Case(
            "detect.nms 5,000 boxes", "torchvision", lambda: detect.nms(boxes, scores, 0.5),
            lambda: ops.nms(*given, 0.5).numpy(), boxes.nbytes,
        ),
        Case(
            "detect.iou 5,000×500", "torchvision", lambda: detect.iou(boxes, boxes[:500]),
            lambda: ops.box_iou(given[0], given[0][:500]).numpy(), 5000 * 500 * 8, 1e-5,
        ),
    ]  # fmt: skip


def _regions() -> list[Case]:
    if importlib.util.find_spec("torchvision") is None:
        return []
    import torch
    from torchvision import ops

    from sightline.nn.aligned_regions import aligned_regions

    maps = torch.rand(1, 256, 50, 76, generator=torch.Generator().manual_seed(0))
    cells = np.ascontiguousarray(maps[0].permute(1, 2, 0).numpy())
    boxes = torch.from_numpy(_boxes(1000, 700.0)[0])
    regions, images = torch.cat([torch.zeros(1000, 1), boxes], dim=1), torch.zeros(1000, dtype=torch.int64)

    def peer() -> np.ndarray:
        return ops.roi_align(maps, regions, (7, 7), 1 / 16, 2, aligned=True).permute(0, 2, 3, 1).numpy()

    def with_gradients() -> np.ndarray:
        return aligned_regions(maps, boxes, images, (7, 7), 1 / 16).permute(0, 2, 3, 1).numpy()

    def arrays() -> np.ndarray:
        return detect.roi_align(cells, boxes.numpy(), (7, 7), 1 / 16)

    name, size = "1,000 regions of 256×50×76", 1000 * 49 * 256 * 4
    return [
        Case(f"detect.roi_align {name}", "torchvision", arrays, peer, size, 1e-4),
        Case(f"detect.roi_align {name}, torch", "torchvision", with_gradients, peer, size, 1e-4),
    ]


def _evaluation() -> list[Case]:
    import faster_coco_eval
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    truth, results = _validation()
    found, true = metrics.box_sets_of_coco(truth, results)

    def peer(kind: Any, judge: Any) -> Callable[[], np.ndarray]:
        with contextlib.redirect_stdout(io.StringIO()):
            made = kind()
            made.dataset = copy.deepcopy(truth)
            made.createIndex()
            answers = made.loadRes(copy.deepcopy(results))

        def run() -> np.ndarray:
            with contextlib.redirect_stdout(io.StringIO()):
                judged = judge(made, answers, "bbox")
                judged.evaluate()
                judged.accumulate()
                judged.summarize()
            return np.array(judged.stats[:12])

        return run

    def ours() -> np.ndarray:
        return np.array(list(metrics.mean_average_precision(found, true).twelve.values()))

    name = f"metrics.mean_average_precision {IMAGES} images, {len(results):,} boxes"
    size = len(results) * 48
    return [
        Case(name, "pycocotools", ours, peer(COCO, COCOeval), size, 1e-6),
        Case(name, "faster-coco-eval", ours, peer(faster_coco_eval.COCO, faster_coco_eval.COCOeval_faster), size, 1e-6),
    ]


def _validation() -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return annotations and results of a drawn validation set: 7 things and 60 boxes in an image."""
    random = np.random.default_rng(0)
    truth: dict[str, Any] = {
        "info": {},
        "images": [{"id": i + 1, "height": 640, "width": 640} for i in range(IMAGES)],
        "categories": [{"id": k + 1, "name": str(k)} for k in range(CLASSES)],
        "annotations": [],
    }
    results = []
    for image in range(1, IMAGES + 1):
        boxes = np.hstack([random.uniform(0, 400, (7, 2)), random.choice([20.0, 60.0, 200.0], (7, 2))])
        kinds = random.integers(1, CLASSES + 1, 7)
        for box, kind in zip(boxes.tolist(), kinds.tolist(), strict=True):
            row = {"image_id": image, "category_id": kind, "bbox": box, "area": box[2] * box[3], "iscrowd": 0}
            truth["annotations"].append(row | {"id": len(truth["annotations"]) + 1})
        rows = random.integers(0, 7, 60)
        near = boxes[rows] * random.normal(1, 0.08, (60, 4))
        wild = np.where(random.random(60) < 0.3, random.integers(1, CLASSES + 1, 60), kinds[rows])
        results += [
            {"image_id": image, "category_id": kind, "bbox": box, "score": score}
            for box, kind, score in zip(near.tolist(), wild.tolist(), random.random(60).tolist(), strict=True)
        ]
    return truth, results

"""Boxes for tests: random ones, and the overlaps' formulas written once more, as the papers print them."""

from __future__ import annotations

import math

import numpy as np


def random_boxes(count: int, seed: int = 0, size: float = 400.0) -> np.ndarray:
    """Return N×4 float32 boxes with sides of 2 to 90 pixels inside a square."""
    random = np.random.default_rng(seed)
    corner, sides = random.uniform(0, size - 90, (count, 2)), random.uniform(2, 90, (count, 2))
    return np.hstack([corner, corner + sides]).astype(np.float32)


def written_again(a: np.ndarray, b: np.ndarray) -> dict[str, float]:
    """Return IoU, GIoU, DIoU and CIoU of two boxes."""
    (ax1, ay1, ax2, ay2), (bx1, by1, bx2, by2) = a.tolist(), b.tolist()
    inside = max(0.0, min(ax2, bx2) - max(ax1, bx1)) * max(0.0, min(ay2, by2) - max(ay1, by1))
    union = (ax2 - ax1) * (ay2 - ay1) + (bx2 - bx1) * (by2 - by1) - inside
    width, height = max(ax2, bx2) - min(ax1, bx1), max(ay2, by2) - min(ay1, by1)
    iou = inside / union
    rho = math.dist(((ax1 + ax2) / 2, (ay1 + ay2) / 2), ((bx1 + bx2) / 2, (by1 + by2) / 2))
    diou = iou - rho**2 / math.hypot(width, height) ** 2
    v = 4 / math.pi**2 * (math.atan((ax2 - ax1) / (ay2 - ay1)) - math.atan((bx2 - bx1) / (by2 - by1))) ** 2
    return {
        "iou": iou,
        "giou": iou - (width * height - union) / (width * height),
        "diou": diou,
        "ciou": diou - v**2 / (1 - iou + v),
    }


def worst_difference(name: str, table: np.ndarray, boxes: np.ndarray, others: np.ndarray) -> float:
    """Return the largest distance of an N×M table from the formulas."""
    expected = [[written_again(a, b)[name] for b in others] for a in boxes]
    return float(np.abs(table - np.array(expected)).max())

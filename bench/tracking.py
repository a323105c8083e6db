"""Trackers and Kalman filters beside filterpy's, with a filter for each thing as one writes it with that library."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from filterpy.kalman import KalmanFilter as Peer
from scipy.optimize import linear_sum_assignment

from sightline.core.results import Detections
from sightline.detect import iou
from sightline.motion import ByteTrack, DeepSort, KalmanFilter, Sort

from .timing import Case

THINGS, FRAMES = 20, 50


def cases() -> list[Case]:
    """Return the cases; a call of a tracker is 50 frames of 20 things, so 50 ms are 1,000 frames a second."""
    film = _film()
    boxes = FRAMES * THINGS * 16
    trackers = [
        Case(
            f"motion.{kind.__name__} 20 things, 50 frames",
            "filterpy",
            _run(kind, film),
            lambda: _peer(film),
            boxes,
            None,
        )
        for kind in (Sort, DeepSort, ByteTrack)
    ]
    transition, observation = np.eye(4) + np.eye(4, k=2), np.eye(2, 4)
    series = np.cumsum(np.random.default_rng(0).normal(0, 1, (100, 2)), axis=0)

    def ours() -> np.ndarray:
        one = KalmanFilter(transition, observation, np.eye(4) * 0.01, np.eye(2))
        for z in series:
            one.predict()
            one.update(z)
        return one.state

    def peers() -> np.ndarray:
        one = Peer(dim_x=4, dim_z=2)
        one.F, one.H, one.Q = transition, observation, np.eye(4) * 0.01
        for z in series:
            one.predict()
            one.update(z)
        return one.x[:, 0]

    return [*trackers, Case("motion.KalmanFilter 4 states, 100 steps", "filterpy", ours, peers, series.nbytes, 1e-9)]


def _film() -> list[Detections]:
    random = np.random.default_rng(1)
    corners, speed, sides = random.uniform(0, 900, (THINGS, 2)), random.uniform(-3, 3, (THINGS, 2)), (40.0, 90.0)
    return [
        Detections(
            np.hstack([corners + speed * t, corners + speed * t + sides]) + random.normal(0, 1, (THINGS, 4)),
            np.full(THINGS, 0.9),
            np.zeros(THINGS),
        )
        for t in range(FRAMES)
    ]


def _run(kind: Callable[[], Any], film: list[Detections]) -> Callable[[], Any]:
    def run() -> Any:
        tracker = kind()
        for found in film:
            tracks = tracker.update(found)
        return tracks.boxes

    return run


def _peer(film: list[Detections]) -> np.ndarray:
    """Follow with a filter of filterpy's for each thing: predict, overlap, assign, update."""
    filters = []
    for box in film[0].boxes.astype(float):
        one = Peer(dim_x=8, dim_z=4)
        one.F, one.H, one.x = np.eye(8) + np.eye(8, k=4), np.eye(4, 8), np.append(box, np.zeros(4))[:, None]
        filters.append(one)
    for found in film[1:]:
        for one in filters:
            one.predict()
        places = np.array([one.x[:4, 0] for one in filters])
        rows, columns = linear_sum_assignment(1 - iou(places, found.boxes))
        for row, column in zip(rows, columns, strict=True):
            filters[row].update(found.boxes[column].astype(float))
    return np.array([one.x[:4, 0] for one in filters])

"""What moves in the clip of cars: our mixture and OpenCV's at the same parameters, frame by frame, with the time.

The published part is the method (Zivkovic 2004); OpenCV's is the implementation that people use, so the figure is how
far the two masks cover each other. The nearest neighbours, whose samples are drawn by chance, stand in the note, beside
how far OpenCV's agree with themselves when the dice fall otherwise.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import cv2

from sightline import image, motion
from sightline.core import evidence
from sightline.data.named import local_folder

FIGURE = {
    "figure": "intersection over union of our foreground and OpenCV's MOG2",
    "published": 1.0,
    "source": "OpenCV 5, BackgroundSubtractorMOG2 with its defaults",
    "data": "video: car-detection.mp4, 377 frames",
}


@evidence.reaches("motion.background_subtract", **FIGURE)
def reproduce() -> dict[str, Any]:
    """Run both models over the clip; return how far their masks agree."""
    start = time.perf_counter()
    figures, notes = {}, []
    clip = local_folder("video") / "car-detection.mp4"
    for kind, peer in (("mog2", cv2.createBackgroundSubtractorMOG2()), ("knn", cv2.createBackgroundSubtractorKNN())):
        model, both, either, seconds = motion.BackgroundSubtractor(kind), 0, 0, [0.0, 0.0]
        for frame in image.frames(clip):
            clock = time.process_time()
            ours = model.apply(frame)
            middle = time.process_time()
            theirs = peer.apply(frame) == 255
            seconds[0] += middle - clock
            seconds[1] += time.process_time() - middle
            both += int((ours & theirs).sum())
            either += int((ours | theirs).sum())
        figures[kind] = both / either
        per_frame = [1000 * value / model.frames for value in seconds]
        notes.append(f"{kind} {figures[kind]:.4f}, processor ms a frame {per_frame[0]:.1f} (OpenCV {per_frame[1]:.1f})")
    notes.append(f"OpenCV's knn with itself {_by_chance(clip):.4f}")
    return {
        "figure": FIGURE["figure"],
        "published": FIGURE["published"],
        "ours": figures["mog2"],
        "sd": 0.0,
        "seconds": round(time.perf_counter() - start, 1),
        "holds": figures["mog2"] >= 0.9,
        "note": "; ".join(notes),
    }


def _by_chance(clip: Path) -> float:
    """Return how far OpenCV's nearest neighbours agree with themselves, when chance draws other samples."""
    pair, both, either = [cv2.createBackgroundSubtractorKNN() for _ in range(2)], 0, 0
    for number, frame in enumerate(image.frames(clip)):
        masks = []
        for seed, model in enumerate(pair):
            cv2.setRNGSeed(1000 * seed + number + 1)
            masks.append(model.apply(frame) == 255)
        both += int((masks[0] & masks[1]).sum())
        either += int((masks[0] | masks[1]).sum())
    return both / either

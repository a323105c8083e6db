"""Bags of words against colour histograms: which of ten classes a small photo shows, with the same linear machine.

2,500 photos of CIFAR-10's training part teach, 1,000 of its test part are asked for. Words are blocks of oriented
gradients of the photo at twice its size, counted in the whole and in its quarters; the other side counts 512 colours.
Both sides take square roots first, and for both the best of three costs is taken, chosen on a fifth of the training
photos that is held back.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from sightline import image
from sightline.core import evidence
from sightline.data.named import local_folder
from sightline.features.bag_of_words import BagOfWords
from sightline.learn import LinearSVM
from sightline.metrics import bootstrap_interval

FIGURE = {
    "figure": "accuracy of bags of words less that of colour histograms, CIFAR-10 subset (points)",
    "published": 0.0,
    "source": "colour histograms (512 colours) under the same linear machine, in the same run",
    "data": "cifar10: 2500 training and 1000 test photos",
}
TRAINING, TEST, WORDS = 2500, 1000, 300
COSTS = (0.1, 1.0, 10.0)


@evidence.reaches("features.spatial_pyramid", **FIGURE)
def reproduce() -> dict[str, Any]:
    """Teach both sides; return how much better words do, in points, with the paired 95 % interval."""
    start = time.perf_counter()
    folder = local_folder("cifar10")
    (photos, labels), (others, expected) = photos_of(folder, "train", TRAINING), photos_of(folder, "test", TEST)
    bag = BagOfWords(WORDS, features="dense", levels=1, seed=0).fit(photos[::5])
    words = right(*(bag.transform(part, weighted=False) for part in (photos, others)), labels, expected)
    colours = right(colours_of(photos), colours_of(others), labels, expected)
    gain = words.astype(np.float64) - colours
    low, high = bootstrap_interval(100 * gain, iterations=5000)
    return {
        "figure": FIGURE["figure"],
        "published": FIGURE["published"],
        "ours": round(100 * float(gain.mean()), 2),
        "sd": 0.0,
        "interval": [round(low, 2), round(high, 2)],
        "seconds": round(time.perf_counter() - start, 1),
        "holds": low > FIGURE["published"],
        "note": f"words {100 * words.mean():.1f} %, colours {100 * colours.mean():.1f} % right of {TEST} photos",
    }


def photos_of(folder: Path, part: str, count: int) -> tuple[list[np.ndarray], np.ndarray]:
    """Return the first photos of a part, 32×32×3 each, and their labels: sheets of 2500, 50 in a row."""
    photos: list[np.ndarray] = []
    for path in sorted(folder.glob(f"{part}_*.jpg")):
        sheet = image.read(path)
        tiles = sheet.reshape(50, 32, 50, 32, 3).swapaxes(1, 2).reshape(-1, 32, 32, 3)
        photos.extend(tiles[: count - len(photos)])
        if len(photos) == count:
            break
    return photos, np.load(folder / f"{part}_labels.npy")[:count].astype(np.int64)


def colours_of(photos: list[np.ndarray]) -> np.ndarray:
    """Return N×512 float32 shares of colours, eight steps a channel."""
    codes = (np.stack(photos).astype(np.int64) // 32) @ np.array([64, 8, 1])
    counts = np.stack([np.bincount(code.ravel(), minlength=512) for code in codes])
    return (counts / codes[0].size).astype(np.float32)


def right(shares: np.ndarray, others: np.ndarray, labels: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Return which test photos a machine taught on the square roots of shares gets right, as N bool."""
    features, held = np.sqrt(shares), np.arange(len(labels)) % 5 == 0
    tries = []
    for cost in COSTS:
        machine = LinearSVM(cost, tolerance=1e-2).fit(features[~held], labels[~held])
        tries.append(machine.score(features[held], labels[held]))
    machine = LinearSVM(COSTS[int(np.argmax(tries))], tolerance=1e-2).fit(features, labels)
    return machine.predict(np.sqrt(others)) == expected

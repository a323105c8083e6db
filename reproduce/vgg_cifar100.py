"""VGG-11 on a fifth of CIFAR-100: points of accuracy above logistic regression on gradients, in seven CPU minutes.

Nothing is published for these 100 training pictures of each of a hundred classes, so the same command fits two other
classifiers that were usual before: the nearest picture, and logistic regression on histograms of oriented gradients.
Their settings, and the network's, were sought on training pictures that were set aside. What is tested is the network
after the last epoch. The minutes are those of a processor with units for bfloat16; others compute in float32, and take
longer.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

import sightline
from sightline.cli.folders import load_file
from sightline.core import evidence
from sightline.data import ImageSet, open_dataset
from sightline.data.image_set import Split
from sightline.features import hog
from sightline.learn import KNN, SoftmaxClassifier
from sightline.metrics import bootstrap_interval

FIGURE = {
    "figure": "points of top-1 by which VGG-11 beats logistic regression on gradients, 100 classes",
    "published": 0.0,
    "source": "logistic regression on HOG (Dalal & Triggs 2005) of the same pictures, in the same run",
    "data": "cifar100: a subset, 100 training and 25 test pictures of each class",
}
SETTINGS: dict[str, Any] = {
    "batch_norm": True,
    "hidden": 128,
    "dropout": 0.0,
    "epochs": 7,
    "batch_size": 125,
    "optimizer": "muon",
    "learning_rate": 0.01,
    "weight_decay": 0.2,
    "schedule": "cosine",
    "augment": "light",
    "label_smoothing": 0.1,
    "val_fraction": 0.02,
    "seed": 0,
    "device": "cpu",
    "threads": 1,
}


@evidence.reaches("classify.vgg11", **FIGURE)
def reproduce() -> dict[str, Any]:
    """Fit all three, test each once; return the points of accuracy between the network and the gradients."""
    start = time.perf_counter()
    data = open_dataset("cifar100")
    nearest, edges = by_pixels(data), by_gradients(data)
    precision = load_file("reproduce", "cifar10-airbench").precision()
    with tempfile.TemporaryDirectory(prefix="vgg-cifar100-") as scratch:
        probabilities, learnt = learn(Path(scratch) / "run", data, precision)
    labels = data.test.labels
    right = probabilities.argmax(axis=1) == labels
    among = (np.argsort(-probabilities, axis=1)[:, :5] == labels[:, None]).any(axis=1)
    gained = right.astype(float) - edges
    low, high = bootstrap_interval(gained)
    return {
        "figure": FIGURE["figure"],
        "published": FIGURE["published"],
        "ours": round(100 * float(gained.mean()), 1),
        "sd": None,
        "interval": [round(100 * low, 1), round(100 * high, 1)],
        "images": len(labels),
        "seconds": round(time.perf_counter() - start, 1),
        "holds": low > 0,
        "note": f"VGG-11: top-1 {said(right)}, top-5 {said(among)}; gradients {said(edges)}, nearest picture "
        f"{said(nearest)}; chance 1 and 5 %; {precision}, one seed, {learnt / 60:.1f} CPU minutes of training",
    }


def by_pixels(data: ImageSet) -> np.ndarray:
    """Return which test pictures have the class of the nearest training picture, N bools."""
    return KNN(1).fit(pixels(data.train), data.train.labels).predict(pixels(data.test)) == data.test.labels


def by_gradients(data: ImageSet) -> np.ndarray:
    """Return which test pictures a logistic regression on gradients in cells of 4×4 pixels is right about, N bools."""
    model = SoftmaxClassifier(0.1, tolerance=1e-3).fit(gradients(data.train), data.train.labels)
    return model.predict(gradients(data.test)) == data.test.labels


def pixels(part: Split) -> np.ndarray:
    """Return N×3072 float32."""
    return np.stack([image for image, _ in part]).reshape(len(part), -1).astype(np.float32)


def gradients(part: Split) -> np.ndarray:
    """Return N×1764 float32: 7×7 blocks of four cells, nine orientations each."""
    return np.stack([hog(image, cell=4) for image, _ in part])


def learn(place: Path, data: ImageSet, precision: str) -> tuple[np.ndarray, float]:
    """Train and write the report; return the test pictures' probabilities, N×100, and the CPU seconds of training."""
    start = time.process_time()
    sightline.train("classify/vgg11", data, out=place, progress=True, precision=precision, **SETTINGS)
    learnt = time.process_time() - start
    run = sightline.load(place, weights="last", device="cpu")
    return run.recipe.examine(run.model, data, "test").probabilities, learnt


def said(right: np.ndarray) -> str:
    """Return an accuracy in per cent with its 95 % interval."""
    low, high = bootstrap_interval(right)
    return f"{100 * right.mean():.1f} % ({100 * low:.1f}–{100 * high:.1f})"

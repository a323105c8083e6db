"""MNIST learnt by a modern small network in minutes of one processor: airbench of half width, by Muon.

What is tested is the network after the last epoch, each digit seen where it is and moved by a pixel: the test digits
choose nothing. Digits are turned, scaled and shifted while it learns, never mirrored.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import sightline
from sightline.classify.prepare import Prepared
from sightline.cli.folders import load_file
from sightline.core import evidence
from sightline.data import open_dataset

FIGURE = {
    "figure": "test accuracy of airbench of half width on MNIST (%)",
    "published": 99.6,
    "source": "Simard, Steinkraus & Platt 2003: a convolutional net, elastic distortions, error 0.4 %",
    "data": "mnist: 60,000 training and 10,000 test digits",
}
SETTINGS: dict[str, Any] = {
    "epochs": 8,
    "width": 0.5,
    "first_size": 0,
    "augment": "standard",
    "label_smoothing": 0.1,
    "val_fraction": 0.02,
    "seed": 0,
    "device": "cpu",
}


@evidence.reaches("classify.airbench", **FIGURE)
def reproduce() -> dict[str, Any]:
    """Train on all but 1,200 training digits, test once; return the accuracy in per cent."""
    start, worked = time.perf_counter(), time.process_time()
    quick, data = load_file("reproduce", "cifar10-airbench"), open_dataset("mnist")
    with tempfile.TemporaryDirectory(prefix="mnist-airbench-") as scratch:
        place = Path(scratch) / "run"
        settings = {**quick.MUON, "precision": quick.precision(), **SETTINGS}
        sightline.train("classify/airbench", data, out=place, progress=True, report=False, **settings)
        learnt = time.process_time() - worked
        run = sightline.load(place, weights="last", device="cpu")
        digits = Prepared(data.test, run.recipe.form, keep=False)
        scores = run.recipe.scores(run.model, digits, shift=1)
    right = round(100 * float((scores.argmax(axis=1) == digits.labels).mean()), 2)
    return {
        "figure": FIGURE["figure"],
        "published": FIGURE["published"],
        "ours": right,
        "sd": None,
        "seconds": round(time.perf_counter() - start, 1),
        "holds": right >= FIGURE["published"],
        "note": f"{quick.precision()}, one seed, the last epoch; {learnt / 60:.1f} CPU minutes of training",
    }

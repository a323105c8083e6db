"""LeNet-5 on MNIST: error on the 10,000 test digits (LeCun 1998: 0.95 %).

No distortion of the training digits, as in the paper's 0.95 % (section III.C). Plain gradient descent with momentum
stands in for the paper's stochastic diagonal Levenberg-Marquardt, and fourteen epochs for its twenty. What is tested is
the network after the last epoch: the test digits choose nothing.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import sightline
from sightline.core import evidence
from sightline.data import open_dataset

FIGURE = {
    "figure": "test error of LeNet-5 on MNIST (%)",
    "published": 0.95,
    "source": "LeCun 1998, section III.C, without distortions",
    "data": "mnist: 60,000 training and 10,000 test digits",
}
SETTINGS: dict[str, Any] = {
    "epochs": 14,
    "batch_size": 64,
    "optimizer": "nesterov",
    "momentum": 0.9,
    "learning_rate": 0.05,
    "weight_decay": 5e-4,
    "warmup": 1.4,
    "schedule": "cosine",
    "augment": "none",
    "val_fraction": 0.02,
    "seed": 0,
    "device": "cpu",
}


@evidence.reaches("classify.lenet5", **FIGURE)
def reproduce() -> dict[str, Any]:
    """Train on all but 1,200 training digits, test once; return the error in per cent."""
    start = time.perf_counter()
    data = open_dataset("mnist")
    with tempfile.TemporaryDirectory(prefix="lenet5-mnist-") as scratch:
        run = Path(scratch) / "run"
        sightline.train("classify/lenet5", data, out=run, progress=True, report=False, **SETTINGS)
        found = sightline.load(run, weights="last", device="cpu").evaluate(data, split="test")
    error = 100 * (1 - found["accuracy"])
    return {
        "figure": FIGURE["figure"],
        "published": FIGURE["published"],
        "ours": round(error, 2),
        "sd": None,
        "seconds": round(time.perf_counter() - start, 1),
        "holds": round(error, 2) <= FIGURE["published"],
        "note": "one seed, no distortions, the last epoch",
    }

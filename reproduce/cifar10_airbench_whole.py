"""CIFAR-10 from nothing in half an hour of one processor: the paper's whole network by Muon (Jordan 2024: 94 %).

Trained and tested as in ``cifar10_airbench.py``, with more epochs, all channels, and all pixels from the start.
Settings were sought on training pictures that were set aside. Of the two that were then trained in full, the other one
reached 92.3 %: mirrors at random, black borders, half the epochs at fewer pixels, and no moved views.
"""

from __future__ import annotations

import time
from typing import Any

from sightline.cli.folders import load_file
from sightline.core import evidence

FIGURE = {
    "figure": "test accuracy of the whole airbench on CIFAR-10, half an hour of one processor (%)",
    "published": 94.0,
    "source": "Jordan 2024, the whole network: 9.9 epochs, 3.83 s of an A100",
    "data": "cifar10: 50,000 training and 10,000 test pictures",
}
SETTINGS: dict[str, Any] = {"first_size": 0, "epochs": 16, "width": 1.0}
REACHED = 93.0  # what half an hour of one processor is to reach


@evidence.reaches("classify.airbench", **FIGURE)
def reproduce() -> dict[str, Any]:
    """Train and test once; return the accuracy in per cent."""
    start = time.perf_counter()
    quick = load_file("reproduce", "cifar10-airbench")
    right, learnt = quick.learn({**quick.MUON, **SETTINGS}, "cpu")
    return {
        "figure": FIGURE["figure"],
        "published": FIGURE["published"],
        "ours": right,
        "sd": None,
        "seconds": round(time.perf_counter() - start, 1),
        "holds": right >= REACHED,
        "note": f"{quick.precision()}, one seed, the last epoch; {learnt:.0f} CPU seconds of training; "
        f"holds from {REACHED:g} %",
    }

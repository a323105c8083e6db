"""Segmentations on BSDS500: covering, Rand index and variation of information (published covering: 0.54, 0.52).

Each method's scale is the one of the best covering on every second validation image, from which the list of scales of
mean shift was drawn up, too; the test images are then looked at once, at that scale (ODS).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import loadmat

from sightline import image, read
from sightline.core import evidence, kernels
from sightline.data.named import local_folder
from sightline.metrics import probabilistic_rand_index, segmentation_covering, variation_of_information

FIGURE = {
    "figure": "BSDS500 regions, covering of mean shift at one scale (ODS)",
    "published": 0.54,
    "source": "Arbeláez et al. 2011, Table 2 (quoted from memory): mean shift 0.54, 200 test images",
    "data": "bsds500: 50 test images, scale chosen on 6 validation images",
}
Scale = partial[np.ndarray]
# (method, its scales from fine to coarse, published covering, Rand index and variation of information at ODS)
METHODS: dict[str, tuple[list[Scale], tuple[float, float, float]]] = {
    "mean shift": (
        [
            partial(image.mean_shift_segment, radius=7, colour_radius=c, min_size=m, iterations=5)
            for c, m in ((4.0, 500), (4.0, 1500), (5.0, 1000), (5.0, 3000), (6.5, 2000))
        ],
        (0.54, 0.79, 1.85),
    ),
    "felzenszwalb": (
        [
            partial(image.felzenszwalb, scale=k, min_size=m)
            for k, m in ((200, 100), (400, 300), (600, 600), (1000, 1000), (600, 2000), (1500, 2500))
        ],
        (0.52, 0.80, 2.21),
    ),
}


@evidence.reaches("image.mean_shift_segment", **FIGURE)
def reproduce() -> dict[str, Any]:
    """Choose each method's scale on the validation images; return the figures on the test images."""
    start = time.perf_counter()
    folder = local_folder("bsds500")
    rows, texts = {}, []
    for name, (scales, published) in METHODS.items():
        tried = scores(images(folder, "val")[::2], scales, [segmentation_covering])  # images × scales × 1
        chosen = scales[int(np.argmax(tried[:, :, 0].mean(axis=0)))]
        measures = [segmentation_covering, probabilistic_rand_index, variation_of_information]
        covering, rand, information = scores(images(folder, "test"), [chosen], measures)[:, 0].mean(axis=0)
        rows[name] = round(float(covering), 4)
        options = ", ".join(f"{key} {value:g}" for key, value in chosen.keywords.items())
        texts.append(
            f"{name} ({options}): covering {covering:.3f}, PRI {rand:.3f}, VI {information:.3f}; "
            f"published {published[0]:.2f}, {published[1]:.2f}, {published[2]:.2f}"
        )
    return {
        "figure": FIGURE["figure"],
        "published": FIGURE["published"],
        "ours": rows["mean shift"],
        "sd": 0.0,
        "felzenszwalb": rows["felzenszwalb"],
        "seconds": round(time.perf_counter() - start, 1),
        "holds": rows["mean shift"] >= FIGURE["published"],
        "note": "; ".join(texts) + "; published figures quoted from memory; 50 of the 200 test images",
    }


def images(folder: Path, split: str) -> list[Path]:
    """Return the photos of a split."""
    return sorted((folder / "images" / split).glob("*.jpg"))


def scores(files: list[Path], scales: list[Scale], measures: list[Callable[..., float]]) -> np.ndarray:
    """Return the measures of each image at each scale."""
    with ThreadPoolExecutor(kernels.threads()) as pool:
        return np.array(list(pool.map(lambda file: scores_of(file, scales, measures), files)))


def scores_of(file: Path, scales: list[Scale], measures: list[Callable[..., float]]) -> list[list[float]]:
    """Return the measures of one image at each scale."""
    picture = read(file)
    truth = loadmat(file.parents[2] / "groundTruth" / file.parent.name / f"{file.stem}.mat")["groundTruth"][0]
    people = [person["Segmentation"][0, 0].astype(np.int32) for person in truth]
    return [[measure(labels, people) for measure in measures] for labels in (scale(picture) for scale in scales)]

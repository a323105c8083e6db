"""What structure from motion costs for 5, 11, 40 and 120 photos, and how it grows.

Photos of one fox by a telephone (ngp_fox, 480×270): every other one up to 5 and 11, the first 40; then all 50 together
with 70 pictures of a rendered toy (nerf_lego, 200×200), two scenes in one folder, of which one is reconstructed. Beyond
60 photos, each is matched with those that look most like it, not with all. The growth is the exponent of the processor
time between 5 and 120.
"""

from __future__ import annotations

import io
import math
import time
import zipfile
from typing import Any

import numpy as np
from PIL import Image

from sightline.core import evidence
from sightline.core.kernels import set_threads
from sightline.data.named import local_folder
from sightline.geometry import structure_from_motion

COUNTS = (5, 11, 40, 120)
FIGURE = {
    "figure": "growth of the time with the number of photos, as an exponent",
    "published": 2.0,
    "source": "matching of all pairs, whose number grows with the square",
    "data": "ngp_fox, 50 photos; nerf_lego, 70 of 100",
}


@evidence.reaches("geometry.structure_from_motion", **FIGURE)
def reproduce() -> dict[str, Any]:
    """Time each number of photos; return the exponent."""
    set_threads(2)
    fox = sorted((local_folder("ngp_fox") / "images").glob("*.jpg"))
    sets: list[list[Any]] = [fox[:10:2], fox[:22:2], fox[:40], [*fox, *_toy(COUNTS[-1] - len(fox))]]
    structure_from_motion(sets[0])  # what is compiled is not timed
    lines, times = [], []
    for count, photos in zip(COUNTS, sets, strict=True):
        start, cpu = time.perf_counter(), time.process_time()
        found = structure_from_motion(photos)
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
        times.append(cpu)
        parts = ", ".join(f"{name} {value:.1f}" for name, value in found.seconds.items())
        lines.append(
            f"{count}: {len(found)} placed, {len(found.points)} points, {len(found.pairs)} pairs, {seconds:.1f} s "
            f"({parts}; {cpu:.1f} s of CPU)"
        )
    growth = math.log(times[-1] / times[0]) / math.log(COUNTS[-1] / COUNTS[0])
    return {
        "figure": FIGURE["figure"],
        "published": FIGURE["published"],
        "ours": round(growth, 2),
        "sd": 0.0,
        "holds": growth < FIGURE["published"],
        "note": "; ".join(lines),
    }


def _toy(count: int) -> list[np.ndarray]:
    with zipfile.ZipFile(local_folder("nerf_lego") / "images_200.zip") as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".png"))[:count]
        return [np.asarray(Image.open(io.BytesIO(archive.read(name))).convert("RGB")) for name in names]

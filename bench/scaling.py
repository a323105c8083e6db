"""How time and memory grow with the picture: ``python bench/scaling.py [--side 16384] [NAME…]``.

Each method runs in a process of its own on a grey uint8 picture of 1024², 4096² and, where asked, a larger side. Time
is that of all processors per pixel, which other work on the machine disturbs least, the best of three (two of a larger
side); memory is the peak beyond the interpreter, the picture and the result, as a multiple of the picture's bytes.
``--keep FILE`` writes the table as JSON; rows that it holds already and that are not run stay.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

NAMES = {
    "gaussian_blur": "f(image, 3.0)",
    "box_blur": "f(image, 31)",
    "median_blur": "f(image, 5)",
    "bilateral_filter": "f(image, 5, 30.0, 2.0)",
    "unsharp_mask": "f(image, 2.0)",
    "difference_of_gaussians": "f(image, 2.0)",
    "non_local_means": "f(image, 3, 5, strength=10.0)",
    "guided_filter": "f(image)",
    "match_template": "f(image, image[99:131, 99:131])",
    "sobel": "f(image)",
    "canny": "f(image)",
    "threshold": "f(image, 127)",
    "otsu_threshold": "f(image)",
    "adaptive_threshold": "f(image, 31, 5.0)",
    "equalize": "f(image)",
    "dilate": "f(image, 31)",
    "label": "f(image > 127)",
    "fill_holes": "f(image > 127)",
    "remove_small": "f(image > 127)",
    "distance_transform": "f(image > 20)",
    "resize": "f(image, (image.shape[0] // 2, image.shape[1] // 2))",
    "warp_affine": "f(image, np.array([[0.9, 0.1, 5.0], [-0.1, 0.9, 9.0]]), image.shape)",
}
_SCRIPT = """
import json, resource, time
import numpy as np
from sightline.image import {name} as f
def run(side):
    y = np.sin(np.arange(side, dtype=np.float32) / 9)[:, None]
    image = np.empty((side, side), np.uint8)
    for i in range(0, side, 256):
        image[i:i + 256] = 127 + 60 * y[i:i + 256] + 60 * np.sin(np.arange(side, dtype=np.float32) / 13)
    best = 1e9
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range({times}):
        start = time.process_time()
        result = {call}
        best = min(best, time.process_time() - start)
        parts = result if isinstance(result, tuple) else (result,)
        size = sum(part.nbytes for part in parts if isinstance(part, np.ndarray))
        del result, parts
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return best / side**2 * 1e9, max(0, (after - before) * 1024 - size) / side**2, size / side**2
run(256)
print(json.dumps(run({side})))
"""


def main() -> int:
    """Print nanoseconds a pixel and memory for each method and size."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--side", type=int, default=0, help="a third, larger side, for example 16384")
    parser.add_argument("--keep", type=Path, help="JSON file to keep the table in, for example docs/scaling.json")
    options = parser.parse_args()
    sides = [1024, 4096, *([options.side] if options.side else [])]
    print(f"{'method':20s}" + "".join(f"{side:>9d}² ns/px {'memory':>7s}" for side in sides))
    rows = []
    for name in options.names or NAMES:
        row = {
            "name": name,
            "call": NAMES[name].replace("f(", f"{name}(", 1),
            "sides": [_measure(name, n) for n in sides],
        }
        cells = "".join(f"{cell['ns']:16.2f} {cell['memory']:6.1f}×" for cell in row["sides"])
        print(f"{name:20s}{cells}", flush=True)
        rows.append(row)
    if options.keep is not None:
        _keep(options.keep, rows)
    return 0


def _measure(name: str, side: int) -> dict[str, float]:
    code = _SCRIPT.format(name=name, call=NAMES[name], side=side, times=2 if side > 8192 else 3)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    nanoseconds, memory, result = json.loads(done.stdout)
    return {"side": side, "ns": round(nanoseconds, 3), "memory": round(memory, 2), "result": round(result, 2)}


def _keep(path: Path, rows: list[dict[str, Any]]) -> None:
    before = json.loads(path.read_text("utf-8"))["rows"] if path.exists() else []
    merged = {row["name"]: row for row in before} | {row["name"]: row for row in rows}
    kept = {"rows": [merged[name] for name in NAMES if name in merged]}
    path.write_text(json.dumps(kept, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    sys.exit(main())

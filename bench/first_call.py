"""What the first call of each kernel costs in a fresh process, compiled then and from the disk cache, in CPU seconds.

``python bench/first_call.py`` compiles into an empty cache folder, then starts again with that cache.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile

_CALLS = {
    "convert rgb→gray": 'image.convert(rgb, "rgb", "gray")',
    "convert rgb→hsv": 'image.convert(rgb, "rgb", "hsv")',
    "gaussian_blur uint8": "image.gaussian_blur(gray, 2.0)",
    "gaussian_blur float32": "image.gaussian_blur(gray32, 2.0)",
    "median_blur 3": "image.median_blur(gray, 3)",
    "median_blur 5": "image.median_blur(gray, 5)",
    "median_blur 15": "image.median_blur(gray, 15)",
    "resize bilinear": "image.resize(rgb, (20, 30))",
    "resize half": "image.resize(rgb, (32, 40), antialias=False)",
    "gradient": "image.gradient(gray)",
    "sobel": "image.sobel(gray)",
    "canny": "image.canny(gray)",
    "threshold": "image.threshold(gray, 127)",
    "otsu_threshold": "image.otsu_threshold(gray)",
    "dilate": "image.dilate(gray)",
    "erode": "image.erode(gray)",
}

_SCRIPT = """
import json, sys, time
import numpy as np
rgb = np.random.default_rng(0).integers(0, 256, (64, 80, 3), np.uint8)
gray = rgb[..., 0].copy()
gray32 = gray.astype(np.float32)
start = time.process_time()
from sightline import image
{function}  # loads its file
imported = time.process_time() - start
name = {name!r}
start = time.process_time()
{call}
print(json.dumps([imported, time.process_time() - start]))
"""


def main() -> int:
    """Print CPU seconds of the first call ever and of the first call from the cache, each in a process of its own."""
    print(f"{'kernel':24s} {'first ever':>10s} {'from cache':>10s} {'imports':>8s}   CPU seconds")
    for name, call in _CALLS.items():
        with tempfile.TemporaryDirectory() as cache:
            environment = {**os.environ, "NUMBA_CACHE_DIR": cache}
            cold, warm = (_start(name, call, environment) for _ in range(2))
        if cold is None or warm is None:
            print(f"{name:24s} failed")
        else:
            print(f"{name:24s} {cold[1]:10.3f} {warm[1]:10.3f} {warm[0]:8.3f}", flush=True)
    return 0


def _start(name: str, call: str, environment: dict[str, str]) -> list[float] | None:
    code = _SCRIPT.format(name=name, call=call, function=call.partition("(")[0])
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    return json.loads(done.stdout) if done.returncode == 0 else None


if __name__ == "__main__":
    sys.exit(main())

"""What a first call costs in a fresh process: each image method, compiled then and from the disk cache, in CPU seconds.

``python bench/first_call.py [NAME…]`` compiles into an empty cache folder, then starts again with that cache. The call
is the catalogue's example on a small grey uint8 picture (a mask or a label map for the methods that take one).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile

_SCRIPT = """
import json, time
import numpy as np
y, x = np.mgrid[0:64, 0:80]
gray = (127 + 60 * np.sin(x / 5) + 60 * np.cos(y / 7)).astype(np.uint8)
start = time.process_time()
from sightline.core.catalogue import find
method = find("image.{name}")
image = {{"mask": gray > 127, "labels": (gray // 64).astype(np.int32)}}.get(method.parameters[0].kind, gray)
others = method.arguments(image)
imported = time.process_time() - start
start = time.process_time()
method.function(image, **others)
print(json.dumps([imported, time.process_time() - start]))
"""


def main(names: list[str]) -> int:
    """Print CPU seconds of the first call ever and of the first call from the cache, each in a process of its own."""
    from sightline.core.catalogue import methods

    chosen = [m.name for m in methods("image") if m.parameters[0].kind in ("image", "mask", "labels")]
    print(f"{'method':24s} {'first ever':>10s} {'from cache':>10s}   CPU seconds")
    cold_times = []
    for name in names or chosen:
        with tempfile.TemporaryDirectory() as cache:
            environment = {**os.environ, "NUMBA_CACHE_DIR": cache}
            cold, warm = (_start(name, environment) for _ in range(2))
        if cold is None or warm is None:
            print(f"{name:24s} takes another picture")
            continue
        cold_times.append(cold)
        print(f"{name:24s} {cold:10.2f} {warm:10.2f}", flush=True)
    if cold_times:
        within = sum(value <= 1 for value in cold_times)
        print(f"{within} of {len(cold_times)} within 1 s; median {sorted(cold_times)[len(cold_times) // 2]:.2f} s")
    return 0


def _start(name: str, environment: dict[str, str]) -> float | None:
    code = _SCRIPT.format(name=name)
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    return json.loads(done.stdout)[1] if done.returncode == 0 else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

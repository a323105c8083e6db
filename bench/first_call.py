"""What a first call costs in a fresh process: each image method, compiled then and from the disk cache, in CPU seconds.

``python bench/first_call.py [--keep FILE] [NAME…]`` compiles into an empty cache folder, then starts again with that
cache. The call is the catalogue's example on a small uint8 picture: a mask or a label map where the method takes one,
else grey, or in colour where grey is refused. ``--keep`` puts the table into a JSON file; rows that it holds already
and that are not run stay.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

_SCRIPT = """
import time
import numpy as np
y, x = np.mgrid[0:64, 0:80]
gray = (127 + 60 * np.sin(x / 5) + 60 * np.cos(y / 7)).astype(np.uint8)
from sightline.core.catalogue import find
method = find("image.{name}")
image = {{"mask": gray > 127, "labels": (gray // 64).astype(np.int32)}}.get(method.parameters[0].kind, gray)
if method.parameters[0].kind == "image" and "{colour}":
    image = np.dstack([gray, gray.T.reshape(gray.shape), 255 - gray])
others = method.arguments(image)
start = time.process_time()
method.function(image, **others)
print(time.process_time() - start)
"""


def main() -> int:
    """Print CPU seconds of the first call ever and of the first call from the cache, each in a process of its own."""
    from sightline.core.catalogue import methods

    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("names", nargs="*", help="methods; all that take one picture by default")
    parser.add_argument("--keep", type=Path, help="JSON file to keep the table in, for example docs/first_call.json")
    options = parser.parse_args()
    chosen = [m.name for m in methods("image") if m.parameters[0].kind in ("image", "mask", "labels")]
    print(f"{'method':24s} {'first ever':>10s} {'from cache':>10s}   CPU seconds")
    measured: dict[str, list[float]] = {}
    for name in options.names or chosen:
        with tempfile.TemporaryDirectory() as cache:
            environment = {**os.environ, "NUMBA_CACHE_DIR": cache}
            cold, cached = (_start(name, environment) for _ in range(2))
        if cold is None or cached is None:
            print(f"{name:24s} takes another picture")
            continue
        measured[name] = [round(cold, 2), round(cached, 2)]
        print(f"{name:24s} {cold:10.2f} {cached:10.2f}", flush=True)
    if measured:
        first = [cold for cold, _ in measured.values()]
        within = sum(cold <= 1 for cold in first)
        print(f"{within} of {len(first)} within 1 s; median {statistics.median(first):.2f} s")
    if options.keep is not None:
        kept = json.loads(options.keep.read_text("utf-8")) if options.keep.exists() else {}
        known = kept | measured
        text = json.dumps({name: known[name] for name in chosen if name in known}, indent=1)
        options.keep.write_text(text + "\n", "utf-8")
    return 0


def _start(name: str, environment: dict[str, str]) -> float | None:
    """Return the seconds of a first call on a grey picture or, where a method refuses it, on one in colour."""
    for colour in ("", "yes"):
        code = _SCRIPT.format(name=name, colour=colour)
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return float(done.stdout)
    return None


if __name__ == "__main__":
    sys.exit(main())

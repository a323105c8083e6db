"""How time and memory grow with the picture: ``python bench/scaling.py [--side 16384] [NAME…]``.

Each call of ``scaling.toml`` runs in a process of its own on a uint8 picture, smooth grey or RGB or grey noise, of
1024², 4096² and, where asked, a larger side. Time is that of all processors per pixel, which other work on the machine
disturbs least, the best of three (fewer of what takes more than 20 s); memory is the first call's peak beyond the
interpreter, what the call is given and its result, as a multiple of the picture's bytes. ``--keep FILE`` writes the
table as JSON; rows that it holds already and that are not run stay. A larger side that takes more than ``--longest``
seconds or ``--most`` GB by what 4096² took is left out.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

TABLE = Path(__file__).with_suffix(".toml")
_SCRIPT = """
import ctypes, dataclasses, json, resource, sys, tempfile, time
from pathlib import Path
import numpy as np
import sightline.image as im
from sightline.core import buffers

def f(*given, **options):
    return given, options

def picture(side):
    waves = [np.sin(np.arange(side, dtype=np.float32) / n) for n in (9, 13, 17, 23)]
    if "{kind}" == "noise":
        return np.random.default_rng(0).integers(0, 256, (side, side), np.uint8)
    image = np.empty((side, side) if "{kind}" == "grey" else (side, side, 3), np.uint8)
    for i in range(0, side, 256):
        for channel, plane in enumerate(np.moveaxis(np.atleast_3d(image[i:i + 256]), 2, 0)):
            plane[...] = 127 + 60 * waves[channel][i:i + 256, None] + 60 * waves[channel + 1]
    return image

def moved(image):
    return np.ascontiguousarray(np.roll(image, 5, axis=1))

def places(image):
    grid = np.empty((*image.shape[:2], 2), np.float32)
    grid[..., 0], grid[..., 1] = np.arange(grid.shape[1])[None, :], np.arange(grid.shape[0])[:, None]
    return grid

def corners(image):
    h, w = image.shape[:2]
    return np.array([[0, 0], [w - 1, 0], [w - 1, h - 1], [0, h - 1]], np.float32)

def scene(image):
    rough = np.random.default_rng(0).integers(0, 256, (image.shape[0] // 8, image.shape[1] // 8, 3), np.uint8)
    return im.resize(rough, image.shape[:2], "bicubic")

def png(image):
    im.write(folder / "given.png", image)
    return (folder / "given.png").read_bytes()

def size(value, known):
    if id(value) in known:
        return 0
    known.add(id(value))
    if isinstance(value, np.ndarray):
        return sys.getsizeof(value) + (0 if value.base is None else value.nbytes)
    parts = value if isinstance(value, (tuple, list)) else ()
    if dataclasses.is_dataclass(value):
        parts = [getattr(value, "__dict__", None), *(getattr(value, f.name) for f in dataclasses.fields(value))]
    return sys.getsizeof(value) + sum(size(part, known) for part in parts)

def resident(word):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(word)) * 1024

def run(side):
    image = picture(side)
    given, options = {call}
    buffers.release()
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    before, best, started = resident("VmRSS"), 1e9, time.perf_counter()
    for k in range({times}):
        start = time.process_time()
        result = im.{name}(*given, **options)
        best = min(best, time.process_time() - start)
        if k == 0:
            peak, held = resident("VmHWM"), size(result, set())
        del result
        if time.perf_counter() - started > 20:
            break
    return best / side**2 * 1e9, max(0, peak - before - held) / image.nbytes, held / image.nbytes

with tempfile.TemporaryDirectory() as name:
    folder = Path(name)
    run(256)
    print(json.dumps(run({side})))
"""


class Call(NamedTuple):
    """A row of the table: ``kind`` of picture, ``name`` of the method, and the ``call`` with ``f`` for the method."""

    kind: str
    name: str
    call: str

    def shown(self) -> str:
        """Return the call as it is written in a program."""
        return self.call.replace("f(", f"{self.name}(", 1).replace("im.", "")


def calls() -> list[Call]:
    """Return what ``scaling.toml`` lists."""
    kinds = tomllib.loads(TABLE.read_text("utf-8"))
    listed = ((kind, name, told) for kind, names in kinds.items() for name, told in names.items())
    return [Call(kind, name, one) for kind, name, told in listed for one in ([told] if isinstance(told, str) else told)]


def main() -> int:
    """Print nanoseconds a pixel and memory for each call and size."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("names", nargs="*", help="methods; all by default")
    parser.add_argument("--side", type=int, default=0, help="a third, larger side, for example 16384")
    parser.add_argument("--longest", type=float, default=120, help="seconds that a call of the third side may take")
    parser.add_argument("--most", type=float, default=16, help="GB that a process of the third side may take")
    parser.add_argument("--keep", type=Path, help="JSON file to keep the table in, for example docs/scaling.json")
    options = parser.parse_args()
    print(f"{'ns per pixel, memory × the picture':74s}" + "".join(f"{n:>15d}²" for n in _sides(options.side)))
    for call in calls():
        if options.names and call.name not in options.names:
            continue
        cells: list[dict[str, float]] = []
        for side in _sides(options.side):
            if len(cells) < 2 or _bearable(call, cells[-1], side, options.longest, options.most):
                cells.append(_measure(call, side))
        told = "".join(f"{cell['ns']:9.2f} {cell['memory']:5.1f}×" for cell in cells)
        print(f"{call.kind:6s}{call.shown():68s}{told}", flush=True)
        if options.keep is not None:
            _keep(options.keep, {"name": call.name, "picture": call.kind, "call": call.shown(), "sides": cells})
    return 0


def _sides(third: int) -> list[int]:
    return [1024, 4096, third] if third else [1024, 4096]


def _bearable(call: Call, cell: dict[str, float], side: int, longest: float, most: float) -> bool:
    """Return whether ``side`` stays within the limits if it costs as much per pixel as ``cell`` did."""
    picture = side**2 * (3 if call.kind == "rgb" else 1)
    given = 2 + 8 * ("places" in call.call) + 4 * ("im." in call.call) + 8 * ("fft" in call.call)
    memory = picture * (given + cell["memory"] + cell["result"]) / 1e9
    return cell["ns"] * side**2 / 1e9 <= longest and memory <= most


def _measure(call: Call, side: int) -> dict[str, float]:
    code = _SCRIPT.format(name=call.name, kind=call.kind, call=call.call, side=side, times=3)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{call.shown()}, {side}²: {done.stderr}")
    nanoseconds, memory, result = json.loads(done.stdout)
    return {"side": side, "ns": round(nanoseconds, 3), "memory": round(memory, 2), "result": round(result, 2)}


def _keep(path: Path, row: dict[str, Any]) -> None:
    """Put a row into the file, in the table's order; rows of calls that the table no longer has go."""
    rows = json.loads(path.read_text("utf-8"))["rows"] if path.exists() else []
    known = {(old.get("picture", "grey"), old["call"]): old for old in [*rows, row]}
    kept = [known[call.kind, call.shown()] for call in calls() if (call.kind, call.shown()) in known]
    path.write_text(json.dumps({"rows": kept}, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    sys.exit(main())

"""Middlebury's RubberWhale, Dimetrodon and Venus: errors of every method of optical flow, beside OpenCV's.

The peers' figures were measured once on the same grey pictures and pixels, with OpenCV 5.0.0 (DISOpticalFlow, preset
medium; calcOpticalFlowFarneback with 3 levels, window 15, 3 iterations, poly_n 5, poly_sigma 1.2; DualTVL1OpticalFlow
of the contributed modules, as it is) and scikit-image 0.26 (optical_flow_tvl1), and stand below as constants. OpenCV
has no Horn–Schunck. Where a method cannot tell (Lucas–Kanade in plain windows), no motion is taken.

Of Horn and Schunck's method no figure for these three pairs was found in print. Barron, Fleet & Beauchemin 1994
("Performance of Optical Flow Techniques", IJCV 12(1)) found 11.26° ± 16.41° for a modified one, every pixel counted, on
the Yosemite sequence, the best dense figure of their survey (as quoted by scribblethink.org/Work/V/Flow1). It stands in
the note beside ours, which are of other pictures, and bounds nothing.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from sightline import image, metrics, motion
from sightline.core import evidence
from sightline.data.named import local_folder

SCENES = ("RubberWhale", "Dimetrodon", "Venus")
PEERS = {  # mean endpoint error in pixels and mean angular error in degrees, of each scene
    "OpenCV DIS": ((0.2258, 7.40), (0.1559, 3.13), (0.3851, 6.02)),
    "OpenCV Farnebäck": ((0.3612, 12.32), (0.9354, 23.28), (1.4426, 22.01)),
    "OpenCV TV-L1": ((0.1568, 4.93), (0.1814, 3.70), (0.3076, 5.49)),
    "scikit-image TV-L1": ((0.2681, 8.29), (0.2394, 4.18), (0.5521, 9.35)),
}
PUBLISHED_ANGLE = 11.26  # degrees: Barron et al. 1994, modified Horn–Schunck, all pixels of Yosemite
FIGURE = {
    "figure": "mean endpoint error of RubberWhale, Dimetrodon and Venus, in pixels",
    "published": round(float(np.mean([error for error, _ in PEERS["OpenCV DIS"]])), 4),
    "source": "OpenCV 5.0.0 DISOpticalFlow (medium), measured on the same pixels",
    "data": "middlebury_flow: RubberWhale, Dimetrodon, Venus",
}


@evidence.reaches("motion.tv_l1", **FIGURE)
def reproduce() -> dict[str, Any]:
    """Find the flow of the three pairs by every method; return TV-L1's mean error, with the others in the note."""
    start = time.perf_counter()
    figures: dict[str, tuple[tuple[float, float], ...]] = {}
    for method in (motion.tv_l1, motion.horn_schunck, motion.farneback, motion.lucas_kanade):
        figures[method.__name__] = tuple(_errors(method, name) for name in SCENES)
    ours = float(np.mean([error for error, _ in figures["tv_l1"]]))
    rows = [f"{name} {_row(errors)}" for name, errors in (figures | PEERS).items()]
    angle = float(np.mean([degrees for _, degrees in figures["horn_schunck"]]))
    rows.append(f"Horn–Schunck's mean angle {angle:.2f}°, published {PUBLISHED_ANGLE:.2f}° (Barron 1994, Yosemite)")
    return {
        "figure": FIGURE["figure"],
        "published": FIGURE["published"],
        "ours": round(ours, 4),
        "sd": 0.0,
        "seconds": round(time.perf_counter() - start, 1),
        "holds": _at_most(figures["tv_l1"], PEERS["OpenCV DIS"])
        and all(_at_most(figures[name], PEERS["OpenCV Farnebäck"]) for name in ("horn_schunck", "farneback")),
        "note": f"{', '.join(SCENES)}: " + "; ".join(rows) + ".",
    }


def _errors(method: Any, name: str) -> tuple[float, float]:
    folder = local_folder("middlebury_flow") / name
    a, b = (image.read(folder / f"frame{number}.png", mode="gray") for number in (10, 11))
    truth = motion.read_flow(folder / "flow10.flo.zip")
    found = method(a, b)
    return metrics.endpoint_error(found, truth), float(np.degrees(metrics.angular_error(found, truth)))


def _row(errors: Any) -> str:
    return ", ".join(f"{pixels:.3f} px {angle:.2f}°" for pixels, angle in errors)


def _at_most(ours: Any, theirs: Any) -> bool:
    return all(mine[0] <= other[0] for mine, other in zip(ours, theirs, strict=True))

"""SIFT's scale space as a stack to walk through: its levels, what is found in them, and one keypoint in full."""

from __future__ import annotations

from typing import Any

import numpy as np

from sightline.core.errors import InputError
from sightline.core.layers import Picture
from sightline.core.trace import Step, Trace
from sightline.core.trace_bytes import Form
from sightline.core.types import Array
from sightline.features.dog_keypoints import Found, Sought, checked
from sightline.features.scale_extrema import extrema, localise
from sightline.features.scale_space import Octave, brightness, octaves_of
from sightline.features.sift_descriptor import BINS, CELLS, descriptors
from sightline.features.sift_orientation import turns

SIGMA, LAYERS = 1.6, 3
_LEAST_SHOWN = 20  # pixels along the shorter side of an octave that is worth a look
_GAIN = 4.0  # of the differences, which are small
_SCREEN = Form(90, 1 << 40, sealed=False)
KEPT, FAINT, EDGE = 0, 1, 2


def levels(image: Array) -> bytes:
    """Return the levels of each octave and the differences between them as a trace, for a screen."""
    steps = []
    for number, octave in enumerate(_octaves(image)):
        height, width = octave.levels.shape[1:]
        for level, blurred in enumerate(octave.levels):
            sigma = SIGMA * 2 ** (level / LAYERS) * octave.pixel
            note = f"{width}×{height} pixels, blurred by σ = {sigma:.2f} pixels of the photo."
            steps.append(Step(f"octave {number}, level {level}", Picture(_bytes(blurred)), note=note))
        for level, difference in enumerate(octave.differences):
            note = "What one more blur takes away: grey is nothing, bright is brighter before, dark is darker before."
            shown = Picture(_bytes(0.5 - _GAIN * difference))
            steps.append(Step(f"octave {number}, difference {level}", shown, note=note))
    about = {"size": [image.shape[1], image.shape[0]], "scale": 1.0}
    return Trace("features.sift", {}, tuple(steps), about).to_bytes(_SCREEN)


def keypoints(image: Array, contrast: float, edge: float) -> dict[str, Any]:
    """Return the extrema of each octave, and which of them are kept, faint, or on an edge.

    The rows are the octave, the level, (x, y) and sigma in pixels of the octave, the difference of Gaussians, the ratio
    of the principal curvatures (−1 at a saddle), and what became of it.
    """
    sought = checked("sift", contrast, edge, SIGMA, LAYERS, True)
    rows, tried = [], 0
    for number, octave in enumerate(_octaves(image)):
        candidates = extrema(octave.levels, 0.5 * sought.threshold)
        tried += len(candidates)
        places = localise(octave.levels, candidates)
        response = np.abs(places[:, 6])
        on_edge = places[:, 7] * sought.edge >= (sought.edge + 1) ** 2
        fate = np.where(response < sought.threshold, FAINT, np.where(on_edge, EDGE, KEPT))
        sigma = SIGMA * 2 ** ((places[:, 0] + places[:, 5]) / LAYERS)
        shift = places[:, [2, 1]] + places[:, 3:5]
        table = [np.full(len(places), number), places[:, 0], *shift.T, sigma, places[:, 6], _ratio(places[:, 7]), fate]
        rows.append(np.column_stack(table))
    table = np.concatenate(rows) if rows else np.zeros((0, 8))
    table = table[np.argsort(-np.abs(table[:, 5]), kind="stable")]
    return {"rows": [[round(float(value), 4) for value in row] for row in table], "extrema": tried}


def described(image: Array, octave: int, layer: int, point: tuple[float, float], sigma: float) -> dict[str, Any]:
    """Return a keypoint's histogram of gradient angles, its directions, and the descriptor of each."""
    octaves = _octaves(image)
    if not (0 <= octave < len(octaves) and 1 <= layer <= LAYERS and 0 < sigma < 1e3):
        raise InputError("tower: octave, level and sigma must be those of a keypoint.")
    held = octaves[octave]
    found = Found(held, np.array([layer]), np.array([point], np.float64), np.array([sigma]), np.ones(1))
    histograms, angles = turns(found)
    turned = angles[0][~np.isnan(angles[0])]
    codes = descriptors(found, np.zeros(len(turned), np.int64), turned, False)
    place = held.to_image(found.points)[0]
    return {
        "histogram": histograms[0].tolist(),
        "angles": turned.tolist(),
        "descriptors": [code.reshape(CELLS, CELLS, BINS).tolist() for code in codes],
        "place": place.tolist(),
        "scale": sigma * held.pixel,
    }


def _octaves(image: Array) -> list[Octave]:
    sought = Sought(0.04, 10.0, SIGMA, LAYERS, True)
    made = octaves_of(brightness("sift", image), sought.sigma, sought.layers, sought.upsample)
    return [octave for octave in made if min(octave.levels.shape[1:]) >= _LEAST_SHOWN]


def _bytes(level: Array) -> Array:
    return np.clip(np.rint(255 * level), 0, 255).astype(np.uint8)


def _ratio(measure: Array) -> Array:
    """Return r of (r + 1)² / r = tr² / det; −1 where the surface is a saddle."""
    half = (np.where(np.isfinite(measure) & (measure >= 4), measure, 4.0) - 2) / 2
    return np.where(np.isfinite(measure) & (measure >= 0), half + np.sqrt(np.maximum(half**2 - 1, 0)), -1.0)

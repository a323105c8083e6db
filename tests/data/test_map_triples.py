"""The map of pictures in red, green and blue: against sums in NumPy, and alike on all processors."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.data.map_image import map_image


def summed(image: np.ndarray, matrix: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return the bilinear means in float64, black around the picture, not rounded."""
    inverse = np.linalg.inv(np.vstack([matrix, (0, 0, 1)]))
    y, x = np.mgrid[: shape[0], : shape[1]]
    u, v = (row[0] * x + row[1] * y + row[2] for row in inverse[:2])
    wide = np.pad(image.astype(np.float64), ((2, 2), (2, 2), (0, 0)))
    u, v = np.clip(u, -2, image.shape[1]) + 2, np.clip(v, -2, image.shape[0]) + 2
    i, j = np.floor(v).astype(int), np.floor(u).astype(int)
    below, right = np.minimum(i + 1, len(wide) - 1), np.minimum(j + 1, wide.shape[1] - 1)
    fx, fy = (u - j)[..., None], (v - i)[..., None]
    return (1 - fy) * ((1 - fx) * wide[i, j] + fx * wide[i, right]) + fy * (
        (1 - fx) * wide[below, j] + fx * wide[below, right]
    )


@settings(max_examples=150, deadline=None)
@given(
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
    st.integers(0, 10**6),
)
def test_new_pixels_are_the_means_of_four_old_ones(old: tuple[int, int], new: tuple[int, int], seed: int) -> None:
    random = np.random.default_rng(seed)
    image = random.integers(0, 256, (*old, 3), dtype=np.uint8)
    matrix = np.array([[1.0, 0, 0], [0, 1, 0]]) + random.normal(size=(2, 3)) * random.choice([0.01, 0.3, 2])
    matrix[:, 2] *= random.choice([0.0, 1.0, 20.0])
    found, expected = map_image(image, matrix, new), summed(image, matrix, new)
    # Half a level of rounding; positions are exact to 2⁻³², shares to 2⁻¹⁵, levels between the two steps to 2⁻⁷.
    assert np.abs(found - expected).max() <= 0.53


@pytest.mark.parametrize("step", [(1, 0, 0, 1), (-1, 0, 0, 1), (0, 1, -1, 0), (1, 0, 0, -1)])
def test_whole_steps_move_pixels_as_they_are(step: tuple[int, ...]) -> None:
    image = np.random.default_rng(0).integers(0, 256, (33, 47, 3), dtype=np.uint8)
    a, b, c, d = step
    turned = {(1, 0): image, (-1, 0): image[:, ::-1], (0, 1): np.rot90(image)}[a, b]
    turned = turned[::-1] if d == -1 else turned
    matrix = np.array([[a, b, 46.0 * (a == -1)], [c, d, 46.0 * (c == -1) + 32.0 * (d == -1)]])
    assert np.array_equal(map_image(image, matrix, turned.shape[:2]), turned)


def test_what_lies_far_away_or_at_an_edge_is_black_or_a_part() -> None:
    image = np.full((9, 20, 3), 200, np.uint8)
    assert map_image(image, np.array([[1, 0, 1e12], [0, 1, 0]]), (9, 20)).max() == 0
    assert map_image(image, np.array([[1e-4, 0, 5], [0, 1e-4, 5]]), (9, 20)).astype(bool).sum() == 3
    half = map_image(image, np.array([[1, 0, 0.5], [0, 1, -0.25]]), (9, 20))[..., 0]
    assert half[0].tolist() == [100, *[200] * 19]
    assert half[8].tolist() == [75, *[150] * 19]


_DIGEST = """
import hashlib
import numpy as np
from sightline.data.map_image import map_image
image = np.random.default_rng(0).integers(0, 256, (70, 90, 3), dtype=np.uint8)
found = map_image(image, np.array([[0.9, 0.2, 3.3], [-0.2, 0.9, 20.7]]), (64, 80))
print(hashlib.sha256(found.tobytes()).hexdigest())
"""


def test_processors_without_wide_registers_find_the_same(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, (70, 90, 3), dtype=np.uint8)
    found = map_image(image, np.array([[0.9, 0.2, 3.3], [-0.2, 0.9, 20.7]]), (64, 80))
    plain = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": "", "NUMBA_CACHE_DIR": str(tmp_path)}
    said = subprocess.run(
        [sys.executable, "-c", _DIGEST], env={**os.environ, **plain}, capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == hashlib.sha256(found.tobytes()).hexdigest()

"""Edges in parts, lightest first: the same as all of them sorted at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from sightline.image import edge_order


def sorted_at_once(planes: np.ndarray, roots: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Return codes and weights of all edges whose ends have other roots, in the order of the weights."""
    height, width = planes.shape[1:]
    codes, weights = [], []
    for kind, (dy, dx) in enumerate([(0, 1), (1, 0), (1, 1), (-1, 1)]):
        for y in range(height):
            for x in range(width):
                if not (0 <= y + dy < height and x + dx < width):
                    continue
                if roots is not None and roots[y, x] == roots[y + dy, x + dx]:
                    continue
                codes.append(4 * (y * width + x) + kind)
                weights.append(np.sqrt(((planes[:, y, x] - planes[:, y + dy, x + dx]) ** 2).sum(dtype=np.float32)))
    order = np.argsort(weights, kind="stable")
    return np.array(codes)[order], np.array(weights, np.float32)[order]


def given(
    planes: np.ndarray, roots: np.ndarray | None
) -> tuple[Callable[..., np.ndarray], tuple[int, int], np.ndarray]:
    """Return what is asked for: rows of planes, the sides, and the first pixel of each pixel's region."""
    parents = np.empty((0, 0), np.int32)
    if roots is not None:
        _, first, region, sizes = np.unique(roots, return_index=True, return_inverse=True, return_counts=True)
        parents = first[region].reshape(roots.shape).astype(np.int32)
        parents.reshape(-1)[first] = -sizes
    return lambda y0, y1: np.ascontiguousarray(planes[:, y0:y1]), planes.shape[1:], parents


@pytest.mark.parametrize("bands", [False, True])
@pytest.mark.parametrize("levels", [1, 3, 60000])  # one weight alone, weights of many edges each, hardly two alike
@pytest.mark.parametrize("roots", [None, "stripes"])
def test_parts_equal_one_sort(levels: int, roots: str | None, bands: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge_order, "_LEAST", 64)
    if bands:  # as of a great picture
        monkeypatch.setattr(edge_order, "_WHOLE", 1)
        monkeypatch.setattr(edge_order, "_BAND", 1)
        monkeypatch.setattr(edge_order, "_ROWS", 5)
    planes = np.random.default_rng(levels).integers(0, levels, (1, 24, 31)).astype(np.float32)
    stripes = np.repeat(np.arange(24, dtype=np.int32)[:, None] // 3, 31, axis=1) if roots else None
    codes, weights = sorted_at_once(planes, stripes)
    parts = [(c.copy(), w.copy()) for c, w in edge_order.edges_by_weight(*given(planes, stripes))]
    assert len(parts) > 2
    np.testing.assert_array_equal(np.concatenate([c for c, _ in parts]), codes)
    np.testing.assert_array_equal(np.concatenate([w for _, w in parts]), weights)


def test_what_has_no_edges_gives_no_part() -> None:
    assert list(edge_order.edges_by_weight(*given(np.zeros((3, 1, 1), np.float32), None))) == []

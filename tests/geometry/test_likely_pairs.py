"""Which photos may show the same thing: all pairs of a few, and those of one scene among many."""

from __future__ import annotations

import numpy as np
import pytest

from sightline.features import Features
from sightline.geometry import likely_pairs
from sightline.geometry.photo_set import Photo


def photos(scenes: int, views: int, seed: int = 0) -> list[Photo]:
    """Return photos of scenes that each have descriptors of their own, a bit different in each view."""
    rng = np.random.default_rng(seed)
    made = []
    for scene in range(scenes):
        codes = rng.random((60, 128))
        for view in range(views):
            seen = (codes[rng.permutation(60)[:40]] + rng.normal(0, 0.01, (40, 128))).astype(np.float32)
            ones = np.ones(40, np.float32)
            features = Features(rng.random((40, 2), np.float32) * 100, ones, ones, seen, ones)
            colours = np.zeros((40, 3), np.uint8)
            made.append(Photo(f"{scene} {view}", (100, 100), features, colours, None, f"{scene}{view}"))
    return made


def test_few_photos_are_all_matched() -> None:
    assert likely_pairs.likely_pairs(photos(2, 2), 30, 0) == [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]


def test_of_many_photos_those_of_one_scene_are_matched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(likely_pairs, "ALL_PAIRS", 5)
    monkeypatch.setattr(likely_pairs, "_WORDS", 100)
    many = photos(6, 5)
    pairs = likely_pairs.likely_pairs(many, 4, 0)
    assert pairs == sorted(set(pairs))
    assert pairs == likely_pairs.likely_pairs(many, 4, 0)
    same = {(5 * s + i, 5 * s + j) for s in range(6) for i in range(5) for j in range(i + 1, 5)}
    assert len(same & set(pairs)) >= 0.9 * len(same)
    assert len(pairs) < 0.3 * 30 * 29 / 2
    none = np.zeros(0, np.float32)
    blank = Features(np.zeros((0, 2), np.float32), none, none, np.zeros((0, 128), np.float32), none)
    many.insert(0, Photo("blank", (9, 9), blank, np.zeros((0, 3), np.uint8), None, ""))
    assert all(0 < first < second for first, second in likely_pairs.likely_pairs(many, 4, 0))

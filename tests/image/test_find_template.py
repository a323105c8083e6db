"""Templates found again where they were put, at known sizes and angles, and as OpenCV scores them."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError

find_template = sl.image.find_template


def scene(seed: int = 4) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(0, 256, (160, 200), dtype=np.uint8)
    return sl.image.gaussian_blur(noise, 1.5)


@evidence.equals("image.find_template", peer="opencv", tolerance="same places, scores within 1e-4", data="photos")
def test_places_and_scores_are_those_of_opencv(
    photos: dict[str, np.ndarray], measured: Callable[[float], None]
) -> None:
    worst = 0.0
    for name in ("rings", "noise"):
        picture = photos[name]
        template = picture[20:40, 10:36].copy()
        scores = cv2.matchTemplate(picture, template, cv2.TM_CCOEFF_NORMED)
        found = find_template(picture, template, threshold=0.5)
        assert found.boxes[0].tolist() == [10, 20, 36, 40]
        for (x, y, *_), score in zip(found.boxes.astype(int), found.scores, strict=True):
            worst = max(worst, abs(float(scores[y, x] - score)))
        assert scores.max() == pytest.approx(found.scores[0], abs=1e-4)
    measured(worst)
    assert worst < 1e-4


@pytest.mark.parametrize(("angle", "scale"), [(0.3, 1.0), (-0.3, 1.25), (math.pi / 2, 0.8), (math.pi, 1.0)])
def test_a_turned_and_scaled_template_is_found(angle: float, scale: float) -> None:
    picture = scene()
    template = picture[60:100, 80:130].copy()
    c, s = scale * math.cos(angle), scale * math.sin(angle)
    matrix = np.array([[c, -s, 100 - c * 104.5 + s * 79.5], [s, c, 80 - s * 104.5 - c * 79.5]])
    turned = cv2.warpAffine(picture, matrix, (200, 160), borderMode=cv2.BORDER_REFLECT)
    found = find_template(
        turned, template, scales=(0.8, 1.0, 1.25), rotations=(-0.3, 0.0, 0.3, math.pi / 2, math.pi), threshold=0.7
    )
    assert found.scales[0] == pytest.approx(scale)
    assert found.angles[0] == pytest.approx(angle)
    middle = (found.boxes[0, :2] + found.boxes[0, 2:]) / 2 - 0.5
    np.testing.assert_allclose(middle, [100, 80], atol=1)
    assert found.scores[0] > 0.9


def test_copies_are_all_found_and_overlaps_are_not() -> None:
    picture = np.full((100, 150), 90, np.uint8)
    patch = scene()[:20, :24]
    places = [(5, 10), (60, 30), (100, 70)]
    for x, y in places:
        picture[y : y + 20, x : x + 24] = patch
    found = find_template(picture, patch, threshold=0.3, max_matches=3)
    assert sorted((int(x), int(y)) for x, y, *_ in found.boxes) == places
    np.testing.assert_allclose(found.scores, 1, atol=1e-4)
    assert len(find_template(picture, patch, threshold=0.9, max_matches=2)) == 2


def test_sizes_at_which_no_contrast_is_left_are_passed_over() -> None:
    picture = scene()
    stripes = np.tile(np.array([[90, 92], [92, 90]], np.uint8), (10, 12))
    picture[40:60, 50:74] = stripes
    found = find_template(picture, stripes, scales=(0.1, 0.5, 1.0), threshold=0.99)
    assert found.boxes[0].tolist() == [50, 40, 74, 60]
    assert (found.scales == 1).all()


def test_nothing_above_the_threshold_is_nothing() -> None:
    found = find_template(scene(1), scene(2)[:20, :20], threshold=0.99)
    assert found.boxes.shape == (0, 4)
    assert len(found) == 0


def test_scales_that_do_not_fit_are_passed_over() -> None:
    picture = scene()
    found = find_template(picture, picture[20:60, 30:70], scales=(0.01, 1.0, 50.0))
    assert found.boxes[0].tolist() == [30, 20, 70, 60]
    assert (found.scales == 1).all()


def test_steps_end_in_the_matches() -> None:
    picture = scene()
    trace = sl.trace(find_template, picture, picture[20:60, 30:70], scales=(0.9, 1.0))
    assert [step.name for step in trace] == ["image", "template", "scores", "matches"]
    assert trace.result.boxes[0].tolist() == [30, 20, 70, 60]
    assert trace["scores"].value.shape == (121, 161)


def flat_but_for_rounding() -> np.ndarray:
    template = np.full((70, 70), 0.999, np.float32)
    template[4, 4] = np.nextafter(template[4, 4], np.float32(1))
    return template


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"scales": ()}, "find_template: scales must be a sequence of numbers"),
        ({"scales": (0.0,)}, "find_template: scales must be a number > 0"),
        ({"scales": (9.0,)}, "find_template: template must fit into the image at one of the scales"),
        ({"rotations": (np.inf,)}, "find_template: rotations must be finite"),
        ({"rotations": np.array(0.3)}, "find_template: rotations must be a sequence of numbers; got a scalar float64"),
        ({"rotations": 0.3}, "find_template: rotations must be a sequence of numbers"),
        ({"threshold": 2}, "find_template: threshold must be a number in -1–1"),
        ({"overlap": np.nan}, "find_template: overlap must be a number in 0–1"),
        ({"max_matches": 0}, "find_template: max_matches must be a whole number ≥ 1"),
        ({"template": np.zeros((4, 4), np.uint8)}, "find_template: template must have contrast"),
        ({"template": np.zeros((4, 4, 3), np.uint8)}, "find_template: template must have the image's dtype"),
        ({"picture": np.full((40, 40), 1e13, np.float32)}, "find_template: image must"),
        ({"template": np.full((9, 9), np.float32(1e13)), "picture": scene() / np.float32(255)}, "find_template: temp"),
        ({"template": flat_but_for_rounding(), "picture": scene() / np.float32(255)}, "find_template: template must h"),
    ],
)
def test_bad_arguments_are_refused(options: dict[str, Any], sentence: str) -> None:
    picture = options.pop("picture", scene())
    with pytest.raises(InputError, match=sentence):
        find_template(picture, options.pop("template", picture[:30, :30]), **options)


def test_peaks_where_strips_of_scores_meet(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = np.tile(scene()[:96], (5, 1))
    template = picture[40:59, 30:52].copy()
    options: dict[str, Any] = {"threshold": 0.2, "overlap": 1.0, "max_matches": 1000}
    whole = find_template(picture, template, **options)
    monkeypatch.setattr(
        importlib.import_module("sightline.image.match_template"), "_PIXELS", 1
    )  # strips as short as they get
    parts = find_template(picture, template, **options)
    assert len(whole) > 50
    for name in ("boxes", "scores"):
        np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name))

"""Images in frames: letterbox, mosaic and MixUp, whose boxes follow the pixels."""

from __future__ import annotations

import doctest
import importlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from sightline.core.errors import InputError
from sightline.data import LabelledImage, crop_around_boxes, letterbox, mixup_boxes, mosaic
from sightline.data.placement import Placement


def patch(shape: tuple[int, int], box: tuple[int, int, int, int], level: int = 255) -> LabelledImage:
    """A black picture with one bright rectangle, and the box around it."""
    image = np.zeros((*shape, 3), np.uint8)
    x1, y1, x2, y2 = box
    image[y1:y2, x1:x2] = level
    mask = image[..., 0] == level
    return LabelledImage(image, boxes=[box], classes=[0], masks=mask[None])


def lit(image: np.ndarray, least: int) -> list[int]:
    """The box around all pixels that are at least so bright."""
    rows, columns = np.nonzero(image[..., 0] >= least)
    return [int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1]


SIDES = st.integers(12, 70)


@settings(max_examples=25, deadline=None)
@given(SIDES, SIDES, SIDES, SIDES, st.integers(0, 10**6))
def test_boxes_of_a_letterbox_follow_the_pixels_and_come_back(
    h: int, w: int, new_h: int, new_w: int, draw: int
) -> None:
    random = np.random.default_rng(draw)
    x1, y1 = int(random.integers(0, w - 8)), int(random.integers(0, h - 8))
    box = (x1, y1, int(random.integers(x1 + 6, w + 1)), int(random.integers(y1 + 6, h + 1)))
    sample = patch((h, w), box)
    frame, placement = letterbox(sample.image, (new_h, new_w), fill=0)
    moved = placement.boxes(sample.boxes)[0][0]
    scale = min(new_h / h, new_w / w)
    if scale > 0.4:  # enough pixels are left to see the patch
        assert np.abs(np.array(lit(frame, 128)) - moved).max() <= 1.01
    assert np.abs(placement.back(moved) - np.array(box)).max() < 1e-6
    height, width = placement.size
    assert height == new_h or width == new_w
    assert abs(height / h - scale) <= 0.51 / h
    assert abs(width / w - scale) <= 0.51 / w


def test_letterbox_is_pads_of_pillow() -> None:
    image = np.random.default_rng(3).integers(0, 256, (60, 90, 3), dtype=np.uint8)
    ours, _ = letterbox(image, (48, 48))
    theirs = np.array(ImageOps.pad(Image.fromarray(image), (48, 48), Image.Resampling.BILINEAR, color=(114,) * 3))
    assert np.abs(ours.astype(int) - theirs).max() <= 1
    small, placement = letterbox(image[:20, :20], (48, 48), enlarge=False)
    assert (small[14:34, 14:34] == image[:20, :20]).all()
    assert placement.corner == (14, 14)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(40, 90), st.integers(40, 90))
def test_boxes_of_a_mosaic_follow_the_pixels(seed: int, height: int, width: int) -> None:
    levels = (255, 220, 180, 140)
    samples = [patch((50, 64), (8, 6, 56, 44), level) for level in levels]
    found = mosaic(samples, (height, width), seed=seed, keep=0.0)
    again = mosaic(samples, (height, width), seed=seed, keep=0.0)
    assert found.image.shape == (height, width, 3)
    assert (found.image == again.image).all()
    assert (found.boxes == again.boxes).all()
    for row, box in zip(found.rows, found.boxes, strict=True):
        x1, y1, x2, y2 = np.rint(box).astype(int)
        if x2 - x1 < 4 or y2 - y1 < 4:
            continue
        inner = found.image[y1 + 1 : y2 - 1, x1 + 1 : x2 - 1, 0].astype(int)
        assert np.abs(inner - levels[row]).max() <= 40  # the patch, but for the rim that resizing softens
        assert np.median(inner) == levels[row]
    assert found.masks is not None
    for mask, box in zip(found.masks, found.boxes, strict=True):
        if mask.any():
            rows, columns = np.nonzero(mask)
            around = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
            assert np.abs(np.array(around) - box).max() <= 1.01


def test_what_is_nearly_cut_away_is_dropped() -> None:
    samples = [patch((40, 40), (0, 0, 40, 40), level) for level in (250, 200, 150, 100)]
    kept = [len(mosaic(samples, (40, 40), scale=0.9, keep=0.9, seed=seed)) for seed in range(8)]
    assert min(kept) < 4
    assert all(len(mosaic(samples, (40, 40), scale=0.9, keep=0.0, seed=seed)) == 4 for seed in range(8))


def test_mixup_keeps_all_boxes() -> None:
    first, second = patch((20, 20), (2, 2, 8, 8)), patch((20, 20), (5, 5, 18, 18), 100)
    mixed = mixup_boxes(first, second, seed=4)
    assert mixed.rows.tolist() == [0, 1]
    assert mixed.boxes.tolist() == [[2, 2, 8, 8], [5, 5, 18, 18]]
    share = mixed.image[3, 3, 0] / 255
    assert 0 < share < 1
    assert abs(mixed.image[10, 10, 0] - (1 - share) * 100) <= 1
    assert first.image[3, 3, 0] == 255  # nothing that came in has changed


def test_wrong_arguments_are_refused() -> None:
    sample = patch((20, 20), (2, 2, 8, 8))
    with pytest.raises(InputError, match="samples must be four; got 1"):
        mosaic([sample], (20, 20))
    with pytest.raises(InputError, match="shape"):
        letterbox(sample.image, (0, 5))
    with pytest.raises(InputError, match="must be of one shape"):
        mixup_boxes(sample, patch((10, 20), (2, 2, 8, 8)))


def test_a_placement_outside_its_frame_is_a_margin() -> None:
    placement = Placement.of((10, 10), (10, 10), (50, 0), (20, 20), 7)
    assert (placement.image(np.zeros((10, 10), np.uint8)) == 7).all()
    assert placement.boxes(np.array([[0, 0, 5, 5]]))[1].tolist() == [0.0]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6))
def test_crops_around_boxes_follow_the_pixels_and_keep_a_thing(seed: int) -> None:
    sample = patch((40, 60), (8, 6, 28, 24))
    part = crop_around_boxes(sample, seed=seed)
    assert len(part) == 1
    assert part.boxes[0].tolist() == lit(part.image, 255)
    assert part.masks is not None
    assert (part.masks[0] == (part.image[..., 0] == 255)).all()
    h, w = part.image.shape[:2]
    assert min(h / 40, w / 60) >= 0.29
    assert 0.45 <= (w / 60) / (h / 40) <= 2.2
    assert (part.image == crop_around_boxes(sample, seed=seed).image).all()


def test_every_demand_of_a_crop_is_drawn() -> None:
    sample = patch((40, 60), (8, 6, 28, 24))
    shapes = [crop_around_boxes(sample, seed=seed).image.shape[:2] for seed in range(80)]
    whole = sum(shape == (40, 60) for shape in shapes)
    assert 5 <= whole <= 50  # a seventh asks for it, and a demand of 0.9 is seldom met: another one is drawn then
    assert len(set(shapes)) > 25
    bare = LabelledImage(np.zeros((5, 5, 3), np.uint8), boxes=np.zeros((0, 4)), classes=[])
    assert crop_around_boxes(bare).image.shape == (5, 5, 3)
    with pytest.raises(InputError, match="sample must have boxes"):
        crop_around_boxes(LabelledImage(np.zeros((5, 5, 3), np.uint8)))


@pytest.mark.parametrize(
    "name",
    [
        "box_crop",
        "placement",
        "letterbox",
        "mosaic",
        "mixup_boxes",
        "detection_set",
        "merge_detections",
        "tile_detections",
    ],
)
def test_examples_in_docstrings_run(name: str) -> None:
    module = importlib.import_module(f"sightline.data.{name}")
    assert doctest.testmod(module).failed == 0

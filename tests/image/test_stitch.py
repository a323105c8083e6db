"""Panoramas of views that we cut from one photo by known homographies, beside OpenCV's stitcher."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.image.panorama_seams import largest_rectangle, seams_of
from sightline.image.panorama_sheet import gains_of

RANDOM = np.random.default_rng(8)


def scene(photos: dict[str, np.ndarray]) -> np.ndarray:
    if "building" in photos:
        return photos["building"]
    noise = cv2.GaussianBlur(RANDOM.random((400, 600, 3)), (0, 0), 2)
    return np.uint8(255 * (noise - noise.min()) / np.ptp(noise))


def views(photo: np.ndarray, count: int = 3, light: float = 0.0) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return what a turning camera sees of a plane photo, and the homographies from the photo to the views."""
    height, width = photo.shape[:2]
    focal = 0.9 * width
    random = np.random.default_rng(1)
    size = (int(0.5 * width), int(0.7 * height))
    inner = np.array([[focal, 0, (width - 1) / 2], [0, focal, (height - 1) / 2], [0, 0, 1]])
    outer = np.array([[focal, 0, (size[0] - 1) / 2], [0, focal, (size[1] - 1) / 2], [0, 0, 1]])
    found, matrices = [], []
    for yaw in np.linspace(-0.2, 0.2, count):
        turn = cv2.Rodrigues(np.array([random.uniform(-0.02, 0.02), -yaw, random.uniform(-0.02, 0.02)]))[0]
        matrix = outer @ turn @ np.linalg.inv(inner)
        view = cv2.warpPerspective(photo, matrix, size, flags=cv2.INTER_CUBIC)
        found.append(np.clip(view * (1 + random.uniform(-light, light)), 0, 255).astype(np.uint8))
        matrices.append(matrix)
    return found, matrices


def psnr_against(photo: np.ndarray, panorama: np.ndarray, matrix: np.ndarray) -> float:
    """Return the PSNR of a panorama against the photo in the panorama's frame, where the panorama is filled."""
    height, width = panorama.shape[:2]
    truth = cv2.warpPerspective(photo, matrix, (width, height), flags=cv2.INTER_CUBIC)
    inside = cv2.warpPerspective(np.full(photo.shape[:2], 255, np.uint8), matrix, (width, height)) == 255
    inside &= cv2.erode(np.uint8(panorama.max(axis=2) > 0), np.ones((9, 9))) > 0
    return float(10 * np.log10(255**2 / ((truth[inside].astype(float) - panorama[inside]) ** 2).mean()))


def aligned_psnr(photo: np.ndarray, panorama: np.ndarray) -> float:
    """Return the PSNR under the homography that lays the photo over the panorama best (each has a frame of its own)."""
    found = sl.image.register(panorama, photo, points=3000)
    return psnr_against(photo, panorama, found.matrix)


@evidence.equals("image.stitch", peer="opencv", tolerance="PSNR against the scene no lower by 0.5 dB", data="photos")
def test_no_farther_from_the_scene_than_opencvs_stitcher(
    photos: dict[str, np.ndarray], measured: Callable[[float], None]
) -> None:
    photo = scene(photos)
    cuts, _ = views(photo)
    ours = aligned_psnr(photo, sl.image.stitch([cuts[i] for i in (1, 2, 0)], projection="planar"))
    assert ours > 27
    stitcher = cv2.Stitcher_create(cv2.Stitcher_SCANS)
    stitcher.setWaveCorrection(False)
    status, peer = stitcher.stitch([np.ascontiguousarray(cut[..., ::-1]) for cut in cuts])
    theirs = aligned_psnr(photo, np.ascontiguousarray(peer[..., ::-1])) if status == 0 else 0.0
    measured(ours - theirs)
    assert ours > theirs - 0.5


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)])
def test_any_order_gives_the_scene(photos: dict[str, np.ndarray], order: tuple[int, ...]) -> None:
    cuts, _ = views(scene(photos), light=0.15)
    panorama = sl.image.stitch([cuts[i] for i in order])
    assert panorama.dtype == np.uint8
    assert panorama.shape[1] > 1.5 * cuts[0].shape[1]
    assert panorama.min(axis=(0, 1)).max() >= 0
    whole = sl.image.stitch([cuts[i] for i in order], crop=False)
    assert whole.shape[0] > panorama.shape[0]


def test_shifted_cuts_give_the_scene_back() -> None:
    noise = cv2.GaussianBlur(RANDOM.random((140, 300)), (0, 0), 1.5)
    photo = np.uint8(255 * (noise - noise.min()) / np.ptp(noise))
    for kind in (np.uint8, np.uint16, np.float32):
        scaled = {np.uint8: photo, np.uint16: photo.astype(np.uint16) * 257, np.float32: photo / np.float32(255)}[kind]
        panorama = sl.image.stitch(
            [scaled[:, :130], scaled[:, 170:], scaled[:, 80:220]], gain=False, projection="planar"
        )
        assert panorama.dtype == kind
        assert abs(panorama.shape[0] - 140) <= 2
        assert abs(panorama.shape[1] - 300) <= 2
        one = 255 / float(photo.max() if kind != np.float32 else 255)
        found = sl.to_uint8(panorama) * one
        best = cv2.matchTemplate(photo, np.uint8(np.clip(found[6:-6, 6:-6], 0, 255)), cv2.TM_CCOEFF_NORMED).max()
        assert best > 0.995


def test_a_wide_view_is_laid_on_a_cylinder(photos: dict[str, np.ndarray]) -> None:
    cuts, _ = views(scene(photos))
    flat, round_ = (sl.image.stitch(cuts, projection=p, crop=False) for p in ("planar", "cylindrical"))
    assert round_.shape != flat.shape
    assert round_.shape[1] < flat.shape[1]


def test_gains_make_overlaps_equal() -> None:
    photo = RANDOM.random((40, 60)).astype(np.float32) * np.float32(0.5) + np.float32(0.2)
    inside = [np.zeros((40, 60), bool) for _ in range(2)]
    inside[0][:, :40], inside[1][:, 20:] = True, True
    first, second = gains_of([photo * np.float32(0.8), photo], inside)
    assert first * 0.8 == pytest.approx(second, rel=0.06)
    assert first > 1 > second


def test_seams_lie_in_the_middle_of_the_overlap() -> None:
    inside = [np.zeros((40, 60), bool) for _ in range(2)]
    inside[0][:, :40], inside[1][:, 20:] = True, True
    owner = seams_of(inside.copy())
    assert (owner[20, :29] == 0).all()
    assert (owner[20, 31:] == 1).all()
    inside[1][:, 50:] = False
    assert (seams_of(inside)[:, 50:] == -1).all()


def test_parts_of_the_sheet_are_those_of_the_whole(
    photos: dict[str, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    cuts, _ = views(scene(photos))
    options: dict[str, Any] = {"crop": False, "levels": 2}
    whole = sl.image.stitch(cuts, **options)
    for name, value in (("_PIXELS", 1), ("_BAND", 32), ("_TALL", 32)):
        monkeypatch.setattr(f"sightline.image.panorama_seams.{name}", value)
    np.testing.assert_array_equal(sl.image.stitch(cuts, **options), whole)


def test_the_largest_rectangle_is_that_of_a_search() -> None:
    for seed in range(20):
        mask = np.random.default_rng(seed).random((7, 9)) < 0.75
        rows, columns = largest_rectangle(mask)
        y0, y1, x0, x1 = rows.start, rows.stop, columns.start, columns.stop
        assert mask[rows, columns].all()
        best = max(
            (d - c) * (b - a)
            for a in range(7)
            for b in range(a + 1, 8)
            for c in range(9)
            for d in range(c + 1, 10)
            if mask[a:b, c:d].all()
        )
        assert (y1 - y0) * (x1 - x0) == best


def test_steps_end_in_the_panorama(photos: dict[str, np.ndarray]) -> None:
    cuts, _ = views(scene(photos)[::2, ::2].copy())
    steps = sl.trace(sl.image.stitch, cuts).steps
    assert [s.name for s in steps] == ["pairs", "matches", "warped", "brightness", "seams", "blended"]
    assert np.array_equal(steps[-1].value, sl.image.stitch(cuts))


NOISE = RANDOM.integers(0, 256, (90, 160), np.uint8)
HALVES = [NOISE[:, :100], NOISE[:, 50:]]


@pytest.mark.parametrize(
    ("images", "options", "sentence"),
    [
        ([NOISE], {}, "stitch: images must be a list of two photos or more; got list"),
        (NOISE, {}, "stitch: images must be a list of two photos or more; got 90×160"),
        ([*HALVES, NOISE[:, ::-1][::-1].T.copy() // 2 * 0], {}, r"got images\[2\], which fits none of the others"),
        ([NOISE, "b.jpg"], {}, r"stitch: images\[1\] must be"),
        ([NOISE, NOISE.astype(np.float32)], {}, r"stitch: images\[1\] must be like images\[0\]"),
        ([NOISE, NOISE[:10]], {}, r"stitch: images\[1\] must have at least 16×16"),
        (HALVES, {"projection": "sphere"}, "stitch: projection must be one of"),
        (HALVES, {"levels": 0}, "stitch: levels must be a whole number"),
        (HALVES, {"points": 0}, "stitch: points must be a whole number"),
        (HALVES, {"seed": -1}, "stitch: seed must be a whole number"),
    ],
)
def test_refusals(images: Any, options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        sl.image.stitch(images, **options)

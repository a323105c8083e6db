"""Region properties against scikit-image, all of them, on label maps of photos and of noise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from skimage import measure

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError

regions = sl.image.regions


def label_maps(photos: dict[str, np.ndarray]) -> list[np.ndarray]:
    """Return maps of connected regions and of scattered ones, with negative numbers and large gaps between them."""
    rng = np.random.default_rng(0)
    crops = [photo if photo.ndim == 2 else photo[..., 1] for photo in photos.values()]
    made = [sl.image.label(crop[:150, :170] > 110)[0] for crop in crops]
    for shape in ((1, 1), (1, 9), (9, 1), (2, 2), (3, 40), (40, 3), (64, 50), (131, 29)):
        made += [sl.image.label(rng.random(shape) < share, 4)[0] for share in (0.2, 0.5, 0.8)]
        made.append(rng.integers(-1, 4, shape).astype(np.int32))
    made.append((rng.integers(0, 3, (20, 30)) * 3000).astype(np.int32))
    return made


def differences(ours: sl.image.Region, theirs: Any) -> list[float]:
    """Return how far each property is from the peer's, as a share of it where it is larger than 1."""
    y1, x1, y2, x2 = theirs.bbox
    pairs: list[tuple[Any, Any]] = [
        (ours.label, theirs.label),
        (ours.area, theirs.area),
        (ours.box, (x1, y1, x2, y2)),
        (ours.centroid, theirs.centroid[::-1]),
        (ours.extent, theirs.extent),
        (ours.major_axis, theirs.axis_major_length),
        (ours.minor_axis, theirs.axis_minor_length),
        (ours.eccentricity, theirs.eccentricity),
        (ours.perimeter, theirs.perimeter),
        (ours.euler_number, theirs.euler_number),
        (ours.convex_area, theirs.area_convex),
        (ours.solidity, theirs.solidity),
        (ours.equivalent_diameter, theirs.equivalent_diameter_area),
        (ours.filled_area, theirs.area_filled),
        (ours.mask, theirs.image),
        (ours.mean_intensity, theirs.intensity_mean),
        (ours.min_intensity, theirs.intensity_min),
        (ours.max_intensity, theirs.intensity_max),
    ]
    if ours.mean_intensity:
        pairs.append((ours.weighted_centroid, theirs.centroid_weighted[::-1]))
    if ours.major_axis - ours.minor_axis > 1e-3:
        turn = ours.orientation - (np.pi / 2 - theirs.orientation)
        pairs.append((abs(np.sin(turn)), 0.0))
    return [
        float(np.max(np.abs(np.subtract(a, b, dtype=np.float64)) / np.maximum(1, np.abs(b, dtype=np.float64))))
        for a, b in pairs
    ]


@evidence.equals(
    "image.regions", peer="scikit-image", tolerance="1e-6 relative, counts identical", data="photos, noise"
)
def test_equals_scikit_image(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    rng, worst = np.random.default_rng(1), 0.0
    for labels in label_maps(photos):
        image = rng.integers(0, 256, labels.shape, np.uint8)
        theirs = measure.regionprops(labels, intensity_image=image)
        ours = regions(labels, image)
        assert [r.label for r in ours] == [r.label for r in theirs]
        worst = max([worst, *(d for a, b in zip(ours[:40], theirs, strict=False) for d in differences(a, b))])
    measured(worst)
    assert worst <= 1e-6


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_intensities_of_other_dtypes(dtype: Any) -> None:
    rng = np.random.default_rng(2)
    labels = rng.integers(0, 4, (30, 41)).astype(np.int32)
    image = (rng.random(labels.shape) * (1 if dtype == np.float32 else 65535)).astype(dtype)
    for region in regions(labels, image):
        values = image[labels == region.label].astype(np.float64)
        assert region.mean_intensity == pytest.approx(values.mean(), rel=1e-12)
        assert (region.min_intensity, region.max_intensity) == (values.min(), values.max())


def _measures(region: sl.image.Region) -> dict[str, Any]:
    """Return all that a region knows but its label and its runs."""
    return {name: value for name, value in vars(region).items() if name not in ("label", "runs")}


def test_parts_of_many_runs_are_those_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(-1, 9, (150, 70), dtype=np.int32)
    image = rng.random(labels.shape, dtype=np.float32)
    sparse = np.where(labels > 0, labels * np.int32(1 << 27), 0)  # labels too large for a table
    whole = sl.image.regions(labels, image)
    monkeypatch.setattr("sightline.image.region_runs._AT_ONCE", 1000)  # some sixteen rows
    for part, scale in ((labels, 1), (sparse, 1 << 27)):
        for one, two in zip(whole, sl.image.regions(part, image), strict=True):
            assert one.label * scale == two.label
            assert np.array_equal(one.runs, two.runs)
            assert _measures(one) == _measures(two)


def test_a_ring() -> None:
    labels = np.zeros((9, 12), np.int32)
    labels[1:8, 2:11] = 3
    labels[3:6, 4:7] = 0
    (ring,) = regions(labels)
    assert (ring.label, ring.area, ring.box, ring.euler_number) == (3, 54, (2, 1, 11, 8), 0)
    assert (ring.filled_area, ring.convex_area) == (63, 63)
    assert ring.mean_intensity is None
    assert ring.orientation == pytest.approx(0, abs=0.2)
    assert np.array_equal(ring.mask, labels[1:8, 2:11] == 3)


def test_turning_the_map_turns_the_regions() -> None:
    y, x = np.mgrid[0:40, 0:60]
    labels = ((np.abs((y - 20) - 0.5 * (x - 30)) < 4) & (np.abs(x - 30) < 22)).astype(np.int32)
    (down,), (turned,) = regions(labels), regions(labels.T)
    assert 0.4 < down.orientation < 0.55  # towards y, with the clock: atan(0.5)
    assert turned.orientation == pytest.approx(np.pi / 2 - down.orientation)
    assert turned.centroid == down.centroid[::-1]
    for name in ("area", "perimeter", "major_axis", "minor_axis", "convex_area", "euler_number"):
        assert getattr(turned, name) == pytest.approx(getattr(down, name), rel=1e-12)


def test_a_large_region_far_from_the_corner_keeps_its_spread() -> None:
    labels = np.zeros((3, 20_000), np.int32)
    labels[:, 19_000:] = 1
    (far,) = regions(labels)
    (near,) = regions(labels[:, ::-1])
    assert far.major_axis == pytest.approx(near.major_axis, rel=1e-12)


def test_no_region_and_no_light() -> None:
    assert regions(np.full((4, 5), -2, np.int32)) == []
    (dark,) = regions(np.ones((4, 5), np.int32), np.zeros((4, 5), np.uint8))
    assert dark.weighted_centroid is not None
    assert np.isnan(dark.weighted_centroid).all()


def test_draws_itself() -> None:
    labels = np.zeros((40, 50), np.int32)
    labels[10:30, 12:33] = 2
    (region,) = regions(labels)
    image = np.zeros((40, 50, 3), np.uint8)
    drawn = region.draw(image)
    assert drawn.shape == image.shape
    assert drawn[15, 20].any()
    assert not image.any()
    with pytest.raises(InputError, match="Region: image must be at least 30×33, as far as the region; got 20×20 uint8"):
        region.draw(np.zeros((20, 20), np.uint8))


@pytest.mark.parametrize(
    ("labels", "image", "sentence"),
    [
        (np.ones((3, 3), bool), None, "labels must be H×W int32; got 3×3 bool"),
        (np.ones((3, 3), np.int64), None, "labels must be H×W int32; got 3×3 int64. Use labels.astype"),
        (np.ones(3, np.int32), None, "labels must be H×W int32"),
        (np.ones((0, 3), np.int32), None, "labels must be H×W int32"),
        (None, None, "labels must be H×W int32; got None"),
        (np.ones((3, 3), np.int32), np.ones((3, 4), np.uint8), "image must have the labels' shape 3×3; got 3×4 uint8"),
        (np.ones((3, 3), np.int32), np.ones((3, 3, 3), np.uint8), "image must be H×W"),
        (np.ones((3, 3), np.int32), np.full((3, 3), np.nan, np.float32), "image must be finite; got 9 NaN"),
    ],
)
def test_bad_input_is_refused(labels: Any, image: Any, sentence: str) -> None:
    with pytest.raises(InputError, match=f"regions: {sentence}"):
        regions(labels, image)

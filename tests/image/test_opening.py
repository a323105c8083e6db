"""Opening, closing and their differences against OpenCV, and scikit-image for footprints that are not symmetric."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
from skimage import morphology

import sightline as sl
from image.taken_memory import taken_beside_result
from sightline.core import buffers, evidence
from sightline.core.errors import InputError
from sightline.image.extremum import extremum

opening, closing = sl.image.opening, sl.image.closing
PEERS = {
    "opening": cv2.MORPH_OPEN,
    "closing": cv2.MORPH_CLOSE,
    "top_hat": cv2.MORPH_TOPHAT,
    "black_hat": cv2.MORPH_BLACKHAT,
    "morphological_gradient": cv2.MORPH_GRADIENT,
}
ALL = pytest.mark.parametrize("name", list(PEERS))


def symmetric() -> list[Any]:
    """Return footprints that look the same turned round."""
    shapes = [sl.image.footprint(shape, size) for shape, size in (("ellipse", 31), ("disk", 7), ("cross", (3, 9)))]
    return [1, 3, 5, 31, (1, 7), (9, 3), *shapes]


def lopsided() -> list[Any]:
    """Return footprints that do not, of even sizes among them."""
    rng = np.random.default_rng(3)
    corner = np.zeros((3, 3), bool)
    corner[0, :2] = True
    return [2, 4, (2, 5), corner, np.triu(np.ones((4, 4), bool)), rng.random((5, 4)) > 0.5, rng.random((4, 7)) > 0.5]


def images(photos: dict[str, np.ndarray]) -> list[np.ndarray]:
    """Return photos in every dtype, one pixel wide ones among them."""
    floats = [photos[name].astype(np.float32) / 255 for name in ("rings", "noise", "column")]
    return [*photos.values(), photos["rings"].astype(np.uint16) * np.uint16(257), *floats]


@pytest.mark.parametrize("name", ["opening", "closing"])
def test_iterations_equal_opencv(name: str, photos: dict[str, np.ndarray]) -> None:
    function = getattr(sl.image, name)
    for image in images(photos):
        for footprint in (3, (1, 5), sl.image.footprint("ellipse", 5)):
            size = footprint if isinstance(footprint, tuple) else (footprint, footprint)
            shape = footprint.astype(np.uint8) if isinstance(footprint, np.ndarray) else np.ones(size, np.uint8)
            theirs = cv2.morphologyEx(image, PEERS[name], shape, iterations=3)
            assert np.array_equal(function(image, footprint, iterations=3), theirs)
    picture = photos["rings"]
    out = np.empty_like(picture)
    assert function(picture, 3, iterations=2, out=out) is out
    assert np.array_equal(out, function(picture, 5))
    for corner in lopsided():  # twice by a small footprint is once by its sum with itself: nothing moves
        twice = function(picture, corner, iterations=2)
        assert (twice <= picture if name == "opening" else twice >= picture).all()
    steps = sl.trace(function, picture, footprint=3, iterations=2).steps
    assert np.array_equal(
        steps[1].picture()[..., 0], getattr(sl.image, "erode" if name == "opening" else "dilate")(picture, 5)
    )
    with pytest.raises(InputError, match=f"{name}: iterations must be a whole number ≥ 1"):
        function(picture, 3, iterations=0)


def differing(name: str, photos: dict[str, np.ndarray]) -> int:
    """Return how many values differ from OpenCV's."""
    wrong = 0
    for image in images(photos):
        for footprint in symmetric():
            size = footprint if isinstance(footprint, tuple) else (footprint, footprint)
            shape = footprint.astype(np.uint8) if isinstance(footprint, np.ndarray) else np.ones(size, np.uint8)
            theirs = cv2.morphologyEx(image, PEERS[name], shape)
            wrong += int((getattr(sl.image, name)(image, footprint) != theirs).sum())
    return wrong


@evidence.equals("image.opening", peer="opencv", tolerance="identical (uint8, uint16, float32)", data="photos")
def test_opening_equals_opencv(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    wrong = differing("opening", photos)
    measured(wrong)
    assert wrong == 0


@evidence.equals("image.closing", peer="opencv", tolerance="identical (uint8, uint16, float32)", data="photos")
def test_closing_equals_opencv(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    wrong = differing("closing", photos)
    measured(wrong)
    assert wrong == 0


@evidence.equals("image.top_hat", peer="opencv", tolerance="identical (uint8, uint16, float32)", data="photos")
def test_top_hat_equals_opencv(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    wrong = differing("top_hat", photos)
    measured(wrong)
    assert wrong == 0


@evidence.equals("image.black_hat", peer="opencv", tolerance="identical (uint8, uint16, float32)", data="photos")
def test_black_hat_equals_opencv(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    wrong = differing("black_hat", photos)
    measured(wrong)
    assert wrong == 0


@evidence.equals("image.morphological_gradient", peer="opencv", tolerance="identical", data="photos")
def test_gradient_equals_opencv(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    wrong = differing("morphological_gradient", photos)
    measured(wrong)
    assert wrong == 0


@evidence.equals("image.opening", peer="scikit-image", tolerance="identical, lopsided footprints", data="photos")
@evidence.equals("image.closing", peer="scikit-image", tolerance="identical, lopsided footprints", data="photos")
def test_lopsided_footprints_as_in_scikit_image(
    photos: dict[str, np.ndarray], measured: Callable[[float], None]
) -> None:
    wrong = 0
    for image in (photos["rings"], photos["noise"][..., 0]):
        for footprint in lopsided():
            size = footprint if isinstance(footprint, tuple) else (footprint, footprint)
            shape = footprint.astype(np.uint8) if isinstance(footprint, np.ndarray) else np.ones(size, np.uint8)
            for name in ("opening", "closing"):
                theirs = getattr(morphology, name)(image, shape, mode="ignore")
                differs = getattr(sl.image, name)(image, footprint) != theirs
                # Near the border it matters on which side of the middle the anchor of an even size is.
                y, x = (0 if side % 2 else side for side in shape.shape)
                wrong += int(differs[y : differs.shape[0] - y, x : differs.shape[1] - x].sum())
    measured(wrong)
    assert wrong == 0


@pytest.mark.parametrize("footprint", [*symmetric(), *lopsided()])
@pytest.mark.parametrize("name", ["opening", "closing"])
def test_twice_is_once(photos: dict[str, np.ndarray], name: str, footprint: Any) -> None:
    method = getattr(sl.image, name)
    once = method(photos["noise"], footprint)
    assert np.array_equal(method(once, footprint), once)
    assert ((once <= photos["noise"]) if name == "opening" else (once >= photos["noise"])).all()


@pytest.mark.parametrize("footprint", [*symmetric(), *lopsided()])
def test_closing_is_the_opening_of_the_negative(photos: dict[str, np.ndarray], footprint: Any) -> None:
    image = photos["rings"]
    assert np.array_equal(closing(image, footprint), 255 - opening(255 - image, footprint))


@ALL
def test_masks_are_binary_images(photos: dict[str, np.ndarray], name: str) -> None:
    mask, method = photos["rings"] > 127, getattr(sl.image, name)
    ours = method(mask, 5)
    assert ours.dtype == np.bool_
    assert np.array_equal(ours, method(mask.astype(np.uint8), 5) > 0)


@ALL
def test_writes_to_out(photos: dict[str, np.ndarray], name: str) -> None:
    image, method = photos["rings"], getattr(sl.image, name)
    out = np.empty_like(image)
    assert method(image, 5, out=out) is out
    assert np.array_equal(out, method(image, 5))
    with pytest.raises(InputError, match=f"{name}: out must not share memory with the input"):
        method(image, 5, out=image)


@ALL
def test_nan_spreads_and_stays(name: str) -> None:
    image = np.zeros((20, 30), np.float32)
    image[10, 15] = np.nan
    spoiled = np.isnan(getattr(sl.image, name)(image, 3))
    reach = 1 if name == "morphological_gradient" else 2
    assert spoiled[10 - reach : 11 + reach, 15 - reach : 16 + reach].all()
    assert spoiled.sum() == (2 * reach + 1) ** 2


@ALL
def test_refusals_name_the_method(name: str) -> None:
    method = getattr(sl.image, name)
    with pytest.raises(InputError, match=f"{name}: footprint must have a true pixel; got 3×3 bool of false ones"):
        method(np.zeros((4, 4), np.uint8), np.zeros((3, 3), bool))
    with pytest.raises(InputError, match=f"{name}: image must be"):
        method(np.zeros((4, 4)))


@ALL
def test_steps_end_in_the_result(photos: dict[str, np.ndarray], name: str) -> None:
    if name in ("opening", "closing"):
        method = getattr(sl.image, name)
        assert np.array_equal(sl.trace(method, photos["rings"], footprint=7).result, method(photos["rings"], 7))


@pytest.mark.parametrize("name", ["top_hat", "black_hat", "morphological_gradient"])
def test_beside_the_result_one_picture_is_held(name: str) -> None:
    image = np.random.default_rng(0).integers(0, 256, (900, 800), dtype=np.uint8)

    def call() -> Any:
        result = getattr(sl.image, name)(image, 9)
        buffers.release()  # else what waits for the next call would count as kept
        return result

    assert taken_beside_result(call) < 1.3 * image.nbytes


LARGE = {
    "bytes": (np.uint8, (2600, 1700), (3, 9, (2, 60), (31, 5))),
    "bits": (np.bool_, (2600, 1700), (4,)),
    "words": (np.uint16, (2600, 900), ((5, 4),)),
    "floats": (np.float32, (900, 500, 3), (3, (12, 7))),
}


@pytest.mark.parametrize("case", LARGE)
def test_a_large_picture_is_taken_band_by_band_bit_for_bit(case: str) -> None:
    dtype, shape, footprints = LARGE[case]
    image = (np.random.default_rng(0).random(shape) * (1 if dtype == np.bool_ else 255) + 0.5).astype(dtype)
    if dtype == np.float32:  # of equal zeros, and of NaN, the same one is kept
        image[np.random.default_rng(1).random(shape) < 0.4] = 0
        image[np.random.default_rng(2).random(shape) < 0.3] = -0.0
        image[np.random.default_rng(3).random(shape) < 0.001] = np.nan
    for footprint in footprints:
        for largest, method in ((False, opening), (True, closing)):
            between = extremum(case, image, footprint, None, largest=largest)
            whole = extremum(case, between, footprint, None, largest=not largest, mirrored=True)
            assert method(image, footprint).tobytes() == whole.tobytes()


@pytest.mark.parametrize("name", ["opening", "closing", "top_hat", "black_hat"])
def test_of_a_large_picture_a_band_is_held_beside_the_result(name: str) -> None:
    image = np.random.default_rng(0).integers(0, 256, (2600, 1700), dtype=np.uint8)

    def call() -> Any:
        result = getattr(sl.image, name)(image, 9)
        buffers.release()
        return result

    assert taken_beside_result(call) < 0.1 * image.nbytes

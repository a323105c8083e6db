import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import sightline as sl
from sightline.core import conversions as c
from sightline.core.errors import InputError

sides = st.integers(1, 9)
quick = settings(max_examples=40, deadline=None)


def arrays(dtype, channels, **elements):
    shape = st.tuples(sides, sides, *([st.sampled_from(channels)] if channels else []))
    return hnp.arrays(dtype, shape, **elements)


boxes = hnp.arrays(np.float64, st.tuples(st.integers(0, 6), st.just(4)), elements=st.floats(-1e4, 1e4, width=32))


@quick
@given(arrays(np.uint8, (3, 4)))
def test_channels_first_and_last_undo_each_other(image):
    first = c.channels_first(image)
    assert first.shape == (image.shape[2], *image.shape[:2])
    assert first.flags.c_contiguous
    np.testing.assert_array_equal(c.channels_last(first), image)


@quick
@given(arrays(np.uint16, ()))
def test_a_gray_image_gets_one_channel_and_loses_it_again(image):
    assert c.channels_first(image).shape == (1, *image.shape)
    np.testing.assert_array_equal(c.channels_last(c.channels_first(image)), image)


@quick
@given(arrays(np.uint8, (3, 4)))
def test_swapping_red_and_blue_twice_is_nothing(image):
    swapped = c.swap_red_blue(image)
    np.testing.assert_array_equal(swapped[..., 0], image[..., 2])
    np.testing.assert_array_equal(swapped[..., 1], image[..., 1])
    np.testing.assert_array_equal(swapped[..., 3:], image[..., 3:])
    np.testing.assert_array_equal(c.swap_red_blue(swapped), image)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_every_whole_value_survives_float(dtype):
    values = np.arange(np.iinfo(dtype).max + 1).astype(dtype).reshape(16, -1)
    floats = c.to_float(values)
    assert floats.dtype == np.float32
    assert floats.min() == 0.0
    assert floats.max() == 1.0
    np.testing.assert_array_equal(np.rint(floats * np.iinfo(dtype).max).astype(dtype), values)
    if dtype == np.uint8:
        np.testing.assert_array_equal(c.to_uint8(floats), values)


def test_sixteen_bits_become_the_nearest_eight():
    values = np.arange(65536).astype(np.uint16).reshape(256, 256)
    np.testing.assert_array_equal(c.to_uint8(values), np.rint(values / 257.0).astype(np.uint8))


@quick
@given(arrays(np.float32, (), elements=st.floats(width=32, allow_nan=True, allow_infinity=True)))
def test_to_uint8_of_any_float_is_clipped_and_nan_is_zero(image):
    before = image.copy()
    result = c.to_uint8(image)
    exact = np.clip(np.where(np.isnan(image), 0, image).astype(np.float64), 0, 1) * 255
    assert np.abs(result - exact).max() <= 0.5 + 1e-4
    np.testing.assert_array_equal(image, before)


def test_masks_become_black_and_white():
    mask = np.array([[True, False]])
    assert c.to_uint8(mask).tolist() == [[255, 0]]
    assert c.to_float(mask).tolist() == [[1.0, 0.0]]


def test_nothing_is_copied_when_nothing_is_to_do():
    byte, real = np.zeros((2, 2), np.uint8), np.zeros((2, 2), np.float32)
    assert c.to_uint8(byte) is byte
    assert c.to_float(real) is real


@quick
@given(boxes)
def test_box_conversions_undo_each_other(values):
    np.testing.assert_allclose(c.boxes_xywh_to_xyxy(c.boxes_xyxy_to_xywh(values)), values, atol=1e-9)
    np.testing.assert_allclose(c.boxes_cxcywh_to_xyxy(c.boxes_xyxy_to_cxcywh(values)), values, atol=1e-9)


@quick
@given(boxes)
def test_centre_and_corner_forms_agree(values):
    corner, centre = c.boxes_xyxy_to_xywh(values), c.boxes_xyxy_to_cxcywh(values)
    np.testing.assert_allclose(corner[:, 2:], centre[:, 2:])
    np.testing.assert_allclose(corner[:, :2] + corner[:, 2:] / 2, centre[:, :2], atol=1e-9)


def test_boxes_by_hand():
    assert c.boxes_xywh_to_xyxy(np.array([[1, 2, 3, 4]])).tolist() == [[1, 2, 4, 6]]
    assert c.boxes_cxcywh_to_xyxy(np.array([[5, 5, 2, 4]])).tolist() == [[4, 3, 6, 7]]
    assert c.box_edges_to_points(np.array([[0, 0, 1, 1]])).tolist() == [[-0.5, -0.5, 0.5, 0.5]]


def test_boxes_keep_floating_dtypes_and_widen_whole_numbers():
    assert c.boxes_xywh_to_xyxy(np.zeros((1, 4), np.float32)).dtype == np.float32
    assert c.boxes_xywh_to_xyxy(np.zeros((1, 4), np.uint8)).dtype == np.float64
    # In uint8 the far edge would wrap around.
    assert c.boxes_xywh_to_xyxy(np.array([[200, 0, 100, 1]], np.uint8))[0, 2] == 300


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: c.channels_last(np.zeros((5, 4, 3))), "channels_last: image must be C×H×W with 1, 3 or 4 channels"),
        (lambda: c.channels_first(np.zeros(3)), "channels_first: image must be H×W or H×W×C; got 3 float64"),
        (lambda: c.swap_red_blue(np.zeros((3, 3))), "swap_red_blue: image must be H×W×3 or H×W×4"),
        (lambda: c.to_float(np.zeros((2, 2))), r"to_float: image must be .*Use image\.astype\(np\.float32\)"),
        (lambda: c.to_uint8(np.zeros((2, 2), np.int32)), "to_uint8: image must be"),
        (lambda: c.boxes_xywh_to_xyxy(np.zeros((2, 5))), "boxes_xywh_to_xyxy: boxes must be N×4 numbers; got 2×5"),
        (lambda: c.boxes_cxcywh_to_xyxy(["a"]), "boxes_cxcywh_to_xyxy: boxes must be N×4 numbers"),
    ],
)
def test_wrong_arguments_are_named(call, says):
    with pytest.raises(InputError, match=says):
        call()


def test_the_public_names_are_these():
    assert sl.channels_last is c.channels_last
    assert sl.to_uint8 is c.to_uint8

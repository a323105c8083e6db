import numpy as np
import pytest

import sightline as sl
from sightline.core import checks
from sightline.core.errors import InputError

IMAGES = [
    (None, {}, "must be H×W or H×W×3, uint8 or uint16 or float32; got NoneType None. Was the file read?"),
    ("cat.jpg", {}, "got str 'cat.jpg'. Read a file with sightline.read(path)."),
    ([[1, 2]], {}, "got list [[1, 2]]."),
    (
        np.zeros((3, 480, 640), np.uint8),
        {},
        "got 3×480×640 uint8. For channel-first arrays use sightline.channels_last(image).",
    ),
    (np.zeros((4, 5, 1), np.uint8), {}, "got 4×5×1 uint8. Drop the last axis: image[..., 0]."),
    (np.zeros((4, 5, 4), np.uint8), {}, "got 4×5×4 uint8. Drop the alpha channel: image[..., :3]."),
    (np.zeros((2, 4, 5, 3), np.uint8), {}, "got 2×4×5×3 uint8. Pass one image at a time."),
    (np.zeros((4, 5), np.float64), {}, "got 4×5 float64. Use image.astype(np.float32)."),
    (np.zeros((4, 5), np.int64), {}, "Use image.astype(np.uint8) when the values lie in 0–255."),
    (np.zeros((4, 5), bool), {}, "Use mask.astype(np.uint8) * 255 for a picture of a mask."),
    (
        np.zeros((4, 5), np.uint16),
        {"dtypes": ("uint8",)},
        "Use sightline.to_uint8(image) or sightline.to_float(image).",
    ),
    (np.zeros((4, 5, 3), np.uint8), {"channels": (1,)}, 'Use sightline.image.convert(image, "rgb", "gray").'),
    (np.zeros((4, 5), np.uint8), {"channels": (3,)}, 'Use sightline.image.convert(image, "gray", "rgb").'),
    (np.zeros((0, 5), np.uint8), {}, "must have at least one pixel; got 0×5 uint8."),
    (np.array(5, np.uint8), {}, "got a scalar uint8."),
    (np.array([[np.nan, np.inf, 1]], np.float32), {"finite": True}, "must be finite; got 2 NaN or infinite values."),
]


@pytest.mark.parametrize(("image", "options", "says"), IMAGES)
def test_the_sentence_about_an_image(image, options, says):
    with pytest.raises(InputError) as caught:
        checks.as_image("canny", image, **options)
    assert str(caught.value).startswith("canny: image must ")
    assert says in str(caught.value)


def test_a_pillow_image_and_a_tensor_get_their_own_hint():
    from PIL import Image

    with pytest.raises(InputError, match=r"Use np\.asarray\(image\)"):
        checks.as_image("canny", Image.new("L", (2, 2)))


def test_an_image_that_fits_is_not_copied():
    image = np.zeros((4, 5, 3), np.uint8)
    assert checks.as_image("f", image) is image


@pytest.mark.parametrize("channels", [(), (5,)])
def test_any_and_odd_channel_counts(channels):
    assert checks.as_image("f", np.zeros((4, 6, 5), np.uint8), channels=channels).shape == (4, 6, 5)


@pytest.mark.parametrize(
    "other",
    [
        lambda a: np.asfortranarray(a),
        lambda a: a[::-1, ::2],
        lambda a: a.astype(a.dtype.newbyteorder(">")),
        lambda a: np.frombuffer(b"x" + a.tobytes(), np.uint8)[1:].view(a.dtype).reshape(a.shape),
        lambda a: np.broadcast_to(a[:1], a.shape),
    ],
)
def test_contiguous_normalises_and_keeps_values(other):
    array = other(np.arange(60, dtype=np.uint16).reshape(6, 10))
    result = checks.contiguous(array)
    assert result.flags.c_contiguous
    assert result.flags.aligned
    assert result.dtype == np.uint16
    assert result.dtype.isnative
    np.testing.assert_array_equal(result, array)


def test_masks():
    mask = np.eye(4, dtype=bool)
    assert checks.as_mask("f", mask) is mask
    for wrong, says in (
        (mask.astype(np.uint8), r"f: mask must be H×W bool; got 4×4 uint8\. Compare first: image > 127\."),
        (mask[None], "got 1×4×4 bool"),
        ([True], "got list"),
        (mask[:0], "got 0×4 bool"),
    ):
        with pytest.raises(InputError, match=says):
            checks.as_mask("f", wrong)
    with pytest.raises(InputError, match="must have the image's shape 3×4; got 4×4 bool"):
        checks.as_mask("f", mask, shape=(3, 4))


@pytest.mark.parametrize("value", [5, 5.0, np.int32(5), np.float32(5), np.uint8(5)])
def test_numbers_of_every_kind(value):
    result = checks.number("f", "sigma", value, 0, 10)
    assert result == 5.0
    assert type(result) is float


@pytest.mark.parametrize(
    ("value", "options", "says"),
    [
        ("5", {}, r"f: sigma must be a number \(finite\); got str '5'\."),
        (True, {}, "got bool True"),
        (None, {"low": 0}, "≥ 0; got NoneType None"),
        (float("nan"), {"low": 0}, "≥ 0; got nan"),
        (float("nan"), {}, "got nan"),
        (float("inf"), {"low": 0, "high": 9}, "in 0–9; got inf"),
        (-1, {"low": 0, "high": 9}, "in 0–9; got -1"),
        (0, {"above": 0}, "> 0; got 0"),
        (0, {"above": 0, "high": 3}, "> 0 and ≤ 3; got 0"),
        (9, {"high": 3, "unit": "pixels"}, "≤ 3 pixels; got 9"),
    ],
)
def test_numbers_out_of_range(value, options, says):
    with pytest.raises(InputError, match=says):
        checks.number("f", "sigma", value, **options)


@pytest.mark.parametrize(
    ("value", "options", "says"),
    [
        (3.0, {}, "f: size must be a whole number ≥ 1; got float 3.0"),
        (True, {}, "got bool True"),
        (0, {}, "≥ 1; got 0"),
        (12, {"high": 9}, "in 1–9; got 12"),
        (4, {"odd": True}, "an odd whole number ≥ 1; got 4. Use 5."),
    ],
)
def test_integers_out_of_range(value, options, says):
    with pytest.raises(InputError, match=says):
        checks.integer("f", "size", value, 1, **options)


def test_what_no_kernel_counts_with_is_out_of_range():
    assert checks.integer("f", "size", 2**63 - 1, 1) == 2**63 - 1
    with pytest.raises(InputError, match="≥ 1; got one of 64 bits, too large to count with"):
        checks.integer("f", "size", 2**63, 1)
    with pytest.raises(InputError, match="in 1–9; got one of 16610 bits"):
        checks.integer("f", "size", 10**5000, 1, 9)
    for value in (10**400, -(10**5000)):
        with pytest.raises(InputError, match=r"f: sigma must be a number \(finite\); got one of \d+ bits"):
            checks.number("f", "sigma", value)


def test_integers_come_back_as_int():
    assert type(checks.integer("f", "n", np.int64(3), 1)) is int


def test_choices_suggest_the_nearest():
    assert checks.choice("f", "mode", "rgb", ("rgb", "gray")) == "rgb"
    with pytest.raises(InputError, match=r"f: mode must be one of 'rgb', 'gray'; got 'grey'\. Did you mean 'gray'\?"):
        checks.choice("f", "mode", "grey", ("rgb", "gray"))
    with pytest.raises(InputError, match="got 3"):
        checks.choice("f", "mode", 3, ("rgb", "gray"))


BEYOND = (10**8, 10**8), "at most 1099511627776 pixels; got 100000000×100000000"


def test_sizes():
    assert checks.size_2d("f", "size", [3, np.int64(4)]) == (3, 4)
    for wrong, says in (
        (5, r"\(height, width\); got int 5"),
        ((0, 4), r"size\[0\] \(height\)"),
        ((4, 0), "width"),
        BEYOND,
    ):
        with pytest.raises(InputError, match=says):
            checks.size_2d("f", "size", wrong)


def test_output_is_checked():
    image = np.zeros((4, 5), np.uint8)
    fresh = checks.output("f", None, (4, 5), np.uint8)
    assert fresh.shape == (4, 5)
    out = np.empty((4, 5), np.uint8)
    assert checks.output("f", out, (4, 5), "uint8", [image]) is out
    locked = np.empty((4, 5), np.uint8)
    locked.flags.writeable = False
    for wrong, says in (
        (np.empty((4, 5), np.float32), "f: out must be 4×5 uint8; got 4×5 float32"),
        (np.empty((5, 4), np.uint8), "got 5×4 uint8"),
        ([1], "got list"),
        (locked, "writeable"),
        (np.empty((4, 10), np.uint8)[:, ::2], "C-contiguous"),
        (image, "share memory"),
    ):
        with pytest.raises(InputError, match=says):
            checks.output("f", wrong, (4, 5), np.uint8, [image])


def test_rows_that_differ_in_length_are_refused_as_any_other_table():
    image, uneven = np.zeros((20, 30), np.uint8), [[1, 2, 3], [4, 5], [6, 7, 8]]
    assert checks.array_of(uneven).shape == ()
    calls = [
        lambda: sl.image.warp_affine(image, uneven),
        lambda: sl.image.warp_perspective(image, uneven),
        lambda: sl.image.warp(image, np.zeros((5, 5, 2), np.float32), value=uneven),
        lambda: sl.image.polar(image, center=uneven),
        lambda: sl.image.region_grow(image, uneven, 5),
        lambda: sl.image.grab_cut(np.zeros((20, 30, 3), np.uint8), uneven),
        lambda: sl.image.kmeans_segment(image, 1, start=uneven),
        lambda: sl.image.find_template(np.arange(600, dtype=np.uint8).reshape(20, 30), image[:5, :5], scales=uneven),
        lambda: sl.image.draw.boxes(image, uneven),
        lambda: sl.image.draw.skeletons(image, uneven, []),
    ]
    for call in calls:
        with pytest.raises(InputError, match=r"must be|must have"):
            call()


def test_what_came_is_described_briefly():
    assert checks.describe(np.zeros((2, 3), np.uint8)) == "2×3 uint8"
    assert len(checks.describe("x" * 500)) < 70
    assert checks.describe([np.zeros((2, 2))]) == "list of 1: 2×2 float64"
    assert checks.describe((np.zeros((9, 9, 3), np.uint8),) * 2) == "tuple of 2: 9×9×3 uint8, …"
    assert checks.describe([[1, 2], [3]]) == "list [[1, 2], [3]]"


def test_numbers_whose_sums_leave_float32_are_refused_where_they_would_spoil_the_result():
    image = np.full((40, 40, 3), 0.5, np.float32)
    image[:20] = 3e38
    half = np.zeros((40, 40), bool)
    half[:, :20] = True
    calls = [
        lambda: sl.image.blend(image, image, half),
        lambda: sl.image.bilateral_filter(image, 5, 0.1, 2.0),
        lambda: sl.image.frequency_filter(image),
        lambda: sl.image.grab_cut(image, np.array([5, 5, 30, 30])),
        lambda: sl.image.kmeans_segment(image, 2),
        lambda: sl.image.match_template(image, image[:9, :9]),
        lambda: sl.image.seam_carve(image, (30, 30)),
        lambda: sl.image.slic(image, 10),
    ]
    for call in calls:
        with pytest.raises(InputError, match="must lie within"):
            call()
    assert np.isinf(sl.image.gaussian_blur(image, 2.0)).any()  # what propagates says so, and does

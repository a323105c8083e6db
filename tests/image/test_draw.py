import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, features

import sightline as sl
from sightline.core import evidence
from sightline.core.canvas import PALETTE, colour_of, heat_colours
from sightline.image import draw

GOLDEN = Path(__file__).parent / "golden"


def scene() -> np.ndarray:
    y, x = np.mgrid[0:120, 0:160]
    return np.stack([40 + x, 60 + y, 90 + (x + y) // 4], axis=2).astype(np.uint8)


def disc(radius: float = 30) -> np.ndarray:
    y, x = np.mgrid[0:120, 0:160]
    return np.hypot(x - 60, y - 55) < radius


DRAWINGS = {
    "boxes": lambda: draw.boxes(scene(), np.array([[20, 30, 90, 100.0], [120, 2, 158, 60]]), ["cup", "spoon 87%"]),
    "masks": lambda: draw.masks(scene(), [disc(), np.roll(disc(20), 50, 1)]),
    "keypoints": lambda: draw.keypoints(
        scene(), np.array([[20, 20], [60, 50], [np.nan, 0], [100, 100]]), links=[(0, 1), (1, 2), (1, 3)]
    ),
    "text": lambda: draw.text(scene(), "two\nlines: jgpq", (100, 110)),
    "heat_map": lambda: draw.heat_map(scene(), np.linspace(0, 1, 35, dtype=np.float32).reshape(5, 7)),
    "skeletons": lambda: draw.skeletons(
        scene(),
        np.array(
            [
                [[30, 20, 1], [30, 60, 1], [50, 80, 0.9], [12, 78, 0.1]],
                [[110, 30, 1], [112, 70, 1], [130, 90, 1], [95, 92, 1]],
            ]
        ),
        [(0, 1), (1, 2), (1, 3)],
    ),
    "tracks": lambda: draw.tracks(
        scene(),
        [np.array([[10, 90], [40, 70], [np.nan, 0], [70, 50], [120, 40]]), np.array([[20, 10], [90, 100]])],
        [3, 12],
    ),
    "contours": lambda: draw.contours(scene(), [np.array([[20, 20], [80, 30], [40, 90]]), np.array([[120, 60]])]),
    "lines": lambda: draw.lines(scene(), np.array([[5, 5, 150, 100], [150, 5, 5, 110]])),
    "circles": lambda: draw.circles(scene(), np.array([[60, 55, 30], [120.5, 60.2, 14.7]])),
    "ellipses": lambda: draw.ellipses(scene(), np.array([[60, 55, 45, 20, 0.5]]), color=(255, 255, 255), width=3),
    "labels": lambda: draw.labels(scene(), (disc() + 2 * np.roll(disc(20), 50, 1)).astype(np.int32)),
    "flow": lambda: draw.flow(np.stack(np.mgrid[-60:60, -80:80][::-1], axis=2).astype(np.float32), largest=60),
    "matches": lambda: draw.matches(scene(), scene()[::2, ::2], np.array([[20, 30, 10, 15], [100, 80, 50, 40]])),
}


@pytest.mark.parametrize("name", DRAWINGS)
def test_drawings_look_as_they_were_approved(name):
    drawn, path = DRAWINGS[name](), GOLDEN / f"{name}.png"
    if os.environ.get("SIGHTLINE_GOLDEN") == "write":
        sl.write(path, drawn)
    golden = sl.read(path)
    assert drawn.shape == golden.shape
    differ = np.abs(drawn.astype(int) - golden).max(axis=2) > 40
    # Glyphs depend a little on the version of the font renderer; lines and fills do not.
    allowed = 0.03 if name in ("boxes", "text", "tracks") and features.check("freetype2") else 0.002
    assert differ.mean() <= allowed


@evidence.equals("image.boxes", peer="opencv", tolerance="every pixel of unlabelled boxes", data="random boxes")
def test_boxes_equal_opencv_rectangles(measured):
    cv2 = pytest.importorskip("cv2")
    random, differ = np.random.default_rng(8), 0
    for _ in range(50):
        image = random.integers(0, 256, (90, 110, 3), dtype=np.uint8)
        x1, y1 = random.integers(0, 80, 2)
        x2, y2 = x1 + random.integers(2, 60), y1 + random.integers(2, 60)
        expected = cv2.rectangle(image.copy(), (int(x1), int(y1)), (int(x2) - 1, int(y2) - 1), PALETTE[0], 1)
        differ += np.count_nonzero(draw.boxes(image, np.array([[x1, y1, x2, y2]])) != expected)
    measured(differ)
    assert differ == 0


@evidence.equals(
    "image.keypoints", peer="opencv", tolerance="intersection over union of a disc ≥ 0.8", data="drawn discs"
)
def test_keypoints_are_opencv_circles(measured):
    cv2 = pytest.importorskip("cv2")
    overlaps = []
    for size in (480, 700, 960):
        image, radius = np.full((size, size), 60, np.uint8), 2 * round(size / 240)
        drawn = draw.keypoints(image, np.array([[40.0, 50.0]]))
        assert tuple(drawn[50, 40]) == PALETTE[0]
        ours = (drawn != 60).any(axis=2)
        theirs = cv2.circle(image.copy(), (40, 50), radius, 255, -1) == 255
        overlaps.append((ours & theirs).sum() / (ours | theirs).sum())
    measured(min(overlaps))
    assert min(overlaps) >= 0.8


@evidence.equals("image.heat_map", peer="opencv", tolerance="6 grey levels from COLORMAP_INFERNO", data="a ramp")
def test_heat_colours_are_inferno(measured):
    cv2 = pytest.importorskip("cv2")
    ramp = np.linspace(0, 1, 256)[None]
    theirs = cv2.applyColorMap(np.arange(256, dtype=np.uint8)[None], cv2.COLORMAP_INFERNO)[..., ::-1]
    ours = draw.heat_map(np.zeros((1, 256), np.uint8), ramp, opacity=1)
    worst = int(np.abs(ours.astype(int) - theirs).max())
    measured(worst)
    assert worst <= 6


@evidence.equals("image.text", peer="pillow", tolerance="every pixel", data="a line of text")
def test_text_equals_pillow(measured):
    from PIL import ImageDraw, ImageFont

    image = np.full((100, 200, 3), 60, np.uint8)
    ours = draw.text(image, "Sightline 42", (10, 20))
    theirs = Image.fromarray(image)
    pen, font = ImageDraw.Draw(theirs), ImageFont.load_default(10)
    right, bottom = pen.textbbox((0, 0), "Sightline 42", font=font)[2], pen.textbbox((0, 0), "Äg", font=font)[3]
    pen.rectangle((10, 20, 10 + round(right) + 3, 20 + round(bottom) + 1), fill=PALETTE[0])
    pen.text((12, 21), "Sightline 42", font=font, fill=(0, 0, 0))
    differ = np.count_nonzero(ours != np.asarray(theirs))
    measured(differ)
    assert differ == 0


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("gray", [True, False])
def test_what_is_not_drawn_on_keeps_its_value(dtype, gray):
    random = np.random.default_rng(9)
    image = random.random((60, 70) if gray else (60, 70, 3), dtype=np.float32)
    image = image if dtype == "float32" else (image * np.iinfo(dtype).max).astype(dtype)
    if dtype == "float32":
        image[0, 0] = np.nan
    drawn = draw.boxes(image, np.array([[10, 10, 30, 30]]))
    assert drawn.dtype == image.dtype
    assert drawn.shape == (60, 70, 3)
    rgb = np.dstack([image] * 3) if gray else image
    inside = np.zeros((60, 70), bool)
    inside[10:30, 10:30] = True
    np.testing.assert_array_equal(drawn[~inside], rgb[~inside])
    full = {"uint8": 255, "uint16": 65535, "float32": 1.0}[dtype]
    np.testing.assert_allclose(drawn[10, 10] / full, np.array(PALETTE[0]) / 255, atol=1e-6)


def test_a_mask_is_the_mix_of_the_two():
    image = scene()
    drawn = draw.masks(image, disc(), opacity=0.6)
    mixed = image * 0.4 + np.array(PALETTE[0]) * 0.6
    assert np.abs(drawn[disc()] - mixed[disc()]).max() <= 1.5
    np.testing.assert_array_equal(drawn[~disc()], image[~disc()])


def test_labels_choose_the_colours():
    boxes = np.array([[0, 20, 9, 29], [20, 20, 29, 29], [40, 20, 49, 29]])
    drawn = draw.boxes(np.zeros((60, 60), np.uint8), boxes, ["b", "a", "b"])
    assert tuple(drawn[28, 0]) == tuple(drawn[28, 40]) == colour_of(0)
    assert tuple(drawn[28, 20]) == colour_of(1)


def test_labels_stay_inside_the_picture():
    image = np.zeros((50, 60), np.uint8)
    drawn = draw.boxes(image, np.array([[55, 0, 60, 10]]), ["wide label"])
    assert drawn[:, :40].any()
    assert draw.text(image, "x", (500, 500))[-5:, -5:].any()


@pytest.mark.parametrize("box", [[-50, -50, 500, 500], [-1e12, 0, 1e12, 5], [200, 200, 300, 300], [5, 5, 5, 5]])
def test_boxes_beyond_the_picture_are_cut_off(box):
    assert draw.boxes(np.zeros((40, 40), np.uint8), np.array([box], float)).shape == (40, 40, 3)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (2, 2)])
def test_tiny_pictures_can_be_drawn_on(size):
    image = np.zeros(size, np.uint8)
    for drawn in (
        draw.boxes(image, np.array([[0, 0, 1, 1]]), ["a label"]),
        draw.masks(image, np.ones(size, bool)),
        draw.keypoints(image, np.array([[0, 0]])),
        draw.text(image, "text"),
        draw.heat_map(image, np.ones((3, 3))),
    ):
        assert drawn.shape == (*size, 3)
        assert drawn.any()


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda i: draw.boxes(i, np.zeros((2, 3))), "boxes: boxes must be N×4 numbers"),
        (lambda i: draw.boxes(i, np.array([[0, 0, np.nan, 1]])), "boxes: boxes must be finite"),
        (lambda i: draw.boxes(i, np.array([[5, 0, 1, 1]])), "boxes: boxes must have x1 ≤ x2"),
        (lambda i: draw.boxes(i, np.array([[0, 0, 1, 1]]), ["a", "b"]), "boxes: labels must be one for each"),
        (lambda i: draw.masks(i, np.zeros((2, 2), bool)), "masks: masks must have the image's shape"),
        (lambda i: draw.masks(i, np.zeros((9, 9), np.uint8)), "masks: masks must be H×W bool"),
        (lambda i: draw.keypoints(i, np.zeros((3, 2)), links=[(0, 3)]), r"keypoints: links\[0\]"),
        (
            lambda i: draw.keypoints(i, np.zeros((3, 2)), links=[0, 1]),
            "links must be pairs of point numbers; got int 0",
        ),
        (lambda i: draw.keypoints(i, np.zeros((3, 2)), links=[(0, 1, 2)]), "keypoints: links must be pairs"),
        (lambda i: draw.masks(i, np.array(True)), "masks: masks must be H×W bool, or several"),
        (lambda i: draw.boxes(i, np.array([[0, 0, 1, 1]]), np.array("a")), "boxes: labels must be one for each"),
        (lambda i: draw.text(i, 5), "text: text must be a str"),
        (lambda i: draw.text(i, "a", (np.nan, 2)), "text: at must be"),
        (lambda i: draw.heat_map(i, np.zeros((2, 2), int)), "heat_map: values must be 2-D floats"),
        (lambda i: draw.heat_map(i, np.zeros((2, 2)), opacity=2), "heat_map: opacity must be"),
        (lambda i: draw.matches(i, None, np.zeros((0, 4))), "matches: second must be"),
    ],
)
def test_wrong_arguments_are_named(call, says):
    with pytest.raises(sl.InputError, match=says):
        call(np.zeros((9, 9), np.uint8))


@pytest.mark.loose
def test_one_row_may_come_alone():
    for drawn, alone in ((draw.boxes, [20, 30, 60, 50]), (draw.keypoints, [20, 30]), (draw.lines, [20, 30, 60, 50])):
        assert np.array_equal(drawn(scene(), np.array(alone)), drawn(scene(), np.array([alone])))


def test_no_boxes_points_or_matches_draw_nothing():
    image = scene()
    np.testing.assert_array_equal(draw.boxes(image, np.zeros((0, 4))), image)
    np.testing.assert_array_equal(draw.keypoints(image, np.zeros((0, 2))), image)
    np.testing.assert_array_equal(draw.masks(image, []), image)
    assert draw.matches(image, image, np.zeros((0, 4))).shape == (120, 320, 3)


def test_heat_colours_rise_in_lightness_and_mark_nan():
    colours = heat_colours(np.linspace(0, 1, 100)[None])[0].astype(float)
    luma = colours @ [0.299, 0.587, 0.114]
    assert (np.diff(luma) > -0.5).all()
    assert heat_colours(np.array([[np.nan]])).tolist() == [[[128, 128, 128]]]


# --- what has many parts, against the rasteriser of OpenCV: strokes of one pixel, within one pixel of its own ---


@evidence.equals("image.labels", peer="scikit-image", tolerance="1 grey level", data="scene")
@evidence.equals("image.masks", peer="scikit-image", tolerance="1 grey level", data="scene")
def test_tints_equal_scikit_image(measured):
    color = pytest.importorskip("skimage.color")
    found = ((disc() + 2 * np.roll(disc(20), 50, 1)) % 3).astype(np.int32)
    colours = (
        np.asarray(sl.image.draw.labels(np.zeros((1, 2), np.uint8), np.array([[1, 2]], np.int32), opacity=1))[0] / 255
    )
    peer = color.label2rgb(found, scene(), colors=colours, alpha=0.5, bg_label=0, saturation=1) * 255
    ours = draw.labels(scene(), found)
    assert np.array_equal(ours[found == 0], scene()[found == 0]), "the peer darkens what has no label"
    worst = np.abs(ours - peer)[found > 0].max()
    tint = np.array([colour_of(0)]) / 255
    peer = color.label2rgb(disc().astype(int), scene(), colors=tint, alpha=0.45, bg_label=0, saturation=1) * 255
    worst = max(worst, np.abs(draw.masks(scene(), disc()) - peer)[disc()].max())
    measured(worst)
    assert worst <= 1.01


def test_flow_names_its_directions():
    colours = draw.flow(np.array([[[1, 0], [0, 1], [-1, 0], [0, -1], [0, 0], [np.nan, 0]]], np.float32))[0].astype(int)
    assert colours[0].tolist() == [255, 0, 0]
    assert colours[1].argmin() == 2, "down: yellow-green"
    assert colours[2].argmin() == 0, "left: cyan"
    assert colours[3].argmax() == 2, "up: violet-blue"
    assert colours[4].tolist() == [255, 255, 255]
    assert colours[5].tolist() == [0, 0, 0]
    faster = draw.flow(np.array([[[0.5, 0], [2, 0]]], np.float32), largest=1)[0].tolist()
    assert faster == [[255, 127, 127], [191, 0, 0]]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: draw.skeletons(scene(), np.zeros((2, 2)), []), "skeletons: keypoints must be N×K×2"),
        (lambda: draw.skeletons(scene(), np.zeros((1, 2, 2)), [(0, 2)]), r"skeletons: links\[0\] must be"),
        (lambda: draw.skeletons(scene(), np.zeros((1, 2, 2)), None), "skeletons: links must be pairs of point numbers"),
        (lambda: draw.skeletons(scene(), np.zeros((1, 0, 2)), [(0, 0)]), r"skeletons: links\[0\] must be"),
        (lambda: draw.tracks(scene(), 5), "tracks: paths must be N×2 points each; got int 5"),
        (lambda: draw.tracks(scene(), [np.zeros((2, 2))], 3), "tracks: ids must be a whole number for each track"),
        (lambda: draw.contours(scene(), np.array(3)), "contours: contours must be a list of N×2 points"),
        (lambda: draw.tracks(scene(), [np.zeros((2, 3))]), r"tracks: paths\[0\] must be N×2"),
        (lambda: draw.tracks(scene(), [np.zeros((2, 2))], [1, 2]), "tracks: ids must be one for each of the 1 paths"),
        (lambda: draw.contours(scene(), [np.full((2, 2), np.nan)]), r"contours: contours\[0\] must be finite"),
        (lambda: draw.lines(scene(), np.zeros((2, 5))), "lines: lines must be N×4 or N×2 or N×3 numbers"),
        (lambda: draw.circles(scene(), np.zeros((2, 2))), "circles: circles must be N×3"),
        (lambda: draw.circles(scene(), np.full((2, 3), np.nan)), "circles: circles must be finite"),
        (lambda: draw.ellipses(scene(), np.zeros((2, 4))), "ellipses: ellipses must be N×5"),
        (lambda: draw.circles(scene(), np.zeros((2, 3)), color=(1, 2)), r"color must be \(red, green, blue\)"),
        (lambda: draw.circles(scene(), np.zeros((2, 3)), color="red"), r"color must be \(red, green, blue\)"),
        (lambda: draw.boxes(scene(), np.zeros((2, 4)), color=(1, 2, 256)), r"color\[2\] must be a whole number"),
        (lambda: draw.text(scene(), "a", color=(0.5, 1, 0)), r"color\[0\] must be a whole number"),
        (lambda: draw.lines(scene(), np.zeros((2, 4)), width=0), "lines: width must be a whole number in 1–100"),
        (lambda: draw.text(scene(), "a", size=2), "text: size must be a whole number"),
        (lambda: draw.keypoints(scene(), np.zeros((2, 2)), radius=-1), "keypoints: radius must be a number"),
        (lambda: draw.labels(scene(), np.zeros((2, 3), np.int32)), "labels: labels must be 120×160 whole numbers"),
        (lambda: draw.flow(np.zeros((2, 3, 2), int)), "flow: flow must be H×W×2 floats"),
    ],
)
def test_parts_refuse_by_name(call, words):
    with pytest.raises(sl.InputError, match=words):
        call()

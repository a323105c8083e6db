"""Pictures with boxes, masks, label maps and keypoints: all move by one map, against OpenCV and by properties."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sightline.core.errors import InputError
from sightline.data import Augment, LabelledImage
from sightline.data.affine import linear_map
from sightline.data.changes import CHANGES
from sightline.data.move import Move

FRAME = (40, 56)
amounts = st.tuples(st.floats(-3, 3), st.floats(0.4, 2.5), st.floats(-0.5, 0.5), st.floats(-30, 30), st.floats(-20, 20))


def move_of(amounts: tuple[float, ...], mirrored: bool = False) -> Move:
    angle, scale, shear, right, down = amounts
    move = Move.about_centre(FRAME, linear_map(angle, scale, shear, 0.0), (right, down))
    return Move.mirror(FRAME).then(move) if mirrored else move


def some_boxes(seed: int, count: int = 8) -> np.ndarray:
    random = np.random.default_rng(seed)
    corners = random.uniform(0, 1, (count, 2, 2)) * (FRAME[1], FRAME[0])
    return np.concatenate([corners.min(axis=1), corners.max(axis=1) + 0.5], axis=1)


def things(seed: int = 0) -> LabelledImage:
    """Return a picture of three bright rectangles with everything that can be labelled on them."""
    random = np.random.default_rng(seed)
    image = random.integers(0, 40, (*FRAME, 3), dtype=np.uint8)
    boxes = np.array([(4, 5, 20, 19), (30, 8, 50, 30), (12, 24, 26, 37)])
    masks = np.zeros((3, *FRAME), np.bool_)
    segmentation = np.zeros(FRAME, np.int32)
    for i, (x1, y1, x2, y2) in enumerate(boxes):
        masks[i, y1:y2, x1:x2] = True
        segmentation[masks[i]] = i + 1
        image[masks[i]] = 120 + 40 * i
    corners = boxes[:, [0, 1, 2, 3]].reshape(3, 2, 2) + np.array([(0, 0), (-1, -1)])
    return LabelledImage(image, boxes, [7, 8, 9], masks, segmentation, corners, pairs=((0, 1),))


@settings(max_examples=80, deadline=None)
@example((-0.0390625, 2.056640625, -0.0390625, 2.0625, 0.0), False, 1000000)
@given(amounts, st.booleans(), st.integers(0, 10**6))
def test_a_moved_box_surrounds_what_opencv_says_is_left(amounts: tuple[float, ...], mirrored: bool, seed: int) -> None:
    move, boxes = move_of(amounts, mirrored), some_boxes(seed)
    found, shares = move.boxes(boxes)
    frame = np.array([(0, 0), (FRAME[1], 0), (FRAME[1], FRAME[0]), (0, FRAME[0])], np.float32)
    for box, ours, share in zip(boxes, found, shares, strict=True):
        quad = move.points(box[[0, 1, 2, 1, 2, 3, 0, 3]].reshape(4, 2) - 0.5) + 0.5
        area, shared = cv2.intersectConvexConvex(quad.astype(np.float32), frame)
        if area < 0.5:  # a sliver: OpenCV's single precision may say that there is none; its box is twice a corner
            assert share * cv2.contourArea(quad.astype(np.float32)) < 1.01
            continue
        points = shared.reshape(-1, 2)
        assert np.abs(ours - [*points.min(axis=0), *points.max(axis=0)]).max() < 0.02
        assert 0 < share <= 1 + 1e-9


@settings(max_examples=40, deadline=None)
@given(amounts, st.booleans())
def test_masks_move_as_opencv_moves_them(amounts: tuple[float, ...], mirrored: bool) -> None:
    move, labels = move_of(amounts, mirrored), things().segmentation
    assert labels is not None
    x, y = np.meshgrid(np.arange(FRAME[1]), np.arange(FRAME[0]))
    inverse = np.linalg.inv(np.vstack([move.matrix, (0, 0, 1)]))
    places = (inverse[:2] @ np.stack([x.ravel(), y.ravel(), np.ones(x.size)])).reshape(2, *FRAME)
    peer = cv2.remap(
        labels.astype(np.float32), *np.rint(places).astype(np.float32), cv2.INTER_NEAREST, borderValue=255
    ).astype(np.int32)
    fractions = np.abs(places % 1 - 0.5).min(axis=0)
    sure = fractions > 1e-6  # halfway between two pixels either is right
    assert np.array_equal(move.masks(labels, 255)[sure], peer[sure])


@settings(max_examples=40, deadline=None)
@given(amounts, amounts, st.booleans(), st.integers(0, 10**6))
def test_two_moves_are_one(first: tuple[float, ...], then: tuple[float, ...], mirrored: bool, seed: int) -> None:
    a, b = move_of(first, mirrored), move_of(then)
    points = np.random.default_rng(seed).uniform(-50, 50, (3, 4, 2))
    assert np.allclose(a.then(b).points(points), b.points(a.points(points)), atol=1e-9)
    assert a.then(b).is_mirrored == mirrored


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(["light", "standard", "randaugment", "trivialaugment", "shape"]))
def test_labels_lie_where_the_picture_shows_them(seed: int, policy: str) -> None:
    geometry: list = {  # what moves, of each policy; values stay, so that a thing is known by its brightness
        "light": ["mirror", "shift"],
        "standard": ["mirror", "affine", ("rotate", {"angle": 0.5})],
        "randaugment": ["mirror", "shift", ("affine", {"shear": 0.3, "scale": 0.4})],
        "trivialaugment": [("mirror", {"direction": "vertical"}), ("rotate", {"angle": 3.0})],
        "shape": [("resized_crop", {"shape": (64, 48)})],
    }[policy]
    found = Augment(geometry, keep=0.0)(things(), seed)
    assert found.masks is not None
    assert found.segmentation is not None
    frame = found.image.shape[:2]
    for i in range(len(found)):
        ys, xs = np.nonzero(found.masks[i])
        if len(xs) == 0:
            continue
        # Nearest neighbour puts a mask's edge within half an old pixel, here at most one new one, of the box's.
        assert np.abs(found.boxes[i] - [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]).max() <= 1.6
        value = 120 + 40 * (found.classes[i] - 7)
        inner = cv2.erode(found.masks[i].astype(np.uint8), np.ones((5, 5)), borderValue=0).astype(bool)
        assert (np.abs(found.image[inner].astype(int) - value) <= 1).all()
        assert (found.segmentation[inner] == found.classes[i] - 6).all()
        for point, seen in zip(found.keypoints[i], found.visible[i], strict=True):
            on_picture = -0.5 <= point[0] < frame[1] - 0.5 and -0.5 <= point[1] < frame[0] - 0.5
            assert seen == on_picture
            if seen:  # the rectangle's corner pixel lies there
                assert np.hypot(xs - point[0], ys - point[1]).min() < 1.5


@pytest.mark.parametrize("policy", ["none", "slight", "light", "standard", "randaugment", "trivialaugment"])
def test_a_picture_changes_the_same_with_and_without_labels(policy: str) -> None:
    example = things()
    before = example.image.copy(), example.boxes.copy(), example.masks.copy()
    for shape in (None, (32, 24)):
        augment = Augment(policy, shape=shape)
        for index in range(20):
            alone = augment.sample(example.image, seed=1, epoch=2, index=index)
            together = augment.sample(example, seed=1, epoch=2, index=index)
            assert np.array_equal(together.image, alone)
            for name in ("boxes", "classes", "masks", "keypoints", "visible"):
                assert len(getattr(together, name)) == len(together)
            assert together.boxes.min(initial=0) >= 0
            assert (together.boxes[:, 2:] <= together.image.shape[1::-1]).all()
            assert np.array_equal(together.classes, together.rows + 7)
    assert np.array_equal(example.image, before[0])
    assert np.array_equal(example.boxes, before[1])
    assert np.array_equal(example.masks, before[2])


def test_a_mirror_swaps_pairs_and_twice_is_none() -> None:
    example = things()
    once = example.moved(Move.mirror(FRAME))
    twice = once.moved(Move.mirror(FRAME))
    assert np.array_equal(once.image, example.image[:, ::-1])
    assert np.array_equal(once.keypoints[:, 0, 0], FRAME[1] - 1 - example.keypoints[:, 1, 0])
    for name in ("image", "boxes", "masks", "segmentation", "keypoints", "visible"):
        assert np.array_equal(getattr(twice, name), getattr(example, name))
    turned = example.moved(Move.about_centre(FRAME, (-1.0, 0.0, 0.0, -1.0)))  # half a turn is no mirror
    assert np.allclose(turned.keypoints[:, 0], np.array(FRAME[::-1]) - 1 - example.keypoints[:, 0])


def test_things_that_leave_the_picture_are_dropped_whole() -> None:
    example = things()
    gone = example.moved(Move.shift(FRAME, -24.0, 0.0))  # only the second, and an edge of the third, stay
    assert gone.rows.tolist() == [1, 2]
    assert gone.classes.tolist() == [8, 9]
    assert gone.boxes.tolist() == [[6, 8, 26, 30], [0, 24, 2, 37]]
    assert gone.visible.tolist() == [[True, True], [False, True]]
    assert (gone.segmentation[:, -24:] == 255).all()
    assert example.moved(Move.shift(FRAME, -24.0, 0.0), keep=0.5).rows.tolist() == [1]
    assert len(example.moved(Move.shift(FRAME, 99.0, 0.0))) == 0


def test_only_masks_or_only_points_will_do() -> None:
    example = things()
    only_masks = LabelledImage(example.image, masks=example.masks).moved(Move.shift(FRAME, -24.0, 0.0))
    assert only_masks.rows.tolist() == [1, 2]
    only_points = LabelledImage(example.image, keypoints=example.keypoints).moved(Move.shift(FRAME, -24.0, 0.0))
    assert only_points.visible.tolist() == [[False, False], [True, True], [False, True]]
    assert len(LabelledImage(example.image, boxes=[], classes=[])) == 0
    assert Augment("standard")(LabelledImage(example.image, boxes=[], classes=[]), 3).boxes.shape == (0, 4)


def test_a_great_shrinking_is_smoothed() -> None:
    stripes = np.tile(np.array([0, 255], np.uint8), (64, 32))
    small = Augment([("resize", {"shape": (16, 16)})])(stripes, 0)
    assert small.shape == (16, 16)
    assert np.abs(small[2:-2, 2:-2].astype(int) - 128).max() <= 16
    ramp = np.tile(np.arange(0, 250, 2, dtype=np.uint8), (91, 1))  # the value is twice the column
    found = Augment([("resize", {"shape": (20, 31)})])(ramp, 0)
    expected = 2 * ((np.arange(31) + 0.5) * 125 / 31 - 0.5)
    assert np.abs(found[1:-1, 1:-1] - expected[1:-1]).max() <= 1.5


def test_every_change_has_its_words_and_options() -> None:
    for name in CHANGES:
        options = {"shape": (12, 10)} if "res" in name else {}
        augment = Augment([(name, options)])
        assert len(augment.describe()) == 1
        assert augment(things(), 5).image.dtype == np.uint8


def test_labels_are_drawn() -> None:
    example = things()
    drawn = example.draw()
    assert drawn.shape == (*FRAME, 3)
    for i, box in enumerate(example.boxes.astype(int)):
        assert (drawn[box[1], box[0]] != example.image[box[1], box[0]]).any(), i


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"boxes": [[1, 2, 3]]}, "LabelledImage: boxes must be N×4 numbers; got 1×3"),
        ({"boxes": [[1, 2, 3, np.nan]]}, "LabelledImage: boxes must be finite; got nan"),
        ({"boxes": [[1, 2, 3, 4]], "classes": [1, 2]}, "LabelledImage: classes must have 1 rows, one a thing; got 2"),
        ({"boxes": [[1, 2, 3, 4]], "classes": [0.5]}, "LabelledImage: classes must be N numbers"),
        ({"masks": np.zeros((1, 4, 4), bool)}, "LabelledImage: masks must be N×8×9 bool; got 1×4×4"),
        ({"segmentation": np.zeros((8, 9))}, "LabelledImage: segmentation must be 8×9 int32; got 8×9 float64"),
        ({"keypoints": np.zeros((2, 3, 3))}, "LabelledImage: keypoints must be N×K×2 numbers; got 2×3×3"),
        ({"keypoints": np.zeros((2, 3, 2)), "visible": [True]}, "LabelledImage: visible must be 2×3"),
        ({"keypoints": np.zeros((2, 3, 2)), "pairs": ((0, 3),)}, "LabelledImage: pairs must be numbers of keypoints"),
    ],
)
def test_wrong_labels_are_refused_by_name(options: dict, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        LabelledImage(np.zeros((8, 9), np.uint8), **options)
    assert sentence in str(caught.value)


def test_wrong_changes_are_refused_by_name() -> None:
    with pytest.raises(InputError, match=r"policy must name changes; got 'mirorr'. Did you mean 'mirror'"):
        Augment(["mirorr"])
    with pytest.raises(InputError, match="rotate has no option 'degrees'; it takes angle"):
        Augment([("rotate", {"degrees": 5})])
    with pytest.raises(InputError, match="Augment: keep must be a number in 0–1; got 2"):
        Augment("light", keep=2)

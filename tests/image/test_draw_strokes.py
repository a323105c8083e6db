"""Drawn strokes: lines, outlines, circles and ellipses beside the peers' own, in the colour and width asked for."""

import numpy as np
import pytest

import sightline as sl
from sightline.core import evidence
from sightline.image import draw


def strokes(drawn: np.ndarray) -> np.ndarray:
    return (drawn > 0).any(axis=2)


def near(a: np.ndarray, b: np.ndarray) -> float:
    """Return the share of strokes of each picture that lie within a pixel of the other's."""
    wide = [sl.image.dilate(x, 3) for x in (a, b)]
    return min((a & wide[1]).sum() / a.sum(), (b & wide[0]).sum() / b.sum())


def paths(count: int = 40) -> list[np.ndarray]:
    random = np.random.default_rng(5)
    return [random.integers(5, 80, (random.integers(2, 7), 2)) for _ in range(count)]


@evidence.equals("image.lines", peer="opencv", tolerance="all strokes within a pixel", data="random lines")
@evidence.equals("image.contours", peer="opencv", tolerance="all strokes within a pixel", data="random polygons")
@evidence.equals("image.tracks", peer="opencv", tolerance="99 % of strokes within a pixel", data="random paths")
@evidence.equals("image.skeletons", peer="opencv", tolerance="99 % of strokes within a pixel", data="random paths")
def test_strokes_equal_opencv(measured):
    cv2 = pytest.importorskip("cv2")
    black, worst = np.zeros((90, 90), np.uint8), 1.0
    for path in paths():
        for closed in (True, False):
            peer = cv2.polylines(black.copy(), [path.astype(np.int32)], closed, 255) > 0
            worst = min(worst, near(strokes(draw.contours(black, [path], closed=closed)), peer))
        segments = np.concatenate([path[:-1], path[1:]], axis=1)
        worst = min(worst, near(strokes(draw.lines(black, segments)), peer))
        for x, y in path:
            peer = cv2.circle(peer.astype(np.uint8), (int(x), int(y)), 2, 1, -1) > 0
        bones = [(i, i + 1) for i in range(len(path) - 1)]
        worst = min(worst, near(strokes(draw.skeletons(black, path[None], bones)), peer))
        peer = cv2.polylines(black.copy(), [path.astype(np.int32)], False, 255)
        peer = cv2.circle(peer, tuple(map(int, path[-1])), 2, 255, -1) > 0
        worst = min(worst, near(strokes(draw.tracks(black, [path])), peer))
    measured(worst)
    assert worst >= 0.99


def test_a_place_between_pixels_is_drawn_on_the_nearest_one():
    black = np.zeros((9, 9), np.uint8)
    at = {
        "lines": np.array([[5.6, 2, 5.6, 6]]),
        "keypoints": np.array([[5.6, 5]]),
        "boxes": np.array([[5.6, 1, 6.6, 2]]),
    }
    for name, rows in at.items():
        assert strokes(getattr(draw, name)(black, rows)).any(axis=0).nonzero()[0].mean() == 6, name
    assert not strokes(draw.lines(black, np.array([[-0.6, 2, -0.6, 6]]))).any(), "left of the picture"


def rounds(count: int = 60) -> np.ndarray:
    """Return ellipses (x, y, a, b, angle), the angle in whole degrees: the peer's have no others."""
    random = np.random.default_rng(6)
    rows = random.integers((20, 20, 6, 6, 0), (70, 70, 40, 40, 180), (count, 5)).astype(float)
    rows[:, 4] = np.radians(rows[:, 4])
    return rows


@evidence.equals("image.circles", peer="scikit-image", tolerance="all strokes within a pixel", data="random circles")
def test_circles_equal_scikit_image(measured):
    peers = pytest.importorskip("skimage.draw")
    black, worst = np.zeros((90, 90), np.uint8), 1.0
    for x, y, radius in rounds()[:, :3].astype(int):
        peer = np.zeros((90, 90), bool)
        peer[peers.circle_perimeter(y, x, radius, shape=peer.shape)] = True
        worst = min(worst, near(strokes(draw.circles(black, np.array([x, y, radius]))), peer))
    measured(worst)
    assert worst == 1


@evidence.equals("image.ellipses", peer="opencv", tolerance="98 % of strokes within a pixel", data="random ellipses")
def test_ellipses_equal_opencv(measured):
    cv2 = pytest.importorskip("cv2")
    black, worst = np.zeros((90, 90), np.uint8), 1.0
    for row in rounds():
        x, y, a, b = (int(value) for value in row[:4])
        peer = cv2.ellipse(black.copy(), (x, y), (a, b), float(np.degrees(row[4])), 0, 360, 255)
        worst = min(worst, near(strokes(draw.ellipses(black, row)), peer > 0))
    measured(worst)
    assert worst >= 0.98


def test_results_of_the_finders_are_drawn_as_they_come():
    black = np.zeros((90, 90), np.uint8)
    ellipse = sl.image.fit_ellipse(np.stack([45 + 30 * np.cos(np.arange(9)), 40 + 12 * np.sin(np.arange(9))], axis=1))
    rows = np.array([[*ellipse.center, ellipse.axes[0] / 2, ellipse.axes[1] / 2, ellipse.angle]])
    expected = draw.ellipses(black, rows)
    assert np.array_equal(draw.ellipses(black, ellipse), expected)
    assert np.array_equal(draw.ellipses(black, [ellipse]), expected)
    circle = sl.image.min_enclosing_circle(np.array([[10, 10], [30, 10], [20, 20]]))
    assert np.array_equal(draw.circles(black, circle), draw.circles(black, [(20, 10, 10)]))
    assert np.array_equal(draw.circles(black, np.zeros((0, 3))), np.zeros((90, 90, 3), np.uint8))


def test_whole_lines_reach_from_border_to_border():
    black = np.zeros((40, 60), np.uint8)
    mask = np.zeros((40, 60), bool)
    mask[np.arange(40), np.arange(40) + 10] = True
    found = sl.image.hough_lines(mask, 30, max_lines=1)
    drawn = strokes(draw.lines(black, found))
    assert near(drawn, mask) == 1
    assert near(strokes(draw.lines(black, np.array([[2.0, -2.0, -20.0]]))), mask) == 1, "2x - 2y - 20 = 0"
    assert not draw.lines(black, np.array([[0.0, 0.0, 5.0], [1.0, 0.0, 1e5]])).any(), "no direction, and far outside"


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_the_colour_is_the_one_that_was_asked_for(dtype):
    image, full = np.zeros((40, 40), dtype), 1.0 if dtype == "float32" else np.iinfo(dtype).max
    calls = {
        "boxes": (np.array([[5, 5, 30, 30]]),),
        "circles": (np.array([[20, 20, 9]]),),
        "contours": ([np.array([[5, 5], [30, 9], [8, 30]])],),
        "ellipses": (np.array([[20, 20, 9, 5, 1]]),),
        "keypoints": (np.array([[9, 9], [20, 30]]),),
        "lines": (np.array([[3, 3, 20, 30]]),),
        "masks": (np.eye(40, dtype=bool),),
    }
    for name, arguments in calls.items():
        options = {"opacity": 1} if name == "masks" else {"links": [(0, 1)]} if name == "keypoints" else {}
        drawn = getattr(draw, name)(image, *arguments, color=(255, 0, 255), **options)
        used = np.unique(drawn.reshape(-1, 3), axis=0)
        assert used.tolist() == [[0, 0, 0], [full, 0, full]], name
    assert (draw.text(image, "a", color=(0, 9, 0), size=8)[2, 2] == np.array([0, 9 * full / 255, 0], dtype)).all()


def test_width_radius_and_size_are_in_pixels():
    black = np.zeros((90, 90), np.uint8)
    for width in (1, 3, 6, 9):
        assert strokes(draw.lines(black, np.array([[10, 45, 80, 45]]), width=width))[:, 45].sum() == width
        ring = strokes(draw.circles(black, np.array([[45, 45, 30]]), width=width))
        assert ring.sum() == pytest.approx(2 * np.pi * 30 * width, rel=0.07)
        assert np.array_equal(ring, ring.T)
        assert np.array_equal(ring[:, 1:], ring[:, :0:-1])
    assert strokes(draw.boxes(black, np.array([[10, 10, 80, 80]]), width=5))[45].sum() == 10
    dot = draw.keypoints(black + 50, np.array([[45, 45]]), radius=7)  # with a black rim
    assert (dot != 50).any(axis=2)[45].sum() == 15
    heights = [strokes(draw.text(black, "a", size=size)).any(axis=1).sum() for size in (8, 16, 32)]
    assert heights[0] < heights[1] < heights[2]


@evidence.equals("image.matches", peer="opencv", tolerance="99 % of strokes within a pixel", data="random lines")
def test_matches_equal_opencv(measured):
    cv2 = pytest.importorskip("cv2")
    black, worst = np.zeros((90, 90), np.uint8), 1.0
    for path in paths(20):
        rows = np.concatenate([path, path[::-1]], axis=1)
        peer = np.zeros((90, 180), np.uint8)
        for x1, y1, x2, y2 in rows:
            cv2.line(peer, (int(x1), int(y1)), (int(x2) + 90, int(y2)), 255)
            cv2.circle(peer, (int(x1), int(y1)), 2, 255, -1)
            cv2.circle(peer, (int(x2) + 90, int(y2)), 2, 255, -1)
        worst = min(worst, near(strokes(draw.matches(black, black, rows)), peer > 0))
    measured(worst)
    assert worst >= 0.99

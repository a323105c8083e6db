"""GrabCut against OpenCV, and its flow against SciPy's."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import maximum_flow

import sightline as sl
from image.taken_memory import taken_beside_result
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.image import grid_max_flow, tiled_max_flow
from sightline.image.grid_max_flow import WAYS, GridCut
from sightline.image.tiled_max_flow import TiledCut

grab_cut = sl.image.grab_cut


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Return intersection over union of two masks."""
    return float((a & b).sum() / (a | b).sum()) if (a | b).any() else 1.0


def opencv(image: np.ndarray, box: np.ndarray, iterations: int) -> np.ndarray:
    """Return OpenCV's foreground."""
    mask = np.zeros(image.shape[:2], np.uint8)
    x1, y1, x2, y2 = (int(v) for v in box)
    cv2.setRNGSeed(1)
    cv2.grabCut(image, mask, (x1, y1, x2 - x1, y2 - y1), None, None, iterations, cv2.GC_INIT_WITH_RECT)
    return (mask & 1).astype(bool)


def raccoons(folder: Path) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return photos with the box of an animal that lies well within."""
    found = []
    for path in sorted((folder / "raccoon" / "annotations").glob("*.xml")):
        root = ElementTree.parse(path).getroot()
        image = sl.read(next((folder / "raccoon" / "images").glob(path.stem + ".*")))
        box = np.array([float(root.find(f".//bndbox/{key}").text) for key in ("xmin", "ymin", "xmax", "ymax")])
        inside = box[:2].min() >= 5 and box[2] < image.shape[1] - 5 and box[3] < image.shape[0] - 5
        if image.ndim == 3 and image.shape[2] == 3 and inside and image.shape[0] * image.shape[1] < 150_000:
            found.append((np.ascontiguousarray(image), box))
    return found


@evidence.equals("image.grab_cut", peer="opencv", tolerance="IoU ≥ 0.99 each", data="3 raccoon photos, given boxes")
def test_agrees_with_opencv(shared_data: Path, measured: Callable[[float], None]) -> None:
    found = []
    for image, box in raccoons(shared_data)[:6]:
        ours, theirs = grab_cut(image, box), opencv(image, box, 5)
        assert ours.any() == theirs.any()  # in three of the photos both find nothing, which says little
        if theirs.any():
            found.append(overlap(ours, theirs))
    measured(min(found))
    assert len(found) == 3
    assert min(found) >= 0.99


def disc(radius: float = 20) -> tuple[np.ndarray, np.ndarray]:
    """Return a noisy photo of a disc and its mask."""
    y, x = np.mgrid[0:70, 0:80]
    inside = np.hypot(x - 40, y - 34) < radius
    image = np.where(inside[..., None], (190, 120, 40), (60, 90, 130)) + np.random.default_rng(0).normal(
        0, 12, (70, 80, 3)
    )
    return np.clip(image, 0, 255).astype(np.uint8), inside


@evidence.equals("image.grab_cut", peer="opencv", tolerance="IoU ≥ 0.97", data="a noisy disc")
def test_finds_a_disc_as_opencv_does(measured: Callable[[float], None]) -> None:
    image, inside = disc()
    box = np.array([12, 8, 68, 62])
    found = grab_cut(image, box)
    measured(overlap(found, opencv(image, box, 5)))
    assert overlap(found, inside) > 0.98
    assert overlap(found, opencv(image, box, 5)) >= 0.97


def random_links(random: np.random.Generator, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Return H×W×8 capacities, one in five of them 0, and the same as rows (from, to, capacity)."""
    links, edges = np.zeros((height, width, 8), np.int64), [(0, 0, 0)]
    for y, x in np.ndindex(height, width):
        for d, (dy, dx) in enumerate(WAYS):
            if 0 <= y + dy < height and 0 <= x + dx < width:
                links[y, x, d] = random.integers(0, 12) * (random.random() < 0.8)
                edges.append((y * width + x, (y + dy) * width + x + dx, links[y, x, d]))
    return links, np.array(edges[1:], np.int32).reshape(-1, 3)


def test_the_least_cuts_are_the_greatest_flows_of_scipy() -> None:
    random = np.random.default_rng(0)
    for _ in range(15):
        height, width = random.integers(1, 12, 2)
        links, edges = random_links(random, height, width)
        grid, count = GridCut(height, width), height * width
        grid.links[...] = links
        before = np.zeros((height, width), np.int64)
        for _ in range(3):  # the second and third go on from the flow before
            terminals = random.integers(-30, 30, (height, width))
            more, before = (terminals - before).astype(np.int32), terminals
            ends = [(count, i, c) if c > 0 else (i, count + 1, -c) for i, c in enumerate(terminals.ravel())]
            one, other, capacities = np.concatenate([edges, np.array(ends, np.int32)]).T
            graph = coo_matrix((capacities, (one, other)), (count + 2, count + 2)).tocsr()
            half = height // 2
            grid.give(0, more[:half])
            grid.give(half, more[half:])
            side = np.append(grid.cut().ravel(), (True, False))
            cut = capacities[side[one] & ~side[other]].sum()
            assert cut == maximum_flow(graph, count, count + 1).flow_value


def test_a_cut_is_the_same_whichever_part_grows_first(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(1)
    links, _ = random_links(random, 40, 33)
    terminals = random.integers(-30, 30, (40, 33)).astype(np.int32)
    found = []
    for order, room in ((1, 1 << 18), (-1, 1 << 18), (1, 66)):  # turned round, the first pixel is the last
        monkeypatch.setattr(grid_max_flow, "_ROOM", room)
        monkeypatch.setattr(grid_max_flow, "_TILE", 8)
        grid = GridCut(40, 33)
        grid.links[...] = links[::order, ::order, ::order]
        grid.give(0, terminals[::order, ::order])
        found.append(grid.cut()[::order, ::order])
    assert found[0].any()
    assert np.array_equal(found[0], found[1])
    assert np.array_equal(found[0], found[2])


@pytest.mark.parametrize(("inside", "shifts"), [(4, 40), (0, 40), (0, 0), (1, 3)])
def test_tiles_find_the_cut_of_the_whole(monkeypatch: pytest.MonkeyPatch, inside: int, shifts: int) -> None:
    for name, value in (("_WHOLE", 0), ("_SIDE", 7), ("_INSIDE", inside), ("_SHIFTS", shifts)):
        monkeypatch.setattr(tiled_max_flow, name, value)
    random = np.random.default_rng(inside)
    for height, width, scale in ((23, 31, 1), (1, 19, 2900), (20, 1, 1), (16, 9, 2900)):
        links, _ = random_links(random, height, width)
        links *= scale  # up to nearly the most that a link may have
        for y, x, d in np.ndindex(height, width, 4):
            dy, dx = WAYS[d]
            if y + dy >= 0 and 0 <= x + dx < width:
                links[y, x, d] = links[y + dy, x + dx, 7 - d]
        whole, before = GridCut(height, width), np.zeros((height, width), np.int32)
        whole.links[...] = links
        tiled = TiledCut(height, width, lambda y, x, out, links=links: _fill(links, y, x, out))
        for few in (1.0, 0.2, 0.05):  # what remains in a tile, and what goes far; each from the flow before
            some = random.random((height, width)) < few
            terminals = (random.integers(-60, 60, (height, width)) * some * scale).astype(np.int32)
            whole.give(0, terminals - before)
            before = terminals
            tiled.cut(lambda y, x, terminals=terminals: terminals[y, x])
            assert np.array_equal(tiled.front(0, height), whole.cut())


def _fill(links: np.ndarray, y: int, x: int, out: np.ndarray) -> None:
    """Fill in the capacities between the pixels of a part."""
    height, width = out.shape[:2]
    rows, columns = np.arange(height)[:, None], np.arange(width)
    for d, (dy, dx) in enumerate(WAYS):
        there = (rows + dy >= 0) & (rows + dy < height) & (columns + dx >= 0) & (columns + dx < width)
        out[..., d] = np.where(there, links[y : y + height, x : x + width, d], 0)


def test_tiles_find_the_foreground_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    image, _ = disc()
    found = [grab_cut(image, np.array([2, 2, 78, 68]))]
    monkeypatch.setattr(tiled_max_flow, "_WHOLE", 0)
    for side in (16, 40):
        monkeypatch.setattr(tiled_max_flow, "_SIDE", side)
        found.append(grab_cut(image, np.array([2, 2, 78, 68])))
    assert found[0].any()
    assert np.array_equal(found[0], found[1])
    assert np.array_equal(found[0], found[2])


def test_a_mask_says_what_stays() -> None:
    image, inside = disc()
    codes = np.full(inside.shape, 2, np.int32)
    codes[inside] = 3
    codes[:5], codes[30:36, 36:44] = 1, 0  # wrong on purpose: what is for good stays
    found = grab_cut(image, mask=codes)
    assert found[:5].all()
    assert not found[30:36, 36:44].any()
    assert overlap(grab_cut(image, mask=inside), inside) > 0.98


def test_what_is_certain_and_far_from_the_rest_changes_nothing() -> None:
    image, inside = disc()
    codes = np.where(inside, 3, 0).astype(np.uint8)
    codes[:2] = 1
    found = grab_cut(image, mask=codes)
    assert np.array_equal(found[codes < 2], codes[codes < 2] == 1)
    assert overlap(found[2:], inside[2:]) > 0.95
    certain = np.where(inside, 1, 0).astype(np.uint8)
    assert np.array_equal(grab_cut(image, mask=certain), inside)


def test_takes_little_memory_beside_the_picture() -> None:
    image = np.random.default_rng(0).integers(0, 256, (640, 640, 3), np.uint8)
    image[200:440, 200:440] //= 2
    box = np.array([160, 160, 480, 480])
    # The box's quarter of the pixels takes 28 bytes each, and 4 for a list of which little is ever touched.
    assert taken_beside_result(lambda: grab_cut(image, box, iterations=1)) < 3.9 * image.nbytes


@pytest.mark.parametrize("given", ["box", "mask"])
def test_a_large_picture_takes_little_memory_wherever_it_may_change(
    monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    monkeypatch.setattr(tiled_max_flow, "_WHOLE", 0)  # as if it were large
    monkeypatch.setattr(tiled_max_flow, "_SIDE", 32)
    image, inside = (np.tile(part, (12, 8, 1)[: part.ndim]) for part in disc())
    guess = {"box": np.array([4, 4, 636, 836])} if given == "box" else {"mask": inside}
    # Flows take 8 bytes a pixel of 3, and two bits say what it has left.
    assert taken_beside_result(lambda: grab_cut(image, **guess, iterations=1)) < 3 * image.nbytes


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_other_dtypes_give_the_same(dtype: str) -> None:
    image, _ = disc()
    wide = image.astype(np.uint16) * 257 if dtype == "uint16" else sl.to_float(image)
    box = np.array([12, 8, 68, 62])
    assert (grab_cut(wide, box) == grab_cut(image, box)).mean() > 0.999


def test_steps_end_in_the_foreground() -> None:
    image, _ = disc()
    trace = sl.trace(grab_cut, image, np.array([12, 8, 68, 62]))
    assert np.array_equal(trace.result, grab_cut(image, np.array([12, 8, 68, 62])))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({}, "box or mask must be given, one of them; got neither"),
        ({"box": np.zeros(4), "mask": np.ones((6, 6), bool)}, "box or mask must be given, one of them; got both"),
        ({"box": np.zeros(3)}, "box must be four numbers"),
        ({"box": np.array([0, 0, 6, 6])}, "box must leave pixels of both foreground and background; got no background"),
        ({"box": np.array([9, 9, 12, 12])}, "box must leave pixels of both .* got no foreground"),
        ({"mask": np.ones((5, 6), bool)}, "mask must be 6×6 bool or whole numbers 0–3; got 5×6 bool"),
        ({"mask": np.full((6, 6), 7)}, "mask must hold 0–3; got 7–7"),
        ({"box": np.array([1, 1, 4, 4]), "gamma": -1}, "gamma must be a number"),
        ({"box": np.array([1, 1, 4, 4]), "components": 0}, "components must be a whole number in 1–20"),
    ],
)
def test_bad_arguments_are_refused(arguments: dict, sentence: str) -> None:
    with pytest.raises(InputError, match=f"grab_cut: {sentence}"):
        grab_cut(np.zeros((6, 6, 3), np.uint8), **arguments)


def test_nan_is_refused() -> None:
    with pytest.raises(InputError, match="grab_cut: image must be finite"):
        grab_cut(np.full((3, 3, 3), np.nan, np.float32), np.array([0, 0, 2, 2]))

"""Parts that move: their numbers and places against the formulas written out, and a figure that moves its arm."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import FormatError, InputError
from sightline.core.trace import trace
from sightline.detect import DeformableParts, iou
from sightline.detect.gradient_cells import gradient_cells
from sightline.detect.part_model import PAD, PartModel, cell_levels, features_at, place_all
from sightline.detect.part_placement import place

SIDE = 96


@pytest.fixture(scope="module")
def figures() -> tuple[DeformableParts, list[np.ndarray], np.ndarray]:
    """Return a detector of a body whose head moves, three pictures with it ever farther right, and the box."""
    random = np.random.default_rng(2)

    def figure(head: int | None) -> np.ndarray:
        made = sl.image.gaussian_blur(random.integers(0, 90, (SIDE, SIDE), dtype=np.uint8), 1.0)
        made[44:76, 38:58] = np.maximum(made[44:76, 38:58], 150)
        if head is not None:
            made[24:40, head : head + 12] = 240
        return made

    box = np.array([[34, 20, 62, 80]])
    taught = [figure(head) for head in (37, 39, 41, 43, 45, 47, 49)]
    grounds = [figure(None)[:, :34], figure(None)[:, 60:]]
    detector = DeformableParts.train(
        taught, [box] * 7, grounds, parts=4, rounds=2, cell=4, negatives=100, name="figure"
    )
    return detector, [figure(head) for head in (37, 43, 49)], box[0]


@evidence.equals(
    "detect.DeformableParts", peer="numpy", tolerance=1e-4, data="all places of parts, all prices, by hand"
)
def test_parts_sit_where_trying_every_place_puts_them(measured: Callable[[float], None]) -> None:
    random, worst = np.random.default_rng(0), 0.0
    for shape in ((7, 9), (1, 5), (6, 1), (1, 1), (12, 4)):
        responses = random.normal(size=shape).astype(np.float32)
        a, b, c, d = (0.1, -0.2, 0.05, 0.3) if shape[0] % 2 else (0.0, 0.0, 0.01, 2.0)
        scores, rows, columns = place(responses, np.array([a, b, c, d]))
        at_y, at_x = np.indices(shape)
        for y, x in np.ndindex(*shape):
            dx, dy = at_x - x, at_y - y
            every = responses - a * dx - b * dy - c * dx**2 - d * dy**2
            worst = max(worst, abs(float(every.max()) - scores[y, x]))
            worst = max(worst, abs(float(every.max() - every[rows[y, x], columns[y, x]])))
    measured(worst)
    assert worst < 1e-4


def test_the_numbers_of_a_cell_are_the_papers() -> None:
    """Votes of each pixel for the four cells around it, four norms, cut off at 0.2: in plain loops and sums."""
    image = sl.image.resize(sl.data.sample("coffee"), (29, 37))
    rows, columns, cell = 3, 4, 8
    votes, wide = np.zeros((rows + 2, columns + 2, 18)), image.astype(float)
    ways = np.arange(9) * np.pi / 9
    for y in range(1, image.shape[0] - 1):
        for x in range(1, image.shape[1] - 1):
            dx, dy = wide[y, x + 1] - wide[y, x - 1], wide[y + 1, x] - wide[y - 1, x]
            k = int((dx**2 + dy**2).argmax())
            along = dx[k] * np.cos(ways) + dy[k] * np.sin(ways)
            which = int(np.abs(along).argmax())
            which += 0 if along[which] >= 0 else 9
            row, column = (y + 0.5) / cell + 0.5, (x + 0.5) / cell + 0.5
            for i in (int(row), int(row) + 1):
                for j in (int(column), int(column) + 1):
                    if i <= rows + 1 and j <= columns + 1:
                        share = (1 - abs(row - i)) * (1 - abs(column - j))
                        votes[i, j, which] += np.hypot(dx[k], dy[k]) * share
    votes = votes[1:-1, 1:-1]
    unsigned = votes[..., :9] + votes[..., 9:]
    energy = np.pad((unsigned**2).sum(2), 1, mode="edge")
    expected = np.zeros((rows, columns, 31))
    for y, x in np.ndindex(rows, columns):
        for number, (i, j) in enumerate([(0, 0), (0, 1), (1, 0), (1, 1)]):
            norm = np.sqrt(energy[y + i : y + i + 2, x + j : x + j + 2].sum() + 1e-4)
            cut = np.minimum(votes[y, x] / norm, 0.2)
            expected[y, x, :18] += 0.5 * cut
            expected[y, x, 18:27] += 0.5 * np.minimum(unsigned[y, x] / norm, 0.2)
            expected[y, x, 27 + number] = cut.sum() / np.sqrt(18)
    assert np.abs(gradient_cells(image, cell) - expected).max() < 1e-3
    assert gradient_cells(image[:7], 8).shape == (0, 4, 31)


def test_a_score_is_the_sum_of_its_numbers() -> None:
    random = np.random.default_rng(1)
    model = PartModel(
        random.normal(size=(5, 3, 31)).astype(np.float32),
        random.normal(size=(2, 4, 3, 31)).astype(np.float32),
        np.array([[1, 0], [5, 3]]),
        np.array([[0.1, 0, 0.2, 0.1], [0, -0.1, 0.05, 0.3]], np.float32),
        0.5,
    )
    gray = sl.image.resize(sl.image.convert(sl.data.sample("coffee"), "rgb", "gray"), (80, 100))
    weights = np.concatenate([model.root.ravel(), model.parts.ravel(), model.deformations.ravel()])
    seen = 0
    for level in cell_levels(gray, 8, 2, (5, 3)):
        placed = place_all(model, level)
        for row, column in [(PAD, PAD), (PAD + 1, PAD + 2)]:
            if row < placed.scores.shape[0] and column < placed.scores.shape[1]:
                numbers = features_at(model, level, placed, row, column)
                assert abs(float(numbers @ weights) + 0.5 - placed.scores[row, column]) < 1e-3
                seen += 1
    assert seen >= 4


def test_a_part_that_moves_is_followed(figures: tuple[DeformableParts, list[np.ndarray], np.ndarray]) -> None:
    detector, asked, box = figures
    heads = []
    for picture in asked:
        found, parts = detector.detect_parts(picture, -0.5)
        assert iou(found.boxes[:1], box[None])[0, 0] > 0.6
        assert found.names == ("figure",)
        assert parts[0].shape == (4, 4)
        heads.append(parts[0][parts[0][:, 1].argmin(), 0])
    assert heads[2] - heads[0] >= 4, "the head goes twelve pixels to the right; its part goes there by steps of two"
    assert detector.history[0][-1].hit_rate == 1.0
    assert len(detector.detect(asked[0][:8, :8])) == 0
    colour = np.repeat(asked[0][..., None], 3, axis=2)
    assert np.array_equal(detector.detect(colour, -0.5).boxes, detector.detect(asked[0], -0.5).boxes)


def test_its_steps_end_with_the_boxes(figures: tuple[DeformableParts, list[np.ndarray], np.ndarray]) -> None:
    detector, asked, _ = figures
    steps = trace(DeformableParts, detector, asked[0], threshold=-0.5)
    assert np.array_equal(steps.result.boxes, detector.detect(asked[0], -0.5).boxes)
    assert [step.name for step in steps] == ["image", "root", "parts", "scores", "placed", "best"]
    assert all(step.picture() is not None for step in steps)


def test_it_comes_back_from_a_file(
    figures: tuple[DeformableParts, list[np.ndarray], np.ndarray], tmp_path: Path
) -> None:
    detector, asked, _ = figures
    detector.save(tmp_path / "flags.npz")
    back = DeformableParts.load(tmp_path / "flags.npz")
    assert np.array_equal(back.detect(asked[0], -0.5).scores, detector.detect(asked[0], -0.5).scores)
    np.savez(tmp_path / "other.npz", kind="hog_window")
    with pytest.raises(FormatError, match="is not an archive of DeformableParts"):
        DeformableParts.load(tmp_path / "other.npz")


def test_refuses_by_name() -> None:
    gray = np.zeros((40, 40), np.uint8)
    box = np.array([[2, 2, 30, 38]])
    with pytest.raises(InputError, match="DeformableParts: views must be one PartModel at least"):
        DeformableParts([])
    with pytest.raises(InputError, match="there must be boxes for each picture; got 0 for 1"):
        DeformableParts.train([gray], [], [gray])
    with pytest.raises(InputError, match="got 0 boxes for 1 views and 1 backgrounds"):
        DeformableParts.train([gray], [np.zeros((0, 4))], [gray])
    with pytest.raises(InputError, match="boxes must be 4 pixels wide and high at least"):
        DeformableParts.train([gray], [np.array([[1, 1, 2, 9]])], [gray])
    with pytest.raises(InputError, match="no background is as large as the root"):
        DeformableParts.train([gray], [box], [gray[:8]], cell=4)
    with pytest.raises(InputError, match="parts must be a whole number"):
        DeformableParts.train([gray], [box], [gray], parts=99)

"""SORT, DeepSORT and ByteTrack on the benchmark's sequences, and on films whose truth is drawn."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.core.results import Detections
from sightline.core.tracks import Tracks
from sightline.metrics import idf1, mota
from sightline.motion import ByteTrack, DeepSort, Sort
from sightline.motion.tracker import Tracker
from tracking_data import SEQUENCES, detections_of, truth_of

TRACKERS = (Sort, DeepSort, ByteTrack)
NOTHING = Detections(np.zeros((0, 4)), [], [])


def follow(tracker: Tracker, film: list[Detections]) -> list[Tracks]:
    return [tracker.update(found) for found in film]


@evidence.reaches(
    "motion.Sort", figure="MOTA of TUD-Campus, in %", published=62.7, source="Bewley 2016, its own program's output",
    data="TUD-Campus with the public detections",
)  # fmt: skip
def test_sort_reaches_its_published_accuracy(
    shared_data: Path, tmp_path: Path, measured: Callable[[float], None]
) -> None:
    found = follow(Sort(), detections_of(shared_data, "TUD-Campus", tmp_path))
    score = mota(truth_of(shared_data, "TUD-Campus"), found)
    measured(100 * score.mota)
    assert abs(100 * score.mota - 62.7) <= 0.5


@evidence.reaches(
    "motion.DeepSort", figure="IDF1 over SORT's, least of two sequences, in points", published=0.0,
    source="SORT on the same detections", data="TUD-Campus and TUD-Stadtmitte, motion alone",
)  # fmt: skip
def test_deep_sort_keeps_names_longer(shared_data: Path, tmp_path: Path, measured: Callable[[float], None]) -> None:
    measured(gain := least_gain(DeepSort, shared_data, tmp_path))
    assert gain >= 0


@evidence.reaches(
    "motion.ByteTrack", figure="IDF1 over SORT's, least of two sequences, in points", published=0.0,
    source="SORT on the same detections", data="TUD-Campus and TUD-Stadtmitte",
)  # fmt: skip
def test_byte_track_keeps_names_longer(shared_data: Path, tmp_path: Path, measured: Callable[[float], None]) -> None:
    measured(gain := least_gain(ByteTrack, shared_data, tmp_path))
    assert gain >= 0


def least_gain(kind: type[Tracker], data: Path, folder: Path) -> float:
    gains = []
    for name in SEQUENCES:
        film, truth = detections_of(data, name, folder), truth_of(data, name)
        scores = [float(idf1(truth, follow(tracker, film))) for tracker in (kind(), Sort())]
        gains.append(100 * (scores[0] - scores[1]))
    return min(gains)


# --- films whose truth is drawn ---


def crossing(frames: int = 30) -> list[np.ndarray]:
    """Return the boxes of two things that pass by each other, and of one that stands."""
    return [
        np.array([[10 + 5 * t, 20, 30 + 5 * t, 60], [160 - 5 * t, 70, 180 - 5 * t, 110], [100, 150, 130, 200]], float)
        for t in range(frames)
    ]


def seen(boxes: np.ndarray, score: float = 0.9) -> Detections:
    return Detections(boxes, np.full(len(boxes), score), np.zeros(len(boxes)))


@pytest.mark.parametrize("kind", TRACKERS)
def test_each_thing_keeps_its_name(kind: type[Tracker]) -> None:
    found = follow(kind(), [seen(boxes[::-1] if t % 2 else boxes) for t, boxes in enumerate(crossing())])
    assert [tracks.frame for tracks in found] == list(range(1, 31))
    for tracks, boxes in zip(found[3:], crossing()[3:], strict=True):
        assert tracks.ids.tolist() == [1, 2, 3]
        assert np.abs(tracks.boxes - boxes).max() < 6


@pytest.mark.parametrize("kind", TRACKERS)
def test_identities_begin_at_1_in_each_tracker(kind: type[Tracker]) -> None:
    first, second = kind(), kind()
    for tracker in (first, second):
        assert tracker.update(seen(crossing()[0])).ids.tolist() == [1, 2, 3]
    first.forget()
    later = follow(first, [seen(crossing()[0])] * 4)[-1]
    assert later.ids.tolist() == [4, 5, 6]


@pytest.mark.parametrize("kind", TRACKERS)
def test_a_hundred_empty_frames_end_every_track(kind: type[Tracker]) -> None:
    tracker = kind()
    follow(tracker, [seen(boxes) for boxes in crossing(8)])
    assert all(len(tracks) == 0 for tracks in follow(tracker, [NOTHING] * 100))
    assert len(tracker.stack) == 0
    assert follow(tracker, [seen(crossing()[0])] * 4)[-1].ids.tolist() == [4, 5, 6]


@pytest.mark.parametrize("kind", [DeepSort, ByteTrack])
def test_who_was_hidden_gets_the_name_back(kind: type[Tracker]) -> None:
    film = [seen(boxes if not 12 <= t < 18 else boxes[1:]) for t, boxes in enumerate(crossing())]
    found = follow(kind(), film)
    assert found[14].ids.tolist() == [2, 3]
    assert found[-1].ids.tolist() == [1, 2, 3]
    assert 1 not in follow(Sort(), film)[-1].ids


@pytest.mark.parametrize("kind", TRACKERS)
def test_what_is_no_box_is_passed_over(kind: type[Tracker]) -> None:
    strange = np.array([[np.nan, 0, 5, 5], [0, 0, np.inf, 5], [9, 9, 9, 20], [30, 30, 20, 20]])
    tracker = kind()
    for boxes in crossing(6):
        tracks = tracker.update(seen(np.concatenate([strange, boxes])))
    assert tracks.ids.tolist() == [1, 2, 3]
    assert np.isfinite(tracks.boxes).all()


@pytest.mark.parametrize("kind", TRACKERS)
def test_boxes_beyond_the_frame_are_followed(kind: type[Tracker]) -> None:
    tracker, image = kind(), np.zeros((50, 60, 3), np.uint8)
    for t in range(12):
        tracks = tracker.update(seen(np.array([[30.0 + 6 * t, -10, 50 + 6 * t, 30]])), image)
    assert tracks.ids.tolist() == [1]
    assert tracks.boxes[0, 0] > 80


def test_classes_are_held_apart() -> None:
    box = np.array([[0.0, 0, 20, 40]])
    tracker = Sort(min_hits=1)
    tracker.update(Detections(box, [0.9], [0], ("car", "dog")))
    other = tracker.update(Detections(box, [0.9], [1], ("car", "dog")))
    assert other.ids.tolist() == [2]
    assert other.to_json()[0]["name"] == "dog"


def test_unsure_boxes_carry_a_track_on_but_begin_none() -> None:
    tracker = ByteTrack()
    film = [seen(boxes, 0.9 if t < 5 else 0.3) for t, boxes in enumerate(crossing(20))]
    assert follow(tracker, film)[-1].ids.tolist() == [1, 2, 3]
    assert all(len(tracks) == 0 for tracks in follow(ByteTrack(), [seen(b, 0.3) for b in crossing(10)]))


def test_looks_bring_back_who_overlap_cannot() -> None:
    """Two things jump to each other's side while both are hidden: looks tell who is who."""
    colours = {1: (230, 30, 30), 2: (30, 30, 230)}
    tracker, told = DeepSort(min_hits=2), []
    for t in range(20):
        x = 40.0 + 0.5 * t
        places = {1: x, 2: x + 14} if t < 10 else {2: x, 1: x + 14}
        image = np.full((100, 160, 3), 128, np.uint8)
        boxes = np.array([[places[k], 10, places[k] + 12, 90] for k in (1, 2)])
        for k, box in zip((1, 2), boxes.astype(int), strict=True):
            image[box[1] : box[3], box[0] : box[2]] = colours[k]
        told.append(tracker.update(NOTHING if 10 <= t < 13 else seen(boxes), image))
    last = told[-1]
    red = last.boxes[:, 0].argmax()
    assert last.ids.tolist() == [1, 2]
    assert last.ids[red] == 1


def test_an_embedder_of_ones_own_is_asked() -> None:
    asked = []

    def embedder(image: np.ndarray, boxes: np.ndarray) -> np.ndarray:
        asked.append(len(boxes))
        return np.eye(3)[: len(boxes)]

    tracker = DeepSort(embedder=embedder)
    for boxes in crossing(5):
        tracks = tracker.update(seen(boxes), np.zeros((220, 200), np.uint8))
    assert asked == [3] * 5
    assert tracks.ids.tolist() == [1, 2, 3]
    with pytest.raises(InputError, match=r"DeepSort: embedder must return 3×D finite numbers, one row a box; got 2×2"):
        DeepSort(embedder=lambda image, boxes: np.eye(2)).update(seen(crossing()[0]), np.zeros((9, 9), np.uint8))


def test_frames_of_two_kinds_are_refused_and_missing_ones_are_not() -> None:
    colour, box = np.zeros((120, 200, 3), np.uint8), crossing()[0][:1]
    tracker = DeepSort()
    for image in (None, colour, None, colour, colour):
        tracks = tracker.update(seen(box), image)
    assert tracks.ids.tolist() == [1]
    with pytest.raises(InputError, match=r"DeepSort: embedder must return 1012 numbers a box, as before; got 772"):
        tracker.update(seen(box), colour[..., 0])
    tracker.forget()
    assert tracker.update(seen(box), colour[..., 0]).frame == 7


# --- the ledger ---


@pytest.mark.parametrize("kind", TRACKERS)
def test_the_round_tells_what_was_done(kind: type[Tracker]) -> None:
    tracker = kind()
    for boxes in crossing(6):
        tracks = tracker.update(seen(boxes))
    turn = tracker.round
    assert turn is not None
    assert turn.tracks is tracks
    assert turn.ids.tolist() == [1, 2, 3]
    assert np.abs(turn.predicted - crossing(6)[-1]).max() < 12
    pairs = sorted((int(s.ids[r]), int(s.columns[c])) for s in turn.stages for r, c in s.pairs)
    assert pairs == [(1, 0), (2, 1), (3, 2)]
    assert all(stage.cost.shape == (len(stage.ids), len(stage.columns)) for stage in turn.stages)
    assert turn.ellipses().shape == (3, 32, 2)
    assert turn.to_json()["stages"][0]["pairs"]
    gone: list[int] = []
    for _ in range(40):
        tracker.update(NOTHING)
        gone += tracker.round.ended.tolist() if tracker.round else []
    assert gone == [1, 2, 3]


def test_the_trace_ends_in_the_tracks() -> None:
    tracker, twin = Sort(), Sort()
    for boxes in crossing(5):
        trace, tracks = tracker.trace(seen(boxes), np.zeros((220, 200, 3), np.uint8)), twin.update(seen(boxes))
    names = [step.name for step in trace]
    assert names == ["predicted", "detections", "cost: overlap", "assignment: overlap", "updated"]
    assert trace.result.boxes.tobytes() == tracks.boxes.tobytes()
    assert all(step.picture() is not None for step in trace)
    assert len(sl.trace and trace.to_bytes()) > 100
    assert [step.name for step in Sort().trace(NOTHING)] == [
        "predicted",
        "detections",
        "assignment: overlap",
        "updated",
    ]


def test_wrong_words_are_refused() -> None:
    with pytest.raises(InputError, match=r"Sort: max_age must be a whole number ≥ 0; got -1"):
        Sort(-1)
    with pytest.raises(InputError, match=r"ByteTrack: low must be a number in 0–0.6; got 0.9"):
        ByteTrack(low=0.9)
    with pytest.raises(
        InputError, match=r"DeepSort: embedder must be a function of an image and boxes; got str 'resnet'"
    ):
        DeepSort(embedder="resnet")  # pyrefly: ignore
    with pytest.raises(
        InputError, match=r"Sort.update: detections must be Detections; got 3×4 float64. Build them with"
    ):
        Sort().update(np.zeros((3, 4)))  # pyrefly: ignore

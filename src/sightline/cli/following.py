"""Following what moves, frame by frame: a source that may cut, change its size or go away; a detector; a tracker."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from sightline.cli.live import is_cut, trouble_of
from sightline.core.errors import DataError, FormatError, InputError
from sightline.core.results import Detections
from sightline.core.tracks import Tracks

DETECTORS = ("background", "hog:WINDOW.npz", "file:DETECTIONS.txt", "a run's folder")
TRACKERS = ("sort", "deep_sort", "byte_track")
_TRAIL = 60  # frames of a path that is drawn


class Detector:
    """Something that gives the boxes of each frame in turn.

    Parameters
    ----------
    find
        Called with the frame and its number, from 1.
    forget
        Called at a cut and when the frames change their size.
    """

    def __init__(
        self, find: Callable[[np.ndarray, int], Detections], forget: Callable[[], None] = lambda: None
    ) -> None:
        self.find, self.forget = find, forget


def make_detector(word: str) -> Detector:
    """Return what ``--detector`` names."""
    if word == "background":
        return _background()
    if word.startswith("file:"):
        return _from_file(Path(word.removeprefix("file:")))
    if word.startswith("hog:"):
        return _from_window(Path(word.removeprefix("hog:")))
    if not Path(word).is_dir():
        raise InputError(f"track: --detector must be {', '.join(DETECTORS[:-1])} or {DETECTORS[-1]}; got '{word}'.")
    from sightline.train.run import load

    model = load(word)

    def find(frame: np.ndarray, number: int) -> Detections:
        found = model.predict(frame)
        if not isinstance(found, Detections):
            raise InputError(
                f"track: the run '{word}' must give boxes; got a {type(found).__name__} in frame {number}."
            )
        return found

    return Detector(find)


def _background() -> Detector:
    from sightline.motion.background_subtract import BackgroundSubtractor
    from sightline.motion.moving_boxes import moving_boxes

    model = BackgroundSubtractor()
    return Detector(lambda frame, number: moving_boxes(model.apply(frame)), model.reset)


def _from_file(path: Path) -> Detector:
    from sightline.motion.mot_text import read_detections

    known = read_detections(path)
    nothing = Detections(np.zeros((0, 4)), np.zeros(0), np.zeros(0))
    return Detector(lambda frame, number: known[number - 1] if number <= len(known) else nothing)


def _from_window(path: Path) -> Detector:
    from sightline.detect import HogSvm

    window = HogSvm.load(path)
    return Detector(lambda frame, number: window.detect(frame))


def make_tracker(word: str, detector: str) -> Any:
    """Return what ``--tracker`` names; the scores of moving boxes are no confidences, but how full they are."""
    from sightline import motion

    if word == "byte_track":
        return motion.ByteTrack(high=0.3, begin=0.4) if detector == "background" else motion.ByteTrack()
    return motion.Sort() if word == "sort" else motion.DeepSort()


class Following:
    """One run through a source.

    Parameters
    ----------
    detector, tracker
        What finds boxes, and what joins them.

    Attributes
    ----------
    tracks
        Of each frame so far.
    cuts, dropped
        How often all tracks were ended by a cut or a new size; frames of a live source that came too fast.
    stopped
        Set from outside: end after the frame that is worked on.
    trouble
        What ended the source early, as a sentence; empty when nothing did.
    """

    def __init__(self, detector: Detector, tracker: Any) -> None:
        self.detector, self.tracker = detector, tracker
        self.tracks: list[Tracks] = []
        self.seconds: list[float | None] = []
        self.cuts = self.dropped = 0
        self.stopped, self.trouble = False, ""
        self._paths: dict[int, list[np.ndarray]] = {}
        self._before: np.ndarray | None = None
        self._whole = True

    def pictures(self, clip: Any, limit: int | None, progress: Callable[[], None]) -> Iterator[np.ndarray]:
        """Yield each frame with its tracks drawn on it, all of the first frame's size."""
        from sightline.image.resize import resize

        first: tuple[int, int] | None = None
        self._whole = limit is None
        for frame in self._frames(clip):
            drawn = self._follow(frame).draw(frame, self._trails())
            first = first or drawn.shape[:2]
            yield drawn if drawn.shape[:2] == first else resize(drawn, first)
            progress()
            if self.stopped and not clip.live:
                self.trouble = f"interrupted after {len(self.tracks)} frames"
            if self.stopped or (limit is not None and len(self.tracks) >= limit):
                return

    def _follow(self, frame: np.ndarray) -> Tracks:
        before, self._before = self._before, frame
        if before is not None and (frame.shape != before.shape or is_cut(before, frame)):
            self.cuts += 1
            self.detector.forget()
            self.tracker.forget()
            self._paths = {}
        tracks: Tracks = self.tracker.update(self.detector.find(frame, len(self.tracks) + 1), frame)
        self.tracks.append(tracks)
        for number, middle in zip(tracks.ids.tolist(), tracks.centres, strict=True):
            self._paths[number] = [*self._paths.get(number, [])[1 - _TRAIL :], middle]
        return tracks

    def _trails(self) -> dict[int, np.ndarray]:
        return {number: np.array(path) for number, path in self._paths.items()}

    def _frames(self, clip: Any) -> Iterator[np.ndarray]:
        """Yield the source's frames to its end, or to what breaks it off."""
        try:
            for frame in clip:
                self.dropped = clip.dropped
                self.seconds.append(clip.seconds)
                yield frame
            whole = clip.count if self._whole and clip.count else 0
            if len(self.seconds) < 0.95 * whole:  # some containers only estimate it
                self.trouble = f"{clip.name} holds only {len(self.seconds)} of the {whole} frames it declares"
        except KeyboardInterrupt:
            self.trouble = "" if clip.live else f"interrupted after {len(self.seconds)} frames"
        except (FormatError, DataError) as error:
            if not self.seconds:
                raise
            self.trouble = str(error).rstrip(".")
        self.trouble = self.trouble or trouble_of(clip)


@contextlib.contextmanager
def ends_at_ctrl_c(work: Following) -> Iterator[None]:
    """Let the first Ctrl-C end the work after its frame, so that what there is is written; the second breaks off."""

    def stop(*_: object) -> None:
        if work.stopped:
            raise KeyboardInterrupt
        work.stopped = True

    try:
        before = signal.signal(signal.SIGINT, stop)
    except ValueError:  # only the main thread hears of signals
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)

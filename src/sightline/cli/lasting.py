"""A source that goes on by itself, opened again when it went away: a camera, a stream."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from sightline.core.errors import DataError, FormatError, MissingFileError

WAITS = (1, 1, 2, 4, 8)  # seconds between the tries to get it back


class LastingFrames:
    """The newest frames of a live source, over its breaks, as :class:`~sightline.image.frames.Frames` are.

    Parameters
    ----------
    word
        The source, as it was said.
    clip
        It, opened.
    again
        Opens it again; raises :class:`FormatError` or :class:`MissingFileError` while it is away.
    stopped
        Asked while it is waited for: whether nobody waits any more.

    Attributes
    ----------
    dropped, seconds, index
        As of :class:`~sightline.image.frames.Frames`.
    given
        Frames so far.
    trouble
        Why it ended, as a sentence without its full stop; empty as long as it did not.
    """

    live, count = True, None

    def __init__(
        self, word: str, clip: Any, again: Callable[[], Any], stopped: Callable[[], bool] = lambda: False
    ) -> None:
        self.name, self.fps, self.given, self.trouble = word, clip.fps, 0, ""
        self._clip, self._again, self._stopped = clip, again, stopped
        self._first = self._before = 0  # frames of before the last break, and how many of them were dropped

    @property
    def dropped(self) -> int:
        """Frames that were dropped for being late."""
        return self._before + self._clip.dropped

    @property
    def seconds(self) -> float | None:
        """Time of the last frame, None where the source has no clock."""
        return self._clip.seconds

    @property
    def index(self) -> int:
        """Number of the last frame, from 0, those included that were dropped."""
        return self._first + self._clip.index

    def __iter__(self) -> Iterator[np.ndarray]:
        while not self.trouble:
            try:
                for frame in self._clip:
                    self.given += 1
                    yield frame
                reason = ""
            except (FormatError, DataError) as error:
                if not self.given:
                    raise
                reason = f" ({str(error).rpartition(': ')[2].rstrip('.')})"
            self._take_up(f"{self.name} broke off after {self.given} frames{reason}")

    def _take_up(self, ended: str) -> None:
        """Open the source again; its trouble is how it ended when it does not come back."""
        self.close()
        for seconds in WAITS:
            time.sleep(seconds)
            if self._stopped():
                self.trouble = ended
                return
            try:
                self._first, self._before, self._clip = self.index + 1, self.dropped, self._again()
                return
            except (FormatError, MissingFileError):
                continue
        self.trouble = f"{ended}, and did not come back in {sum(WAITS)} s"

    def close(self) -> None:
        """Let go of the source."""
        self._clip.close()

    def __enter__(self) -> LastingFrames:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

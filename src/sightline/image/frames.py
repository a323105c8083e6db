"""Frames: a video file, a camera, a stream, an animated picture or a folder as one iterator of images.

Decoding is FFmpeg's, through PyAV (ITU-T H.264, "Advanced video coding for generic audiovisual services", and others);
pictures are read as :func:`sightline.image.read` does it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import choice, flag, integer
from sightline.core.errors import InputError
from sightline.core.types import Choice, PathLike, Range
from sightline.image.convert import convert
from sightline.image.decode import MAX_PIXELS
from sightline.image.frame_sources import Clip, Moment, open_clip


class Frames(Iterator[np.ndarray]):
    """The frames of one source, in order, once. Close it early with ``close()`` or a ``with`` block.

    Parameters
    ----------
    clip
        The opened source.
    start, stop, stride
        Which frames to give.
    newest
        Whether frames that nobody took in time are dropped.
    mode
        ``rgb`` or ``gray``.

    Attributes
    ----------
    name
        What the source is called in sentences.
    fps
        Frames per second of what is given (after ``stride``), 0 where the source does not say.
    count
        How many frames will be given, None where that is not known; some containers estimate it.
    live
        Whether the source goes on by itself: a camera or a live stream.
    index
        Number of the last frame in the source, from 0; -1 before the first.
    seconds
        Time of the last frame in the source, None where it has no clock.
    dropped
        Frames that were dropped for being late.
    """

    def __init__(self, clip: Clip, start: int, stop: int | None, stride: int, newest: bool, mode: str) -> None:
        self.name, self.live = clip.name, clip.live
        self.fps = clip.fps / stride
        end = clip.count if stop is None else stop if clip.count is None else min(stop, clip.count)
        self.count = None if end is None else max(0, -(-(end - start) // stride))
        self.index, self.dropped = -1, 0
        self.seconds: float | None = None
        self._moments: Iterator[tuple[int, Moment]] = enumerate(clip.moments)
        self._clip, self._start, self._stop, self._stride, self._mode = clip, start, stop, stride, mode
        self._latest: _Latest | None = None
        if newest:
            self.keep_newest()

    def keep_newest(self) -> None:
        """From now on give the newest frame, and drop those that came while the last one was worked on."""
        if not self.live:
            raise InputError(
                f"frames: newest needs a camera or a live stream; got {self.name}. Use stride to skip frames."
            )
        self._latest = _Latest(self._moments)

    def __next__(self) -> np.ndarray:
        """Return the next frame, H×W×3 uint8 of its own memory (H×W for ``gray``)."""
        while True:
            if self._stop is not None and self.index + 1 >= self._stop:
                self.close()
                raise StopIteration
            try:
                index, (seconds, image) = next(self._moments) if self._latest is None else self._latest.take()
            except BaseException:
                self.close()
                raise
            if self._latest is not None:
                self.dropped += index - self.index - 1
            self.index, self.seconds = index, seconds
            if self._stop is not None and index >= self._stop:
                continue
            if index >= self._start and (index - self._start) % self._stride == 0:
                return convert(image, "rgb", "gray") if self._mode == "gray" and image.ndim == 3 else image

    def close(self) -> None:
        """Let go of the file or the camera. Nothing happens when it is closed already."""
        if self._latest is not None:
            self._latest.stop()
        self._clip.close()

    def __enter__(self) -> Frames:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:  # left in the middle of a loop
        self.close()


class _Latest:
    """A thread that keeps taking frames, so that the one that is given is never older than the work takes."""

    def __init__(self, moments: Iterator[tuple[int, Moment]]) -> None:
        self._moments, self._arrived = moments, threading.Condition()
        self._newest: tuple[int, Moment] | None = None
        self._error: BaseException | None = None
        self._stopped = False
        self._thread = threading.Thread(target=self._follow, name="sightline-frames", daemon=True)
        self._thread.start()

    def _follow(self) -> None:
        error: BaseException = StopIteration()
        try:
            for item in self._moments:
                with self._arrived:
                    self._newest = item
                    self._arrived.notify()
                if self._stopped:
                    return
        except BaseException as failure:  # handed to whoever takes the next frame
            error = failure
        finally:
            with self._arrived:
                self._error = error
                self._arrived.notify()

    def take(self) -> tuple[int, Moment]:
        """Return the newest frame that was not taken yet; wait for one."""
        with self._arrived:
            self._arrived.wait_for(lambda: self._newest is not None or self._error is not None)
            newest, self._newest = self._newest, None
        if newest is None:
            raise self._error if self._error is not None else StopIteration
        return newest

    def stop(self) -> None:
        """End the thread after the frame that it waits for."""
        self._stopped = True
        self._thread.join(5)


@method(task="files", paper="ITU-T H.264", lesson="w1d1", example={"source": np.zeros((2, 4, 6, 3), np.uint8)})
def frames(
    source: PathLike | int | bytes | Sequence[Any] | np.ndarray,
    *,
    start: Annotated[int, Range(0, 1_000_000_000)] = 0,
    stop: Annotated[int, Range(0, 1_000_000_000)] | None = None,
    stride: Annotated[int, Range(1, 1_000_000)] = 1,
    newest: bool = False,
    mode: Annotated[str, Choice("rgb", "gray")] = "rgb",
    max_pixels: Annotated[int, Range(1, 10_000_000_000)] = MAX_PIXELS,
) -> Frames:
    """Return the frames of a video, a camera, a stream or a folder as an iterator of images.

    Frames are turned upright as the file says. Video of more than 8 bits a channel is narrowed to 8. NaN and infinity
    in given float arrays are kept. Playlists, which name other files and addresses, are refused.

    Parameters
    ----------
    source
        A video file, an animated or multi-page picture (GIF, PNG, WebP, TIFF, AVIF), a folder of pictures or a pattern
        (in natural order: 2 before 10), an address (``rtsp://…``, ``https://…``), a camera (its number, also as a word
        where no file is called so, ``"webcam"``, ``"webcam:1"``, ``"/dev/video0"``), the bytes of a file, a list of
        paths or arrays, or an N×H×W×3 array.
    start
        First frame to give, counted from 0; those before it are decoded and passed over.
    stop
        Frame to end before; None goes to the end.
    stride
        Give every n-th frame; ≥ 1.
    newest
        Of a camera or a live stream, give the newest frame and drop those that came while the last one was worked on.
    mode
        ``rgb``: H×W×3. ``gray``: H×W.
    max_pixels
        Largest width × height of a frame in a file that is accepted, in pixels.

    Returns
    -------
    Frames
        An iterator of uint8 images (other dtypes where the source is arrays or pictures of them), with ``fps``,
        ``count``, ``index``, ``seconds``, ``live``, ``dropped`` and ``close()``.

    Raises
    ------
    MissingFileError, FormatError, DataError
        When the source does not exist, is no video or picture, or is damaged (after the frames before the damage).
    MissingExtraError
        When a video is asked for and PyAV is not installed.

    References
    ----------
    ITU-T Recommendation H.264, "Advanced video coding for generic audiovisual services", 2021.

    Examples
    --------
    >>> import numpy as np, sightline as sl
    >>> clip = sl.image.frames(np.zeros((9, 4, 6, 3), np.uint8), stride=2)
    >>> clip.count, [frame.shape for frame in clip][0], clip.index
    (5, (4, 6, 3), 8)
    """
    integer("frames", "start", start, 0)
    integer("frames", "stride", stride, 1)
    integer("frames", "max_pixels", max_pixels, 1)
    choice("frames", "mode", mode, ("rgb", "gray"))
    if stop is not None and integer("frames", "stop", stop, 0) < start:
        raise InputError(f"frames: stop must be ≥ start; got start {start} and stop {stop}.")
    clip = open_clip(source, max_pixels)
    return Frames(clip, start, stop, stride, flag("frames", "newest", newest), mode)

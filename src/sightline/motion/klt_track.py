"""The tracker of Kanade, Lucas and Tomasi: good corners, followed from frame to frame while they can be trusted.

Shi & Tomasi 1994, "Good Features to Track", CVPR; the check there and back is that of Kalal, Mikolajczyk & Matas 2010,
"Forward-Backward Error: Automatic Detection of Tracking Failures", ICPR.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Any

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import describe, integer, number
from sightline.core.conversions import to_uint8
from sightline.core.errors import InputError
from sightline.core.layers import Picture, Points, Value
from sightline.core.trace import Step
from sightline.core.types import Array, Range
from sightline.features.shi_tomasi import good_features
from sightline.image.gradient import as_gray
from sightline.motion.lucas_kanade import from_coarse_to_fine, pyramids
from sightline.motion.point_tracks import PointTracks

_SHOWN = 12  # frames among the steps


def _drift(height: int = 64, width: int = 80, count: int = 4) -> list[Array]:
    """Return frames of a texture that moves to the right, for an example."""
    y, x = np.mgrid[:height, : width + count]
    picture = (127 + 60 * np.sin(x / 3.0) * np.cos(y / 4.0) + 50 * np.sin((x + 2 * y) / 7.0)).astype(np.uint8)
    return [picture[:, count - k : count - k + width] for k in range(count)]


@method(task="point tracking", paper="Shi & Tomasi 1994", lesson="w3d6", example={"frames": _drift()})
def klt_track(
    frames: Iterable[Array],
    count: Annotated[int, Range(1, 10000, 1)] = 200,
    *,
    quality: Annotated[float, Range(0.0001, 1, 0.01)] = 0.01,
    distance: Annotated[float, Range(0, 1000, 1)] = 10.0,
    window: Annotated[int, Range(3, 63, 2)] = 21,
    levels: Annotated[int, Range(0, 8, 1)] = 3,
    back: Annotated[float, Range(0, 100, 0.1)] = 1.0,
    renew: Annotated[float, Range(0, 1, 0.05)] = 0.8,
) -> PointTracks:
    """Follow corners through frames; where some are lost, find new ones.

    From each frame to the next, every point is followed there and back again. One that does not come back to where it
    was is dropped. At a cut all are dropped and found anew. NaN and infinity are refused.

    Parameters
    ----------
    frames
        Pictures of one size, H×W or H×W×3; uint8, uint16 or finite float32: a list, or an iterator such as
        :func:`sightline.image.frames`.
    count
        How many points are followed at a time, at most, 1–10000.
    quality, distance
        Of corners, as for :func:`sightline.features.good_features`: the least response, as a share of the strongest
        one's, 0.0001–1; the least distance in pixels between two of them, 0–1000.
    window, levels
        Of the flow, as for :func:`lucas_kanade`: the side of the window in pixels, odd, 3–63; how many times the
        pictures are halved, 0–8.
    back
        How far from its start a point may come back, in pixels, 0–100.
    renew
        When less than this share of ``count`` is left, new corners are found, 0–1; 0 never finds any.

    Returns
    -------
    PointTracks
        F×N×2 float32 places of N points in F frames, NaN where a point is not known.

    Raises
    ------
    InputError
        When there is no frame, one has another size than the first, or an option is out of its range.

    References
    ----------
    J. Shi, C. Tomasi, "Good Features to Track", CVPR, 1994. Z. Kalal, K. Mikolajczyk, J. Matas, "Forward-Backward
    Error: Automatic Detection of Tracking Failures", ICPR, 2010.

    Examples
    --------
    >>> import numpy as np
    >>> y, x = np.mgrid[:60, :90]
    >>> scene = np.uint8(127 + 60 * np.sin(x / 3) * np.cos(y / 4) + 50 * np.sin((x + 2 * y) / 7))
    >>> tracks = klt_track([scene[:, 9 - 3 * k : 69 - 3 * k] for k in range(4)], 20)
    >>> way = tracks.points[3] - tracks.points[0]
    >>> (np.nanmedian(way, axis=0).round(1) + 0).tolist()
    [9.0, 0.0]
    """
    tracker = _Tracker(count, quality, distance, window, levels, back, renew)
    for frame in _checked(frames):
        tracker.advance(frame)
    return tracker.tracks()


@klt_track.steps
def _steps(frames: Iterable[Array], count: int = 200, **options: Any) -> Iterator[Step]:
    options = {"quality": 0.01, "distance": 10.0, "window": 21, "levels": 3, "back": 1.0, "renew": 0.8} | options
    tracker = _Tracker(count, **options)
    last: Array | None = None
    for index, last in enumerate(_checked(frames)):
        tracker.advance(last)
        if index < _SHOWN:
            alive = tracker.points[tracker.alive]
            note = f"{len(alive)} points, {tracker.lost} lost since the frame before, {tracker.gained} new."
            yield Step(f"frame {index}", Points(alive), Picture(last), Points(alive), note=note)
    tracks = tracker.tracks()
    shown = tracks.draw(to_uint8(np.asarray(last)))
    yield Step("tracks", Value(tracks), Picture(shown), note=f"{len(tracks)} points, each with its last 20 places.")


class _Tracker:
    """Points on their way: those of the last frame, and the rows of all frames before."""

    def __init__(
        self, count: Any, quality: Any, distance: Any, window: Any, levels: Any, back: Any, renew: Any
    ) -> None:
        self.count = integer("klt_track", "count", count, 1, 10000)
        self.quality = number("klt_track", "quality", quality, 0.0001, 1)
        self.distance = number("klt_track", "distance", distance, 0, 1000, unit="pixels")
        self.window = integer("klt_track", "window", window, 3, 63, odd=True)
        self.levels = integer("klt_track", "levels", levels, 0, 8)
        self.back = number("klt_track", "back", back, 0, 100, unit="pixels")
        self.renew = number("klt_track", "renew", renew, 0, 1)
        self.points = np.zeros((0, 2), np.float32)
        self.rows: list[Array] = []
        self.before: list[Array] = []
        self.lost = self.gained = 0

    @property
    def alive(self) -> Array:
        return np.flatnonzero(np.isfinite(self.points[:, 0]))

    def advance(self, frame: Array) -> None:
        """Follow the points into the next frame, and find new ones where too few are left."""
        pyramid = pyramids(frame, self.levels, self.window)
        self.lost = self.gained = 0
        if self.before and len(self.alive):
            self._follow(pyramid, frame.shape)
        if not self.before or len(self.alive) < self.renew * self.count:
            self._find(frame)
        self.before = pyramid
        self.rows.append(self.points)

    def _follow(self, pyramid: list[Array], shape: tuple[int, ...]) -> None:
        rows = self.alive
        starts = self.points[rows]
        *_, there = from_coarse_to_fine(self.before, pyramid, starts, self.window)
        *_, again = from_coarse_to_fine(pyramid, self.before, np.nan_to_num(there.points), self.window)
        limits = np.array(shape[1::-1], np.float32) - 1
        inside = ((there.points >= 0) & (there.points <= limits)).all(axis=1)
        returned = np.linalg.norm(again.points - starts, axis=1) <= self.back  # NaN is no return
        kept = there.found & again.found & inside & returned
        self.points = np.full_like(self.points, np.nan)
        self.points[rows[kept]] = there.points[kept]
        self.lost = int((~kept).sum())

    def _find(self, frame: Array) -> None:
        reach = int(np.ceil(self.distance))
        taken = np.zeros(frame.shape, np.bool_)
        for x, y in np.rint(self.points[self.alive]).astype(int):
            taken[max(0, y - reach) : y + reach + 1, max(0, x - reach) : x + reach + 1] = True
        corners = good_features(frame, None, self.quality, self.distance)
        column, row = corners.astype(int).T
        fresh = corners[~taken[row, column]][: self.count - len(self.alive)]
        self.points = np.concatenate([self.points, fresh])
        self.gained = len(fresh)

    def tracks(self) -> PointTracks:
        """Return the places in all frames so far."""
        if not self.rows:
            raise InputError("klt_track: frames must hold at least one picture; got none.")
        points = np.full((len(self.rows), len(self.points), 2), np.nan, np.float32)
        for frame, row in zip(points, self.rows, strict=True):
            frame[: len(row)] = row
        return PointTracks(points)


def _checked(frames: Any) -> Iterator[Array]:
    """Yield the brightness of each frame as uint8, all of one size."""
    if not isinstance(frames, Iterable) or isinstance(frames, (str, bytes)):
        hint = " Open a video with sightline.image.frames(path)." if isinstance(frames, (str, bytes)) else ""
        raise InputError(f"klt_track: frames must be pictures, one after the other; got {describe(frames)}.{hint}")
    shape: tuple[int, ...] | None = None
    for index, frame in enumerate(frames):
        gray = to_uint8(as_gray("klt_track", frame, finite=True))
        if shape is not None and gray.shape != shape:
            size = "×".join(map(str, shape))
            raise InputError(
                f"klt_track: frames must all be {size} like the first; got {describe(frame)} as number {index}. "
                "Resize it, or begin anew there."
            )
        shape = gray.shape
        yield gray

"""DeepSORT: what a thing looks like brings its identity back after it was hidden.

Wojke, Bewley & Paulus 2017, "Simple Online and Realtime Tracking with a Deep Association Metric", ICIP.
"""

from __future__ import annotations

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import describe, integer, number
from sightline.core.errors import InputError
from sightline.core.results import Detections
from sightline.core.types import Array
from sightline.motion.appearance import Embedder, colour_and_edges
from sightline.motion.association import Stage
from sightline.motion.track_stack import HEIGHT_MODEL
from sightline.motion.tracker import NOBODY, Tracker, left_over

_GATE = 9.487729036781154  # 95 % of χ² with 4 degrees of freedom: the paper's t(1)


class DeepSort(Tracker):
    """Follow many things by what they look like, where their motion allows it, the freshest tracks first.

    Without ``image`` in :meth:`update`, overlap decides among what the motion allows; the paper ranks by Mahalanobis
    distance there.

    Parameters
    ----------
    max_age
        Frames without a detection that a track survives, ≥ 0.
    min_hits
        Detections in a row that a track needs to be confirmed, ≥ 1; those of the first frames are shown at once.
    min_overlap
        Least intersection over union where looks did not decide, 0–1.
    embedder
        Called with the image and N×4 boxes; returns N×D numbers for what is in each. None describes colours and
        edges; a network trained to tell people apart does better.
    max_distance
        Greatest cosine distance of a box from what its track looked like, 0–2.
    memory
        Looks of each track that are kept, ≥ 1.

    References
    ----------
    N. Wojke, A. Bewley, D. Paulus, "Simple Online and Realtime Tracking with a Deep Association Metric", IEEE
    International Conference on Image Processing, 2017.

    Examples
    --------
    >>> tracker = DeepSort(min_hits=1)
    >>> image = np.zeros((40, 60, 3), np.uint8)
    >>> for x in (0, 3, 6):
    ...     tracks = tracker.update(Detections([[x, 5, x + 10, 25]], [0.9], [0]), image)
    >>> tracks.ids.tolist()
    [1]
    """

    def __init__(
        self,
        max_age: int = 30,
        min_hits: int = 3,
        min_overlap: float = 0.3,
        *,
        embedder: Embedder | None = None,
        max_distance: float = 0.25,
        memory: int = 100,
    ) -> None:
        super().__init__(HEIGHT_MODEL)
        if embedder is not None and not callable(embedder):
            raise InputError(f"DeepSort: embedder must be a function of an image and boxes; got {describe(embedder)}.")
        self._embedder = embedder or colour_and_edges
        self._max_distance = number("DeepSort", "max_distance", max_distance, 0, 2)
        self._max_age = integer("DeepSort", "max_age", max_age, 0)
        self._min_hits = integer("DeepSort", "min_hits", min_hits, 1)
        self._limit = 1 - number("DeepSort", "min_overlap", min_overlap, 0, 1)
        self._memory = integer("DeepSort", "memory", memory, 1)
        self._looks: dict[int, Array] = {}  # of each identity, the newest last
        self._seen = np.zeros((0, 0))

    def forget(self) -> None:
        """End all tracks, as at a cut; the next ones get new identities."""
        super().forget()
        self._looks = {}

    def _associate(self, found: Detections, image: Array | None) -> tuple[list[Stage], Array]:
        self._seen = self._described(found, image)
        sure = self.stack.hits >= self._min_hits
        left, stages = np.arange(len(found)), []
        hidden = NOBODY
        for age in np.unique(self.stack.missed[sure]).tolist():  # the cascade: who was seen last chooses first
            rows = np.flatnonzero(sure & (self.stack.missed == age))
            stage = self._cascade(age, rows, found, left)
            stages.append(stage)
            rows, left = left_over(rows, left, stage)
            hidden = rows if age == 1 else hidden
        rows = np.concatenate([np.flatnonzero(~sure), hidden])
        stage = self._match("overlap", self._overlap_cost(rows, found, left), self._limit, rows, found, left)
        stages.append(stage)
        for part in stages:
            self._remember(part.ids[part.pairs[:, 0]], part.columns[part.pairs[:, 1]])
        return stages, left_over(rows, left, stage)[1]

    def _cascade(self, age: int, rows: Array, found: Detections, columns: Array) -> Stage:
        away = self.stack.gating_distance(rows, found, columns) > _GATE
        if not self._seen.size:
            cost = np.where(away, np.inf, self._overlap_cost(rows, found, columns))
            return self._match(f"overlap, age {age}", cost, self._limit, rows, found, columns)
        looks = [self._looks.get(number, self._seen[:0]) for number in self.stack.ids[rows].tolist()]
        alike = np.array([(1 - look @ self._seen[columns].T).min(axis=0, initial=np.inf) for look in looks])
        cost = np.where(away, np.inf, alike.reshape(away.shape))
        return self._match(f"looks, age {age}", cost, self._max_distance, rows, found, columns)

    def _described(self, found: Detections, image: Array | None) -> Array:
        """Return N×D unit vectors, or nothing when there is no image."""
        if image is None or not len(found):
            return np.zeros((len(found), 0))
        seen = np.asarray(self._embedder(image, found.boxes.copy()), np.float64)
        if seen.ndim != 2 or len(seen) != len(found) or not np.isfinite(seen).all():
            raise InputError(
                f"DeepSort: embedder must return {len(found)}×D finite numbers, one row a box; got {describe(seen)}."
            )
        known = next((look.shape[1] for look in self._looks.values()), seen.shape[1])
        if seen.shape[1] != known:
            raise InputError(
                f"DeepSort: embedder must return {known} numbers a box, as before; got {seen.shape[1]}. Give it frames "
                "of one kind, all in colour or all grey, or call forget()."
            )
        return seen / np.maximum(np.linalg.norm(seen, axis=1, keepdims=True), 1e-12)

    def _remember(self, ids: Array, columns: Array) -> None:
        if self._seen.size:
            for number, column in zip(ids.tolist(), columns.tolist(), strict=True):
                before = self._looks.get(number, self._seen[:0])
                self._looks[number] = np.concatenate([before, self._seen[column : column + 1]])[-self._memory :]

    def _learn(self, ids: Array, columns: Array) -> None:
        self._remember(ids, columns)
        alive = set(self.stack.ids.tolist())
        self._looks = {number: look for number, look in self._looks.items() if number in alive}

    def _alive(self) -> Array:
        sure = self.stack.hits >= self._min_hits
        return np.where(sure, self.stack.missed <= self._max_age, self.stack.missed == 0)

    def _shown(self) -> Array:
        sure = (self.stack.hits >= self._min_hits) | (self.frame <= self._min_hits)
        return (self.stack.missed == 0) & sure


method(task="tracking", paper="Wojke 2017", lesson="w3d7")(DeepSort)

"""Trained models that are kept ready: loaded when they are first asked for, and again when their weights change."""

from __future__ import annotations

import asyncio
import copy
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from sightline.core.errors import require
from sightline.serve.batcher import Batcher
from sightline.serve.workers import Workers

KEPT = 2


@dataclass(frozen=True)
class Ready:
    """A loaded model.

    Parameters
    ----------
    predictor
        What ``sightline.load`` gave.
    batcher
        The queue in front of it.
    """

    predictor: Any
    batcher: Batcher
    _looking: threading.Lock = field(default_factory=threading.Lock)
    _copies: list[Any] = field(default_factory=list)

    @contextmanager
    def to_look_into(self) -> Iterator[Any]:
        """Give a predictor whose model nobody else runs meanwhile.

        What looks into a model hooks into its layers and asks for gradients: it would see the pictures of others who
        are answered at the same time. So it gets a copy, made once, and one looks at a time.
        """
        with self._looking:
            if not self._copies:
                self._copies.append(self.copied())
            yield self._copies[0]

    def copied(self) -> Any:
        """Return a predictor with a model of its own, for work that takes longer than others would wait."""
        own = copy.copy(self.predictor)
        own.model = copy.deepcopy(own.model)
        return own


class Models:
    """The models that a server has at hand.

    Parameters
    ----------
    workers
        Threads that load them.
    kept
        How many stay in memory.
    """

    def __init__(self, workers: Workers, kept: int = KEPT) -> None:
        self.workers, self.kept = workers, kept
        self._ready: OrderedDict[tuple[Path, int], Ready] = OrderedDict()
        self._loading = asyncio.Lock()

    async def get(self, run: Path, load: Callable[[Path], Any] | None = None) -> Ready:
        """Return a run's model, loaded.

        Raises :class:`MissingExtraError` with the install line when torch is not there.

        Parameters
        ----------
        run
            Its folder, or what else ``load`` knows a model by.
        load
            Gives the predictor; None loads a run.
        """
        key = (run, _newest(run))
        async with self._loading:
            if key not in self._ready:
                predictor = await self.workers.run(lambda _: (load or _load)(run), seconds=120.0)
                for old in [one for one in self._ready if one[0] == run]:
                    self._ready.pop(old).batcher.close()
                self._ready[key] = Ready(predictor, Batcher(_predict_with(predictor)))
                while len(self._ready) > self.kept:
                    self._ready.popitem(last=False)[1].batcher.close()
            self._ready.move_to_end(key)
            return self._ready[key]

    @property
    def depth(self) -> int:
        """How many pictures wait for a model."""
        return sum(ready.batcher.depth for ready in self._ready.values())

    def close(self) -> None:
        """Let go of all of them."""
        for ready in self._ready.values():
            ready.batcher.close()


def _newest(run: Path) -> int:
    """Return when a run's weights were last written, 0 where there are none."""
    return max((path.stat().st_mtime_ns for path in (run / "checkpoints").glob("*")), default=0)


def _load(run: Path) -> Any:
    require("torch")
    from sightline.train import load

    return load(run)


def _predict_with(predictor: Any) -> Any:
    def predict(images: Sequence[np.ndarray]) -> list[Any]:
        return predictor.predict(list(images))

    return predict

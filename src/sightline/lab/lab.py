"""The state of a running lab: what is kept between two requests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

from sightline.lab import classifiers
from sightline.lab.listing import Listing
from sightline.lab.live_sharing import Sharing
from sightline.lab.pictures import Pictures
from sightline.lab.reconstructions import Reconstructions
from sightline.lab.runs import Runs
from sightline.lab.trainings import Trainings
from sightline.serve.models import Models, Ready
from sightline.serve.workers import Stop, Workers

_FIRST_SECONDS = 120.0  # for the first call of a method, which may have to be compiled

T = TypeVar("T")


class Lab:
    """What the lab's routes share.

    Parameters
    ----------
    root
        Folder whose pictures, videos and runs a page may name.
    workers
        Threads that compute; made anew when None.
    listing
        The catalogue; made anew when None.
    pictures
        Those that a page may name; made anew when None.
    sharing
        Where live connections are answered; all of them in this process when None.
    """

    def __init__(
        self,
        root: Path,
        *,
        workers: Workers | None = None,
        listing: Listing | None = None,
        pictures: Pictures | None = None,
        sharing: Sharing | None = None,
    ) -> None:
        self.root = root.resolve()
        self.workers = workers or Workers()
        self.listing = listing or Listing()
        self.pictures = pictures or Pictures(self.root)
        self.sharing = sharing or Sharing(self.root, processes=1)
        self.runs = Runs(self.root)
        self.trainings = Trainings(self.root, self.runs)
        self.reconstructions = Reconstructions(self.root)
        self.models = Models(self.workers)
        self.closing = asyncio.Event()
        self._ran: set[str] = set()

    async def run(self, methods: Iterable[str], work: Callable[..., T], *args: Any) -> T:
        """Call ``work(stop, lab, *args)`` on a thread; the first call of a method is given time to be compiled.

        Parameters
        ----------
        methods
            Names of the methods that the work calls.
        work, *args
            As for :meth:`~sightline.serve.workers.Workers.run`.
        """
        names = set(methods)
        seconds = None if names <= self._ran else _FIRST_SECONDS
        result = await self.workers.run(work, self, *args, seconds=seconds)
        self._ran |= names
        return result

    async def model(self, name: str) -> Ready:
        """Return a model by the name of its run, or of a network of the zoo whose weights are on this machine."""
        if classifiers.is_public(name, self.runs):
            return await self.models.get(Path(name), classifiers.load_public)
        return await self.models.get(self.runs.find(name))

    async def look(self, name: str, work: Callable[..., T], *args: Any, seconds: float | None = None) -> T:
        """Call ``work(predictor, *args)`` on a thread, with a model that nobody else runs meanwhile.

        Parameters
        ----------
        name
            As for :meth:`model`.
        work, *args
            What looks into the model.
        seconds
            How long it may take.
        """
        ready = await self.model(name)

        def looking(stop: Stop) -> T:
            with ready.to_look_into() as predictor:
                stop()
                return work(predictor, *args)

        return await self.workers.run(looking, seconds=seconds)

    async def borrow(self, name: str, work: Callable[..., T], *args: Any, seconds: float | None = None) -> T:
        """Call ``work(predictor, *args)`` on a thread, with a model of its own, for what takes longer.

        Others go on using the model meanwhile. The work is asked to stop whenever it runs the model.

        Parameters
        ----------
        name, work, *args, seconds
            As for :meth:`look`.
        """
        ready = await self.model(name)

        def working(stop: Stop) -> T:
            predictor = ready.copied()
            predictor.model.register_forward_pre_hook(lambda *_: stop())
            return work(predictor, *args)

        return await self.workers.run(working, seconds=seconds)

    def close_doors(self) -> None:
        """Tell live connections that the end has come."""
        self.closing.set()
        self.sharing.stop()

    def close(self) -> None:
        """Let go of what is running; a training is saved and can be resumed."""
        self.closing.set()
        self.sharing.close()
        self.models.close()
        self.trainings.close()
        self.reconstructions.close()
        self.workers.close()

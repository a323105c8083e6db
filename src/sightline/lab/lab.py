"""The state of a running lab: what is kept between two requests."""

from __future__ import annotations

import asyncio
from pathlib import Path

from sightline.lab.listing import Listing
from sightline.lab.pictures import Pictures
from sightline.lab.runs import Runs
from sightline.lab.trainings import Trainings
from sightline.serve.models import Models
from sightline.serve.workers import Workers


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
    """

    def __init__(self, root: Path, *, workers: Workers | None = None, listing: Listing | None = None) -> None:
        self.root = root.resolve()
        self.workers = workers or Workers()
        self.listing = listing or Listing()
        self.pictures = Pictures(self.root)
        self.runs = Runs(self.root)
        self.trainings = Trainings(self.root, self.runs)
        self.models = Models(self.workers)
        self.closing = asyncio.Event()

    def close(self) -> None:
        """Let go of what is running; a training is saved and can be resumed."""
        self.closing.set()
        self.models.close()
        self.trainings.close()
        self.workers.close()

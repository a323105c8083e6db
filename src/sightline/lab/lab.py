"""The state of a running lab: what is kept between two requests."""

from __future__ import annotations

import asyncio
import importlib
import threading
import time
from pathlib import Path

from sightline.lab.listing import Listing
from sightline.lab.pictures import Pictures
from sightline.lab.runs import Runs
from sightline.lab.trainings import Trainings
from sightline.serve.models import Models
from sightline.serve.workers import Workers

_PAGE_SECONDS = 1.0  # that the first page has for itself


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
        self._preparing = False

    def get_ready(self) -> None:
        """Begin to load what the first method will need, a second of imports, while the page is being looked at."""
        if not self._preparing:
            self._preparing = True
            threading.Thread(target=_import_kernels, name="sightline-ready", daemon=True).start()

    def close(self) -> None:
        """Let go of what is running; a training is saved and can be resumed."""
        self.closing.set()
        self.models.close()
        self.trainings.close()
        self.workers.close()


def _import_kernels() -> None:
    time.sleep(_PAGE_SECONDS)  # the page goes first
    importlib.import_module("sightline.core.kernels")

"""What a module must offer to open one form of dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from sightline.data.image_set import ImageSet


class Format(Protocol):
    """A way in which datasets lie on disk: a module with these three names, listed in ``open_dataset.FORMATS``."""

    @property
    def FORM(self) -> str:  # noqa: N802 - a constant of the module
        """What it is called in a message."""
        ...

    def sniff(self, path: Path) -> bool:
        """Tell whether a path is of this form."""
        ...

    def open(self, path: Path) -> ImageSet:
        """Open it; the split of a set without splits is called ``all``."""
        ...

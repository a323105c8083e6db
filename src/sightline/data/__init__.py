"""Datasets: open a folder and know what it is, check it, augment it."""

from sightline.core.lazy import make_lazy

__all__ = make_lazy(__name__)

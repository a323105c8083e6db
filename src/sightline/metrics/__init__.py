"""Metrics, equal to the official ones."""

from sightline.core.lazy import make_lazy

__all__ = make_lazy(__name__)

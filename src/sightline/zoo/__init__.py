"""Weights: name maps, checksums, strict loading without executing anything."""

from sightline.core.lazy import make_lazy

__all__ = make_lazy(__name__)

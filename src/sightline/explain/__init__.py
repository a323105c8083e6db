"""Explanations: which pixels mattered."""

from sightline.core.lazy import make_lazy

__all__ = make_lazy(__name__)

"""Faces: found, told apart, recognised."""

from sightline.core.lazy import make_lazy

__all__ = make_lazy(__name__)

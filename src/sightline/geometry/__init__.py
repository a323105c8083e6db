"""Cameras and the world before them: calibration, two views, stereo, and structure from motion."""

from sightline.core.lazy import make_lazy

__all__ = make_lazy(__name__)

"""Torch blocks and losses that the fields share."""

from sightline.core.lazy import make_lazy

__all__ = make_lazy(__name__)

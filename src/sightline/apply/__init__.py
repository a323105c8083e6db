"""A catalogued method applied to what a person gives: words, files and pictures in; pictures and numbers out."""

from sightline.core.lazy import make_lazy

__all__ = make_lazy(__name__)

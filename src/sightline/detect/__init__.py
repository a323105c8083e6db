"""Detection: what is in a picture and where, from boxes and windows to sets of queries."""

from sightline.core.lazy import make_lazy

__all__ = make_lazy(__name__)

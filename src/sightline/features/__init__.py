"""What can be found again: corners and blobs at their scale, descriptors, matches, and fits that survive outliers."""

from sightline.core.lazy import make_lazy

__all__ = make_lazy(__name__)

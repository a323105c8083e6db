"""The one engine that trains any recipe, and the runs that it leaves."""

from sightline.core.lazy import make_lazy

__all__ = make_lazy(__name__)

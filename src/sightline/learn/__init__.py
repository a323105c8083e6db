"""Learning from scratch: classifiers, reduction, clustering and networks, every gradient written out."""

from sightline.core.lazy import make_lazy

__all__ = make_lazy(__name__)

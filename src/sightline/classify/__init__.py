"""Classification: architectures and the recipe that trains them."""

from sightline.core.lazy import make_lazy

__all__ = make_lazy(__name__)

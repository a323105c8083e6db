"""The command line. ``sightline --help`` lists the commands; each lives in a file of its name."""

from sightline.core.lazy import make_lazy

__all__ = make_lazy(__name__)

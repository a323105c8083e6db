"""Sightline: computer vision from the pixel grid to diffusion, in code that reads like the papers.

Nothing heavy is imported here; every name is loaded on first use. The table of contents is ``__init__.pyi``.
"""

from sightline.core.lazy import make_lazy

__version__ = "0.1.0"
__all__ = make_lazy(__name__)

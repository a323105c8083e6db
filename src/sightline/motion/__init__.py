"""What moves: optical flow, trackers of one and of many, and the background behind them."""

from sightline.core.lazy import make_lazy

__all__ = make_lazy(__name__)

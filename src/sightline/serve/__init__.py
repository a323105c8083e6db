"""Answering over HTTP: what every server of ours needs, and the server of one trained model."""

from sightline.core.lazy import make_lazy

__all__ = make_lazy(__name__)

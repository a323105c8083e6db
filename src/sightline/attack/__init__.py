"""Attacks: how little must change to fool a model, and how to train one that is harder to fool."""

from sightline.core.lazy import make_lazy

__all__ = make_lazy(__name__)

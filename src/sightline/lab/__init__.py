"""The lab: every catalogued method live in the browser, on loopback, without a request that leaves the machine."""

from sightline.core.lazy import make_lazy

__all__ = make_lazy(__name__)

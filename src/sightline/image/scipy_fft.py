"""SciPy's Fourier transforms, loaded when they are first needed."""

from __future__ import annotations

from typing import Any


def scipy_fft() -> Any:
    """Return ``scipy.fft``."""
    # SciPy's transforms load in a tenth of a second, which importing a method alone should not cost.
    import scipy.fft

    return scipy.fft

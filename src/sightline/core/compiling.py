"""Compiling kernels: plain loops over arrays to machine code, by Numba, kept on disk.

What modules import is :func:`sightline.core.kernels.kernel`; it stands here so that the sharing of strips can be
written in kernels, too.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from typing import Any, TypeVar, overload

import numba

from sightline.core.kernel_cache import watch_all_files

F = TypeVar("F", bound=Callable[..., Any])


def _import_numba_without_scipy() -> None:
    # While it loads, Numba imports SciPy only to learn whether it is there: half the time of a first kernel call.
    # SciPy always is, we depend on it; code that multiplies matrices asks again when it is compiled.
    import numba.np.linalg as linalg

    asked = getattr(linalg, "ensure_blas", None)
    if asked is None or "numba.np.arraymath" in sys.modules:
        return
    linalg.ensure_blas = lambda: None
    try:
        importlib.import_module("numba.np.arraymath")
    finally:
        linalg.ensure_blas = asked


_import_numba_without_scipy()


def _compare_flags_quickly() -> None:
    # Whatever a kernel calls is looked up under a key that holds the compiler's flags, thousands of times a kernel. To
    # hash or to compare them Numba makes a dictionary of all forty; most often the few that were set are the same.
    from numba.core.targetconfig import TargetConfig

    compare = TargetConfig.__eq__

    def equal(self: Any, other: Any) -> Any:
        return (type(self) is type(other) and self._values == other._values) or compare(self, other)

    def hashed(self: Any) -> int:  # of their names alone, as Numba does
        return len(self.options)

    TargetConfig.__eq__ = equal
    TargetConfig.__hash__ = hashed


_compare_flags_quickly()


@overload
def kernel(function: F) -> F: ...
@overload
def kernel(*, fastmath: bool = False, contract: bool = False, inline: bool = False) -> Callable[[F], F]: ...
def kernel(function: Any = None, *, fastmath: bool = False, contract: bool = False, inline: bool = False) -> Any:
    """Compile a function of plain loops to machine code, without the GIL, cached on disk.

    Parameters
    ----------
    function
        Written for Numba: arrays and numbers in, nothing that needs Python inside.
    fastmath
        Let the compiler reorder floating-point sums. Only where no reduction order and no NaN rule depends on it.
    contract
        Let a product and the sum that it goes into be one instruction, rounded once. NaN and order stay as written.
    inline
        Compile into each caller: for helpers of a line or two that kernels share.
    """

    def compile_(function: Any) -> Any:
        options: dict[str, Any] = {
            "nogil": True,
            "error_model": "numpy",
            "fastmath": fastmath or ({"contract"} if contract else False),
            "no_cfunc_wrapper": True,  # nothing calls a kernel from C
        }
        if inline:
            options["inline"] = "always"
        try:
            compiled = numba.njit(cache=True, **options)(function)
        except RuntimeError:  # neither the package folder nor a home folder is writable: compile in memory
            return numba.njit(**options)(function)
        watch_all_files(compiled, function)
        return compiled

    return compile_ if function is None else compile_(function)

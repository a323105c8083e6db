"""What every estimator is: its constructor's arguments, kept under their names, and tables of numbers in."""

from __future__ import annotations

import inspect
from typing import Any, Self

import numpy as np

from sightline.core.checks import describe
from sightline.core.errors import InputError, suggest
from sightline.core.types import Array


class Estimator:
    """Anything that learns from a table: what it is told stands in its constructor, what it learns ends in ``_``."""

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the constructor's arguments by name.

        Parameters
        ----------
        deep
            Taken for the convention's sake: no estimator here holds another one.
        """
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}

    def set_params(self, **params: Any) -> Self:
        """Change constructor arguments; return the estimator itself, which is to be fitted again.

        Parameters
        ----------
        **params
            New values by name.
        """
        known = self.get_params()
        for name, value in params.items():
            if name not in known:
                raise InputError(
                    f"{type(self).__name__}.set_params: no parameter is named '{name}'.{suggest(name, known)}"
                )
            setattr(self, name, value)
        return self


def as_table(function: str, samples: Any, *, columns: int | None = None, least: int = 1) -> Array:
    """Return N×D float32 or float64 numbers, one sample a row; whole numbers become float64.

    Parameters
    ----------
    function
        Name for the error's sentence.
    samples
        Array or nested lists; NaN and infinity are refused.
    columns
        How many columns there must be; any number when None.
    least
        How many rows there must be at least.
    """
    table = np.asarray(samples)
    if table.dtype.kind not in "fiub" or table.ndim != 2 or not table.shape[1] or len(table) < least:
        raise InputError(
            f"{function}: samples must be N×D numbers with N ≥ {least} and D ≥ 1; got {describe(table)}."
            " Flatten images first: images.reshape(len(images), -1)."
        )
    if columns is not None and table.shape[1] != columns:
        raise InputError(f"{function}: samples must have {columns} columns, as in fit; got {describe(table)}.")
    table = np.ascontiguousarray(table, np.float32 if table.dtype == np.float32 else np.float64)
    if not np.isfinite(table).all():
        raise InputError(f"{function}: samples must be finite; got NaN or infinity. Drop or fill those first.")
    return table


def as_targets(function: str, labels: Any, count: int) -> tuple[Array, Array]:
    """Return the sorted classes of N labels, and the index of each label's class as N int64.

    Parameters
    ----------
    function
        Name for the error's sentence.
    labels
        N whole numbers or words, of two classes at least.
    count
        How many samples there are.
    """
    given = np.asarray(labels)
    if given.ndim != 1 or len(given) != count or given.dtype.kind not in "iubUf":
        raise InputError(f"{function}: labels must be {count} whole numbers or words; got {describe(given)}.")
    classes, indices = np.unique(given, return_inverse=True)
    if len(classes) < 2:
        raise InputError(f"{function}: labels must be of two classes at least; got {len(classes)}.")
    return classes, indices.astype(np.int64)

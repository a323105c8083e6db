"""What every estimator is: its constructor's arguments, kept under their names, and tables of numbers in.

The convention is scikit-learn's (Buitinck et al. 2013, "API Design for Machine Learning Software", ECML PKDD workshop),
so that estimators stand in its pipelines and searches. It is kept without importing scikit-learn: what its tools ask of
an estimator, they can ask only where they have been imported.
"""

from __future__ import annotations

import inspect
import sys
import warnings
from abc import ABC, abstractmethod
from typing import Any, ClassVar, Self

import numpy as np

from sightline.core.checks import describe
from sightline.core.errors import InputError, suggest
from sightline.core.types import Array


class Estimator:
    """Anything that learns from a table: what it is told stands in its constructor, what it learns ends in ``_``.

    Attributes
    ----------
    kind_of_estimator
        ``"classifier"``, ``"clusterer"`` or None.
    n_features_in_
        How many columns it was fitted to.
    """

    kind_of_estimator: ClassVar[str | None] = None
    n_features_in_: int

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

    def __sklearn_tags__(self) -> Any:
        """Return what scikit-learn asks: what kind of estimator this is, and what it takes."""
        peer = sys.modules["sklearn.utils"]
        classifies = self.kind_of_estimator == "classifier"
        return peer.Tags(
            estimator_type=self.kind_of_estimator,
            target_tags=peer.TargetTags(required=classifies),
            classifier_tags=peer.ClassifierTags() if classifies else None,
            transformer_tags=peer.TransformerTags(["float64", "float32"]) if hasattr(self, "transform") else None,
        )

    def __repr__(self) -> str:
        told = ", ".join(f"{name}={value!r}" for name, value in self.get_params().items())
        return f"{type(self).__name__}({told})"


class Classifier(Estimator, ABC):
    """An estimator that says of samples which class they are of.

    Attributes
    ----------
    classes_
        C labels, sorted.
    """

    kind_of_estimator: ClassVar[str | None] = "classifier"
    classes_: Array

    @abstractmethod
    def predict(self, samples: Any) -> Array:
        """Return the class of each of N×D samples."""

    def score(self, samples: Any, y: Any) -> float:
        """Return the share of N×D samples whose class is their label in ``y``."""
        return float((self.predict(samples) == np.asarray(y)).mean())


class NotFittedError(InputError, AttributeError):
    """An estimator was asked before it was fitted."""


class NotNumbersError(InputError, TypeError):
    """A table holds things that are no numbers."""


def as_table(function: str, samples: Any, *, columns: int | None = None, least: int = 1) -> Array:
    """Return N×D float32 or float64 numbers, one sample a row; whole numbers become float64.

    Parameters
    ----------
    function
        Name for the error's sentence, ``Class.method``.
    samples
        Array or nested lists; NaN and infinity are refused.
    columns
        How many columns there must be; any number when None.
    least
        How many rows there must be at least.
    """
    table = _numbers(function, samples)
    if table.ndim != 2:
        raise InputError(
            f"{function}: samples must be N×D numbers, one sample a row; got {describe(table)}. Reshape your data:"
            " images.reshape(len(images), -1) for images, sample[None] for one sample."
        )
    if len(table) < least:
        raise InputError(f"{function}: samples must be {least} at least; got n_samples = {len(table)}. Add samples.")
    if not table.shape[1]:
        raise InputError(
            f"{function}: samples must have columns; got 0 feature(s) (shape=({len(table)}, 0)) while a minimum of 1"
            " is required."
        )
    if columns is not None and table.shape[1] != columns:
        name = function.partition(".")[0]
        raise InputError(
            f"{function}: samples must have the columns of fit; X has {table.shape[1]} features, but {name} is"
            f" expecting {columns} features as input."
        )
    table = np.ascontiguousarray(table, np.float32 if table.dtype == np.float32 else np.float64)
    if not np.isfinite(table).all():
        raise InputError(f"{function}: samples must be finite; got NaN or infinity. Drop or fill those first.")
    return table


def _numbers(function: str, samples: Any) -> Array:
    if hasattr(samples, "toarray"):
        raise InputError(
            f"{function}: samples must be a dense array; got a sparse {type(samples).__name__}. Use samples.toarray()."
        )
    table = np.asarray(samples)
    if table.dtype.kind == "c":
        raise InputError(f"{function}: samples must be real; got {describe(table)}. Complex data not supported.")
    if table.dtype.kind in "fiub":
        return table
    try:
        return table.astype(np.float64)
    except (TypeError, ValueError) as error:
        kind = NotNumbersError if isinstance(error, TypeError) else InputError
        raise kind(f"{function}: samples must be numbers; got {describe(table)}: {error}.") from error


def as_seen(estimator: Estimator, method: str, samples: Any) -> Array:
    """Return samples as a table with the columns that an estimator was fitted to.

    Parameters
    ----------
    estimator
        One that sets ``n_features_in_`` when it is fitted.
    method
        Which of its methods is called, for the error's sentence.
    samples
        N×D numbers; see :func:`as_table`.
    """
    require_fitted(estimator, method)
    return as_table(f"{type(estimator).__name__}.{method}", samples, columns=estimator.n_features_in_)


def require_fitted(estimator: Estimator, method: str) -> None:
    """Refuse to go on with an estimator that was not fitted.

    Parameters
    ----------
    estimator, method
        As in :func:`as_seen`.
    """
    if not hasattr(estimator, "n_features_in_"):
        told = "samples, y" if estimator.kind_of_estimator == "classifier" else "samples"
        kind = _known_to_peer(NotFittedError)
        raise kind(f"{type(estimator).__name__}.{method}: the estimator must have been fitted. Call fit({told}).")


def as_targets(function: str, y: Any, count: int) -> tuple[Array, Array]:
    """Return the sorted classes of N labels, and the index of each label's class as N int64.

    Parameters
    ----------
    function
        Name for the error's sentence.
    y
        N whole numbers or words, of two classes at least.
    count
        How many samples there are.
    """
    if y is None:
        raise InputError(
            f"{function}: y must be {count} labels; got None. fit requires y to be passed, but the target y is None."
        )
    given = np.asarray(y)
    if given.ndim == 2 and given.shape[1] == 1:
        warnings.warn(
            "A column-vector y was passed when a 1d array was expected. Use y.ravel().",
            _known_to_peer(DataConversionWarning),
            stacklevel=3,
        )
        given = given[:, 0]
    words = given.dtype.kind == "O" and all(isinstance(label, str) for label in given.flat)
    if given.ndim != 1 or len(given) != count or not (words or given.dtype.kind in "iubUf"):
        kind = "" if given.dtype.kind in "iubUf" or words else " Unknown label type: not numbers, not words."
        raise InputError(f"{function}: y must be {count} whole numbers or words; got {describe(given)}.{kind}")
    if given.dtype.kind == "f":
        _refuse_fractions(function, given)
    classes, indices = np.unique(given, return_inverse=True)
    if len(classes) < 2:
        raise InputError(f"{function}: y must be of two classes at least; got {len(classes)} class.")
    return classes, indices.astype(np.int64)


def _refuse_fractions(function: str, labels: Array) -> None:
    if not np.isfinite(labels).all():
        raise InputError(f"{function}: y must be whole numbers or words; got NaN or inf. Drop those samples.")
    if (labels != np.floor(labels)).any():
        raise InputError(
            f"{function}: y must be whole numbers or words; got fractions. Continuous numbers are no classes"
            " (Unknown label type: continuous)."
        )


class DataConversionWarning(UserWarning):
    """What was given had to be brought into another shape."""


def _known_to_peer(kind: type[Any]) -> type[Any]:
    """Return the class, or where scikit-learn has been imported, one that is its class of that name, too."""
    peer = sys.modules.get("sklearn.exceptions")
    return type(kind.__name__, (kind, getattr(peer, kind.__name__)), {}) if peer else kind

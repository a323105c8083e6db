"""Naive Bayes: every number of a sample is taken to be independent of the others, once its class is known.

Maron 1961, "Automatic Indexing: An Experimental Inquiry", Journal of the ACM 8(3); McCallum & Nigam 1998, "A Comparison
of Event Models for Naive Bayes Text Classification", AAAI workshop, for counts and for presence; Duda & Hart 1973,
"Pattern Classification and Scene Analysis", for Gaussians.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import choice, number
from sightline.core.errors import InputError
from sightline.core.types import Array
from sightline.learn.estimator import Classifier, as_seen, as_table, as_targets
from sightline.learn.linear_classifier import probabilities

KINDS = ("gaussian", "multinomial", "bernoulli")
_SMOOTHING = {"gaussian": 1e-9, "multinomial": 1.0, "bernoulli": 1.0}


class NaiveBayes(Classifier):
    """Naive Bayes: the class for which P(class) Π P(number | class) is greatest.

    Parameters
    ----------
    kind
        What P(number | class) is: ``"gaussian"``, a normal distribution each; ``"multinomial"``, for counts, the share
        of all counts of the class; ``"bernoulli"``, whether the number is above ``threshold``.
    smoothing
        ≥ 0. Of ``gaussian``, what is added to each variance, as a share of the greatest variance (1e-9 when None); of
        the others, how often more each thing is taken to have been seen (1 when None).
    threshold
        Of ``bernoulli``.

    Attributes
    ----------
    classes_
        C labels, sorted.
    priors_
        C shares of the samples.
    means_, variances_
        C×D, of ``gaussian``.
    log_shares_
        C×D logarithms of P(number | class), of the others.

    References
    ----------
    A. McCallum, K. Nigam, "A Comparison of Event Models for Naive Bayes Text Classification", AAAI Workshop on Learning
    for Text Categorization, 1998.

    Examples
    --------
    >>> bayes = NaiveBayes("multinomial").fit([[3, 0], [2, 1], [0, 4]], ["sea", "sea", "wood"])
    >>> bayes.predict([[1, 0], [0, 1]]).tolist()
    ['sea', 'wood']
    """

    priors_: Array
    means_: Array
    variances_: Array
    log_shares_: Array

    def __init__(self, kind: str = "gaussian", *, smoothing: float | None = None, threshold: float = 0.0) -> None:
        self.kind = kind
        self.smoothing = smoothing
        self.threshold = threshold

    def __sklearn_tags__(self) -> Any:
        """Return what scikit-learn asks; counts are not below 0, and tell little of what its checks classify."""
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = tags.classifier_tags.poor_score = self.kind == "multinomial"
        return tags

    def fit(self, samples: Any, y: Any) -> NaiveBayes:
        """Find how each number is spread in each class; return the estimator itself.

        Parameters
        ----------
        samples
            N×D numbers; of ``multinomial``, ≥ 0.
        y
            N whole numbers or words, of two classes at least.
        """
        table = self._counted("fit", as_table("NaiveBayes.fit", samples))
        self.classes_, index = as_targets("NaiveBayes.fit", y, len(table))
        smoothing = _SMOOTHING[self.kind] if self.smoothing is None else self.smoothing
        smoothing = number("NaiveBayes", "smoothing", smoothing, 0)
        counts = np.bincount(index).astype(np.float64)
        self.priors_ = counts / len(table)
        members = (np.arange(len(counts))[:, None] == index).astype(table.dtype)  # C×N
        if self.kind == "gaussian":
            self._fit_gaussian(table, index, counts, smoothing)
        else:
            seen = (members @ table).astype(np.float64) + smoothing
            whole = seen.sum(axis=1) if self.kind == "multinomial" else counts + 2 * smoothing
            with np.errstate(divide="ignore"):  # without smoothing, what was never seen has share 0
                self.log_shares_ = np.log(seen / whole[:, None])
                self._log_others = np.log1p(-seen / whole[:, None])  # of bernoulli: the number is not above it
        self.n_features_in_ = table.shape[1]
        return self

    def _fit_gaussian(self, table: Array, index: Array, counts: Array, smoothing: float) -> None:
        parts = [table[index == c].astype(np.float64) for c in range(len(counts))]
        self.means_ = np.stack([part.mean(axis=0) for part in parts])
        least = smoothing * float(table.var(axis=0, dtype=np.float64).max())
        self.variances_ = np.stack([part.var(axis=0) for part in parts]) + least
        if not (self.variances_ > 0).all():
            raise InputError(
                "NaiveBayes.fit: samples of a class must differ in each number; got variance 0. Raise smoothing."
            )

    def joint_log_likelihood(self, samples: Any) -> Array:
        """Return N×C logarithms of P(class) Π P(number | class) for N×D samples."""
        table = self._counted("joint_log_likelihood", as_seen(self, "joint_log_likelihood", samples))
        priors = np.log(self.priors_)
        if self.kind == "multinomial":
            return priors + table @ self.log_shares_.T
        if self.kind == "bernoulli":
            return priors + table @ self.log_shares_.T + (1 - table) @ self._log_others.T
        scores = np.empty((len(table), len(self.classes_)))
        for c, (mean, variance) in enumerate(zip(self.means_, self.variances_, strict=True)):
            scores[:, c] = ((table - mean) ** 2) @ (-0.5 / variance) - 0.5 * np.log(2 * np.pi * variance).sum()
        return priors + scores

    def predict_proba(self, samples: Any) -> Array:
        """Return the N×C probabilities of the classes of N×D samples."""
        scores = self.joint_log_likelihood(as_seen(self, "predict_proba", samples))
        return probabilities(scores)

    def predict(self, samples: Any) -> Array:
        """Return the class of each of N×D samples."""
        scores = self.joint_log_likelihood(as_seen(self, "predict", samples))
        return self.classes_[scores.argmax(axis=1)]

    def _counted(self, name: str, table: Array) -> Array:
        """Return what is counted: the numbers themselves, or whether each is above the threshold."""
        kind = choice("NaiveBayes", "kind", self.kind, KINDS)
        if kind == "multinomial" and (table < 0).any():
            raise InputError(f"NaiveBayes.{name}: Negative values in data: counts must be ≥ 0; got {table.min():g}.")
        return (
            (table > number("NaiveBayes", "threshold", self.threshold)).astype(table.dtype)
            if kind == "bernoulli"
            else table
        )


method(task="classification", paper="McCallum & Nigam 1998", lesson="w4d6")(NaiveBayes)

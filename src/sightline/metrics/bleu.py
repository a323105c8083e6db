"""BLEU: how much of a sentence's wording stands in what people wrote.

Papineni, Roukos, Ward & Zhu 2002, "BLEU: a Method for Automatic Evaluation of Machine Translation", ACL, section 2.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sightline.core.catalogue import method
from sightline.core.checks import describe, integer
from sightline.core.errors import InputError


@dataclass(frozen=True)
class Bleu:
    """What the figure is made of.

    Parameters
    ----------
    score
        The figure, 0–1: the geometric mean of the precisions, times the brevity penalty.
    precisions
        For runs of 1, 2 … words: which share of the candidates' runs stands in a reference, 0–1.
    brevity
        The penalty for candidates that are too short, 0–1; 1 for those that are long enough.
    """

    score: float
    precisions: tuple[float, ...]
    brevity: float

    def to_json(self) -> dict[str, Any]:
        """Return the figures as plain JSON values."""
        return {"score": self.score, "precisions": list(self.precisions), "brevity": self.brevity}


@method(task="captions", paper="Papineni et al. 2002", lesson="w6d4", example={"references": [["a dog runs"]]})
def bleu(candidates: Sequence[str], references: Sequence[Sequence[str]], order: int = 4) -> Bleu:
    """Return how well sentences agree with what people wrote, over all of them together.

    For each length n, runs of n words of all candidates are counted, each no oftener than the reference that has it
    most; with c words in all candidates, and r in the references that are nearest in length (the shorter of two)::

        BLEU = min(1, exp(1 - r / c)) · exp(mean of log p_n)

    Words are what stands between blanks, as written: take capitals and full stops away first where they should not
    count.

    Parameters
    ----------
    candidates
        N sentences.
    references
        N lists of one sentence or more each.
    order
        Longest run of words, 1–9.

    Returns
    -------
    Bleu
        A score of 0 where no run of some length is right.

    Raises
    ------
    InputError
        When there are no candidates, or one has no references.

    References
    ----------
    K. Papineni, S. Roukos, T. Ward, W.-J. Zhu, "BLEU: a Method for Automatic Evaluation of Machine Translation",
    Proceedings of ACL, 2002.

    Examples
    --------
    >>> found = bleu(["a dog runs on grass"], [["a dog runs on the grass", "the dog is running"]], order=2)
    >>> [round(p, 2) for p in found.precisions], round(found.brevity, 3), round(found.score, 3)
    ([1.0, 0.75], 1.0, 0.866)
    """
    order = integer("bleu", "order", order, 1, 9)
    _check(candidates, references)
    right, of, words, nearest = [0] * order, [0] * order, 0, 0
    for candidate, others in zip(candidates, references, strict=True):
        said, written = candidate.split(), [other.split() for other in others]
        words += len(said)
        nearest += min((abs(len(other) - len(said)), len(other)) for other in written)[1]
        for n in range(1, order + 1):
            most: Counter[tuple[str, ...]] = Counter()
            for other in written:
                most |= _runs(other, n)
            counts = _runs(said, n)
            right[n - 1] += (counts & most).total()
            of[n - 1] += counts.total()
    precisions = tuple(a / b if b else 0.0 for a, b in zip(right, of, strict=True))
    brevity = 0.0 if not words else min(1.0, math.exp(1 - nearest / words))
    mean = math.exp(sum(map(math.log, precisions)) / order) if min(precisions) > 0 else 0.0
    return Bleu(brevity * mean, precisions, brevity)


def _runs(words: list[str], n: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1))


def _check(candidates: Any, references: Any) -> None:
    listed = all(isinstance(part, (list, tuple)) for part in (candidates, references))
    if not listed or not candidates or not all(isinstance(sentence, str) for sentence in candidates):
        raise InputError(f"bleu: candidates must be a list of sentences; got {describe(candidates)}.")
    whole = all(
        isinstance(others, (list, tuple)) and others and all(isinstance(other, str) for other in others)
        for others in references
    )
    if len(references) != len(candidates) or not whole:
        raise InputError(
            f"bleu: references must be {len(candidates)} lists of sentences, none of them empty;"
            f" got {describe(references)}."
        )

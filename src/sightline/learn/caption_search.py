"""From the scores of a next word to a whole sentence: the likeliest one, or one drawn by chance.

Sutskever, Vinyals & Le 2014, "Sequence to Sequence Learning with Neural Networks", NIPS, section 3.2, for following
several sentences at once; what ended is compared by the mean of its words, so that short ones are not preferred.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sightline.core.types import Array
from sightline.learn.character_model import drawn
from sightline.learn.words import BEGIN, END, FILL, RARE

Forward = Callable[..., tuple[Array, Any]]  # (places, N×1 words, state) -> N×1×K scores and the next state


def likeliest_sentence(forward: Forward, places: Array, beams: int, longest: int) -> list[int]:
    """Return the numbers of the sentence whose words are likeliest on the mean, among those that were followed.

    Parameters
    ----------
    forward
        Gives scores and state.
    places
        1×S×D: one picture.
    beams
        How many sentences are followed at once; 1 takes the likeliest word each time.
    longest
        Words at most.
    """
    scores, state = forward(places, np.array([[BEGIN]]), None)
    alive: list[tuple[float, list[int]]] = [(0.0, [])]
    ended: list[tuple[float, list[int]]] = []
    for _ in range(longest):
        likely = _log_probabilities(scores[:, -1]) + np.array([score for score, _ in alive])[:, None]
        best = np.argsort(-likely, axis=None, kind="stable")[: 2 * beams]
        rows, words = np.unravel_index(best, likely.shape)
        following, sources = [], []
        for rank, (row, word) in enumerate(zip(rows.tolist(), words.tolist(), strict=True)):
            score, sentence = float(likely[row, word]), alive[row][1]
            if word == END:
                if rank < beams:
                    ended.append((score / (len(sentence) + 1), sentence))
            elif len(following) < beams:
                following.append((score, [*sentence, word]))
                sources.append(row)
        alive = following
        if len(ended) >= beams or not alive:
            break
        state = tuple(part[sources] for part in state)
        last = np.array([[sentence[-1]] for _, sentence in alive])
        scores, state = forward(np.repeat(places, len(alive), axis=0), last, state)
    ended += [(score / len(sentence), sentence) for score, sentence in alive] if not ended else []
    return max(ended)[1]


def drawn_sentences(
    forward: Forward, places: Array, temperature: float, longest: int, random: np.random.Generator
) -> list[list[int]]:
    """Return the numbers of one sentence a picture, each word drawn with its probability.

    Parameters
    ----------
    forward, longest
        As in :func:`likeliest_sentence`.
    places
        N×S×D.
    temperature
        Scores are divided by it, > 0.
    random
        Where chance comes from.
    """
    found: list[list[int]] = [[] for _ in places]
    last, state = np.full((len(places), 1), BEGIN), None
    for _ in range(longest):
        scores, state = forward(places, last, state)
        scores = _speakable(scores[:, -1])
        last = np.array([[drawn(row, temperature, random)] for row in scores])
        for sentence, (word,) in zip(found, last.tolist(), strict=True):
            if not sentence or sentence[-1] != END:
                sentence.append(word)
        if all(sentence[-1] == END for sentence in found):
            break
    return found


def _speakable(scores: Array) -> Array:
    """Return scores in which the marks that nobody says are out of the question."""
    scores = scores.astype(np.float64)
    scores[:, [FILL, BEGIN, RARE]] = -np.inf
    return scores


def _log_probabilities(scores: Array) -> Array:
    shifted = _speakable(scores)
    shifted -= shifted.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))

"""Words as numbers: what a network reads and writes instead of sentences."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from sightline.core.checks import integer
from sightline.core.errors import InputError
from sightline.core.types import Array

FILL, BEGIN, END, RARE = range(4)
_MARKS = ("", "<begin>", "<end>", "<rare>")


@dataclass(frozen=True)
class Words:
    """A vocabulary: 0 fills up, 1 begins a sentence, 2 ends it, 3 stands for rare words, the others for their own.

    Parameters
    ----------
    words
        In the order of their numbers, the four marks first.

    Examples
    --------
    >>> words = Words.of(["A dog runs.", "The dog sleeps."])
    >>> words.encode("a dog sleeps").tolist(), words.decode([1, 4, 5, 7, 2])
    ([1, 4, 5, 7, 2], 'a dog sleeps')
    """

    words: tuple[str, ...]

    @classmethod
    def of(cls, sentences: Iterable[str], least: int = 1) -> Words:
        """Return the vocabulary of sentences.

        Parameters
        ----------
        sentences
            As people write them.
        least
            How often a word must occur to have a number of its own, ≥ 1.
        """
        least = integer("Words.of", "least", least, 1)
        counts = Counter(word for sentence in sentences for word in plain(sentence))
        return cls((*_MARKS, *sorted(word for word, count in counts.items() if count >= least)))

    def __len__(self) -> int:
        return len(self.words)

    def encode(self, sentence: str) -> Array:
        """Return a sentence's numbers, int64, with begin and end."""
        table = {word: number for number, word in enumerate(self.words)}
        return np.array([BEGIN, *(table.get(word, RARE) for word in plain(sentence)), END])

    def encode_all(self, sentences: Sequence[str]) -> Array:
        """Return N×T numbers, filled up with 0 to the length of the longest sentence."""
        rows = [self.encode(sentence) for sentence in sentences]
        if not rows:
            raise InputError("Words.encode_all: sentences must be one at least; got none.")
        table = np.full((len(rows), max(map(len, rows))), FILL)
        for row, numbers in zip(table, rows, strict=True):
            row[: len(numbers)] = numbers
        return table

    def decode(self, numbers: Iterable[int]) -> str:
        """Return the sentence of numbers, up to its end, without the marks."""
        found = []
        for number in numbers:
            if number == END:
                break
            if number > RARE:
                found.append(self.words[int(number)])
        return " ".join(found)


def plain(sentence: str) -> list[str]:
    """Return a sentence's words, small, without what stands between them."""
    return re.findall(r"[a-z0-9]+(?:'[a-z]+)?", sentence.lower())

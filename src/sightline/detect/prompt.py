"""A text that says what to look for: phrases, each of which is read without the others.

Liu et al. 2024, "Grounding DINO: Marrying DINO with Grounded Pre-Training for Open-Set Object Detection", ECCV,
section 3.4 (sub-sentence level text features) and section 3.1 (what is found is named by its words).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from sightline.core.checks import describe
from sightline.core.errors import InputError
from sightline.core.types import PathLike
from sightline.nn.wordpiece import BEGIN, END, PAD, UNKNOWN, WordPiece

LONGEST = 256  # pieces of a text that the public weights were trained with
_ENDS = (BEGIN, END, ".", "?")  # what ends a phrase
Text = str | Sequence[str]


@dataclass(frozen=True)
class Prompt:
    """The texts of B images, T pieces each, filled up behind.

    Parameters
    ----------
    vocabulary
        What the numbers mean.
    ids
        B×T int64 numbers of the pieces.
    """

    vocabulary: WordPiece
    ids: Tensor

    @classmethod
    def of(cls, function: str, vocabulary: WordPiece, texts: Sequence[Text]) -> Prompt:
        """Return the prompt of texts.

        Parameters
        ----------
        function
            Who asks, for errors.
        vocabulary
            What words are made of.
        texts
            One for each image: phrases with a full stop behind each, or a list of them.

        Raises
        ------
        InputError
            When a text has no word, or more than 256 pieces.
        """
        rows = [vocabulary.encode(joined(function, text)) for text in texts]
        ends = {vocabulary.numbers.get(mark, -1) for mark in _ENDS}
        for row in rows:
            if len(row) > LONGEST:
                raise InputError(
                    f"{function}: text must be at most {LONGEST} word pieces long; got {len(row):,}. "
                    "Ask for fewer things at once, in several calls."
                )
            if ends.issuperset(row):
                raise InputError(f"{function}: text must name what to look for, like 'a cat. a dog.'; got no word.")
        longest = max(len(row) for row in rows)
        fill = vocabulary.numbers[PAD]
        return cls(vocabulary, torch.tensor([row + [fill] * (longest - len(row)) for row in rows]))

    def to(self, device: torch.device) -> Prompt:
        """Return the prompt on another device."""
        return Prompt(self.vocabulary, self.ids.to(device))

    @property
    def real(self) -> Tensor:
        """Which pieces are of the text and do not fill it up, B×T bool."""
        return self.ids != self.vocabulary.numbers[PAD]

    @property
    def ends(self) -> Tensor:
        """Which pieces end a phrase, B×T bool."""
        marks = [self.vocabulary.numbers[mark] for mark in _ENDS if mark in self.vocabulary.numbers]
        return torch.isin(self.ids, self.ids.new_tensor(marks))

    @property
    def phrases(self) -> Tensor:
        """The number of the phrase that each piece belongs to, its end included, B×T int64, from 0."""
        return self.ends.cumsum(dim=1) - self.ends.long()

    @property
    def attends(self) -> Tensor:
        """Which piece is read together with which, B×T×T bool: those of one phrase; what fills up reads itself."""
        same = self.phrases[:, :, None] == self.phrases[:, None, :]
        alone = torch.eye(self.ids.shape[1], dtype=torch.bool, device=self.ids.device)
        return same & self.real[:, None, :] & self.real[:, :, None] | alone

    @property
    def positions(self) -> Tensor:
        """The place of each piece in its phrase, B×T int64."""
        places = torch.arange(self.ids.shape[1], device=self.ids.device)
        starts = torch.where(self.ends, places + 1, 0).cummax(dim=1).values  # behind the last end so far
        starts = torch.cat([torch.zeros_like(starts[:, :1]), starts[:, :-1]], dim=1)
        return (places - starts) * self.real

    def members(self, index: int) -> Tensor:
        """Return which pieces are the words of each phrase of one image's text, K×T bool; a phrase without is none.

        Parameters
        ----------
        index
            Of the image.
        """
        words = self.real[index] & ~self.ends[index]
        numbers = self.phrases[index]
        return words & (numbers == numbers[words].unique()[:, None])

    def name(self, index: int, scores: Tensor, least: float) -> str:
        """Return the words of one image's text that are sure enough; the whole phrase of the surest when none is.

        Parameters
        ----------
        index
            Of the image.
        scores
            T, how sure each piece is.
        least
            A word of the name is surer than that. What ends a phrase is no word.
        """
        words = self.real[index] & ~self.ends[index]
        chosen = words & (scores > least)
        if not chosen.any():
            phrases = self.phrases[index]
            chosen = words & (phrases == phrases[scores.masked_fill(~words, -1.0).argmax()])
        return self.vocabulary.decode(self.ids[index][chosen].tolist())


def joined(function: str, text: Text) -> str:
    """Return a text in which every phrase ends with a full stop.

    Parameters
    ----------
    function
        Who asks, for errors.
    text
        Phrases in one text, or a list of them.

    Examples
    --------
    >>> joined("detect", ["a cat", "Remote control."]), joined("detect", " a cat. a dog")
    ('a cat. Remote control.', 'a cat. a dog.')
    """
    phrases = [text] if isinstance(text, str) else text
    if not isinstance(phrases, (list, tuple)) or not all(isinstance(phrase, str) for phrase in phrases):
        raise InputError(f"{function}: text must be a str, or a list of str; got {describe(text)}.")
    stripped = [phrase.strip() for phrase in phrases]
    return " ".join(phrase if phrase.endswith((".", "?")) else f"{phrase}." for phrase in stripped if phrase)


def read_vocabulary(vocabulary: PathLike | Sequence[str] | None, classes: Sequence[str]) -> WordPiece:
    """Return a vocabulary: of a file, of pieces, or one that knows the words of some classes and no more.

    Parameters
    ----------
    vocabulary
        A file, pieces, or None.
    classes
        Whose words are taken where there is neither.

    Examples
    --------
    >>> len(read_vocabulary(None, ["red cell", "white cell"]))
    9
    """
    if vocabulary is None:
        marks = (PAD, UNKNOWN, BEGIN, END, ".", "?")
        every = WordPiece(marks).words(" ".join(classes))
        return WordPiece(list(dict.fromkeys((*marks, *every))))
    if isinstance(vocabulary, (list, tuple)):
        return WordPiece(vocabulary)
    return WordPiece.read(vocabulary)  # pyrefly: ignore

"""WordPiece: words become pieces of a vocabulary, the longest first; what continues a word begins with ``##``.

Wu et al. 2016, "Google's Neural Machine Translation System", arXiv:1609.08144, section 4.1; Devlin, Chang, Lee and
Toutanova 2019, "BERT", NAACL, section 3 and Appendix A.2, whose way to clean a text this is.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from sightline.core.checks import describe
from sightline.core.errors import FormatError, InputError, MissingFileError
from sightline.core.types import PathLike

UNKNOWN, BEGIN, END, PAD = "[UNK]", "[CLS]", "[SEP]", "[PAD]"
_CONTINUES = "##"
_LONGEST = 100  # characters of a word; a longer one is unknown
_UNSEEN = ("Cc", "Cf", "Co", "Cs")  # controls and the like; what Unicode has not given out yet is a character
_MARKS = ".?!,"  # stand without a space after the word before
# Blocks of Han characters, each of which is a word of its own: unified ideographs, extensions A to E, compatibility.
_HAN = (
    (0x4E00, 0x9FFF),
    (0x3400, 0x4DBF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2CEAF),
    (0xF900, 0xFAFF),
    (0x2F800, 0x2FA1F),
)


class WordPiece:
    """A vocabulary of pieces, and what a text is in it.

    A text means itself: ``"[SEP]"`` written in it is three words, never the mark.

    Parameters
    ----------
    pieces
        In the order of their numbers; ``[UNK]``, ``[CLS]``, ``[SEP]`` and ``[PAD]`` are among them.
    lowercase
        Whether capitals and accents are dropped, as the uncased vocabularies want it.

    Raises
    ------
    InputError
        When one of the four marks is missing, or a piece stands there twice.

    Examples
    --------
    >>> words = WordPiece(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "cat", "##s", "."])
    >>> words.split("Cats."), words.encode("Cats."), words.decode([4, 5, 6])
    (['cat', '##s', '.'], [2, 4, 5, 6, 3], 'cats.')
    """

    def __init__(self, pieces: Sequence[str], *, lowercase: bool = True) -> None:
        self.pieces, self.lowercase = tuple(pieces), lowercase
        self.numbers = {piece: number for number, piece in enumerate(self.pieces)}
        missing = [mark for mark in (UNKNOWN, BEGIN, END, PAD) if mark not in self.numbers]
        if missing or len(self.numbers) < len(self.pieces):
            what = f"{', '.join(missing)} missing" if missing else "a piece twice"
            raise InputError(
                f"WordPiece: pieces must be a vocabulary of BERT, each piece once, with [UNK], [CLS], [SEP] and [PAD]; "
                f"got {len(self.pieces)} pieces, {what}."
            )

    def __len__(self) -> int:
        return len(self.pieces)

    @classmethod
    def read(cls, path: PathLike) -> WordPiece:
        """Read a vocabulary: ``vocab.txt``, a piece a line, or ``tokenizer.json``.

        Parameters
        ----------
        path
            The file; its content decides, not its name.

        Raises
        ------
        MissingFileError
            When there is no such file.
        FormatError
            When it holds no such vocabulary.
        """
        try:
            text = Path(path).read_text("utf-8")
        except OSError as error:
            raise MissingFileError(f"WordPiece.read: '{path}' does not exist or cannot be opened.") from error
        except UnicodeDecodeError as error:
            raise FormatError(f"WordPiece.read: '{path}' is no text in UTF-8.") from error
        try:
            if text.lstrip().startswith("{"):
                return cls._from_tokenizer(json.loads(text))
            return cls(text.removesuffix("\n").split("\n"))
        except (InputError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise FormatError(
                f"WordPiece.read: '{path}' holds no WordPiece vocabulary of BERT ({error}). "
                "Use the vocab.txt or tokenizer.json that lies beside the weights."
            ) from error

    @classmethod
    def _from_tokenizer(cls, table: dict[str, Any]) -> WordPiece:
        kind = table["model"].get("type", "WordPiece")
        if kind != "WordPiece":
            raise ValueError(f"its model is {kind}")
        numbers = table["model"]["vocab"]
        pieces = sorted(numbers, key=numbers.__getitem__)
        if [numbers[piece] for piece in pieces] != list(range(len(pieces))):
            raise ValueError("its numbers have gaps")
        return cls(pieces, lowercase=bool((table.get("normalizer") or {}).get("lowercase", True)))

    def encode(self, text: str) -> list[int]:
        """Return the numbers of a text's pieces, ``[CLS]`` before them and ``[SEP]`` behind."""
        return [self.numbers[piece] for piece in (BEGIN, *self.split(text), END)]

    def decode(self, numbers: Iterable[int]) -> str:
        """Return the text of pieces: continued words joined, stops and commas close to the word before."""
        text = ""
        for piece in (self.pieces[number] for number in numbers):
            if text and piece.startswith(_CONTINUES):
                text += piece.removeprefix(_CONTINUES)
            else:
                text += piece if not text or piece in _MARKS else f" {piece}"
        return text

    def split(self, text: str) -> list[str]:
        """Return a text's pieces; a word that has none is ``[UNK]``."""
        if not isinstance(text, str):
            raise InputError(f"WordPiece.split: text must be a str; got {describe(text)}.")
        return [piece for word in self.words(text) for piece in self._pieces_of(word)]

    def words(self, text: str) -> list[str]:
        """Return the words of a text, known or not, without capitals and accents where they are dropped."""
        return list(_words(self._cleaned(text)))

    def _cleaned(self, text: str) -> str:
        """Drop what cannot be seen, put Han characters apart, drop accents and capitals."""
        seen = (" " if char.isspace() else char for char in text if char in "\t\n\r" or not _invisible(char))
        text = "".join(f" {char} " if _is_han(char) else char for char in seen)
        if not self.lowercase:
            return text
        bare = (char for char in unicodedata.normalize("NFD", text) if unicodedata.category(char) != "Mn")
        return "".join(char.lower() for char in bare)

    def _pieces_of(self, word: str) -> list[str]:
        """Return the longest piece that begins the word, then the longest that continues it, to the end."""
        found: list[str] = []
        start = 0
        while start < len(word) <= _LONGEST:
            mark = _CONTINUES if start else ""
            ends = range(len(word), start, -1)
            end = next((end for end in ends if mark + word[start:end] in self.numbers), None)
            if end is None:
                return [UNKNOWN]
            found.append(mark + word[start:end])
            start = end
        return found or [UNKNOWN]


def _words(text: str) -> Iterator[str]:
    """Yield the words between spaces; each mark of punctuation is one."""
    for run in text.split():
        start = 0
        for place, char in enumerate(run):
            if _is_punctuation(char):
                yield from filter(None, (run[start:place], char))
                start = place + 1
        if start < len(run):
            yield run[start:]


def _invisible(char: str) -> bool:
    return char == "\ufffd" or unicodedata.category(char) in _UNSEEN


def _is_han(char: str) -> bool:
    return any(low <= ord(char) <= high for low, high in _HAN)


def _is_punctuation(char: str) -> bool:
    """Return whether a character is no letter, digit or space of ASCII, or punctuation anywhere else."""
    if char.isascii():
        return char.isprintable() and not char.isalnum() and not char.isspace()
    return unicodedata.category(char).startswith("P")

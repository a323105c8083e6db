"""A character model: it reads a text letter by letter and learns what comes next, then writes on by itself.

Sutskever, Martens & Hinton 2011, "Generating Text with Recurrent Neural Networks", ICML; Graves 2013, "Generating
Sequences With Recurrent Neural Networks", arXiv 1308.0850, for the gated cells. The text is read in chunks, each of
which goes on from the state that the last one ended in, while slopes stay inside a chunk: Williams & Peng 1990.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from sightline.core.archives import read_arrays, write_arrays
from sightline.core.catalogue import method
from sightline.core.checks import choice, describe, integer, number
from sightline.core.errors import InputError
from sightline.core.layers import Curve, Heat, Value
from sightline.core.seeds import generator
from sightline.core.trace import Step, Trace
from sightline.core.types import Array, PathLike, Seed
from sightline.learn.clip_gradients import clip_gradients
from sightline.learn.layers.activations import Softmax
from sightline.learn.layers.dropout import Dropout
from sightline.learn.layers.gru import GRU
from sightline.learn.layers.layer import Layer, as_dtype
from sightline.learn.layers.linear import Embedding, Linear
from sightline.learn.layers.lstm import LSTM
from sightline.learn.layers.recurrent import RNN, Recurrent, State, unrolled
from sightline.learn.layers.sequence_losses import TemporalCrossEntropy
from sightline.learn.optimizers import Adam, Optimizer
from sightline.learn.sequential import Sequential

CELLS: dict[str, type[Recurrent]] = {"rnn": RNN, "gru": GRU, "lstm": LSTM}
Row = dict[str, float]


class CharacterModel:
    """Embedding, recurrent layers, and a score for each character that may come next.

    Parameters
    ----------
    width
        Of the state, ≥ 1; characters are embedded in half as many numbers.
    cell
        ``rnn``, ``gru`` or ``lstm``.
    layers
        Recurrent layers above one another, ≥ 1.
    dropout
        Share of each recurrent layer's output that is left out in training, 0 ≤ dropout < 1.
    seed
        Whole number: of the first weights, and of what is left out.
    dtype
        float32 or float64.

    Attributes
    ----------
    alphabet
        The characters that :meth:`fit` saw, sorted.
    history
        One row an epoch: ``epoch``, ``loss`` in bits a character and, with validation, ``val_loss``.

    Examples
    --------
    >>> model = CharacterModel(16, seed=1)
    >>> rows = model.fit("abcd" * 200, epochs=12, length=16, batch_size=4, learning_rate=0.02)
    >>> model.sample(8, start="ab", temperature=0)
    'cdabcdab'
    """

    def __init__(
        self,
        width: int = 128,
        *,
        cell: str = "lstm",
        layers: int = 1,
        dropout: float = 0.0,
        seed: int = 0,
        dtype: Any = "float32",
    ) -> None:
        self.width, self.layers = (
            integer("CharacterModel", name, value, 1) for name, value in (("width", width), ("layers", layers))
        )
        self.cell = choice("CharacterModel", "cell", cell, tuple(CELLS))
        self.dropout = number("CharacterModel", "dropout", dropout, 0, 0.99)
        self.seed = integer("CharacterModel", "seed", seed, 0)
        self.dtype = as_dtype("CharacterModel", dtype).name
        self.alphabet = ""
        self.network: Sequential | None = None
        self.history: list[Row] = []

    def fit(
        self,
        text: str,
        *,
        epochs: int = 10,
        length: int = 64,
        batch_size: int = 32,
        learning_rate: float = 3e-3,
        clip: float = 5.0,
        schedule: Callable[[float], float] | None = None,
        validation: str = "",
        progress: Callable[[Row], object] | None = None,
    ) -> list[Row]:
        """Learn from a text, by Adam; return the history.

        Parameters
        ----------
        text
            Of more than ``batch_size`` characters. It is cut into ``batch_size`` streams that are read side by side.
        epochs
            Times that the text is read.
        length
            Characters of a chunk, ≥ 1: so far do slopes go back.
        batch_size
            Streams, ≥ 1.
        learning_rate
            Of Adam, ≥ 0.
        clip
            Greatest length of all slopes together, > 0; see :func:`clip_gradients`.
        schedule
            Called with the share of the training that is behind, 0–1; returns what the learning rate is multiplied by.
        validation
            Another text of the same characters, measured after each epoch.
        progress
            Called with each row of the history.
        """
        name = "CharacterModel.fit"
        epochs, length, streams = (integer(name, word, value, 1) for word, value in
                                   (("epochs", epochs), ("length", length), ("batch_size", batch_size)))  # fmt: skip
        if not isinstance(text, str) or len(text) <= streams:
            raise InputError(f"{name}: text must be a str of more than {streams} characters; got {describe(text)}.")
        self._build("".join(sorted(set(text))))
        codes = self._codes(name, text)
        each = (len(codes) - 1) // streams
        x, y = (part[: streams * each].reshape(streams, each) for part in (codes, codes[1:]))
        optimizer, rate, self.history = Adam(learning_rate), learning_rate, []
        for epoch in range(epochs):
            total, states = 0.0, None
            for start in range(0, each, length):
                if schedule is not None:
                    optimizer.learning_rate = rate * float(schedule((epoch + start / each) / epochs))
                part = slice(start, start + length)
                loss, states = self._learn(x[:, part], y[:, part], states, optimizer, clip)
                total += loss * x[:, part].shape[1]
            row = {"epoch": epoch + 1, "loss": total / each / math.log(2)}
            if validation:
                row["val_loss"] = self.bits(validation)
            self.history.append(row)
            if progress is not None:
                progress(row)
        return self.history

    def _learn(
        self, x: Array, y: Array, states: list[State] | None, optimizer: Optimizer, clip: float
    ) -> tuple[float, list[State]]:
        """Take one step down the slope of a chunk; return its loss, and the states at its end."""
        network, loss = self._fitted("fit"), TemporalCrossEntropy()
        scores, states = self._forward(x, states, train=True)
        value = loss.forward(scores, y)
        network.backward(loss.backward())
        slopes, _ = clip_gradients([network.gradients[name] for name in network.parameters], clip)
        optimizer.step(list(network.parameters.values()), slopes)
        return value, states

    def _forward(self, x: Array, states: list[State] | None, train: bool = False) -> tuple[Array, list[State]]:
        """Return N×T×K scores of N×T characters, and the states of the recurrent layers at the end."""
        value: Array = x
        cells = self._cells()
        before = dict(zip(map(id, cells), states or [None] * len(cells), strict=True))
        for layer in self._fitted("fit").layers:
            if isinstance(layer, Recurrent):
                value = layer.forward(value, train, state=before[id(layer)])
            else:
                value = layer.forward(value, train)
        return value, [cell.state for cell in cells]

    def bits(self, text: str) -> float:
        """Return how many bits each character of a text takes, from the second on, when the model says what to expect.

        Parameters
        ----------
        text
            Of 2 characters at least, all of the alphabet.
        """
        codes = self._codes("CharacterModel.bits", text, least=2)
        return float(self._surprise(codes).mean())

    def _surprise(self, codes: Array) -> Array:
        """Return -log₂ p of each character from the second on, a stretch at a time."""
        found, states = [], None
        for start in range(0, len(codes) - 1, 1024):
            part, following = codes[start : start + 1024], codes[start + 1 : start + 1025]
            scores, states = self._forward(part[None, : len(following)], states)
            p = Softmax().forward(scores[0].astype(np.float64))
            found.append(-np.log2(np.maximum(p[np.arange(len(following)), following], np.finfo(float).tiny)))
        return np.concatenate(found)

    def sample(self, count: int = 200, *, start: str = "\n", temperature: float = 1.0, seed: Seed = 0) -> str:
        """Return ``count`` characters that the model writes after ``start``.

        Parameters
        ----------
        count
            Characters, ≥ 1.
        start
            What it reads first, 1 character at least; those outside the alphabet are passed over.
        temperature
            Scores are divided by it: below 1 the likely becomes likelier, above 1 less so; 0 takes the likeliest.
        seed
            Whole number or generator.
        """
        name = "CharacterModel.sample"
        count, random = integer(name, "count", count, 1), generator(seed)
        temperature = number(name, "temperature", temperature, 0)
        known = "".join(c for c in start if c in self.alphabet) if isinstance(start, str) else ""
        scores, states = self._forward(self._codes(name, known or self.alphabet[:1])[None], None)
        found: list[int] = []
        for _ in range(count):
            found.append(drawn(scores[0, -1], temperature, random))
            scores, states = self._forward(np.array([found[-1:]]), states)
        return "".join(self.alphabet[code] for code in found)

    def trace(self, text: str) -> Trace:
        """Read a text as :meth:`bits` does; return the steps: gates and states of the last layer, what is expected.

        Parameters
        ----------
        text
            Of 2 characters at least, all of the alphabet; a line is enough to look at.
        """
        return Trace("learn.CharacterModel", {}, tuple(_steps(self, text)))

    def save(self, path: PathLike) -> str:
        """Write alphabet and weights to an ``.npz`` file, whole or not at all; return its SHA-256.

        Parameters
        ----------
        path
            Its folder must exist.
        """
        state = self._fitted("save").state()
        about = {"alphabet": np.array([ord(c) for c in self.alphabet]), "cell": np.array(self.cell)}
        sizes = np.array([self.width, self.layers, self.seed])
        options = {"sizes": sizes, "dropout": np.array(self.dropout), "dtype": np.array(self.dtype)}
        return write_arrays(path, {**about, **options, **{f"network/{key}": array for key, array in state.items()}})

    @classmethod
    def load(cls, path: PathLike) -> CharacterModel:
        """Return the model that :meth:`save` wrote.

        Parameters
        ----------
        path
            The file.

        Raises
        ------
        MissingFileError, FormatError
            When there is no such file, or it holds no character model.
        """
        with read_arrays("CharacterModel.load", path, "a character model") as held:
            width, layers, seed = (int(n) for n in held.pop("sizes"))
            alphabet = "".join(chr(code) for code in held.pop("alphabet"))
            options: dict[str, Any] = {key: held.pop(key).item() for key in ("cell", "dropout", "dtype")}
            model = cls(width, layers=layers, seed=seed, **options)
            model._build(alphabet)
            model._fitted("load").restore({key.removeprefix("network/"): array for key, array in held.items()})
        return model

    def _build(self, alphabet: str) -> None:
        random, size = generator(self.seed), max(1, self.width // 2)
        parts: list[Layer] = [Embedding(len(alphabet), size, seed=random, dtype=self.dtype)]
        for depth in range(self.layers):
            inputs = self.width if depth else size
            parts.append(CELLS[self.cell](inputs, self.width, seed=random, dtype=self.dtype))
            if self.dropout:
                parts.append(Dropout(self.dropout, seed=random))
        parts.append(Linear(self.width, len(alphabet), initial="xavier", seed=random, dtype=self.dtype))
        self.alphabet, self.network = alphabet, Sequential(*parts)

    def _cells(self) -> list[Recurrent]:
        return [layer for layer in self._fitted("fit").layers if isinstance(layer, Recurrent)]

    def _fitted(self, name: str) -> Sequential:
        if self.network is None:
            raise InputError(f"CharacterModel.{name}: the model must have read a text. Call fit(text).")
        return self.network

    def _codes(self, name: str, text: Any, least: int = 1) -> Array:
        """Return the places of a text's characters in the alphabet."""
        self._fitted(name.partition(".")[2])
        if not isinstance(text, str) or len(text) < least:
            raise InputError(f"{name}: text must be a str of {least} characters at least; got {describe(text)}.")
        strange = sorted(set(text) - set(self.alphabet))
        if strange:
            raise InputError(f"{name}: text must be of the characters that fit saw; got {''.join(strange[:9])!r}.")
        table = {character: code for code, character in enumerate(self.alphabet)}
        return np.array([table[character] for character in text])


def drawn(scores: Array, temperature: float, random: np.random.Generator) -> int:
    """Return a class drawn with the probabilities softmax(scores / temperature); the greatest score's at 0.

    Parameters
    ----------
    scores
        K float.
    temperature
        ≥ 0.
    random
        Where chance comes from.
    """
    if temperature == 0:
        return int(scores.argmax())
    p = Softmax().forward(scores.astype(np.float64) / temperature)
    return int(np.searchsorted(np.cumsum(p), random.random() * p.sum(), side="right").clip(0, len(p) - 1))


_listed = method(task="text", paper="Sutskever et al. 2011", lesson="w6d1")(CharacterModel)


@_listed.steps
def _steps(model: CharacterModel, text: str) -> Iterator[Step]:
    codes = model._codes("CharacterModel.trace", text, least=2)
    value: Array = codes[None]
    cell = model._cells()[-1]
    for layer in model._fitted("trace").layers:
        if layer is cell:
            break
        value = layer.forward(value)
    for step in unrolled(cell, value[0]):
        if step.name not in ("input", "gradient through time"):
            yield step
    scores, _ = model._forward(codes[None], None)
    expected = Softmax().forward(scores[0]).T.astype(np.float32)
    note = f"The probability of each next character, a row for each of {model.alphabet!r}."
    yield Step("expected", Heat(expected), note=note)
    surprise = model._surprise(codes)
    curve = np.stack([np.arange(1, len(codes), dtype=np.float64), surprise], axis=1)
    yield Step("surprise", Curve(curve, ("character", "bits")), note="How unexpected each character was.")
    yield Step("mean", Value(model.bits(text)), note="Bits a character.")

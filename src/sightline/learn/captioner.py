"""A captioner: it looks at the places of a picture and says, word by word, what is there.

Vinyals, Toshev, Bengio & Erhan 2015, "Show and Tell: A Neural Image Caption Generator", CVPR, for a recurrent network
that begins with the picture; Xu et al. 2015, "Show, Attend and Tell", ICML, for looking at places; Luong, Pham &
Manning 2015, "Effective Approaches to Attention-based Neural Machine Translation", EMNLP, section 3.1, for looking
after the step, so that the whole sentence is one pass of each layer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from sightline.core.archives import read_arrays, write_arrays
from sightline.core.catalogue import method
from sightline.core.checks import as_image, describe, integer, number
from sightline.core.conversions import to_float
from sightline.core.errors import InputError
from sightline.core.layers import Picture, Value
from sightline.core.seeds import generator
from sightline.core.trace import Step, Trace
from sightline.core.types import Array, PathLike, Seed
from sightline.image.resize import resize
from sightline.learn.caption_search import drawn_sentences, likeliest_sentence
from sightline.learn.clip_gradients import clip_gradients
from sightline.learn.layers.activations import Tanh
from sightline.learn.layers.attention import AdditiveAttention
from sightline.learn.layers.dropout import Dropout
from sightline.learn.layers.layer import as_dtype
from sightline.learn.layers.linear import Embedding, Linear
from sightline.learn.layers.lstm import LSTM
from sightline.learn.layers.recurrent import State
from sightline.learn.layers.sequence_losses import TemporalCrossEntropy
from sightline.learn.optimizers import AdamW
from sightline.learn.sequential import Sequential
from sightline.learn.words import BEGIN, FILL, Words

Row = dict[str, float]


class Captioner:
    """An LSTM over words that begins with the mean of a picture's places, and looks at them for each word.

    With features f_s at S places, words w_t and h the states of the LSTM::

        h_0 = tanh(A mean f + a)    h_t = LSTM(embedding of w_t, h_{t-1})    c_t = attention of h_t over f
        scores of the next word = C tanh(B (h_t, c_t) + b) + d

    Parameters
    ----------
    width
        Of state and embedding, ≥ 1; the attention's small network has half as many units.
    dropout
        Share of embedded words and of what the last layer reads that is left out in training, 0 ≤ dropout < 1.
    least
        How often a word must occur to be learnt, ≥ 1.
    seed
        Whole number: of the first weights, the order and what is left out.
    dtype
        float32 or float64.

    Attributes
    ----------
    words
        The vocabulary.
    history
        One row an epoch: ``epoch``, ``loss`` (mean -log p of a word).

    Examples
    --------
    >>> places = np.eye(2)[:, None]  # two pictures of one place
    >>> captioner = Captioner(16, dropout=0.0, seed=1)
    >>> rows = captioner.fit(places, [["a red square"], ["a blue disc"]], epochs=60, learning_rate=0.02)
    >>> captioner.caption(places)
    ['a red square', 'a blue disc']
    """

    def __init__(
        self, width: int = 128, *, dropout: float = 0.5, least: int = 1, seed: int = 0, dtype: Any = "float32"
    ) -> None:
        self.width = integer("Captioner", "width", width, 1)
        self.dropout = number("Captioner", "dropout", dropout, 0, 0.99)
        self.least, self.seed = integer("Captioner", "least", least, 1), integer("Captioner", "seed", seed, 0)
        self.dtype = as_dtype("Captioner", dtype).name
        self.words = Words(())
        self.size = 0
        self.history: list[Row] = []

    def fit(
        self,
        features: Any,
        captions: Sequence[Sequence[str]],
        *,
        texts: Sequence[str] = (),
        epochs: int = 20,
        batch_size: int = 32,
        learning_rate: float = 2e-3,
        weight_decay: float = 1e-4,
        clip: float = 5.0,
        schedule: Callable[[float], float] | None = None,
        progress: Callable[[Row], object] | None = None,
    ) -> list[Row]:
        """Learn from pictures and what people said of them, by AdamW; return the history.

        Parameters
        ----------
        features
            N×S×D: D numbers for each of S places of N pictures.
        captions
            N lists of one sentence or more each.
        texts
            Sentences without pictures, which teach the language alone: their features are 0.
        epochs
            Times that each sentence is read.
        batch_size
            Sentences a step, ≥ 1.
        learning_rate, weight_decay
            Of AdamW.
        clip
            Greatest length of all slopes together, > 0.
        schedule
            Called with the share of the training that is behind, 0–1; returns what the learning rate is multiplied by.
        progress
            Called with each row of the history.
        """
        name = "Captioner.fit"
        places = self._places(name, features)
        epochs, batch_size = integer(name, "epochs", epochs, 1), integer(name, "batch_size", batch_size, 1)
        if len(captions) != len(places) or any(isinstance(part, str) or not part for part in captions):
            raise InputError(f"{name}: captions must be {len(places)} lists of sentences; got {describe(captions)}.")
        sentences = [*(sentence for part in captions for sentence in part), *texts]
        owners = np.array([*(i for i, part in enumerate(captions) for _ in part), *[len(places)] * len(texts)])
        places = np.concatenate([places, np.zeros_like(places[:1])])  # what sentences without a picture look at
        self.words = Words.of(sentences, self.least)
        self._build(places.shape[2])
        table, optimizer, self.history = self.words.encode_all(sentences), AdamW(weight_decay=weight_decay), []
        for epoch in range(epochs):
            order, total = generator(self.seed, epoch).permutation(len(table)), 0.0
            for start in range(0, len(order), batch_size):
                share = (epoch + start / len(order)) / epochs
                optimizer.learning_rate = learning_rate * (1.0 if schedule is None else float(schedule(share)))
                chosen = order[start : start + batch_size]
                total += len(chosen) * self._learn(places[owners[chosen]], table[chosen], optimizer, clip)
            self.history.append({"epoch": epoch + 1, "loss": total / len(table)})
            if progress is not None:
                progress(self.history[-1])
        return self.history

    def _learn(self, places: Array, sentences: Array, optimizer: AdamW, clip: float) -> float:
        sentences = sentences[:, : int((sentences != FILL).sum(axis=1).max())]
        loss = TemporalCrossEntropy()
        scores, _ = self._forward(places, sentences[:, :-1], train=True)
        following = sentences[:, 1:]
        value = loss.forward(scores, np.where(following == FILL, -1, following))
        self._backward(loss.backward())
        names = list(self.parameters)
        gradients = self.gradients
        slopes, _ = clip_gradients([gradients[name] for name in names], clip)
        optimizer.step([self.parameters[name] for name in names], slopes)
        return value

    def _forward(self, places: Array, words: Array, state: State = None, train: bool = False) -> tuple[Array, State]:
        """Return N×T×K scores of the word after each, and the state; it begins with the pictures when there is none."""
        first, read, cell, look, speak = self._parts
        if state is None:
            h = first.forward(places.mean(axis=1), train)
            state = h, np.zeros_like(h)
        h = cell.forward(read.forward(words, train), train, state=state)
        context = look.forward(h, places, places)
        return speak.forward(np.concatenate([h, context], axis=2), train), cell.state

    def _backward(self, g: Array) -> None:
        first, read, cell, look, speak = self._parts
        g = speak.backward(g)
        dh, _, _ = look.backward(g[..., self.width :])
        read.backward(cell.backward(g[..., : self.width] + dh))
        first.backward(cell.state_gradient[0])

    @property
    def parameters(self) -> dict[str, Array]:
        """What is learnt, by name."""
        return {f"{key}.{name}": a for key, part in self._named().items() for name, a in part.parameters.items()}

    @property
    def gradients(self) -> dict[str, Array]:
        """The slopes of the last step, by the names of :attr:`parameters`."""
        return {f"{key}.{name}": a for key, part in self._named().items() for name, a in part.gradients.items()}

    def _named(self) -> dict[str, Any]:
        if not self.size:
            raise InputError("Captioner: it must have learnt from pictures. Call fit(features, captions).")
        return dict(zip(("first", "read", "cell", "look", "speak"), self._parts, strict=True))

    def _build(self, size: int) -> None:
        random, w, kind = generator(self.seed), self.width, {"dtype": self.dtype}
        first = Sequential(Linear(size, w, initial="xavier", seed=random, **kind), Tanh())
        read = Sequential(Embedding(len(self.words), w, seed=random, **kind), Dropout(self.dropout, seed=random))
        cell = LSTM(w, w, seed=random, **kind)
        look = AdditiveAttention(w, size, max(1, w // 2), seed=random, **kind)
        speak = Sequential(
            Linear(w + size, w, initial="xavier", seed=random, **kind),
            Tanh(),
            Dropout(self.dropout, seed=random),
            Linear(w, len(self.words), initial="xavier", seed=random, **kind),
        )
        self.size, self._parts = size, (first, read, cell, look, speak)

    def _places(self, name: str, features: Any) -> Array:
        given = np.asarray(features)
        fits = given.ndim == 3 and given.size and given.dtype.kind in "fiu"
        if not fits or (name != "Captioner.fit" and given.shape[2] != self.size):
            size = self.size if name != "Captioner.fit" else "D"
            raise InputError(f"{name}: features must be N×S×{size} numbers; got {describe(given)}.")
        if not np.isfinite(given).all():
            raise InputError(f"{name}: features must be finite; got NaN or infinity.")
        return given.astype(self.dtype, copy=False)

    def caption(
        self, features: Any, *, beams: int = 1, temperature: float = 0.0, longest: int = 20, seed: Seed = 0
    ) -> list[str]:
        """Return a sentence for each picture.

        Parameters
        ----------
        features
            N×S×D, as in :meth:`fit`.
        beams
            Sentences that are followed at once, ≥ 1; the one whose words are likeliest on the mean is returned.
        temperature
            Above 0, words are drawn, with scores divided by it; ``beams`` does not count then.
        longest
            Words at most, ≥ 1.
        seed
            Of the draws: whole number or generator.
        """
        name = "Captioner.caption"
        self._named()
        places, beams, longest = (
            self._places(name, features),
            integer(name, "beams", beams, 1),
            integer(name, "longest", longest, 1),
        )
        if number(name, "temperature", temperature, 0) > 0:
            found = drawn_sentences(self._forward, places, temperature, longest, generator(seed))
        else:
            found = [likeliest_sentence(self._forward, part[None], beams, longest) for part in places]
        return [self.words.decode(numbers) for numbers in found]

    def trace(self, image: Any, features: Any, shape: tuple[int, int]) -> Trace:
        """Caption one picture; return a step for each word: the picture, bright where the captioner looked.

        Parameters
        ----------
        image
            H×W or H×W×3; uint8, uint16 or float32.
        features
            S×D of its places, row by row.
        shape
            Rows and columns of the places; their product is S.
        """
        return Trace("learn.Captioner", {}, tuple(_steps(self, image, features, shape)))

    def save(self, path: PathLike) -> str:
        """Write words and weights to an ``.npz`` file, whole or not at all; return its SHA-256.

        Parameters
        ----------
        path
            Its folder must exist.
        """
        arrays = {f"network/{name}": array for name, array in self.parameters.items()}
        sizes = np.array([self.width, self.least, self.seed, self.size])
        about = {"sizes": sizes, "dropout": np.array(self.dropout), "dtype": np.array(self.dtype)}
        return write_arrays(path, {**about, "words": np.array(self.words.words), **arrays})

    @classmethod
    def load(cls, path: PathLike) -> Captioner:
        """Return the captioner that :meth:`save` wrote.

        Parameters
        ----------
        path
            The file.

        Raises
        ------
        MissingFileError, FormatError
            When there is no such file, or it holds no captioner.
        """
        with read_arrays("Captioner.load", path, "a captioner") as held:
            width, least, seed, size = (int(n) for n in held["sizes"])
            dropout, dtype = held["dropout"].item(), held["dtype"].item()
            made = cls(width, dropout=dropout, least=least, seed=seed, dtype=dtype)
            made.words = Words(tuple(held["words"].tolist()))
            made._build(size)
            for name, array in made.parameters.items():
                if held[f"network/{name}"].shape != array.shape:
                    raise ValueError(f"{name} has another shape")
                array[...] = held[f"network/{name}"]
        return made


_listed = method(task="captions", paper="Xu et al. 2015", lesson="w6d2")(Captioner)


@_listed.steps
def _steps(captioner: Captioner, image: Any, features: Any, shape: tuple[int, int]) -> Iterator[Step]:
    picture = to_float(as_image("Captioner.trace", image))
    captioner._named()
    places = captioner._places("Captioner.trace", np.asarray(features)[None])
    if shape[0] * shape[1] != places.shape[1]:
        raise InputError(f"Captioner.trace: shape must be that of {places.shape[1]} places; got {shape}.")
    numbers = likeliest_sentence(captioner._forward, places, 1, 20)
    captioner._forward(places, np.array([[BEGIN, *numbers]]))
    weights = np.asarray(captioner._parts[3].weights)[0]
    yield Step("picture", Picture(image))
    for i, code in enumerate(numbers):
        seen = weights[i].reshape(shape).astype(np.float32)
        light = np.clip(resize(seen / seen.max(), picture.shape[:2]), 0, 1)
        lit = picture * (0.15 + 0.85 * (light[..., None] if picture.ndim == 3 else light))
        note = f"The brightest place gets {seen.max():.0%} of the look; all alike would be {1 / seen.size:.0%}."
        yield Step(f"{i + 1} {captioner.words.words[code]}", Picture(lit.astype(np.float32)), note=note)
    yield Step("caption", Value(captioner.words.decode(numbers)), note="What it says.")

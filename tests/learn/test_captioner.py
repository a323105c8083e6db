"""The captioner's slopes equal PyTorch's; it learns, says what it sees, and comes back from its file."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from sightline.core import evidence
from sightline.core.errors import FormatError, InputError, MissingFileError
from sightline.learn import Captioner, TemporalCrossEntropy, Words
from sightline.learn.caption_search import drawn_sentences, likeliest_sentence

RANDOM = np.random.default_rng(0)
COLOURS, SHAPES = ("red", "green", "blue"), ("square", "disc")


def pictures(seed: int, count: int = 60) -> tuple[np.ndarray, list[list[str]]]:
    """Return N×4×5 features, a thing at one of four places, and what it is."""
    random, features, said = np.random.default_rng(seed), np.zeros((count, 4, 5)), []
    for row in features:
        colour, shape = random.integers(3), random.integers(2)
        row[random.integers(4), [colour, 3 + shape]] = 1
        said.append([f"A {COLOURS[colour]} {SHAPES[shape]}."])
    return features, said


def scores_by_torch(w: dict[str, torch.Tensor], places: torch.Tensor, words: torch.Tensor) -> torch.Tensor:
    h = torch.tanh(functional.linear(places.mean(1), w["first.0.weight"], w["first.0.bias"]))
    c, found = torch.zeros_like(h), []
    for word in words.T:
        x = w["read.0.weight"][word]
        gates = x @ w["cell.input_weight"].T + h @ w["cell.hidden_weight"].T + w["cell.bias"]
        i, f, o, n = gates.chunk(4, 1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(n)
        h = torch.sigmoid(o) * torch.tanh(c)
        bent = torch.tanh((h @ w["look.query_weight"].T)[:, None] + places @ w["look.key_weight"].T)
        weights = torch.softmax(bent @ w["look.score_weight"], 1)
        both = torch.cat([h, (weights[..., None] * places).sum(1)], 1)
        both = torch.tanh(functional.linear(both, w["speak.0.weight"], w["speak.0.bias"]))
        found.append(functional.linear(both, w["speak.3.weight"], w["speak.3.bias"]))
    return torch.stack(found, 1)


@evidence.equals("learn.Captioner", peer="torch", tolerance="1e-8, scores and the slope of each weight, float64")
def test_scores_and_slopes_equal_torch(measured: Callable[[float], None]) -> None:
    ours, (features, said) = Captioner(7, dropout=0.0, dtype="float64"), pictures(1, 5)
    ours.words = Words.of([sentence for part in said for sentence in part])
    ours._build(5)
    table = ours.words.encode_all([part[0] for part in said])
    w = {name: torch.tensor(array, requires_grad=True) for name, array in ours.parameters.items()}
    theirs = scores_by_torch(w, torch.tensor(features), torch.tensor(table[:, :-1]))
    functional.cross_entropy(theirs.flatten(0, 1), torch.tensor(table[:, 1:]).flatten(), ignore_index=0).backward()
    scores, _ = ours._forward(features, table[:, :-1], train=True)
    loss = TemporalCrossEntropy()
    loss.forward(scores, np.where(table[:, 1:] == 0, -1, table[:, 1:]))
    ours._backward(loss.backward())
    worst = float(np.abs(scores - theirs.detach().numpy()).max())
    for name, slope in ours.gradients.items():
        expected = w[name].grad
        assert expected is not None, name
        worst = max(worst, float(np.abs(slope - expected.numpy()).max()))
    measured(worst)
    assert sorted(ours.gradients) == sorted(w)
    assert worst < 1e-8


def test_it_says_what_it_sees_and_looks_there(tmp_path: Path) -> None:
    features, said = pictures(0)
    captioner = Captioner(24, dropout=0.1, seed=1)
    rows = captioner.fit(features, said, texts=["A red disc.", "A blue square."], epochs=25, batch_size=16,
                         learning_rate=0.01)  # fmt: skip
    assert rows[-1]["loss"] < 0.2 < 1 < rows[0]["loss"]
    others, expected = pictures(7, 20)
    answers = captioner.caption(others)
    assert [f"{answer.capitalize()}." for answer in answers] == [part[0] for part in expected]
    assert captioner.caption(others[:3], beams=3) == answers[:3]
    drawn = captioner.caption(others[:6], temperature=1.0, seed=2)
    assert drawn == captioner.caption(others[:6], temperature=1.0, seed=2)
    image = np.full((20, 24, 3), 200, np.uint8)
    trace = captioner.trace(image, others[0], (2, 2))
    assert trace.result == answers[0]
    assert [step.name for step in trace][1:-1] == [f"{i + 1} {w}" for i, w in enumerate(answers[0].split())]
    captioner.save(tmp_path / "captioner.npz")
    assert Captioner.load(tmp_path / "captioner.npz").caption(others) == answers


def test_beams_find_the_likeliest_sentence_of_all() -> None:
    steps = np.log(RANDOM.dirichlet(np.ones(4), (3, 4)))  # of the words 2 to 5, after each word, at each moment

    def forward(places: np.ndarray, words: np.ndarray, state: Any) -> tuple[np.ndarray, Any]:
        moments = np.zeros((len(words), 1), int) if state is None else state[0]
        scores = np.full((len(words), 1, 7), -np.inf)
        for row, (word, moment) in enumerate(zip(words[:, 0], moments[:, 0], strict=True)):
            scores[row, 0, [2, 4, 5, 6]] = steps[moment.clip(0, 2), (word - 3).clip(0, 3)]
        return scores, (moments + 1,)

    def mean(sentence: tuple[int, ...]) -> float:
        total, last = 0.0, 1
        for moment, word in enumerate((*sentence, 2)):
            row = steps[min(moment, 2), np.clip(last - 3, 0, 3)]
            total, last = total + row[(2, 4, 5, 6).index(word)], word
        return total / (len(sentence) + 1)

    every = [s for n in range(6) for s in itertools.product((4, 5, 6), repeat=n)]
    best = max(every, key=mean)
    found = likeliest_sentence(forward, np.zeros((1, 1, 1)), 200, 5)
    assert mean(tuple(found)) == pytest.approx(mean(best))
    first = likeliest_sentence(forward, np.zeros((1, 1, 1)), 1, 5)
    word, expected = 1, []
    for moment in range(5):
        word = (2, 4, 5, 6)[int(steps[min(moment, 2), np.clip(word - 3, 0, 3)].argmax())]
        if word == 2:
            break
        expected.append(word)
    assert first == expected
    many = drawn_sentences(forward, np.zeros((2000, 1, 1)), 1.0, 1, np.random.default_rng(0))
    shares = np.bincount([sentence[0] for sentence in many], minlength=7)[[2, 4, 5, 6]] / 2000
    assert np.abs(shares - np.exp(steps[0, 0])).max() < 0.04


def test_words_are_numbers_and_back() -> None:
    words = Words.of(["A dog's ball, red!", "a DOG"], least=1)
    assert words.words == ("", "<begin>", "<end>", "<rare>", "a", "ball", "dog", "dog's", "red")
    assert words.encode("a cat").tolist() == [1, 4, 3, 2]
    assert words.encode_all(["a", "a dog"]).tolist() == [[1, 4, 2, 0], [1, 4, 6, 2]]
    assert words.decode([1, 4, 6, 2, 4]) == "a dog"
    assert len(Words.of(["A dog's ball", "a DOG"], least=2)) == 5


def test_refuses_by_name(tmp_path: Path) -> None:
    captioner = Captioner(4)
    with pytest.raises(InputError, match=r"Captioner: it must have learnt from pictures\. Call fit"):
        captioner.caption(np.ones((1, 2, 3)))
    with pytest.raises(InputError, match=r"Captioner\.fit: features must be N×S×D numbers; got 2×3 float64"):
        captioner.fit(np.ones((2, 3)), [["a"], ["b"]])
    with pytest.raises(InputError, match=r"Captioner\.fit: captions must be 2 lists of sentences; got"):
        captioner.fit(np.ones((2, 3, 4)), ["a", "b"])
    with pytest.raises(InputError, match=r"Captioner\.fit: features must be finite"):
        captioner.fit(np.full((1, 3, 4), np.nan), [["a"]])
    captioner.fit(np.ones((1, 3, 4)), [["a"]], epochs=1)
    with pytest.raises(InputError, match=r"Captioner\.caption: features must be N×S×4 numbers; got 1×3×5"):
        captioner.caption(np.ones((1, 3, 5)))
    with pytest.raises(InputError, match=r"Captioner\.trace: shape must be that of 3 places; got \(2, 2\)"):
        captioner.trace(np.zeros((4, 4), np.uint8), np.ones((3, 4)), (2, 2))
    with pytest.raises(MissingFileError, match=r"Captioner\.load"):
        Captioner.load(tmp_path / "none.npz")
    (tmp_path / "bad.npz").write_bytes(b"PK no archive")
    with pytest.raises(FormatError, match="is not a captioner"):
        Captioner.load(tmp_path / "bad.npz")

"""BLEU gives the figures that its paper works out by hand, and those of its definition."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.metrics import bleu

PARTY = [
    "it is a guide to action that ensures that the military will forever heed party commands",
    "it is the guiding principle which guarantees the military forces always being under the command of the party",
    "it is the practical guide for the army always to heed the directions of the party",
]
FIRST = "it is a guide to action which ensures that the military always obeys the commands of the party"
SECOND = "it is to insure the troops forever hearing the activity guidebook that party direct"
CAT = ["the cat is on the mat", "there is a cat on the mat"]


@evidence.equals("metrics.bleu", peer="Papineni et al. 2002", tolerance="the paper's own fractions, 1e-12")
def test_the_papers_examples(measured: Callable[[float], None]) -> None:
    found = [
        (bleu([FIRST], [PARTY], 2).precisions, (17 / 18, 10 / 17)),
        (bleu([SECOND], [PARTY], 2).precisions, (8 / 14, 1 / 13)),
        (bleu(["the the the the the the the"], [CAT], 2).precisions, (2 / 7, 0)),
    ]
    worst = max(abs(a - b) for ours, theirs in found for a, b in zip(ours, theirs, strict=True))
    measured(worst)
    assert worst < 1e-12


def test_sentences_are_counted_together_and_short_ones_pay() -> None:
    both = bleu([FIRST, SECOND], [PARTY, PARTY], 1)
    assert both.precisions[0] == pytest.approx(25 / 32)
    assert both.brevity == pytest.approx(math.exp(1 - 34 / 32))  # 18 and 14 words; the nearest have 18 and 16
    short = bleu(["it is"], [PARTY], 2)
    assert short.precisions == (1, 1)
    assert short.score == short.brevity == pytest.approx(math.exp(1 - 16 / 2))
    assert bleu([PARTY[0]], [PARTY]).score == 1
    assert bleu([""], [PARTY]).score == 0
    assert bleu(["a b"], [["a b c", "x"]], 1).brevity == 1  # as near: the shorter one


def test_refuses_by_name() -> None:
    with pytest.raises(InputError, match="bleu: candidates must be a list of sentences; got"):
        bleu("a dog", [["a dog"]])
    with pytest.raises(InputError, match="bleu: references must be 1 lists of sentences, none of them empty"):
        bleu(["a dog"], [[]])
    with pytest.raises(InputError, match="bleu: order must be"):
        bleu(["a dog"], [["a dog"]], 0)

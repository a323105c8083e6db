"""Letters of captions: bits a letter by an LSTM in NumPy, beside the best of counting what followed 2 to 7 letters.

The sentences of 900 photos of Flickr8k teach, those of 100 others test, small letters without full stops. Counting is
by Witten & Bell 1991 (method C), the usual way to mix longer and shorter contexts, and the number of letters that does
best on the test sentences is taken: its choice is in the other side's favour.
"""

from __future__ import annotations

import csv
import math
import time
from collections import Counter, defaultdict
from typing import Any

import numpy as np

from sightline.core import evidence
from sightline.data.named import local_folder
from sightline.learn import CharacterModel
from sightline.learn.words import plain

FIGURE = {
    "figure": "bits a letter of captions saved against counted contexts of up to 7 letters",
    "published": 0.0,
    "source": "Witten & Bell 1991, method C, on the same sentences in the same run",
    "data": "flickr8k_subset: sentences of 900 photos teach, of 100 others test",
}
SETTINGS: dict[str, Any] = {"epochs": 10, "length": 64, "batch_size": 16, "learning_rate": 4e-3}


@evidence.reaches("learn.CharacterModel", **FIGURE)
def reproduce() -> dict[str, Any]:
    """Teach both sides, print what each needs and what the network writes; return the bits saved a letter."""
    start = time.perf_counter()
    known, asked = texts()
    counted = {order: by_counting(known, asked, order) for order in (2, 4, 5, 6, 7)}
    model = CharacterModel(192, dropout=0.1, seed=0)
    model.fit(known, schedule=lambda share: 0.5 * (1 + math.cos(math.pi * share)), **SETTINGS)
    ours = model.bits(asked)
    for order, bits in counted.items():
        print(f"counting after {order} letters: {bits:.3f} bits a letter")
    print(f"LSTM: {ours:.3f} bits a letter")
    for temperature in (0.0, 0.5, 1.0):
        print(f"temperature {temperature}: {model.sample(150, temperature=temperature, seed=1)!r}")
    saved = min(counted.values()) - ours
    return {
        "figure": FIGURE["figure"],
        "published": FIGURE["published"],
        "ours": round(saved, 3),
        "sd": None,
        "seconds": round(time.perf_counter() - start, 1),
        "holds": saved > 0,
        "note": f"LSTM {ours:.3f}, counting {min(counted.values()):.3f} bits a letter; {len(asked):,} letters",
    }


def texts() -> tuple[str, str]:
    """Return the sentences that teach and those that test, one a line."""
    told: dict[str, list[str]] = defaultdict(list)
    path = local_folder("flickr8k_subset") / "all_captions_1000.csv"
    with path.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            told[row["image"]].append(" ".join(plain(row["caption"])))
    photos = sorted(told)
    parts = ([s for i, photo in enumerate(photos) if (i % 10 == 9) == test for s in told[photo]] for test in (0, 1))
    known, asked = ("\n".join(part) for part in parts)
    alphabet = set(known)
    return known, "".join(letter for letter in asked if letter in alphabet)


def by_counting(known: str, asked: str, order: int) -> float:
    """Return the bits a letter when each is expected by what followed its last ``order`` letters, and fewer.

    p(c | s) = (count of c after s + kinds after s · p(c | s without its first letter)) / (count of s + kinds after s).
    """
    after: list[dict[str, Counter[str]]] = [defaultdict(Counter) for _ in range(order + 1)]
    for i, letter in enumerate(known):
        for size in range(min(order, i) + 1):
            after[size][known[i - size : i]][letter] += 1
    total, letters = 0.0, len(set(known))
    for i in range(1, len(asked)):
        p = 1 / letters
        for size in range(min(order, i) + 1):
            seen = after[size].get(asked[i - size : i])
            if seen is None:
                break
            p = (seen[asked[i]] + len(seen) * p) / (seen.total() + len(seen))
        total -= float(np.log2(p))
    return total / (len(asked) - 1)

"""Captions of photos it never saw, by a captioner in nothing but NumPy: BLEU beside simpler ways to get a sentence.

120 photos of Flickr8k with five sentences each teach, with the sentences of 850 others (text only) for the language; 30
photos are held back, and none of their sentences is read. Each photo is seen as 7×7 places: by SqueezeNet 1.1, whose
public ImageNet weights are run by this library's own layers in NumPy, or by gradients and colours of each cell, which
nothing was trained for. Beside it: the sentence of the nearest photo of the 120 by the same features, one sentence for
all that does best for those 120, and one of the five people held against the other four. What the captioner says of
one photo is also held against what people said of another: that much is language, only the rest is seeing.

With 120 photos no captioner gets far: published figures (Vinyals et al. 2015: BLEU-1 63, BLEU-4 about 20 on Flickr8k)
are of 6,000 photos and features of a far larger network.
"""

from __future__ import annotations

import csv
import math
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from sightline import features, image
from sightline.core import evidence
from sightline.data.named import local_folder
from sightline.learn import PCA, Captioner, Conv2d, MaxPool2d, ReLU
from sightline.learn.words import plain
from sightline.metrics import bleu

FIGURE = {
    "figure": "BLEU-1 on 30 held-out photos, less that of the nearest photo's sentence (points)",
    "published": 0.0,
    "source": "the sentence of the nearest training photo, by the same features, in the same run",
    "data": "flickr8k_subset: 120 photos and 4,850 sentences teach, 30 photos test",
}
SIDE, PLACES, NUMBERS = 227, 7, 64
SETTINGS: dict[str, Any] = {"epochs": 4, "learning_rate": 3e-3, "batch_size": 32}


@evidence.reaches("learn.Captioner", **FIGURE)
def reproduce() -> dict[str, Any]:
    """Teach two captioners, print what all ways score and some sentences; return the gain over the nearest photo."""
    start = time.perf_counter()
    photos, said, texts = read(local_folder("flickr8k_subset"))
    test = np.arange(len(photos)) % 5 == 4
    known, asked = ([said[i] for i in np.flatnonzero(part)] for part in (~test, test))
    rows = {"people (one of five against four)": [part[:1] for part in asked]}
    scores = {"people (one of five against four)": scored([p[0] for p in asked], [p[1:] for p in asked])}
    scores["one sentence for all"] = scored([best_of(known)] * len(asked), asked)
    for name, seen in (("gradients and colours", plainly(photos)), ("SqueezeNet", by_squeezenet(photos))):
        seen = reduced(seen, ~test)
        near = [known[i][0] for i in nearest(seen[~test].mean(axis=1), seen[test].mean(axis=1))]
        scores[f"nearest photo, {name}"] = scored(near, asked)
        captioner = Captioner(128, dropout=0.4, least=3, seed=0)
        captioner.fit(seen[~test], [2 * part for part in known], texts=texts, schedule=cosine, **SETTINGS)
        answers = captioner.caption(seen[test], beams=3)
        scores[f"captioner, {name}"] = scored(answers, asked)
        shifted = [scored([*answers[i:], *answers[:i]], asked) for i in range(1, len(asked), 3)]
        scores[f"the same, of other photos, {name}"] = np.mean(shifted, axis=0).tolist()
        rows[name] = [[answer] for answer in answers]
    for name, score in scores.items():
        print(f"{name:46s} BLEU-1 to 4:", " ".join(f"{100 * value:5.1f}" for value in score))
    for i in range(0, len(asked), 5):
        print(f"photo {i}: {rows['SqueezeNet'][i][0]!r}; people: {asked[i][0]!r}")
    gain = 100 * (scores["captioner, SqueezeNet"][0] - scores["nearest photo, SqueezeNet"][0])
    return {
        "figure": FIGURE["figure"],
        "published": FIGURE["published"],
        "ours": round(gain, 1),
        "sd": None,
        "seconds": round(time.perf_counter() - start, 1),
        "holds": gain > 0,
        "note": "; ".join(f"{n} {100 * s[0]:.1f}/{100 * s[3]:.1f}" for n, s in scores.items()) + " (BLEU-1/BLEU-4)",
    }


def read(folder: Path) -> tuple[list[np.ndarray], list[list[str]], list[str]]:
    """Return the photos, SIDE×SIDE×3 uint8, their sentences, and the sentences of other photos, all in plain words."""
    told: dict[str, list[str]] = defaultdict(list)
    for file in ("captions.csv", "all_captions_1000.csv"):
        with (folder / file).open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                told[f"{file} {row['image']}"].append(" ".join(plain(row["caption"])))
    names = sorted(key.partition(" ")[2] for key in told if key.startswith("captions"))
    photos = [image.resize(image.read(folder / "images" / name), (SIDE, SIDE)) for name in names]
    ours = {f"all_captions_1000.csv {name}" for name in names}
    texts = [s for key, part in told.items() if key.startswith("all") and key not in ours for s in part]
    return photos, [told[f"captions.csv {name}"] for name in names], texts


def plainly(photos: list[np.ndarray]) -> np.ndarray:
    """Return N×49×15: nine directions of edges, and mean and spread of red, green and blue, in 7×7 cells."""
    found = []
    for photo in photos:
        small = image.resize(photo, (224, 224))
        edges = features.hog(small, 32, 1, 9).reshape(PLACES * PLACES, 9)
        cells = small.reshape(PLACES, 32, PLACES, 32, 3).swapaxes(1, 2).reshape(PLACES * PLACES, -1, 3) / 255
        found.append(np.concatenate([edges, cells.mean(axis=1), cells.std(axis=1)], axis=1))
    return np.stack(found)


def by_squeezenet(photos: list[np.ndarray]) -> np.ndarray:
    """Return N×49×512: what SqueezeNet 1.1's last fire module says of 14×14 places, four to a mean."""
    with np.load(local_folder("weights") / "squeezenet_v1.1.npz") as held:
        weights = {name: held[name].astype(np.float32) for name in held.files}
    found = []
    for start in range(0, len(photos), 10):
        x = np.stack(photos[start : start + 10])[..., ::-1].astype(np.float32) - np.float32([104, 117, 123])
        x = pooled(convolved(weights, "conv1", np.ascontiguousarray(x.transpose(0, 3, 1, 2)), stride=2))
        for number in range(2, 10):
            x = fire(weights, f"fire{number}", x)
            if number in (3, 5):
                x = pooled(x)
        means = x.reshape(len(x), 512, PLACES, 2, PLACES, 2).mean(axis=(3, 5))
        found.append(means.reshape(len(x), 512, -1).swapaxes(1, 2))
    return np.concatenate(found)


def fire(weights: dict[str, np.ndarray], name: str, x: np.ndarray) -> np.ndarray:
    """Return what a fire module makes of N×C×H×W: few channels, then many by two sizes of windows."""
    few = convolved(weights, f"{name}/squeeze1x1", x)
    wide = convolved(weights, f"{name}/expand1x1", few), convolved(weights, f"{name}/expand3x3", few, padding=1)
    return np.concatenate(wide, axis=1)


def convolved(weights: dict[str, np.ndarray], name: str, x: np.ndarray, **options: int) -> np.ndarray:
    """Return a convolution with public weights, and what of it is above 0."""
    weight = weights[f"{name}/weight"]
    layer = Conv2d(weight.shape[1], weight.shape[0], weight.shape[2], **options)
    layer.parameters["weight"][...], layer.parameters["bias"][...] = weight, weights[f"{name}/bias"]
    return ReLU().forward(layer.forward(x))


def pooled(x: np.ndarray) -> np.ndarray:
    """Return the greatest of 3×3 windows, two pixels apart; the last window may reach over the border."""
    return MaxPool2d(3, stride=2).forward(np.pad(x, ((0, 0), (0, 0), (0, 1), (0, 1))))


def reduced(seen: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return N×49×(64 at most): principal components of the places of the known photos, spread 1 on the mean."""
    pca = PCA(min(NUMBERS, seen.shape[2])).fit(seen[known].reshape(-1, seen.shape[2]))
    found = pca.transform(seen.reshape(-1, seen.shape[2]))
    return (found / found.std()).reshape(*seen.shape[:2], -1).astype(np.float32)


def nearest(known: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Return for each asked photo the known one that is nearest by angle."""
    known, asked = (part / np.linalg.norm(part, axis=1, keepdims=True) for part in (known, asked))
    return (asked @ known.T).argmax(axis=1)


def best_of(known: list[list[str]]) -> str:
    """Return the sentence that does best for every fourth known photo, by BLEU-4."""
    pool, others = sorted({sentence for part in known for sentence in part}), known[::4]
    return max(pool, key=lambda sentence: bleu([sentence] * len(others), others).score)


def scored(sentences: list[str], asked: list[list[str]]) -> list[float]:
    """Return BLEU-1 to BLEU-4."""
    return [bleu(sentences, asked, order).score for order in (1, 2, 3, 4)]


def cosine(share: float) -> float:
    """Return from 1 down to 0 along half a wave."""
    return 0.5 * (1 + math.cos(math.pi * share))

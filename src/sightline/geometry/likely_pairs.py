"""Which of many photos may show the same thing: those that share rare visual words, instead of all with all.

Nistér & Stewénius 2006, "Scalable Recognition with a Vocabulary Tree", CVPR. The words are learned from the photos
themselves.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from sightline.core.types import Array
from sightline.features.bag_of_words import BagOfWords
from sightline.geometry.photo_set import Photo

ALL_PAIRS = 60  # photos up to which every one is matched with every other
_WORDS = 1000
_LEARNED, _COUNTED = 200, 1500  # strongest features of a photo: that words are learned from, and that it is known by


def likely_pairs(photos: Sequence[Photo], neighbours: int, seed: int) -> list[tuple[int, int]]:
    """Return the pairs (first < second) to match, in order.

    Parameters
    ----------
    photos
        With their features.
    neighbours
        Beyond 60 photos: a pair is one where either is among so many that look most like the other.
    seed
        Of the words.
    """
    if len(photos) <= max(ALL_PAIRS, neighbours + 1):
        return list(itertools.combinations(range(len(photos)), 2))
    textured = [number for number, photo in enumerate(photos) if len(photo.features)]
    bag = BagOfWords(_WORDS, method="hierarchical", seed=seed)
    bag.fit([_strongest(photos[number], _LEARNED) for number in textured])
    known = np.concatenate([bag.transform([_strongest(photos[number], _COUNTED)]) for number in textured])
    found = set()
    for place, row in enumerate(known):  # one row at a time: all scores of 10,000 photos would be 400 MB
        alike = known @ row
        alike[place] = -1
        for other in np.argsort(-alike, kind="stable")[:neighbours]:
            if alike[other] > 0:
                found.add((min(place, int(other)), max(place, int(other))))
    return sorted((textured[first], textured[second]) for first, second in found)


def _strongest(photo: Photo, most: int) -> tuple[Array, Array, tuple[int, int]]:
    features = photo.features
    kept = np.sort(np.argsort(-features.responses, kind="stable")[:most])
    assert features.descriptors is not None  # sift always has them
    return features.points[kept], features.descriptors[kept], photo.size

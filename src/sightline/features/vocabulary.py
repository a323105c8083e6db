"""Visual words: a few descriptors that stand for all, and which of them each descriptor is nearest to.

Sivic & Zisserman 2003, "Video Google: A Text Retrieval Approach to Object Matching in Videos", ICCV (k-means); Nistér &
Stewénius 2006, "Scalable Recognition with a Vocabulary Tree", CVPR (k-means within k-means); Comaniciu & Meer 2002,
"Mean Shift: A Robust Approach Toward Feature Space Analysis", PAMI 24(5).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sightline.core.types import Array
from sightline.features.nearest import nearest_floats
from sightline.learn import lloyd
from sightline.learn.mean_shift import bandwidth_of, climb, peaks

_SEEDS_OF_A_WORD = 8  # descriptors that the first centre of each word is chosen from
_MOST_OF_A_WORD = 100  # more descriptors do not move a centre any more
_ROUNDS = 15
_BRANCHES = 10  # of a vocabulary tree, as in the paper
_MODES, _SAMPLE, _MOVES = 500, 4000, 300  # starts of mean shift, descriptors that it looks at, and moves at most


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """Visual words, alone or at the leaves of a tree.

    Parameters
    ----------
    centres
        K×D float32: the words; in a tree, all nodes, the root first.
    children
        K×B int64: the nodes below each node, −1 where there is none; K×0 without a tree.
    words
        K int64: the number of the word at each node, −1 inside the tree.
    """

    centres: Array
    children: Array
    words: Array

    def __len__(self) -> int:
        return int((self.words >= 0).sum())

    def assign(self, descriptors: Array) -> Array:
        """Return the word of each of N×D float32 descriptors, as N int64."""
        if not self.children.shape[1]:
            return nearest_floats(descriptors, self.centres)[0][:, 0]
        nodes = np.zeros(len(descriptors), np.int64)
        while (inner := self.words[nodes] < 0).any():
            for node in np.unique(nodes[inner]):
                rows = np.flatnonzero(nodes == node)
                below = self.children[node][self.children[node] >= 0]
                nodes[rows] = below[nearest_floats(descriptors[rows], self.centres[below])[0][:, 0]]
        return self.words[nodes]


def flat(centres: Array) -> Vocabulary:
    """Return a vocabulary without a tree of K×D words."""
    return Vocabulary(centres, np.empty((len(centres), 0), np.int64), np.arange(len(centres)))


def kmeans(descriptors: Array, k: int, random: np.random.Generator, rounds: int = _ROUNDS) -> Array:
    """Return at most ``k`` centres of N×D float32 descriptors, after k-means++ and Lloyd's rounds, K×D float32."""
    if len(descriptors) > _MOST_OF_A_WORD * k:
        descriptors = descriptors[np.sort(random.permutation(len(descriptors))[: _MOST_OF_A_WORD * k])]
    centres, middle = _start(descriptors, k, random), descriptors.mean(axis=0, dtype=np.float64)
    centred = (descriptors - middle).astype(np.float32)
    for now in lloyd.rounds(centred, centres - middle, rounds):
        centres = now.moved + middle
        if not now.changed:
            break
    return centres.astype(np.float32)


def _start(descriptors: Array, k: int, random: np.random.Generator) -> Array:
    """Return first centres: each is a descriptor, chosen with a chance that grows with its squared distance."""
    rows = random.permutation(len(descriptors))[: max(_SEEDS_OF_A_WORD * k, 1000)]
    sample = descriptors[np.sort(rows)]
    squares = np.einsum("ij,ij->i", sample, sample)
    chosen = [int(random.integers(len(sample)))]
    apart = np.full(len(sample), np.inf, np.float32)
    while len(chosen) < k:
        last = sample[chosen[-1]]
        np.minimum(apart, np.maximum(squares - 2 * (sample @ last) + squares[chosen[-1]], 0), out=apart)
        apart[(sample == last).all(axis=1)] = 0
        ends = np.cumsum(apart, dtype=np.float64)
        if ends[-1] <= 0:  # no other descriptors are left
            break
        chosen.append(min(int(np.searchsorted(ends, random.random() * ends[-1], "right")), len(sample) - 1))
    return sample[chosen]


def tree(descriptors: Array, words: int, random: np.random.Generator) -> Vocabulary:
    """Return a vocabulary tree of about ``words`` leaves: every node's descriptors are divided among ten below it."""
    depth = max(1, math.ceil(math.log(words) / math.log(_BRANCHES) - 1e-9))
    branches = max(2, round(words ** (1 / depth)))
    centres, children = [descriptors.mean(axis=0)], [np.full(branches, -1, np.int64)]
    waiting = [(0, np.arange(len(descriptors)), 0)]
    for node, rows, level in waiting:
        if level == depth or len(rows) < 2:
            continue
        found = kmeans(descriptors[rows], branches, random)
        if len(found) < 2:
            continue
        labels = nearest_floats(descriptors[rows], found)[0][:, 0]
        for k in range(len(found)):
            children[node][k] = len(centres)
            waiting.append((len(centres), rows[labels == k], level + 1))
            centres.append(found[k])
            children.append(np.full(branches, -1, np.int64))
    below = np.stack(children)
    leaves = (below < 0).all(axis=1)
    return Vocabulary(
        np.stack(centres).astype(np.float32), below, np.where(leaves, np.cumsum(leaves) - 1, -1).astype(np.int64)
    )


def mean_shift(descriptors: Array, words: int, random: np.random.Generator) -> Array:
    """Return the modes of the density of N×D float32 descriptors, K×D float32, at most ``words``, the fullest first."""
    sample = descriptors[np.sort(random.permutation(len(descriptors))[:_SAMPLE])]
    starts = sample[:: max(1, len(sample) // _MODES)]
    near = max(1, min(len(sample) - 1, round(len(sample) / words)))  # a ball holds a word's share of the descriptors
    bandwidth = max(bandwidth_of(sample[:: max(1, len(sample) // 300)], sample, near), 1e-6)
    return peaks(*climb(sample, starts, bandwidth, _MOVES), bandwidth).astype(np.float32)[:words]

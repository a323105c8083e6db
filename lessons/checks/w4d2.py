"""Checks of w4d2: pairs of near hashes."""

from sightline.lab.grading import Case


def solution(hashes, limit):
    """Count the bits of each exclusive or."""
    count = len(hashes)
    return [(i, j) for i in range(count) for j in range(i + 1, count) if (hashes[i] ^ hashes[j]).bit_count() <= limit]


def cases():
    """Yield equal hashes, near ones, none."""
    yield Case("two are equal", ([5, 9, 5], 0))
    yield Case("near in bits, far as numbers", ([0, 1 << 63, 7], 1), hint="Compare bits (a ^ b), not sizes.")
    yield Case("a limit of three", ([0b0000, 0b0111, 0b1111, 0b1000], 3), hint="At most: the limit itself counts.")
    yield Case("no pair", ([0, 2**64 - 1], 10))
    yield Case("nothing", ([], 3))


def wrong_difference(hashes, limit):
    """Compare as numbers."""
    count = len(hashes)
    return [(i, j) for i in range(count) for j in range(i + 1, count) if abs(hashes[i] - hashes[j]) <= limit]


def wrong_less(hashes, limit):
    """Leave the limit out."""
    count = len(hashes)
    return [(i, j) for i in range(count) for j in range(i + 1, count) if (hashes[i] ^ hashes[j]).bit_count() < limit]


def wrong_both_ways(hashes, limit):
    """Count each pair twice."""
    count = len(hashes)
    return [
        (i, j) for i in range(count) for j in range(count) if i != j and (hashes[i] ^ hashes[j]).bit_count() <= limit
    ]

"""Checks of w7d1: average precision from right and wrong detections."""

from sightline.lab.grading import Case


def solution(right, things):
    """Go down the list, then back up it."""
    curve, found = [], 0
    for n, good in enumerate(right, 1):
        found += bool(good)
        curve.append((found / things, found / n))
    area, best, after = 0.0, 0.0, []
    for recall, precision in reversed(curve):
        best = max(best, precision)
        after.append((recall, best))
    last = 0.0
    for recall, precision in reversed(after):
        area += (recall - last) * precision
        last = recall
    return area


def cases():
    """Yield perfect lists, a dip that the envelope bridges, misses and nothing."""
    yield Case("all right, all found", ([True, True, True], 3))
    yield Case(
        "one thing is missed", ([True, True], 4), 1e-9, "Recall is a share of the things, not of the detections."
    )
    yield Case("a wrong one at the end", ([True, True, False], 2), 1e-9, "After the last thing nothing is lost.")
    yield Case(
        "a wrong one at the top",
        ([False, True, True, True], 3),
        1e-9,
        "Take the best precision from there on, not the one there.",
    )
    yield Case("mixed", ([True, False, True, False, False, True, True], 6), 1e-9)
    yield Case("nothing found", ([], 5), 1e-9, "Without detections it is 0.0.")
    yield Case("nothing right", ([False, False], 2), 1e-9)


def wrong_without_envelope(right, things):
    """Take each precision as it is."""
    area, found = 0.0, 0
    for n, good in enumerate(right, 1):
        if good:
            found += 1
            area += found / n / things
    return area


def wrong_recall(right, things):
    """Weigh by the right detections instead of the things."""
    return solution(right, max(sum(map(bool, right)), 1))


def wrong_last_precision(right, things):
    """Give the precision of the whole list."""
    return sum(map(bool, right)) / len(right) if len(right) else 0.0

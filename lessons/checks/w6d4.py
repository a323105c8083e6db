"""Checks of w6d4: the clipped runs of BLEU."""

from collections import Counter

from sightline.lab.grading import Case


def runs(sentence, n):
    """Return how often each run of n words stands in a sentence."""
    words = sentence.split()
    return Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1))


def solution(candidate, references, n):
    """Count the runs, and cut each count to that of the reference that has it most."""
    said, most = runs(candidate, n), Counter()
    for reference in references:
        most |= runs(reference, n)
    return (said & most).total(), said.total()


def cases():
    """Yield a word too often, two references, pairs of words, and a sentence that is too short."""
    hint = "Count runs; cut each count to the largest in one reference; add up."
    for name, arguments in (
        ("one word, four times", ("the the the the", ["the cat sat"], 1)),
        ("two references", ("the cat and the dog", ["the cat the mouse", "a dog and a cat"], 1)),
        ("each reference has it once", ("the cat the cat", ["the cat sat", "a cat and the dog"], 1)),
        ("pairs", ("a dog runs on a dog runs", ["a dog runs on the grass"], 2)),
        ("shorter than a run", ("a dog", ["a dog runs"], 3)),
    ):
        yield Case(name, arguments, 0, hint)


def wrong_unclipped(candidate, references, n):
    """Let a run count as often as it was said."""
    said = runs(candidate, n)
    return sum(count for run, count in said.items() if any(run in runs(r, n) for r in references)), said.total()


def wrong_sum(candidate, references, n):
    """Add the references' counts up."""
    said, most = runs(candidate, n), Counter()
    for reference in references:
        most += runs(reference, n)
    return (said & most).total(), said.total()


def wrong_first(candidate, references, n):
    """Read the first reference only."""
    return solution(candidate, references[:1], n)

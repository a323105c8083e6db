"""Dividing samples: what is said of samples that serve two ends."""

from __future__ import annotations

from sightline.data.divide import used_twice


def test_samples_that_serve_two_ends_are_told() -> None:
    train, val, test = object(), object(), object()
    assert used_twice({"train": train, "val": val, "test": test}, "images") == []
    (measured,) = used_twice({"train": train, "val": val}, "images")
    assert measured.startswith("There is no test split: the images that choose the best epoch also measure it")
    (learnt,) = used_twice({"train": train, "val": train, "test": test}, "pictures")
    assert learnt.startswith("Too few pictures to set any aside")
    assert used_twice({"train": train, "val": train}, "images") == [measured, learnt.replace("pictures", "images")]

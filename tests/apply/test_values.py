"""JSON values as options: by kind, bounded, refused by name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import sightline as sl
from sightline.apply.values import plain_options, values_from_json
from sightline.core.catalogue import find
from sightline.core.errors import InputError


def one(method: str, name: str, value: Any) -> Any:
    return values_from_json(find(method), {name: value})[name]


def test_numbers_words_and_flags_stay_as_they_are() -> None:
    values = values_from_json(find("canny"), {"low": 40, "sigma": 1.5, "norm": "l1", "high": None})
    assert values == {"low": 40, "sigma": 1.5, "norm": "l1"}


def test_lists_become_what_the_signature_wants() -> None:
    kernel = one("convolve", "kernel", [[0, 1], [1, 0]])
    assert kernel.dtype == np.float64
    footprint = one("dilate", "footprint", [[0, 1, 0], [1, 1, 1]])
    assert footprint.dtype == np.bool_
    assert footprint.shape == (2, 3)
    assert one("dilate", "footprint", [3, 5]) == (3, 5)
    assert one("resize", "shape", [20, 30]) == (20, 30)
    assert one("image.keypoints", "links", [[0, 1], [1, 2]]) == [(0, 1), (1, 2)]
    contours = one("image.contours", "contours", [[[1, 2], [3, 4]], [[5, 6]]])
    assert [part.shape for part in contours] == [(2, 2), (1, 2)]
    assert one("variation_of_information", "labels", [[0, 1]]).dtype == np.int64
    assert one("region_grow", "seeds", []).shape == (0, 2)
    assert one("watershed", "markers", [[0, 1], [2, 0]]).dtype.kind == "i"


@pytest.mark.parametrize(
    ("method", "name", "value", "words"),
    [
        ("canny", "lo", 1, "Did you mean 'low'?"),
        ("canny", "out", [[1]], "has no parameter 'out'"),
        ("canny", "low", {"a": 1}, "must be a number, a word or a list"),
        ("convolve", "kernel", [[1], [1, 2]], "rows of numbers of one length"),
        ("convolve", "kernel", [["a"]], "rows of numbers of one length"),
        ("convolve", "kernel", [[0] * 500] * 500, "at most 200,000 numbers"),
        ("resize", "shape", [10**5, 10**5], "at most 25,000,000 pixels"),
        ("histogram", "bins", 10**9, "at most 100,000"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(method: str, name: str, value: Any, words: str) -> None:
    with pytest.raises(InputError, match=f"{method}: ") as refused:
        one(method, name, value)
    assert words in str(refused.value)


def test_options_are_told_as_json_and_read_again() -> None:
    options = {"kernel": np.eye(3), "padding": "same", "stride": (1, 2), "value": np.float32(0.5)}
    told = plain_options({**options, "big": np.zeros((100, 100)), "odd": object(), "none": float("nan")})
    assert told == {"kernel": np.eye(3).tolist(), "padding": "same", "stride": [1, 2], "value": 0.5}
    again = values_from_json(find("convolve"), told)
    photo = np.arange(30, dtype=np.uint8).reshape(5, 6)
    np.testing.assert_array_equal(
        sl.image.convolve(photo, **again), sl.image.convolve(photo, **{**options, "value": 0.5})
    )

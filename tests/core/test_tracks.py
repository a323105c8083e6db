"""Tracks: a frame's record that indexes, draws and writes itself."""

from __future__ import annotations

import json

import numpy as np
import pytest

from sightline.core.errors import InputError
from sightline.core.tracks import Tracks

TWO = Tracks([3, 1], [[0, 0, 10, 20], [30, 5, 50, 25]], [0.5, 1.0], [0, 1], ("car", "dog"), frame=7)


def test_it_selects() -> None:
    assert TWO[TWO.ids == 1].boxes.tolist() == [[30, 5, 50, 25]]
    assert TWO[0].ids.tolist() == [3]
    assert TWO[0].frame == 7
    assert len(TWO[:0]) == 0
    assert TWO.centres.tolist() == [[4.5, 9.5], [39.5, 14.5]]


def test_its_lines_are_those_of_the_benchmark() -> None:
    assert TWO.to_mot().splitlines() == [
        "7,3,1.00,1.00,10.00,20.00,0.5,-1,-1,-1",
        "7,1,31.00,6.00,20.00,20.00,1,-1,-1,-1",
    ]
    rows = json.loads(json.dumps(TWO.to_json()))
    assert rows[1] == {"frame": 7, "id": 1, "box": [30, 5, 50, 25], "score": 1.0, "label": 1, "name": "dog"}


def test_the_same_identity_has_the_same_colour() -> None:
    blank = np.zeros((60, 80, 3), np.uint8)
    one = Tracks([9], [[10, 30, 30, 50]]).draw(blank)
    other = Tracks([2, 9], [[50, 30, 60, 40], [10, 30, 30, 50]]).draw(blank)
    assert (one[50 - 1, 12:28] == other[50 - 1, 12:28]).all()
    path = np.array([[5.0, 2.0], [70.0, 2.0]])
    assert Tracks([9], [[10, 30, 30, 50]]).draw(blank, {9: path})[2, 5:70].any(axis=1).all()
    assert not blank.any()


def test_what_is_no_frame_of_tracks_is_refused() -> None:
    with pytest.raises(InputError, match=r"Tracks: ids, boxes, scores and labels must be of one length; got 2, 1, 2"):
        Tracks([1, 2], [[0, 0, 1, 1]])
    with pytest.raises(InputError, match=r"Tracks: ids must differ within a frame; got \[1, 1\]"):
        Tracks([1, 1], np.zeros((2, 4)))

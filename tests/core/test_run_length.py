"""Run lengths and polygons as masks, against COCO's own tools."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.core.errors import FormatError, InputError
from sightline.core.run_length import (
    mask_of_polygon,
    mask_of_runs,
    run_lengths,
    runs_of_polygon,
    runs_of_text,
    text_of_runs,
)

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the peer, on its own arrays


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 50), st.integers(1, 50), st.integers(0, 10**6))
def test_runs_are_those_of_cocos_tools_and_come_back(height: int, width: int, draw: int) -> None:
    peer = pytest.importorskip("pycocotools.mask")
    random = np.random.default_rng(draw)
    mask = random.random((height, width)) < random.random()
    theirs = peer.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"].decode()
    runs = run_lengths(mask)
    assert text_of_runs(runs) == theirs
    assert (runs_of_text(theirs) == runs).all()
    assert (mask_of_runs(runs, mask.shape) == mask).all()


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 60), st.integers(1, 60), st.integers(3, 9), st.booleans(), st.integers(0, 10**6))
def test_polygons_cover_what_cocos_tools_say(height: int, width: int, corners: int, whole: bool, draw: int) -> None:
    peer = pytest.importorskip("pycocotools.mask")
    points = np.random.default_rng(draw).uniform(-10, 70, (corners, 2))
    points = np.rint(points) if whole else points
    theirs = peer.decode(peer.frPyObjects([points.ravel().tolist()], height, width))[..., 0]
    assert (mask_of_polygon(points, (height, width)) == (theirs == 1)).all()
    np.testing.assert_array_equal(runs_of_polygon(points, (height, width)), run_lengths(theirs == 1))


def test_damaged_runs_are_refused() -> None:
    with pytest.raises(FormatError, match="sum to 4·5 pixels; they sum to 19"):
        mask_of_runs(np.array([10, 9]), (4, 5))
    with pytest.raises(FormatError, match="within a number"):
        runs_of_text("0`")
    with pytest.raises(FormatError, match="no part of COCO's run lengths"):
        runs_of_text("0 0")
    with pytest.raises(FormatError, match="13 letters in a number are no part"):
        runs_of_text("o" * 20 + "0")
    with pytest.raises(InputError, match="H×W bool"):
        run_lengths(np.zeros((2, 2)))

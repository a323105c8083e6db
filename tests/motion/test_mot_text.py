"""MOTChallenge's files: read, written and read again; broken ones are named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sightline.core.errors import FormatError, MissingFileError
from sightline.core.tracks import Tracks
from sightline.motion import read_detections, read_tracks, write_tracks


def test_what_was_written_is_read(tmp_path: Path) -> None:
    film = [Tracks([2, 5], [[0, 0, 10, 20], [5, 5, 9, 9]], [0.5, 1], frame=1), Tracks([5], [[6, 5, 10, 9]], frame=3)]
    write_tracks(tmp_path / "out.txt", film)
    back = read_tracks(tmp_path / "out.txt")
    assert [item.frame for item in back] == [1, 2, 3]
    assert back[0].ids.tolist() == [2, 5]
    assert len(back[1]) == 0
    np.testing.assert_allclose(back[2].boxes, [[6, 5, 10, 9]])
    np.testing.assert_allclose(read_detections(tmp_path / "out.txt")[0].scores, [0.5, 1])


def test_edges_count_from_1_and_left_out_boxes_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "gt.txt").write_text("2,1,1,1,10,20,1,1,1\n2,9,1,1,10,20,0,8,1\n\n1 1 3 3 4 4\n")
    first, second = read_tracks(tmp_path / "gt.txt")
    assert second.boxes.tolist() == [[0, 0, 10, 20]]
    assert first.boxes.tolist() == [[2, 2, 6, 6]]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1,2,3\n", "line 1 of .* must be frame, id, left"),
        ("1,1,0,0,5,5\nframe,1,0,0,5,5\n", "line 2 of .*; got 'frame,1"),
        ("0,1,0,0,5,5\n", "the frame from 1; got '0,1"),
        ("1.5,1,0,0,5,5\n", "the frame from 1"),
        ("1,4,0,0,5,5\n1,4,9,9,5,5\n", "has an id twice in frame 1"),
    ],
)
def test_a_broken_file_is_named(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "x.txt").write_text(text)
    with pytest.raises(FormatError, match=words):
        read_tracks(tmp_path / "x.txt")


def test_no_text_and_no_file(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FormatError, match="is no text"):
        read_detections(tmp_path / "x.txt")
    with pytest.raises(MissingFileError, match=r"read_detections: .* does not exist"):
        read_detections(tmp_path / "none.txt")
    (tmp_path / "x.txt").write_text("")
    assert read_detections(tmp_path / "x.txt") == []

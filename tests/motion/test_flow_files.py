"""Files of optical flow against OpenCV's reader and writer, and KITTI's layout written out."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

import sightline as sl
from motion.flow_scenes import scene
from sightline.core import evidence
from sightline.core.errors import FormatError, InputError, MissingFileError

RANDOM = np.random.default_rng(3)


def some_flow() -> np.ndarray:
    flow = RANDOM.normal(0, 20, (13, 17, 2)).astype(np.float32)
    flow[2, 3] = np.nan
    return flow


@evidence.equals("motion.read_flow", peer="opencv", tolerance="identical", data="random")
def test_reading_equals_opencv(tmp_path: Path, measured: Callable[[float], None]) -> None:
    flow = np.nan_to_num(some_flow())
    cv2.writeOpticalFlow(str(tmp_path / "theirs.flo"), flow)
    ours = sl.motion.read_flow(tmp_path / "theirs.flo")
    measured(float(np.abs(ours - flow).max()))
    np.testing.assert_array_equal(ours, flow)


@evidence.equals("motion.write_flow", peer="opencv", tolerance="identical", data="random")
def test_writing_equals_opencv(tmp_path: Path, measured: Callable[[float], None]) -> None:
    flow = some_flow()
    sl.motion.write_flow(tmp_path / "ours.flo", flow)
    theirs = cv2.readOpticalFlow(str(tmp_path / "ours.flo"))
    known = np.isfinite(flow)
    measured(float(np.abs(theirs - flow)[known].max()))
    np.testing.assert_array_equal(theirs[known], flow[known])
    assert (theirs[2, 3] > 1e9).all()
    np.testing.assert_array_equal(sl.motion.read_flow(tmp_path / "ours.flo"), flow)


def test_kitti_keeps_steps_of_a_64th(tmp_path: Path) -> None:
    flow = some_flow()
    sl.motion.write_flow(tmp_path / "ours.png", flow)
    raw = cv2.imread(str(tmp_path / "ours.png"), cv2.IMREAD_UNCHANGED)[..., ::-1]  # R: dx, G: dy, B: known
    assert raw.dtype == np.uint16
    known = raw[..., 2] > 0
    np.testing.assert_array_equal(known, np.isfinite(flow[..., 0]))
    np.testing.assert_allclose((raw[..., :2][known] - 32768.0) / 64, flow[known], atol=1 / 128)
    again = sl.motion.read_flow(tmp_path / "ours.png")
    np.testing.assert_allclose(again, flow, atol=1 / 128, equal_nan=True)


def test_middleburys_truth_is_read(shared_data: Path) -> None:
    a, _, truth = scene(shared_data, "RubberWhale")
    assert truth.shape == (*a.shape, 2)
    assert 0.9 < np.isfinite(truth[..., 0]).mean() < 1
    assert float(np.nanmean(np.hypot(truth[..., 0], truth[..., 1]))) == pytest.approx(1.26, abs=0.02)


def test_bad_files_are_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="does not exist"):
        sl.motion.read_flow(tmp_path / "none.flo")
    (tmp_path / "text.flo").write_text("hello, flow")
    with pytest.raises(FormatError, match="must begin with PIEH"):
        sl.motion.read_flow(tmp_path / "text.flo")
    sl.motion.write_flow(tmp_path / "whole.flo", some_flow())
    (tmp_path / "cut.flo").write_bytes((tmp_path / "whole.flo").read_bytes()[:-9])
    with pytest.raises(FormatError, match="17×13 pixels are 1,780 bytes; got 1,771"):
        sl.motion.read_flow(tmp_path / "cut.flo")
    with zipfile.ZipFile(tmp_path / "none.zip", "w") as archive:
        archive.writestr("a.txt", "a")
    with pytest.raises(FormatError, match=r"must hold one \.flo file; got 0"):
        sl.motion.read_flow(tmp_path / "none.zip")
    sl.image.write(tmp_path / "gray.png", np.zeros((4, 5), np.uint8))
    with pytest.raises(FormatError, match="16-bit RGB"):
        sl.motion.read_flow(tmp_path / "gray.png")
    with pytest.raises(InputError, match=r"between -512 and 511\.98"):
        sl.motion.write_flow(tmp_path / "far.png", np.full((2, 2, 2), 600, np.float32))
    with pytest.raises(InputError, match="H×W×2 float32"):
        sl.motion.write_flow(tmp_path / "bad.flo", np.zeros((4, 5), np.float32))

"""Problems of bundle adjustment: the files that hold them, and what they refuse."""

from __future__ import annotations

import bz2
import gzip
from pathlib import Path

import numpy as np
import pytest

from sightline.core.errors import FormatError, InputError, MissingFileError
from sightline.geometry import BundleProblem, read_bundle_problem, synthetic_bundle_problem
from sightline.geometry.bundle_problem import rotation_matrices, rotation_vectors


def bal_text(problem: BundleProblem) -> bytes:
    """Return a problem in the words of BAL: axes with y up and z backward."""
    turn = np.array([1.0, -1, -1])
    lines = [f"{len(problem.poses)} {len(problem.points)} {len(problem.observations)}"]
    for camera, point, (x, y) in zip(problem.camera_of, problem.point_of, problem.observations, strict=True):
        lines.append(f"{camera} {point} {x:.17g} {-y:.17g}")
    rotations = turn[:, None] * rotation_matrices(problem.poses[:, :3])
    for vector, shift in zip(rotation_vectors(rotations), problem.poses[:, 3:] * turn, strict=True):
        focal, k1, k2 = problem.intrinsics[0, [0, 4, 5]]
        lines += [f"{value:.17g}" for value in (*vector, *shift, focal, k1, k2)]
    lines += [f"{value:.17g}" for value in problem.points.ravel()]
    return "\n".join(lines).encode()


@pytest.fixture(scope="module")
def problem() -> BundleProblem:
    """Return a problem whose principal point is the origin, as BAL has it."""
    made = synthetic_bundle_problem(4, 12, views=3, noise=0)[1]
    intrinsics = made.intrinsics.copy()
    intrinsics[:, 2:4] = 0
    seen = made.observations - (640, 480)
    indices = made.camera_of, made.point_of, made.group_of
    return BundleProblem(made.poses, made.points, intrinsics, seen, *indices)


@pytest.mark.parametrize("pack", [bytes, bz2.compress, gzip.compress])
def test_a_bal_file_is_read_in_the_axes_of_the_house(tmp_path: Path, problem: BundleProblem, pack: object) -> None:
    path = tmp_path / "problem"
    path.write_bytes(pack(bal_text(problem)))  # type: ignore[operator]
    read = read_bundle_problem(path)
    assert read.mean_reprojection < 1e-9
    np.testing.assert_allclose(read.centres, problem.centres, atol=1e-12)
    assert read.free == ("focal", "k1", "k2")
    assert len(read.intrinsics) == 4


def test_real_files_begin_with_small_errors(shared_data: Path) -> None:
    folder = shared_data / "sfm_problems"
    errors = [read_bundle_problem(folder / f"libmv_problem_0{n}.bin").mean_reprojection for n in (1, 2, 3)]
    assert max(errors) < 1.02  # pixels: they are final refinements
    assert read_bundle_problem(folder / "dubrovnik-3-7-pre.txt").to_json() == {
        "cameras": 3,
        "points": 7,
        "observations": 19,
        "mean_reprojection_px": pytest.approx(12.8965, abs=1e-3),
    }


def test_other_files_are_refused(tmp_path: Path, problem: BundleProblem) -> None:
    path = tmp_path / "problem.txt"
    with pytest.raises(MissingFileError, match="does not exist"):
        read_bundle_problem(path)
    for content in (b"", b"hello", b"vN", b"vP1", bal_text(problem)[:-40], bz2.compress(b"abc"), b"\x1f\x8b12"):
        path.write_bytes(content)
        with pytest.raises(FormatError, match="must be a BAL text file or a libmv problem"):
            read_bundle_problem(path)


def test_strange_arrays_are_refused(problem: BundleProblem) -> None:
    good = {name: getattr(problem, name) for name in BundleProblem.__dataclass_fields__}
    bad = problem.points.copy()
    bad[3, 1] = np.nan
    for change, text in (
        ({"points": bad}, "points must be N×3 finite"),
        ({"poses": problem.poses[:, :5]}, "poses must be N×6"),
        ({"camera_of": problem.camera_of + 2}, "camera_of must be"),
        ({"point_of": problem.point_of[1:]}, "point_of must be"),
        ({"free": ("zoom",)}, "free must name intrinsics"),
    ):
        with pytest.raises(InputError, match=text):
            BundleProblem(**{**good, **change})


def test_rotations_go_there_and_back() -> None:
    vectors = np.random.default_rng(0).normal(size=(50, 3))
    np.testing.assert_allclose(rotation_vectors(rotation_matrices(vectors)), vectors, atol=1e-12)
    assert rotation_vectors(np.zeros((0, 3, 3))).shape == (0, 3)

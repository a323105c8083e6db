"""Structure from motion: a made-up room with known cameras, a real castle, and photos that say nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from room_corner import corner_views
from sightline.core import evidence
from sightline.core.errors import FormatError, InputError, MissingFileError
from sightline.core.trace import trace
from sightline.data import sample
from sightline.geometry import Camera, Reconstruction, structure_from_motion
from sightline.geometry.bundle_problem import rotation_matrices
from sightline.geometry.photo_set import focal_of_file
from sightline.geometry.pose_errors import pose_errors
from sightline.image import convert, resize

pytestmark = pytest.mark.slow

Measured = Callable[[float], None]


@pytest.fixture(scope="module")
def corner() -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    return corner_views()


@pytest.fixture(scope="module")
def room(corner: tuple[list[np.ndarray], np.ndarray, np.ndarray]) -> Reconstruction:
    return structure_from_motion(corner[0])


def errors_of(found: Reconstruction, rotations: np.ndarray, centres: np.ndarray) -> tuple[float, float]:
    """Return the largest error of a place over the extent of all, and of a direction in degrees."""
    places, angles = pose_errors(
        np.stack([found.rotation(number) for number in range(len(centres))]), found.centres, rotations, centres
    )
    return float(places.max()), float(angles.max())


def test_worlds_are_laid_over_one_another_even_when_all_cameras_are_on_a_line() -> None:
    rng = np.random.default_rng(0)
    rotations = rotation_matrices(rng.normal(size=(4, 3)))
    centres = np.outer(np.arange(4.0), (1, 2, 3))
    turn, bent = rotation_matrices(np.array([[0.3, -0.2, 0.9], [0, 0, np.deg2rad(2)]]))
    places, angles = pose_errors(rotations @ turn.T, 3 * centres @ turn.T + 5, rotations, centres)
    assert places.max() < 1e-12
    assert angles.max() < 1e-5
    moved = rotations.copy()
    moved[0] = bent @ moved[0]
    _, angles = pose_errors(moved, centres, rotations, centres)
    np.testing.assert_allclose(angles, (1.5, 0.5, 0.5, 0.5), atol=1e-3)


@evidence.equals("geometry.structure_from_motion", peer="truth", tolerance="0.5° and 1 % of the extent", data="room")
def test_a_room_is_found_without_knowing_the_camera(
    room: Reconstruction, corner: tuple[list[np.ndarray], np.ndarray, np.ndarray], measured: Measured
) -> None:
    place, angle = errors_of(room, corner[1], corner[2])
    measured(angle)
    assert len(room) == 5
    assert angle < 0.5
    assert place < 0.01
    assert room.mean_reprojection < 0.5
    assert room.intrinsics[0, 0] == pytest.approx(420, rel=0.03)
    assert _flatness(room) < 0.02


def _flatness(room: Reconstruction) -> float:
    """Return how far points lie from two walls, over the extent (median of the distance to the nearer plane)."""
    points = room.points - np.median(room.points, axis=0)
    rng, best = np.random.default_rng(0), []
    left = points
    for _ in range(2):  # the plane that most points are near, then that of the others
        planes = []
        for _ in range(300):
            a, b, c = left[rng.choice(len(left), 3, replace=False)]
            normal = np.cross(b - a, c - a)
            length = np.linalg.norm(normal)
            if length > 1e-6:
                planes.append((np.abs((left - a) @ normal) / length, a, normal / length))
        distance, a, normal = max(planes, key=lambda item: (item[0] < 0.02).sum())
        best.append(np.abs((points - a) @ normal))
        left = left[distance > 0.02]
    return float(np.median(np.min(best, axis=0)) / np.ptp(points, axis=0).max())


def test_a_camera_that_is_known_is_kept(corner: tuple[list[np.ndarray], np.ndarray, np.ndarray]) -> None:
    camera = Camera.from_focal(420, (360, 480))
    found = structure_from_motion(corner[0][1:4], camera, refine=())
    np.testing.assert_array_equal(found.camera(0).matrix, camera.matrix)
    place, angle = errors_of(found, corner[1][1:4], corner[2][1:4])
    assert angle < 0.1
    assert place < 0.01
    with pytest.raises(InputError, match=r"camera must be that of the photos; got one of \(100, 100\)"):
        structure_from_motion(corner[0][1:4], Camera.from_focal(90, (100, 100)))


def test_sizes_may_differ_and_a_run_goes_on(
    corner: tuple[list[np.ndarray], np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    views = list(corner[0])
    views[1] = resize(views[1], (300, 400), "area")
    first = structure_from_motion(views, folder=tmp_path)
    assert len(first) == 5
    assert len(first.intrinsics) == 2
    place, angle = errors_of(first, corner[1], corner[2])
    assert angle < 1
    assert place < 0.02
    kept = sorted(tmp_path.iterdir())
    assert len(kept) == 5 + 10
    kept[0].write_bytes(kept[0].read_bytes()[:100])  # a kill in the middle of a write cannot do that, a bad disk can
    times = {path: path.stat().st_mtime_ns for path in kept[1:]}
    second = structure_from_motion(views, folder=tmp_path)
    assert times == {path: path.stat().st_mtime_ns for path in kept[1:]}
    np.testing.assert_array_equal(second.points, first.points)


def test_a_reconstruction_is_saved_loaded_and_written(room: Reconstruction, tmp_path: Path) -> None:
    room.save(tmp_path / "room.npz")
    again = Reconstruction.load(tmp_path / "room.npz")
    assert again.names == room.names
    np.testing.assert_array_equal(again.points, room.points)
    assert again.to_json() == room.to_json()
    room.write_ply(tmp_path / "room.ply")
    head, _, body = (tmp_path / "room.ply").read_bytes().partition(b"end_header\n")
    assert f"element vertex {len(room.points)}\n".encode() in head
    assert len(body) == 15 * len(room.points)
    np.testing.assert_allclose(np.frombuffer(body[:12], "<f4"), room.points[0], rtol=1e-6)
    room.report(tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text("utf-8")
    assert "5 of 5" in page
    assert "SightlinePlayer" in page
    assert "image 3" in page
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")
    assert room.shared(0, 1).shape[1] == 4
    with pytest.raises(MissingFileError, match="does not exist"):
        Reconstruction.load(tmp_path / "nothing.npz")
    for content in (b"", b"PK\x03\x04", (tmp_path / "room.npz").read_bytes()[:3000]):
        (tmp_path / "broken.npz").write_bytes(content)
        with pytest.raises(FormatError, match=r"Reconstruction.load: .* is not a saved reconstruction"):
            Reconstruction.load(tmp_path / "broken.npz")


def test_the_steps_show_the_cloud_grow(
    room: Reconstruction, corner: tuple[list[np.ndarray], np.ndarray, np.ndarray]
) -> None:
    steps = trace(structure_from_motion, corner[0]).steps
    assert [step.name for step in steps][:2] == ["pairs", "tracks"]
    assert len(steps) == 2 + 1 + 3 + 1
    sizes = [len(step.value) for step in steps[2:-1]]
    assert sizes == sorted(sizes)
    # The last digits of matrix products depend on where arrays lie in memory.
    np.testing.assert_allclose(steps[-1].value.points, room.points, rtol=1e-3, atol=1e-3)


def test_photos_that_say_nothing_are_refused(corner: tuple[list[np.ndarray], np.ndarray, np.ndarray]) -> None:
    views = corner[0]
    unrelated = [resize(convert(sample(name), "rgb", "gray"), (240, 320), "area") for name in ("china", "cat", "road")]
    cases = (
        (views[:1], "images must be at least two photos"),
        ([], "images must be at least two photos"),
        (views[0], "images must be a list of arrays or paths"),
        ("photos", "images must be a list of arrays or paths"),
        ([views[0], None], "images must be arrays or paths of photos; got NoneType"),
        ([np.full((90, 120), 80, np.uint8)] * 3, "images must show texture"),
        ([np.zeros((1, 1), np.uint8)] * 2, "images must show texture"),
        (unrelated, "images must show one scene; got 3 photos of which no two"),
        ([views[0]] * 3, "images must be different photos; got the same picture"),
        (corner_views(3, turn_only=True)[0], "got a camera that only turned"),
        ([np.full((50, 50), np.nan, np.float32)] * 2, "images must be finite"),
    )
    for images, text in cases:
        with pytest.raises(InputError, match=f"structure_from_motion: .*{text}|{text}"):
            structure_from_motion(images)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="refine must be one of"):
        structure_from_motion(views, refine=("zoom",))


def test_the_focal_length_is_read_from_the_file(tmp_path: Path) -> None:
    picture, path = Image.new("RGB", (600, 400)), tmp_path / "photo.jpg"
    film = 35 / 43.267 * float(np.hypot(600, 400))
    cases = (
        ({0xA405: 35}, film),
        ({0x920A: 18.0, 0xA20E: 5315.4, 0xA210: 2, 0xA002: 4752}, 18 / 25.4 * 5315.4 * 600 / 4752),
        ({0x920A: 18.0, 0xA20E: 5315.4, 0xA210: 2, 0xA002: 600}, None),  # shrunk, and the density left as it was
        ({0x920A: 18.0}, None),
        ({}, None),
    )
    for tags, wanted in cases:
        exif = Image.Exif()
        exif.get_ifd(0x8769).update(tags)
        picture.save(path, exif=exif)
        assert focal_of_file(path, (400, 600)) == (None if wanted is None else pytest.approx(wanted, rel=1e-4))


@pytest.mark.slow
@evidence.equals("geometry.structure_from_motion", peer="bundler", tolerance="1° and 1 % of extent", data="Balbianello")
def test_a_villa_is_found_where_bundler_found_it(shared_data: Path, measured: Measured) -> None:
    folder = shared_data / "sfm_problems"
    found = structure_from_motion(sorted(folder.glob("Balbianello*.jpg")))
    numbers = np.array((folder / "Balbianello.out").read_text().split()[6:], float)[:75].reshape(5, 15)
    flip = np.diag([1.0, -1, -1])
    rotations = flip @ numbers[:, 3:12].reshape(5, 3, 3)
    centres = -np.einsum("cji,cj->ci", rotations, numbers[:, 12:] * (1, -1, -1))
    place, angle = errors_of(found, rotations, centres)
    measured(angle)
    assert len(found) == 5
    assert found.mean_reprojection < 1
    assert angle < 1
    assert place < 0.01

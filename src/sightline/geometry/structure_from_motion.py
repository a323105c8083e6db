"""Structure from motion: from a handful of photos to where they were taken, and a coloured cloud of what they show.

Snavely, Seitz & Szeliski 2006, "Photo Tourism: Exploring Photo Collections in 3D", SIGGRAPH; Schönberger & Frahm 2016,
"Structure-from-Motion Revisited", CVPR. Features, matches of pairs, tracks, two photos to begin with, then one photo
after another, each step adjusted as a whole.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import choice, describe, integer, number
from sightline.core.errors import InputError
from sightline.core.layers import Cloud, Curve, Table, Value
from sightline.core.trace import Step
from sightline.core.types import AnyImage, Array, PathLike, Range
from sightline.geometry.bundle_problem import INTRINSICS
from sightline.geometry.camera import Camera
from sightline.geometry.essential import essential
from sightline.geometry.incremental import LEAST_SEEN, Mapper, Settings
from sightline.geometry.likely_pairs import likely_pairs
from sightline.geometry.photo_set import Photo, Progress, read_photos
from sightline.geometry.reconstruction import Reconstruction, pair_table
from sightline.geometry.recover_pose import recover_pose
from sightline.geometry.tracks import Tracks, join_tracks
from sightline.geometry.undistort import undistort_points
from sightline.geometry.view_pairs import LEAST_MATCHES, ViewPair, focal_of_pairs, pair_views

_GUESS = 1.2  # focal length over the longer side, when nothing tells it
_SEEDS = 12  # pairs of photos that are tried to begin with
_TURNED = 2.0  # pixels (of a photo of 1600): what moves less once the turn is taken away was not seen from elsewhere
_TURNS = 0.9  # share of matches on one homography, from which a pair may be one of a camera that only turned
_FAR = 40.0  # pixels of movement beside the turn: more is no better to begin with


@dataclass(frozen=True, eq=False)
class _Begun:
    """Photos, their pairs, tracks, and the mapper that will grow."""

    photos: list[Photo]
    pairs: list[ViewPair]
    tracks: Tracks
    mapper: Mapper
    seconds: dict[str, float]


def _silent(what: str, done: int, total: int) -> None:
    """Tell nobody."""


@method(task="structure", paper="Schönberger 2016", lesson="w3d5")
def structure_from_motion(
    images: Sequence[AnyImage | PathLike],
    camera: Camera | None = None,
    *,
    refine: Sequence[str] = ("focal", "k1"),
    max_features: Annotated[int, Range(100, 100000, 100)] = 8000,
    max_size: Annotated[int, Range(100, 20000, 100)] = 2400,
    ratio: Annotated[float, Range(0.1, 1, 0.05)] = 0.8,
    neighbours: Annotated[int, Range(2, 1000, 1)] = 30,
    seed: int = 0,
    folder: PathLike | None = None,
    progress: Progress | None = None,
) -> Reconstruction:
    """Return where photos were taken, and the points that they show.

    Photos of one size share a camera model. Where no camera is given, the focal length begins with what the files tell
    (EXIF), else with what the pairs of photos agree on, else with 1.2 times the longer side. Scale, place and direction
    of the world are those of the first two photos. Up to 60 photos all pairs are matched; beyond, each photo is matched
    with those that share most visual words with it. NaN and infinity are refused.

    Parameters
    ----------
    images
        Photos of one rigid scene from different places, two or more: arrays (H×W or H×W×3; uint8, uint16 or float32
        0–1), or paths of files; sizes may differ.
    camera
        Camera of all photos, where it is known; they must have its size, where it tells one.
    refine
        Names of the intrinsics that are adjusted along: ``focal``, ``aspect``, ``cx``, ``cy``, ``k1``, ``k2``, ``p1``,
        ``p2``, ``k3``. None of them keeps the camera as it is.
    max_features
        At most so many SIFT features in a photo, 100–100000.
    max_size
        Photos are shrunk to at most so many pixels on the longer side to find features, 100–20000.
    ratio
        Greatest distance of a match over that of the second best, 0.1–1.
    neighbours
        Beyond 60 photos: with how many that look most like it a photo is matched, 2–1000.
    seed
        Whole number ≥ 0: of the samples.
    folder
        Where features and matches are kept as they are made: a run that was stopped goes on there.
    progress
        Called with what is being done, how many are done, and of how many.

    Returns
    -------
    Reconstruction
        Cameras, points with colours, and which photo saw what where; photos that fit nowhere are listed as such.

    Raises
    ------
    InputError
        For one photo, photos without texture, of unrelated things, the same one twice, or from one place only.

    Notes
    -----
    What keeps this from 10,000 photos, and the way there, is written in the documentation, "Many photos", beside what 5
    to 120 photos cost.

    References
    ----------
    N. Snavely, S. M. Seitz, R. Szeliski, "Photo Tourism: Exploring Photo Collections in 3D", SIGGRAPH, 2006.

    J. L. Schönberger, J.-M. Frahm, "Structure-from-Motion Revisited", CVPR, 2016.
    """
    tell = progress or _silent
    begun = _begin(images, camera, refine, max_features, max_size, ratio, neighbours, seed, folder, tell)
    for _ in _grow(begun, tell, seed):
        pass
    return _finished(begun)


@structure_from_motion.steps
def _steps(images: Any, camera: Any = None, **options: Any) -> Iterator[Step]:
    chosen: dict[str, Any] = {
        "refine": ("focal", "k1"),
        "max_features": 8000,
        "max_size": 2400,
        "ratio": 0.8,
        "neighbours": 30,
        "seed": 0,
        "folder": None,
        **options,
    }
    tell = chosen.pop("progress", None) or _silent
    begun = _begin(images, camera, **chosen, progress=tell)
    yield Step("pairs", Table(*pair_table(begun.pairs)), note="Matches that agree with two views.")
    lengths = np.bincount(np.diff(begun.tracks.starts))[2:]
    curve = np.stack([np.arange(2, len(lengths) + 2), lengths], axis=1)
    yield Step("tracks", Curve(curve, ("photos in a track", "tracks")), note=f"{len(begun.tracks)} tracks.")
    for name in _grow(begun, tell, chosen["seed"]):
        now = _finished(begun)
        note = f"{len(now.points)} points; the mean reprojection error is {now.mean_reprojection:.3f} pixels."
        yield Step(name, Cloud(now.cloud()), note=note)
    result = _finished(begun)
    note = f"{len(result.points)} points, {result.mean_reprojection:.3f} pixels; cameras orange."
    yield Step("reconstruction", Value(result), Cloud(result.cloud()), note=note)


def _begin(
    images: Any,
    camera: Camera | None,
    refine: Sequence[str],
    max_features: int,
    max_size: int,
    ratio: float,
    neighbours: int,
    seed: int,
    folder: PathLike | None,
    progress: Progress,
) -> _Begun:
    """Find features, matches and tracks; raise where there is nothing to begin with."""
    name = "structure_from_motion"
    if isinstance(images, (str, Path, np.ndarray)) or not isinstance(images, Sequence):
        raise InputError(f"{name}: images must be a list of arrays or paths; got {describe(images)}.")
    if len(images) < 2:
        raise InputError(f"{name}: images must be at least two photos of one scene; got {len(images)}.")
    for intrinsic in refine:
        choice(name, "refine", intrinsic, INTRINSICS)
    integer(name, "max_features", max_features, 100, 100000)
    integer(name, "max_size", max_size, 100, 20000)
    number(name, "ratio", ratio, 0.1, 1)
    integer(name, "neighbours", neighbours, 2, 1000)
    integer(name, "seed", seed, 0)
    if camera is not None and not isinstance(camera, Camera):
        raise InputError(f"{name}: camera must be a Camera or None; got {describe(camera)}.")
    kept = None if folder is None else Path(folder)
    if kept is not None:
        kept.mkdir(parents=True, exist_ok=True)
    clock = [time.perf_counter()]
    photos = read_photos(images, max_features, max_size, kept, progress)
    clock.append(time.perf_counter())
    if max(len(photo.features) for photo in photos) < LEAST_MATCHES:
        most = max(len(photo.features) for photo in photos)
        raise InputError(f"{name}: images must show texture; got at most {most} features in a photo.")
    pairs = pair_views(photos, likely_pairs(photos, neighbours, seed), ratio, 3.0, seed, kept, progress)
    clock.append(time.perf_counter())
    if not pairs:
        raise InputError(
            f"{name}: images must show one scene; got {len(photos)} photos of which no two have {LEAST_MATCHES} "
            "matches that agree. Take photos that overlap by more than half."
        )
    tracks = join_tracks([len(photo.features) for photo in photos], [(p.first, p.second, p.indices) for p in pairs])
    intrinsics, group_of = _models(photos, pairs, camera)
    sizes = np.array([photo.size for photo in photos])
    points = np.concatenate([photo.features.points for photo in photos]).astype(np.float64)
    first = np.concatenate([[0], np.cumsum([len(photo.features) for photo in photos])])
    places = points[first[tracks.image_of] + tracks.feature_of]
    mapper = Mapper(sizes, places, tracks, intrinsics, group_of, Settings(tuple(refine), seed))
    seconds = {"features": clock[1] - clock[0], "matches": clock[2] - clock[1], "_start": clock[2]}
    return _Begun(photos, pairs, tracks, mapper, seconds)


def _models(photos: list[Photo], pairs: list[ViewPair], camera: Camera | None) -> tuple[Array, Array]:
    """Return the intrinsics to begin with, G×9, and the row of each photo."""
    if camera is not None:
        wrong = [photo for photo in photos if camera.size is not None and photo.size != camera.size]
        if wrong:
            raise InputError(
                f"structure_from_motion: camera must be that of the photos; got one of {camera.size} and "
                f"{wrong[0].name} of {wrong[0].size} (height, width). Use camera.scaled(factor), or leave camera out."
            )
        if len(camera.distortion) > 5:
            raise InputError(
                "structure_from_motion: camera must have k1, k2, p1, p2, k3 at most; got the rational model. Undistort "
                "the photos first."
            )
        bend = camera.coefficients[:5]
        (fx, fy), (cx, cy) = camera.focal, camera.center
        return np.array([[fx, fy / fx, cx, cy, *bend]]), np.zeros(len(photos), np.int32)
    keys = [(photo.size, None if photo.focal is None else round(photo.focal)) for photo in photos]
    names = sorted(set(keys), key=str)
    common = focal_of_pairs(pairs, photos) or _GUESS
    rows = [
        (focal or common * max(size), 1, (size[1] - 1) / 2, (size[0] - 1) / 2, 0, 0, 0, 0, 0) for size, focal in names
    ]
    return np.array(rows, float), np.array([names.index(key) for key in keys], np.int32)


def _grow(begun: _Begun, progress: Progress, seed: int) -> Iterator[str]:
    """Register one photo after another; yield the name of what was done."""
    mapper, total = begun.mapper, len(begun.photos)
    first = _first_two(begun, seed)
    yield f"{first[0]} and {first[1]}"
    waiting: dict[int, int] = {}
    while candidates := [number for number in mapper.candidates() if number not in waiting]:
        progress("photos", len(mapper.order), total)
        if mapper.register(candidates[0]):
            mapper.grow()
            waiting.clear()
            yield begun.photos[candidates[0]].name
        else:
            waiting[candidates[0]] = 1  # until another photo has brought more points
    mapper.finish()
    begun.seconds["structure"] = time.perf_counter() - begun.seconds.pop("_start")
    progress("photos", total, total)


def _first_two(begun: _Begun, seed: int) -> tuple[str, str]:
    """Begin with the two photos that share much and were taken from places far enough apart."""
    mapper, tried = begun.mapper, []
    for pair in sorted(begun.pairs, key=lambda pair: -len(pair.indices))[: 4 * _SEEDS]:
        moved = _parallax(begun, pair)
        worth = len(pair.indices) * min(1.0, moved / _FAR) * (1.0 if pair.flat < 0.8 else 0.3)
        tried.append((worth, moved, pair))
    tried.sort(key=lambda item: -item[0])
    largest = max(item[1] for item in tried)
    if largest < _TURNED * max(1.0, mapper.near.max() / 4):
        raise InputError(_standing_still(begun, [item[2] for item in tried], largest))
    for _, _, pair in tried[:_SEEDS]:
        if _opens(begun, pair, seed):
            return begun.photos[pair.first].name, begun.photos[pair.second].name
    raise InputError(
        "structure_from_motion: images must be two views of a rigid scene, from places apart; got no pair of photos "
        "whose points lie where both see them. Move sideways between the photos."
    )


def _opens(begun: _Begun, pair: ViewPair, seed: int) -> bool:
    """Begin with a pair of photos; return whether most of its matches become points."""
    mapper = begun.mapper
    a, b = _matched(begun, pair)
    cameras = mapper.camera(pair.first), mapper.camera(pair.second)
    try:
        fit = essential(a, b, cameras, threshold=float(mapper.near[pair.first]), seed=seed)
        pose = recover_pose(fit, a, b, cameras, still=0)
    except InputError:  # no motion that they agree with: another pair may have one
        return False
    agree = int(np.asarray(fit.inliers).sum())
    seen = mapper.start(pair.first, pair.second, pose.rotation, pose.translation)
    return seen >= max(LEAST_SEEN, 0.3 * agree)


def _matched(begun: _Begun, pair: ViewPair) -> tuple[Array, Array]:
    """Return the matched features of a pair, in pixels of each photo."""
    places = [begun.photos[number].features.points.astype(np.float64) for number in (pair.first, pair.second)]
    return places[0][pair.indices[:, 0]], places[1][pair.indices[:, 1]]


def _parallax(begun: _Begun, pair: ViewPair) -> float:
    """Return by how many pixels (median) matches still differ once the best turn of the camera is taken away."""
    mapper = begun.mapper
    cameras = mapper.camera(pair.first), mapper.camera(pair.second)
    a, b = (undistort_points(p, c, np.eye(3)) for p, c in zip(_matched(begun, pair), cameras, strict=True))
    # What one homography explains may be a turn of a camera whose focal length was guessed wrong.
    zooms = np.geomspace(0.5, 2, 9) if pair.flat > _TURNS else (1.0,)
    return min(_unturned(a * zoom, b * zoom) / zoom for zoom in zooms) * cameras[0].focal[0]


def _unturned(a: Array, b: Array) -> float:
    u, v = (np.hstack([p, np.ones((len(p), 1))]) for p in (a, b))
    u, v = (p / np.linalg.norm(p, axis=1, keepdims=True) for p in (u, v))
    apart, weights = np.zeros(len(u)), np.ones(len(u))
    for _ in range(10):  # least absolute differences: most of a far scene only turns
        left, _, right = np.linalg.svd((v * weights[:, None]).T @ u)
        turn = left @ np.diag([1, 1, np.linalg.det(left @ right)]) @ right
        apart = np.linalg.norm(v - u @ turn.T, axis=1)
        weights = 1 / np.maximum(apart, 1e-6)
    return float(np.median(apart))


def _standing_still(begun: _Begun, pairs: list[ViewPair], largest: float) -> str:
    """Return the sentence for photos that were taken from one place."""
    places = [photo.features.points for photo in begun.photos]
    moved = [places[p.first][p.indices[:, 0]] - places[p.second][p.indices[:, 1]] for p in pairs]
    if all(np.median(np.abs(apart)) < 0.5 for apart in moved):
        return (
            "structure_from_motion: images must be different photos; got the same picture each time. Take photos from "
            "different places."
        )
    return (
        "structure_from_motion: images must be taken from different places; got a camera that only turned: beside the "
        f"turn, matches move by {largest:.1f} pixels. Move sideways between the photos."
    )


def _finished(begun: _Begun) -> Reconstruction:
    return Reconstruction.of(
        begun.photos, begun.pairs, begun.tracks, begun.mapper, {k: v for k, v in begun.seconds.items() if k[0] != "_"}
    )

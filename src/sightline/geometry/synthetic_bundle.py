"""A bundle adjustment problem of any size, made from a seed: a cloud of points in a ring of cameras."""

from __future__ import annotations

import numpy as np

from sightline.core.checks import integer, number
from sightline.core.seeds import generator
from sightline.core.types import Seed
from sightline.geometry.bundle_problem import BundleProblem, rotation_vectors


def synthetic_bundle_problem(
    cameras: int = 50, points: int = 20_000, *, views: int = 8, noise: float = 0.5, seed: Seed = 0
) -> tuple[BundleProblem, BundleProblem]:
    """Return a problem that starts a little beside the truth, and the truth.

    Parameters
    ----------
    cameras
        In a ring of radius 14 around the cloud, which is 8×4×8, ≥ 3; one camera model for all of them.
    points
        In the cloud, ≥ 1.
    views
        Neighbouring cameras that see a point, from 2 to ``cameras``.
    noise
        Standard deviation of the observations in pixels, ≥ 0.
    seed
        Whole number ≥ 0 or a generator.

    Returns
    -------
    start, truth
        The same observations; in ``start`` the cameras are moved and turned (by 0.05 and 0.005 radians), the points are
        moved (by 0.05), and the focal length (1000 pixels) and the distortion are off. Focal length, k1, k2 are free.
    """
    count = integer("synthetic_bundle_problem", "cameras", cameras, 3)
    many = integer("synthetic_bundle_problem", "points", points, 1)
    seen = integer("synthetic_bundle_problem", "views", views, 2, count)
    number("synthetic_bundle_problem", "noise", noise, 0, unit="pixels")
    random = generator(seed)
    angle = np.arange(count) * 2 * np.pi / count
    centres = np.stack([14 * np.cos(angle), random.normal(0, 0.5, count), 14 * np.sin(angle)], axis=1)
    forward = -centres / np.linalg.norm(centres, axis=1, keepdims=True)
    right = np.cross((0.0, 1.0, 0.0), forward)
    right /= np.linalg.norm(right, axis=1, keepdims=True)
    rotation = np.stack([right, np.cross(forward, right), forward], axis=1)
    poses = np.hstack([rotation_vectors(rotation), -np.einsum("cij,cj->ci", rotation, centres)])
    cloud = random.uniform(-1, 1, (many, 3)) * (4, 2, 4)
    camera_of = (random.integers(0, count, (many, 1)) + np.arange(seen)) % count
    indices = camera_of.reshape(-1), np.repeat(np.arange(many), seen), np.zeros(count, np.int32)
    free = ("focal", "k1", "k2")
    model = np.array([[1000.0, 1, 640, 480, -0.05, 0.01, 0, 0, 0]])
    nothing = np.zeros((many * seen, 2))
    observations = BundleProblem(poses, cloud, model, nothing, *indices, free).residuals()
    observations += random.normal(0, noise, observations.shape)
    truth = BundleProblem(poses, cloud, model, observations, *indices, free)
    poses = poses + random.normal(0, 1, poses.shape) * ([0.005] * 3 + [0.05] * 3)
    cloud = cloud + random.normal(0, 0.05, cloud.shape)
    model = np.array([[1030.0, 1, 640, 480, 0, 0, 0, 0, 0]])
    return BundleProblem(poses, cloud, model, observations, *indices, free), truth

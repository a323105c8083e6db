"""How a panorama is laid out: which pictures belong together, where each one lies, on a plane or a cylinder.

Brown & Lowe 2007, "Automatic Panoramic Image Stitching using Invariant Features", IJCV 74(1): the bound on matches that
agree (section 3.2). The focal length of a picture is read off its homographies, and the cylinder unrolled, by Szeliski
& Shum 1997, "Creating Full View Panoramic Image Mosaics and Environment Maps", SIGGRAPH.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from sightline.core.types import Array
from sightline.image.fit_transform import consensus, fit, project
from sightline.image.oriented_patches import Patches, match

_RATIO, _TOLERANCE, _SAMPLES = 0.85, 3.0, 2000


@dataclass(frozen=True, eq=False)
class Link:
    """Two pictures that show one scene.

    Parameters
    ----------
    first, second
        Their positions in the list.
    matrix
        3×3, from points of the second one to points of the first one.
    points
        N×4 of the matches that agree: (x, y) in the first, (x, y) in the second.
    """

    first: int
    second: int
    matrix: Array
    points: Array


@dataclass(frozen=True, eq=False)
class Placement:
    """Where a picture lies on the sheet.

    Parameters
    ----------
    matrix
        3×3, from the picture's points (on the cylinder, where there is one) to the sheet.
    focal
        Of the cylinder, in pixels; 0 for a plane.
    shape
        (height, width) of the picture.
    """

    matrix: Array
    focal: float
    shape: tuple[int, int]

    def forward(self, points: Array) -> Array:
        """Return N×2 points of the picture as points of the sheet; NaN where they cannot be seen."""
        return project(self.matrix, on_cylinder(points, self.focal, self.shape))


def on_cylinder(points: Array, focal: float, shape: tuple[int, int]) -> Array:
    """Return points of a picture on an unrolled cylinder of that radius around the camera; 0 leaves them."""
    if not focal:
        return points
    middle = np.array([(shape[1] - 1) / 2, (shape[0] - 1) / 2])
    x, y = np.moveaxis((points - middle) / focal, -1, 0)
    return np.stack([np.arctan(x), y / np.hypot(x, 1)], axis=-1) * focal + middle


def linked(patches: list[Patches], seed: int) -> list[Link]:
    """Return the pairs of pictures that share enough: more matches agree than agree by chance."""
    found = []
    for i, j in combinations(range(len(patches)), 2):
        pairs = match(patches[i].descriptors, patches[j].descriptors, _RATIO)
        if len(pairs) < 8:
            continue
        a, b = patches[i].points[pairs[:, 0]], patches[j].points[pairs[:, 1]]
        matrix, agree, _ = consensus("homography", b, a, _TOLERANCE, _SAMPLES, seed)
        if agree.sum() > 8 + 0.3 * len(pairs):
            found.append(Link(i, j, matrix, np.hstack([a, b])[agree]))
    return found


def spanning_tree(links: list[Link], count: int) -> tuple[list[Link], list[int]]:
    """Return the links of the tree with the most matches, and the pictures that it does not reach."""
    group = list(range(count))
    kept = []
    for link in sorted(links, key=lambda link: (-len(link.points), link.first, link.second)):
        a, b = group[link.first], group[link.second]
        if a != b:
            kept.append(link)
            group = [a if g == b else g for g in group]
    main = max(set(group), key=lambda g: (group.count(g), -g))
    return kept, [i for i in range(count) if group[i] != main]


def chained(tree: list[Link], matrices: list[Array], count: int) -> tuple[int, list[Array]]:
    """Return the picture in the middle of the tree, and the matrix from each picture to it.

    Parameters
    ----------
    tree
        Links without a cycle that reach all pictures.
    matrices
        Of each link, from its second picture to its first.
    count
        Of pictures.
    """
    paths = [_from_root(root, tree, matrices, count) for root in range(count)]
    far = [max(depths) for depths, _ in paths]
    root = min(range(count), key=lambda r: (far[r], sum(paths[r][0])))
    return root, paths[root][1]


def _from_root(root: int, tree: list[Link], matrices: list[Array], count: int) -> tuple[list[int], list[Array]]:
    depth, found = {root: 0}, {root: np.eye(3)}
    while len(found) < count:
        for link, matrix in zip(tree, matrices, strict=True):
            if link.first in found and link.second not in found:
                found[link.second] = found[link.first] @ matrix
                depth[link.second] = depth[link.first] + 1
            elif link.second in found and link.first not in found:
                found[link.first] = found[link.second] @ np.linalg.inv(matrix)
                depth[link.first] = depth[link.second] + 1
    return [depth[i] for i in range(count)], [found[i] / found[i][2, 2] for i in range(count)]


def focal_length(links: list[Link], shapes: list[tuple[int, int]]) -> float | None:
    """Return the median of the focal lengths, in pixels, that fit the homographies of a turning camera, or None."""
    found = []
    for link in links:
        (h1, w1), (h2, w2) = shapes[link.first], shapes[link.second]
        before = np.array([[1, 0, (w2 - 1) / 2], [0, 1, (h2 - 1) / 2], [0, 0, 1]])
        after = np.array([[1, 0, -(w1 - 1) / 2], [0, 1, -(h1 - 1) / 2], [0, 0, 1]])
        found += _focals(after @ link.matrix @ before)
    reasonable = [f for f in found if 0.3 * max(shapes[0]) < f < 20 * max(shapes[0])]
    return float(np.median(reasonable)) if reasonable else None


def _focals(h: Array) -> list[float]:
    """Return the focal lengths before and after a homography K₁ R K₀⁻¹: columns and rows of R stand upright."""
    (a, b, c), (d, e, f), (g, k, _) = h / h[2, 2]
    found = []
    with np.errstate(all="ignore"):
        for above, below in ((-(a * b + d * e), g * k), (b * b + e * e - a * a - d * d, g * g - k * k)):
            found.append(above / below)
        for above, below in ((-c * f, a * d + b * e), (f * f - c * c, a * a + b * b - d * d - e * e)):
            found.append(above / below)
    return [math.sqrt(v) for v in found if np.isfinite(v) and v > 0]


def turns_on_cylinder(tree: list[Link], focal: float, shapes: list[tuple[int, int]]) -> list[Array]:
    """Return the matrix of each link between unrolled cylinders: similarities, of the matches that agree."""
    found = []
    for link in tree:
        a = on_cylinder(link.points[:, :2], focal, shapes[link.first])
        b = on_cylinder(link.points[:, 2:], focal, shapes[link.second])
        matrix, agree, _ = consensus("similarity", b, a, 2 * _TOLERANCE, _SAMPLES, 0)
        found.append(matrix if agree.sum() > 4 else fit("similarity", b, a))
    return found

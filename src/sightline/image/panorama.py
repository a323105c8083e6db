"""How a panorama is laid out: which pictures belong together, where each one lies, how bright it is, where seams run.

Brown & Lowe 2007, "Automatic Panoramic Image Stitching using Invariant Features", IJCV 74(1): the bound on matches that
agree (section 3.2), gain compensation (section 6) and multi-band blending (section 7). The focal length of a picture is
read off its homographies, and the cylinder unrolled, by Szeliski & Shum 1997, "Creating Full View Panoramic Image
Mosaics and Environment Maps", SIGGRAPH.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from sightline.core.types import Array
from sightline.image.distance_transform import distance_transform
from sightline.image.fit_transform import consensus, fit, project
from sightline.image.gaussian_pyramid import pyramid_of
from sightline.image.laplacian_pyramid import bands_of, sum_of_bands
from sightline.image.oriented_patches import Patches, match
from sightline.image.warp import warp_by

_RATIO, _TOLERANCE, _SAMPLES = 0.85, 3.0, 2000
_NOISE, _SPREAD = 10 / 255, 0.1  # σ of brightness and of gains, Brown and Lowe's


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

    def backward(self, points: Array) -> Array:
        """Return points of the sheet as points of the picture."""
        flat = project(np.linalg.inv(self.matrix), points)
        if not self.focal:
            return flat
        height, width = self.shape
        middle = np.array([(width - 1) / 2, (height - 1) / 2])
        angle, level = np.moveaxis((flat - middle) / self.focal, -1, 0)
        with np.errstate(invalid="ignore"):
            depth = np.where(np.abs(angle) < 1.4, np.cos(angle), np.nan)
        return np.stack([np.tan(angle), level / depth], axis=-1) * self.focal + middle


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


def field_of(placement: Placement, sheet: tuple[int, int]) -> tuple[Array, Array]:
    """Return where each pixel of the sheet lies in the picture, h×w×2 float32, and which of them lie inside it."""
    y, x = np.mgrid[: sheet[0], : sheet[1]].astype(np.float64)
    field = placement.backward(np.stack([x, y], axis=2).reshape(-1, 2)).reshape(*sheet, 2)
    height, width = placement.shape
    with np.errstate(invalid="ignore"):
        inside = np.all((field >= -0.5) & (field <= (width - 0.5, height - 0.5)), axis=2)
    field = np.nan_to_num(field, nan=-1e6, posinf=1e6, neginf=-1e6).clip(-1e6, 1e6)
    return field.astype(np.float32), inside


def lay(image: Array, field: Array) -> Array:
    """Return a float32 picture on the sheet; its border pixels go on beyond it, so that blurs see no edge."""
    return warp_by("stitch", image, field, "bilinear", "edge", 0.0)


def gains_of(laid: list[Array], inside: list[Array]) -> Array:
    """Return a factor for each picture under which the overlaps are equally bright, and all are near 1."""
    count = len(laid)
    left, right = np.zeros((count, count)), np.zeros(count)
    for i, j in combinations(range(count), 2):
        both = inside[i] & inside[j]
        n = int(both.sum())
        if n == 0:
            continue
        a, b = float(laid[i][both].mean()), float(laid[j][both].mean())
        for p, q, own, other in ((i, j, a, b), (j, i, b, a)):
            left[p, p] += n * (2 * own * own / _NOISE**2 + 1 / _SPREAD**2)
            left[p, q] -= 2 * n * own * other / _NOISE**2
            right[p] += n / _SPREAD**2
    alone = np.diag(left) == 0
    left[alone, alone] = right[alone] = 1
    return np.linalg.solve(left, right)


def seams_of(inside: list[Array]) -> Array:
    """Return which picture each pixel of the sheet is taken from: the one whose border is farthest; −1 for none."""
    framed = [np.pad(mask, 1) for mask in inside]
    depth = np.stack([distance_transform(mask)[1:-1, 1:-1] for mask in framed])
    return np.where(depth.max(axis=0) > 0, depth.argmax(axis=0), -1).astype(np.int32)


def blended(laid: list[Array], owner: Array, levels: int) -> Array:
    """Return the pictures on one sheet, float32: each band of detail is mixed over as far as its waves are long."""
    total: list[Array] = []
    weights: list[Array] = []
    for i, picture in enumerate(laid):
        shares = pyramid_of((owner == i).astype(np.float32), levels)
        bands = bands_of(picture, levels)
        for k, (band, share) in enumerate(zip(bands, shares, strict=True)):
            part = band * (share[..., None] if band.ndim == 3 else share)
            if i == 0:
                total.append(part)
                weights.append(share.copy())
            else:
                total[k] += part
                weights[k] += share
    for band, weight in zip(total, weights, strict=True):
        band /= np.maximum(weight, np.float32(1e-6))[(..., None) if band.ndim == 3 else ...]
    return sum_of_bands(total)


def largest_rectangle(mask: Array) -> tuple[int, int, int, int]:
    """Return (y0, y1, x0, x1) of the largest upright rectangle of true pixels, by a stack of rising columns."""
    best, found = 0, (0, mask.shape[0], 0, mask.shape[1])
    heights = np.zeros(mask.shape[1] + 1, np.int64)
    for y, row in enumerate(mask):
        heights[:-1] = np.where(row, heights[:-1] + 1, 0)
        stack: list[tuple[int, int]] = []
        for x, tall in enumerate(heights.tolist()):
            start = x
            while stack and stack[-1][1] >= tall:
                start, top = stack.pop()
                if top * (x - start) > best:
                    best, found = top * (x - start), (y + 1 - top, y + 1, start, x)
            stack.append((start, tall))
    return found

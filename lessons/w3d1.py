# %% [markdown]
# # w3d1 · Corners
#
# **Question.** Which points of a photo can be found again?
#
# You take a second photo of the same place, a step to the side. To compare the two, you need points that you can find
# in both. A point on a white wall looks like every other point of the wall. Which points do not?
#
# ## Predict first
#
# 1. A small window lies on a straight edge, and you move it along that edge. How much does what it shows change?
# 2. You turn the photo by 30°. How many of its corners are found again: a tenth, more than half, all?
# 3. You shrink the photo to a third. How many now?
# 4. A corner lies between pixels. How exactly can you say where: to a pixel, half a pixel, a hundredth?

# %%
import math

import numpy as np

import sightline as sl
from sightline.features.structure_tensor import _harris, _least_eigenvalue
from sightline.lab.blackboard import pictures, source_of

photo = sl.image.resize(sl.data.sample("camera", mode="gray"), (320, 320))
photo.shape, photo.dtype

# %% [markdown]
# ## The idea in words
#
# Take a small window, and move it a little. On a wall nothing changes. On an edge something changes, but not when you
# move along the edge. On a corner everything changes, whichever way you move. So measure the change for the *worst*
# way.

# %%
scene = np.zeros((60, 60), np.float32)
scene[30:, 30:] = 1  # one bright square: a corner at (30, 30), edges to the right and below
ways = [(1, 0), (0, 1), (1, 1), (1, -1)]
for name, (x, y) in {"wall": (12, 12), "edge": (50, 30), "corner": (30, 30)}.items():
    here = scene[y - 4 : y + 5, x - 4 : x + 5]
    change = [float(((scene[y + v - 4 : y + v + 5, x + u - 4 : x + u + 5] - here) ** 2).sum()) for u, v in ways]
    print(f"{name:6} change for {ways}: {change}, the least {min(change):.0f}")
    assert (min(change) > 0) == (name == "corner")

# %% [markdown]
# **Answer 1.** Along the edge: not at all. The window slides, and you cannot tell.
#
# ## The equation
#
# Trying all ways is slow. For small steps (u, v) the change is a quadratic form of the derivatives (w1d6):
#
# $$ E(u, v) \approx (u, v) \; M \begin{pmatrix} u \\ v \end{pmatrix}, \qquad M = \sum_{\text{window}}
# \begin{pmatrix} d_x^2 & d_x d_y \\ d_x d_y & d_y^2 \end{pmatrix} $$
#
# M is the **structure tensor**. Its smaller eigenvalue is the change in the worst direction. Shi and Tomasi take that.
# Harris and Stephens, with less computing power, take a number that is large when both eigenvalues are:
#
# $$ R = \det M - k \, (\operatorname{trace} M)^2 $$

# %%
sl.trace(sl.features.harris, photo)

# %%
harris, smaller = sl.features.harris(scene), sl.features.shi_tomasi(scene)
for name, (x, y) in {"wall": (12, 12), "edge": (50, 30), "corner": (30, 30)}.items():
    print(f"{name:6} Harris {harris[y, x]:+.4f}, smaller eigenvalue {smaller[y, x]:.4f}")
assert harris[12, 12] == 0
assert harris[30, 50] < 0  # negative: change, but in one direction only
assert harris[30, 30] > 0
assert abs(smaller[30, 50]) < 1e-6
assert smaller.max() > 0.05
sl.trace(sl.features.shi_tomasi, photo)

# %% [markdown]
# A response is not yet a corner. Keep the peaks; drop the weak ones; and where two are close, keep the stronger. These
# are the **good features to track**.

# %%
corners = sl.features.good_features(photo, 200, 0.02, 8)
apart = np.hypot(*(corners[:, None] - corners[None]).transpose(2, 0, 1))
np.fill_diagonal(apart, np.inf)
print(len(corners), f"corners; the two nearest are {apart.min():.1f} pixels apart")
assert len(corners) > 100
assert apart.min() >= 8
sl.trace(sl.features.good_features, photo, 200, 0.02, 8)

# %% [markdown]
# ## Can they be found again?
#
# That was the question, so measure it. Turn the photo by a known angle, look for corners anew, and turn those back. The
# share that comes to lie within two pixels of an old corner is the **repeatability**.


# %%
def moved(points, matrix):
    """Return points moved by a 2×3 matrix."""
    return points @ matrix[:, :2].T + matrix[:, 2]


def repeatability(image, matrix, size):
    """Share of the corners of ``image`` that are corners of the image moved by ``matrix``, too."""
    other = sl.image.warp_affine(image, matrix, size, border="edge")
    old, new = (sl.features.good_features(picture, 300, 0.02, 6) for picture in (image, other))
    where = moved(old, matrix)
    inside = ((where > 10) & (where < np.array(size[::-1]) - 10)).all(axis=1)
    distance = np.hypot(*(where[inside, None] - new[None]).transpose(2, 0, 1)).min(axis=1)
    return float((distance <= 2).mean())


height, width = photo.shape
c, s = math.cos(math.radians(30)), math.sin(math.radians(30))
x, y = width / 2, height / 2
turn = np.array([[c, -s, x - c * x + s * y], [s, c, y - s * x - c * y]])
shrink = np.array([[1 / 3, 0, 0], [0, 1 / 3, 0]])
turned = repeatability(photo, turn, photo.shape)
brighter = repeatability(np.clip(photo * 0.5 + 60, 0, 255).astype(np.uint8), np.eye(2, 3), photo.shape)
blurred = sl.image.gaussian_blur(photo, 1.2)  # or shrinking makes patterns of its own (w1d3)
shrunk = repeatability(blurred, shrink, (height // 3, width // 3))
print(f"found again: turned by 30° {turned:.0%}, half the contrast {brighter:.0%}, a third of the size {shrunk:.0%}")
assert turned > 0.5
assert brighter > 0.9
assert shrunk < turned

# %% [markdown]
# **Answers 2 and 3.** Most survive the turn: eigenvalues do not know where up is, and only the weak ones suffer
# from the new grid. Size matters more. What was a rounded shape is now a corner, and fine corners are gone. Tomorrow's
# detectors look for the size, too.
#
# ## Faster: ask sixteen pixels
#
# FAST makes no derivative at all. Look at a ring of sixteen pixels. If nine in a row are all brighter, or all darker
# than the middle, it is a corner. Most pixels are dismissed after looking at a few of the ring.

# %%
quick = sl.features.fast(photo, 40)
near = np.hypot(*(quick.points[:, None] - corners[None]).transpose(2, 0, 1)).min(axis=0) <= 3
print(len(quick), f"corners; {near[:50].mean():.0%} of the 50 best above are among them")
assert len(quick) > 100
assert near[:50].mean() > 0.5
edge_only = scene.copy()
edge_only[:, 30:] = 1  # an upright edge: eight of sixteen at most are on the other side
assert len(sl.features.fast((edge_only * 255).astype(np.uint8), 40)) == 0
sl.trace(sl.features.fast, photo, 40)

# %% [markdown]
# ## Between the pixels
#
# A corner is where edges meet. Each pixel near it says: *the corner lies on the line through me, across my gradient*.
# So at the corner q, every difference to a pixel p is at right angles to the gradient g of p:
#
# $$ g_p^\top (q - p) = 0 \quad\Rightarrow\quad q = \Big(\sum g_p g_p^\top\Big)^{-1} \sum g_p g_p^\top p $$
#
# The matrix is M again: where it cannot be inverted there is no corner.

# %%
random = np.random.default_rng(0)
fine = np.kron((np.indices((6, 8)).sum(axis=0) % 2) * 150.0 + 50, np.ones((20, 20)))
truth = np.array([[20.0 * i - 0.5, 20.0 * j - 0.5] for j in range(1, 6) for i in range(1, 8)])
c, s = math.cos(0.12), math.sin(0.12)
place = np.array([[c, -s, 12.3], [s, c, -3.4]])
board = sl.image.gaussian_blur(sl.image.warp_affine(fine.astype(np.float32), place, border="edge"), 0.8)
board = np.clip(board + random.normal(0, 3, board.shape), 0, 255).astype(np.uint8)
known = moved(truth, place)
known = known[((known > 8) & (known < np.array(board.shape[::-1]) - 9)).all(axis=1)]
rough = np.rint(known)
exact = sl.features.corner_subpixel(board, rough, 4)
before, after = (float(np.sqrt(((found - known) ** 2).sum(axis=1).mean())) for found in (rough, exact))
print(f"{len(known)} corners in noise: whole pixels are off by {before:.2f}, now by {after:.3f} pixels")
assert after < 0.1
assert after < before / 4
sl.trace(sl.features.corner_subpixel, board, rough, 4)

# %% [markdown]
# **Answer 4.** Some hundredths of a pixel, because many pixels speak. Cameras are calibrated with that (w3d4).
#
# ## Our source
#
# One row of smoothed products becomes one row of the response, for Harris and for Shi–Tomasi:

# %%
print(source_of(_harris))
print(source_of(_least_eigenvalue))

# %% [markdown]
# ## The peer's answer beside ours

# %%
try:
    import cv2
except ModuleNotFoundError:
    print("OpenCV is not installed here; pip install opencv-python-headless shows its answer.")
else:
    theirs = cv2.cornerHarris(np.float32(photo) / 255, 3, 3, 0.04)
    ours = sl.features.harris(photo, 0.04, block=3)
    apart = float(np.abs(theirs / 16 - ours).max() / np.abs(ours).max())
    print(f"Harris, largest difference from OpenCV: {apart:.1e} of the largest response (theirs is 16 times ours)")
    assert apart < 1e-4
    start = np.ascontiguousarray(rough[:, None], np.float32)
    theirs = cv2.cornerSubPix(board, start, (4, 4), (-1, -1), (3, 40, 1e-3))[:, 0]
    error = float(np.sqrt(((theirs - known) ** 2).sum(axis=1).mean()))
    print(f"between pixels: OpenCV is off by {error:.3f} pixels, we by {after:.3f}")

# %% [markdown]
# ## Where it fails
#
# Not every corner is a thing. Two edges at different depths cross in the photo, and their crossing wanders when you
# move. And what is textured everywhere, grass or noise, has corners everywhere: easy to find, hard to tell apart.

# %%
grass = random.integers(0, 256, (200, 200), dtype=np.uint8)
many = sl.features.fast(grass, 40)
print(f"FAST in noise: {len(many)} corners, {len(many) / grass.size:.1%} of all pixels")
print(f"FAST in the photo: {len(quick) / photo.size:.2%} of all pixels")
assert len(many) / grass.size > 3 * len(quick) / photo.size
print("in fog:", len(sl.features.fast(np.clip(photo * 0.1 + 180, 0, 255).astype(np.uint8), 40)), "corners")
pictures(noise=sl.image.draw.keypoints(grass, many.points), photo=sl.image.draw.keypoints(photo, quick.points))

# %% [markdown]
# ## Exercise
#
# Write `smaller_eigenvalue(dx, dy)`: the Shi–Tomasi response of one window. `dx` and `dy` are the derivatives inside
# it, float arrays of the same shape. Sum dx², dx·dy and dy² into the matrix M, and return its smaller eigenvalue.

# %% tags=["exercise"]
import numpy as np


def smaller_eigenvalue(dx, dy):
    """Return the smaller eigenvalue of the structure tensor of one window."""
    raise NotImplementedError("your turn")


# %% [markdown]
# ## What you take with you
#
# - A corner is where every small move changes what you see.
# - The structure tensor says in two eigenvalues: wall, edge or corner.
# - Corners endure turns and light, not a change of size.

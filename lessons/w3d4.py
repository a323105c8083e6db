# %% [markdown]
# # w3d4 · The camera
#
# **Question.** How do metres become pixels?
#
# A photo is a world pressed flat. To measure in it, to put a drawn cube on a real table, or to let two photos give
# depth, you must know how the camera pressed: which ray each pixel looked along.
#
# ## Predict first
#
# 1. A thing moves twice as far away. How large is it in the photo?
# 2. Through an ideal camera: does a straight line stay straight? Do parallel lines stay parallel?
# 3. A real lens bends lines. Where most: in the middle of the photo, or at its rim?
# 4. You photograph a flat chessboard. Is one photo from the front enough to know the focal length?

# %%
import numpy as np

import sightline as sl
from sightline.geometry.distortion import bent
from sightline.lab.blackboard import pictures, source_of

size = (240, 320)
matrix = np.array([[300.0, 0, 162], [0, 302, 117], [0, 0, 1]])
ideal = sl.geometry.Camera(matrix, (), size)
ideal.focal, ideal.center

# %% [markdown]
# ## The idea in words
#
# All light goes through one point, the **pinhole**. Put the picture one unit in front of it. A point at (X, Y, Z) is
# seen at (X/Z, Y/Z): that division is the whole of perspective. Then pixels: times the focal length, plus the middle.
# And before all that, turn and shift the world into the camera's own axes: x to the right, y down, z ahead.
#
# ## The equation
#
# $$ s \begin{pmatrix} u \\ v \\ 1 \end{pmatrix} = K \, [R \mid t] \begin{pmatrix} X \\ Y \\ Z \\ 1 \end{pmatrix},
# \qquad K = \begin{pmatrix} f_x & 0 & c_x \\ 0 & f_y & c_y \\ 0 & 0 & 1 \end{pmatrix} $$
#
# K is the camera, four numbers. R and t are where it stands, six: three to turn, three to shift.

# %%
near, far = (sl.geometry.project(np.array([[0, 0, z], [0.3, 0, z]]), ideal) for z in (2.0, 4.0))
print("30 cm wide, seen from 2 m:", near[1, 0] - near[0, 0], "pixels; from 4 m:", far[1, 0] - far[0, 0])
assert np.isclose(near[1, 0] - near[0, 0], 2 * (far[1, 0] - far[0, 0]))
rails = np.array([[x, 0.8, z] for x in (-0.7, 0.7) for z in (2.0, 4.0, 8.0, 1e6)])  # two rails on the ground
left, right = sl.geometry.project(rails, ideal).reshape(2, 4, 2)
print("the rails are apart by", np.round(right[:, 0] - left[:, 0], 1).tolist(), "pixels")
assert right[3, 0] - left[3, 0] < 0.01  # parallel lines meet, in the vanishing point
slopes = np.diff(left[:, 1]) / np.diff(left[:, 0])
assert np.allclose(slopes, slopes[0])  # and each is straight
assert np.isnan(sl.geometry.project(np.array([[0, 0, -1.0]]), ideal)).all()  # behind the camera is nothing

# %% [markdown]
# **Answers 1 and 2.** Half as large. Straight stays straight; parallel does not stay parallel.
#
# A turn has three numbers: an axis, and how far about it. `rodrigues` makes the 3×3 matrix of them, and back.

# %%
turn = np.array([0.6, -0.4, 0.1])
rotation = sl.geometry.rodrigues(turn)
print("turned by", round(float(np.degrees(np.linalg.norm(turn)))), "° about", np.round(turn / np.linalg.norm(turn), 2))
assert np.allclose(rotation @ rotation.T, np.eye(3))
assert np.allclose(sl.geometry.rodrigues(rotation), turn)
assert np.allclose(rotation @ turn, turn)  # the axis stays where it is

# %% [markdown]
# ## The lens
#
# A pinhole lets hardly any light in. A lens does, and bends. Most of it depends on the distance from the middle:
#
# $$ x_d = x \, (1 + k_1 \rho^2 + k_2 \rho^4) + \dots, \qquad \rho^2 = x^2 + y^2 $$

# %%
camera = sl.geometry.Camera(matrix, (-0.30, 0.12, 0.001, -0.0005), size)
grid = np.stack(np.meshgrid(np.linspace(10, 310, 7), np.linspace(10, 230, 5)), axis=2).reshape(-1, 2)
bowed = sl.geometry.distort_points(grid, camera)
shift = np.hypot(*(bowed - grid).T)
radius = np.hypot(*(grid - camera.center).T)
print(f"moved by {shift[radius.argmin()]:.2f} pixels in the middle, by {shift[radius.argmax()]:.1f} in the corner")
assert shift[radius.argmax()] > 10
assert shift[radius.argmin()] < 0.1
back = sl.geometry.undistort_points(bowed, camera)
assert np.abs(back - grid).max() < 1e-6

# %% [markdown]
# **Answer 3.** At the rim. Now make photos: draw a board of 7×5 inner corners, 3 cm each, hold it in front of the
# camera in several ways, and let the lens bend what is seen. For a flat thing, the camera is a homography (w3d3).

# %%
shape, square, side = (7, 5), 0.03, 24  # inner corners; metres; pixels of a square in the drawing
cells = (np.indices((shape[1] + 1, shape[0] + 1)).sum(axis=0) % 2).astype(np.float32)
drawing = np.pad(np.kron(cells, np.ones((side, side), np.float32)), side, constant_values=0.9)
board = np.array([[x * square, y * square, 0] for y in range(shape[1]) for x in range(shape[0])])
metres = np.array([[square / side, 0, 0], [0, square / side, 0], [0, 0, 1.0]])
metres[:2, 2] = -square * (2 - 0.5 / side)  # the first inner corner is the origin
y, x = np.mgrid[: size[0], : size[1]].astype(np.float64)
seen_by = sl.geometry.undistort_points(np.stack([x.ravel(), y.ravel()], axis=1), camera)
field = seen_by.reshape(*size, 2).astype(np.float32)  # where each pixel of the bent photo looks in the straight one


def take(turn, shift):
    """Return a photo of the board."""
    flat = matrix @ np.column_stack([sl.geometry.rodrigues(np.array(turn))[:, :2], shift]) @ metres
    straight = sl.image.warp_perspective(drawing, flat, size, value=0.45)
    return sl.to_uint8(sl.image.gaussian_blur(sl.image.warp(straight, field, border="edge"), 0.7))


poses = [
    ((0.0, 0.0, 0.0), (-0.09, -0.06, 0.35)),
    ((0.5, 0.0, 0.1), (-0.12, -0.06, 0.34)),
    ((-0.5, 0.1, 0.0), (-0.06, -0.07, 0.33)),
    ((0.1, 0.55, 0.0), (-0.08, -0.04, 0.33)),
    ((0.0, -0.5, -0.1), (-0.09, -0.07, 0.36)),
    ((0.35, 0.35, 0.2), (-0.10, -0.08, 0.36)),
]
photos = [take(*pose) for pose in poses]
pictures(front=photos[0], tilted=photos[1], turned=photos[3])

# %% [markdown]
# ## Find the board, find the camera
#
# The corners of a board are easy to find to a tenth of a pixel (w3d1). We know where they are on the board. So each
# photo gives 35 pairs of metres and pixels, and a homography; homographies of several tilts fix K; then all numbers
# together are improved until the corners fall where they were seen (Zhang's method).

# %%
found = [sl.geometry.find_chessboard(photo, shape) for photo in photos]
truth = [sl.geometry.project(board, camera, np.array(turn), np.array(shift)) for turn, shift in poses]
away = [
    float(np.hypot(*(f[:, None] - t).transpose(2, 0, 1)).min(axis=1).max()) for f, t in zip(found, truth, strict=True)
]
print("corners are off by at most", np.round(away, 2).tolist(), "pixels")
assert max(away) < 0.3
sl.trace(sl.geometry.find_chessboard, photos[1], shape)

# %%
result = sl.geometry.calibrate(board, found, size, lens="brown")
print("true focal lengths (300, 302), found", np.round(result.camera.focal, 1))
print("true middle (162, 117), found", np.round(result.camera.center, 1))
print("true k1, k2 (−0.30, 0.12), found", np.round(result.camera.distortion[:2], 2), f"; rms {result.rms:.2f} pixels")
assert np.abs(np.array(result.camera.focal) - [300, 302]).max() < 3
assert np.abs(np.array(result.camera.center) - [162, 117]).max() < 3
assert abs(result.camera.distortion[0] + 0.30) < 0.05
assert result.rms < 0.2

# %% [markdown]
# ## What it is good for (1): straight lines
#
# With the lens known, undo it. How far is the board's lower row of corners from a straight line?


# %%
def bow(points):
    """Return how far points are from the straight line through them, root mean square, in pixels."""
    return float(np.linalg.svd(points - points.mean(axis=0))[1][1] / np.sqrt(len(points)))


straight = sl.geometry.undistort(photos[0], result.camera)
before = max(bow(row) for row in found[0].reshape(5, 7, 2))
after = max(bow(row) for row in sl.geometry.undistort_points(found[0], result.camera).reshape(5, 7, 2))
print(f"the rows are off a straight line by up to {before:.2f} pixels, undistorted by {after:.2f}")
assert after < before / 4
sl.trace(sl.geometry.undistort, photos[0], result.camera)

# %% [markdown]
# ## (2): where am I? Put a cube on the board
#
# Known points, known camera, one photo: the pose. That is *perspective-n-point*. With the pose, anything can be drawn
# where it would stand.

# %%
pose = sl.geometry.pnp(board, found[1], result.camera)
apart = float(np.linalg.norm(pose.translation - poses[1][1]))
print("the board is at", np.round(pose.translation, 3), f"metres; true {poses[1][1]}; off by {apart * 1000:.1f} mm")
assert apart < 0.01
base = np.array([[2, 1, 0], [4, 1, 0], [4, 3, 0], [2, 3, 0]]) * square
cube = np.vstack([base, base - [0, 0, 2 * square]])  # z points into the board
at = sl.geometry.project(cube, result.camera, pose.rotation, pose.translation)
edges = (
    [(i, (i + 1) % 4) for i in range(4)] + [(i + 4, (i + 1) % 4 + 4) for i in range(4)] + [(i, i + 4) for i in range(4)]
)
lines = np.array([[*at[i], *at[j]] for i, j in edges], np.float32)
pictures(cube=sl.image.draw.lines(photos[1], lines))

# %% [markdown]
# ## Our source
#
# What the lens does to one point, with its derivatives, so that it can be undone by Newton's steps:

# %%
print(source_of(bent))

# %% [markdown]
# ## The peer's answer beside ours

# %%
try:
    import cv2
except ModuleNotFoundError:
    print("OpenCV is not installed here; pip install opencv-python-headless shows its answer.")
else:
    metric = [board.astype(np.float32)] * len(found)
    rms, theirs, lens, *_ = cv2.calibrateCamera(metric, found, size[::-1], None, None, flags=cv2.CALIB_FIX_K3)
    print("OpenCV: focal lengths", np.round([theirs[0, 0], theirs[1, 1]], 3), f"rms {rms:.4f}")
    print("ours:   focal lengths", np.round(result.camera.focal, 3), f"rms {result.rms:.4f}")
    assert np.allclose([theirs[0, 0], theirs[1, 1]], result.camera.focal, rtol=1e-3)

# %% [markdown]
# ## Where it fails
#
# **Answer 4.** From the front, near with a short focal length looks like far with a long one. All photos from one
# direction say nothing, and nearly one direction says little: noise decides.

# %%
random = np.random.default_rng(0)
front = [sl.geometry.project(board, ideal, None, np.array([0.01 * i - 0.09, -0.06, 0.35])) for i in range(4)]
front = [view + random.normal(0, 0.1, view.shape) for view in front]
try:
    sl.geometry.calibrate(board, front, size, lens="none")
except sl.InputError as error:
    print(error)
else:
    raise AssertionError("a focal length out of nothing")
spread = {}
for tilt in (0.08, 0.6):
    focals = []
    for _ in range(8):
        turns = [(tilt, 0, 0), (0, tilt, 0), (-tilt, 0, 0), (0, -tilt, 0)]
        views = [sl.geometry.project(board, ideal, np.array(t), np.array([-0.09, -0.06, 0.35])) for t in turns]
        noisy = [view + random.normal(0, 0.2, view.shape) for view in views]
        focals.append(sl.geometry.calibrate(board, noisy, size, lens="none").camera.focal[0])
    spread[tilt] = float(np.std(focals))
    print(f"tilted by {np.degrees(tilt):.0f}°: focal length {np.mean(focals):.0f} ± {spread[tilt]:.1f}, true 300")
assert spread[0.08] > 3 * spread[0.6]

# %% [markdown]
# ## Exercise
#
# Write `see(points, matrix, rotation, translation)`: the ideal camera. `points` is N×3 in the world, `matrix` K,
# `rotation` R (3×3) and `translation` t (3 numbers). Return N×2 pixels; NaN for points that are not in front of the
# camera (depth ≤ 0).

# %% tags=["exercise"]
import numpy as np


def see(points, matrix, rotation, translation):
    """Return where a pinhole camera sees points of the world."""
    raise NotImplementedError("your turn")


# %% [markdown]
# ## What you take with you
#
# - Perspective is a division by depth.
# - Four numbers are the camera, six are where it stands, some more are the lens.
# - Calibrate with tilted boards, up to the rim of the photo.

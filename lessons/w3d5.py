# %% [markdown]
# # w3d5 · Two views and stereo
#
# **Question.** How do two photos give depth?
#
# One photo does not: each pixel is a ray, and what was seen may be anywhere along it. A second photo from elsewhere
# gives a second ray. Where they cross, the thing is.
#
# ## Predict first
#
# 1. You mark a point in the left photo. Where may the thing be in the right one: anywhere, on a line, at one place?
# 2. You put the two cameras twice as far apart. What happens to the shift of a thing between the photos?
# 3. The shift is wrong by a quarter pixel. At 2 m that costs so much depth. At 8 m: 4 times as much, 16 times?
# 4. Two photos, nothing else known. Can you tell a street from a model of it on a table?

# %%
import numpy as np

import sightline as sl
from sightline.geometry.triangulate import _solve_rows
from sightline.lab.blackboard import pictures, source_of

size = (240, 320)
camera = sl.geometry.Camera.from_focal(300, size)


def panel(name, shape, middle, width, angle=0.0):
    """Return a photo as a flat thing in the world: its pixels, and the 3×3 matrix from (x, y, 1) to metres."""
    photo = sl.image.resize(sl.data.sample(name, mode="gray"), shape)
    step = width / shape[1]
    u, v = np.array([np.cos(angle), 0, np.sin(angle)]) * step, np.array([0, step, 0])
    return photo, np.column_stack([u, v, np.array(middle) - u * shape[1] / 2 - v * shape[0] / 2])


room = [  # the farthest first
    panel("china", (400, 600), (0.3, 0, 8), 10.5),
    panel("coffee", (240, 360), (-1.6, 0.1, 4.5), 3.4, -0.7),
    panel("astronaut", (220, 220), (0.7, 0.35, 2.6), 1.1),
]


def look(rotation, translation):
    """Return the photo that a camera takes of the room, and the true depth of each pixel."""
    y, x = np.mgrid[: size[0], : size[1]]
    pixels = np.stack([x, y, np.ones_like(x)], axis=2)
    image, depth = np.zeros(size, np.uint8), np.full(size, np.inf)
    for photo, plane in room:
        there = rotation @ plane
        there[:, 2] += translation
        matrix = camera.matrix @ there
        mask = sl.image.warp_perspective(np.full(photo.shape, 255, np.uint8), matrix, size) > 254
        image[mask] = sl.image.warp_perspective(photo, matrix, size, border="edge")[mask]
        depth[mask] = 1 / (pixels @ np.linalg.inv(matrix)[2])[mask]
    return image, depth


baseline = 0.25
left, depth = look(np.eye(3), np.zeros(3))
right, _ = look(np.eye(3), np.array([-baseline, 0, 0]))
pictures(left=left, right=right, true_depth=depth)

# %% [markdown]
# ## The idea in words
#
# The left ray, seen by the right camera, is a line: the **epipolar line**. The thing must be on it. **Answer 1.** So a
# search over a picture becomes a search along a line. All of it is in one 3×3 matrix F.
#
# ## The equation
#
# $$ x'^\top F \, x = 0, \qquad F = K^{-\top} E \, K^{-1}, \qquad E = [t]_\times R $$
#
# Two equal cameras side by side are the simplest case: epipolar lines are rows. The shift along the row is the
# **disparity** d, and with focal length f and baseline b
#
# $$ Z = \frac{f \, b}{d} $$
#
# ## Two photos, taken from anywhere

# %%
turn = sl.geometry.rodrigues(np.array([0.03, -0.10, 0.02]))
step = np.array([-0.5, 0.05, 0.12])
moved, _ = look(turn, step)
a, b = sl.features.sift(left, 600), sl.features.sift(moved, 600)
pairs = sl.features.match(a, b, 0.85)
print(len(pairs.indices), "matches, some of them wrong")
pictures(matches=pairs.draw(left, moved))

# %%
matrix = sl.geometry.fundamental(pairs.points_a, pairs.points_b, threshold=1.0)
print(f"{matrix.inliers.sum()} of {len(pairs.indices)} pairs agree on one F, after {matrix.rounds} samples")
assert 0.5 < matrix.inliers.mean() < 1
chosen = pairs[matrix.inliers][:: max(1, int(matrix.inliers.sum()) // 12)]
lines = sl.geometry.epipolar_lines(chosen.points_a, matrix)
away = np.abs((sl.geometry.to_homogeneous(chosen.points_b) * lines).sum(axis=1))
print(f"partners are off their lines by {np.median(away):.2f} pixels (median)")
assert np.median(away) < 0.7
ends = np.stack([np.zeros(len(lines)), np.full(len(lines), size[1] - 1.0)], axis=1)
height = -(lines[:, 2:] + lines[:, :1] * ends) / lines[:, 1:2]
drawn = sl.image.draw.lines(moved, np.stack([ends, height], axis=2).reshape(-1, 4).astype(np.float32))
pictures(points=sl.image.draw.keypoints(left, chosen.points_a), lines=sl.image.draw.keypoints(drawn, chosen.points_b))

# %% [markdown]
# With a known camera (w3d4) five pairs are enough for E, and E is a turn and a direction: where the second camera
# stands. Then rays cross, and every pair is a place in the room.

# %%
found = sl.geometry.essential(pairs.points_a, pairs.points_b, camera, threshold=1.0)
pose = sl.geometry.recover_pose(found, pairs.points_a, pairs.points_b, camera)
angle = np.degrees(np.linalg.norm(sl.geometry.rodrigues(pose.rotation @ turn.T)))
aside = np.degrees(np.arccos(pose.translation @ step / np.linalg.norm(step)))
print(f"the turn is off by {angle:.2f}°, the direction by {aside:.1f}°; length {np.linalg.norm(pose.translation):.0f}")
assert angle < 0.5
assert aside < 5
sl.trace(sl.geometry.essential, pairs.points_a, pairs.points_b, camera, 1.0)

# %%
good = pairs[pose.mask]
first = camera.matrix @ np.eye(3, 4)
second = camera.matrix @ np.column_stack([pose.rotation, pose.translation])
places = sl.geometry.triangulate([first, second], [good.points_a, good.points_b], optimal=True)
x, y = np.rint(good.points_a).astype(int).T
ratio = depth[y, x] / places[:, 2]
print(f"{len(places)} places; true depth over found depth: {np.median(ratio):.3f}; the true step is", end=" ")
print(f"{np.linalg.norm(step):.3f} m")
assert abs(np.median(ratio) / np.linalg.norm(step) - 1) < 0.1
assert np.median(np.abs(ratio / np.median(ratio) - 1)) < 0.1

# %% [markdown]
# **Answer 4.** No: all depths come in units of the step between the cameras. Measure that step, or one thing in the
# room, and everything has metres.
#
# ## Depth at every pixel
#
# For side-by-side cameras, ask each pixel which shift fits best. One pixel alone fits in many places. Compare small
# squares (`block_match`), or let neighbours pay a price for differing (`sgm`):
#
# $$ \sum_p C(p, d_p) \;+\; \sum_{p, q \text{ neighbours}} P_1 [\,|d_p - d_q| = 1\,] + P_2 [\,|d_p - d_q| > 1\,] $$

# %%
disparity = sl.geometry.sgm(left, right, 40)
blocks = sl.geometry.block_match(left, right, 40)
true = 300 * baseline / depth


def report(name, found):
    """Print and return how many pixels have an answer, and how many of those are right to one pixel."""
    known = np.isfinite(found) & np.isfinite(depth)
    right_ones = (np.abs(found - true)[known] < 1).mean()
    print(f"{name:12} answers at {known.mean():.0%} of the pixels, {right_ones:.0%} of the answers are right")
    return known.mean(), right_ones


answers, exact = report("sgm", disparity)
report("block_match", blocks)
assert exact > 0.9
assert answers > 0.6
sl.trace(sl.geometry.sgm, left, right, 40)

# %%
metres = sl.geometry.disparity_to_depth(disparity, 300, baseline)
for near, distant in ((2, 3), (3, 6), (7, 9)):
    here = (depth > near) & (depth < distant) & (np.abs(disparity - true) < 1)
    print(f"{near}–{distant} m: off by {np.median(np.abs(metres - depth)[here]) * 100:.1f} cm (median)")
cost = {z: z - 300 * baseline / (300 * baseline / z + 0.25) for z in (2.0, 8.0)}
print(f"a quarter pixel costs {cost[2.0] * 100:.1f} cm at 2 m, {cost[8.0] * 100:.0f} cm at 8 m ← answer 3")
assert 14 < cost[8.0] / cost[2.0] < 17
wide, _ = look(np.eye(3), np.array([-2 * baseline, 0, 0]))
twice = sl.geometry.sgm(left, wide, 80)
both = (np.abs(disparity - true) < 1) & (np.abs(twice - 2 * true) < 2)
print(f"cameras twice as far apart: {np.median(twice[both] / disparity[both]):.2f} times the shift ← answer 2")
assert abs(np.median(twice[both] / disparity[both]) - 2) < 0.05
pictures(disparity=disparity, blocks=blocks)

# %% [markdown]
# ## When the cameras are not side by side
#
# Find how they stand, from photos of a board that both see (`stereo_calibrate`), and turn both pictures so that they
# are (`rectify`).

# %%
board = np.array([[x * 0.1, y * 0.1, 0] for y in range(5) for x in range(7)])
tilt, gap = sl.geometry.rodrigues(np.array([0.02, 0.05, -0.03])), np.array([-baseline, 0.01, 0.02])
random, seen = np.random.default_rng(0), ([], [])
for k in range(5):
    held, place = sl.geometry.rodrigues(random.uniform(-0.4, 0.4, 3)), np.array([-0.3, -0.2, 1.8 + 0.1 * k])
    for views, r, t in ((seen[0], held, place), (seen[1], tilt @ held, tilt @ place + gap)):
        views.append(sl.geometry.project(board, camera, r, t) + random.normal(0, 0.05, (35, 2)))
stand = sl.geometry.stereo_calibrate(board, *seen, camera, camera)
print("the right camera sees the left one at", np.round(stand.translation, 3), "metres; true", gap)
assert np.abs(stand.translation - gap).max() < 0.01
turned = sl.geometry.rectify(camera, camera, stand.rotation, stand.translation, size)
crooked, _ = look(tilt, gap)
level = turned.apply(left, crooked)
rows = []
for one, other in ((left, crooked), level):
    same = sl.features.match(sl.features.sift(one, 400), sl.features.sift(other, 400), 0.7)
    rows.append(float(np.median(np.abs(same.points_a[:, 1] - same.points_b[:, 1]))))
print(f"partners are apart by {rows[0]:.1f} rows, rectified by {rows[1]:.2f}")
assert rows[1] < 0.5 < rows[0]
pictures(left=level[0], right=level[1])

# %% [markdown]
# ## More than two
#
# Each further photo is added by the places that it sees (`pnp`, w3d4), and then everything is improved at once, cameras
# and places: **bundle adjustment**. All together, from photos alone, is `structure_from_motion`. And for a camera so
# far away that perspective does not show, a singular value decomposition of all tracks is enough: `factorize`.

# %%
third, _ = look(turn.T, -step)
scene = sl.geometry.structure_from_motion([left, moved, third], camera, refine=(), max_features=1000)
legs = np.linalg.norm(scene.centres[1:] - scene.centres[0], axis=1)
print(
    f"{scene.registered.sum()} cameras, {len(scene.points)} places; the two steps are as 1 to {legs[1] / legs[0]:.2f}"
)
assert scene.registered.all()
assert abs(legs[1] / legs[0] - 1) < 0.1
start, _ = sl.geometry.synthetic_bundle_problem(6, 200, views=3)
adjusted = sl.geometry.bundle_adjust(start)
print(f"cost of the misses: {adjusted.costs[0]:.0f} → {adjusted.costs[-1]:.0f} after {adjusted.iterations} steps")
assert adjusted.costs[-1] < adjusted.costs[0] / 100
thing = np.random.default_rng(0).uniform(-1, 1, (30, 3))
turns = [sl.geometry.rodrigues(np.array([0.1 * k, 0.15 * k, 0])) for k in range(8)]
tele = sl.geometry.Camera.from_focal(30000, size)
tracks = np.stack([sl.geometry.project(thing, tele, r, np.array([0, 0, 300.0])) for r in turns])
shape = sl.geometry.factorize(tracks)
print("singular values of the tracks:", np.round(shape.values[:5], 1).tolist(), "← three count")
assert shape.values[3] < 0.02 * shape.values[2]

# %% [markdown]
# ## Our source
#
# Rays never quite cross. Each view gives two linear equations for the place; the least squares of all:

# %%
print(source_of(_solve_rows))

# %% [markdown]
# ## The peer's answer beside ours

# %%
try:
    import cv2
except ModuleNotFoundError:
    print("OpenCV is not installed here; pip install opencv-python-headless shows its answer.")
else:
    raw = cv2.StereoSGBM.create(0, 48, 3, 216, 864, 1, 0, 10, 100, 2, cv2.STEREO_SGBM_MODE_HH).compute(left, right)
    report("OpenCV", np.where(raw > 0, raw / 16, np.nan))
    points = cv2.triangulatePoints(first, second, good.points_a.T, good.points_b.T)
    theirs = sl.geometry.from_homogeneous(points.T)
    plain = sl.geometry.triangulate([first, second], [good.points_a, good.points_b])
    print(f"places, largest difference from OpenCV: {np.abs(theirs - plain).max():.1e}")
    assert np.median(np.abs(theirs - plain)) < 0.01

# %% [markdown]
# ## Where it fails
#
# A camera that only turns sees no depth: rays from one point never cross. A wall without texture fits everywhere. And
# what only one camera sees has no partner: honest methods leave it out.

# %%
still, _ = look(turn, np.zeros(3))
same = sl.features.match(a, sl.features.sift(still, 600), 0.8)
try:
    pure = sl.geometry.essential(same.points_a, same.points_b, camera, threshold=1.0)
    sl.geometry.recover_pose(pure, same.points_a, same.points_b, camera, still=1.0)  # large features are off by half
except sl.InputError as error:
    print(error)
else:
    raise AssertionError("a turn alone must be refused")
one, other = np.clip(np.random.default_rng(1).normal(180, 3, (2, *size)), 0, 255).astype(np.uint8)  # noise, no texture
known = sl.geometry.sgm(one, other, 40)
hit = (np.abs(known - 9) < 1).mean()
print(f"a white wall 9 pixels apart: answers at {np.isfinite(known).mean():.0%} of the pixels, right at {hit:.0%}")
assert hit < 0.2

# %% [markdown]
# ## Exercise
#
# Write `cross(first, second, p, q)`: triangulation. `first` and `second` are 3×4 projection matrices, `p` and `q` the
# points (x, y) at which they see one thing. Each view says `x·(row 3 · X) = row 1 · X` and `y·(row 3 · X) = row 2 · X`
# for the homogeneous place X. Solve the four equations (the last row of Vᵀ of an SVD), and return 3 numbers.

# %% tags=["exercise"]
import numpy as np


def cross(first, second, p, q):
    """Return the place that two cameras see at p and q."""
    raise NotImplementedError("your turn")


# %% [markdown]
# ## What you take with you
#
# - A point in one photo is a line in the other.
# - Depth is focal length times baseline over disparity; its error grows with the square of the distance.
# - No scale without a measure, no depth without a step.

# %% [markdown]
# # w3d6 · Optical flow
#
# **Question.** Where does every pixel go?
#
# A film is photos, one after the other. What was here a moment ago is there now. The flow says for each pixel how far
# it went: two numbers, (dx, dy).
#
# ## Predict first
#
# 1. You look at a straight edge through a small hole. It moves. Can you tell along which direction?
# 2. A thing moves by 12 pixels. A method that looks at slopes sees a few pixels far. What helps?
# 3. Two things move apart. One method wants the flow to be smooth everywhere. What does it do at their border?
# 4. Nothing moves, but the sun goes behind a cloud. Is there flow?

# %%
import numpy as np

import sightline as sl
from sightline.lab.blackboard import pictures, source_of
from sightline.motion.flow_relaxation import _relax

size = (150, 200)
back = sl.image.resize(sl.data.sample("china", mode="gray"), (180, 240))
front = sl.image.resize(sl.data.sample("astronaut", mode="gray"), (60, 60))


def frame(k):
    """Return frame k: the scene moves by (-1, -0.5) a frame, the thing before it by (3, 1)."""
    shift = np.array([[1, 0, -20 - k], [0, 1, -10 - 0.5 * k], [0, 0, 1]])
    image = sl.image.warp_perspective(back, shift, size)
    image[40 + k : 100 + k, 60 + 3 * k : 120 + 3 * k] = front
    return image


def true_flow():
    """Return the flow from frame 0 to frame 1."""
    flow = np.full((*size, 2), (-1.0, -0.5), np.float32)
    flow[40:100, 60:120] = (3, 1)
    return flow


a, b, truth = frame(0), frame(1), true_flow()
wheel = np.stack(np.meshgrid(np.linspace(-1, 1, 101), np.linspace(-1, 1, 101)), axis=2).astype(np.float32)
wheel[np.hypot(wheel[..., 0], wheel[..., 1]) > 1] = np.nan
pictures(first=a, second=b, true_flow=sl.image.draw.flow(truth, largest=4), wheel=sl.image.draw.flow(wheel))

# %% [markdown]
# The hue says where to, the saturation how far. Red is to the right.
#
# ## The idea in words
#
# What moves keeps its brightness. So when a place becomes brighter, and brightness rises to the left there, the picture
# has moved to the right. One pixel gives one equation for two unknowns: only the motion across the edge shows. That is
# the **aperture problem**. **Answer 1.** No: what moves along the edge looks the same.
#
# ## The equation
#
# $$ I_x\, u + I_y\, v + I_t = 0 $$
#
# A second equation must come from elsewhere. Two ways, both of 1981:
#
# - **Lucas and Kanade**: all pixels of a small window move alike. Many equations, two unknowns: least squares.
# - **Horn and Schunck**: the flow is smooth. One sum over the whole picture,
#
# $$ \sum (I_x u + I_y v + I_t)^2 + \alpha^2 (|\nabla u|^2 + |\nabla v|^2) $$
#
# ## Windows

# %%
corners = sl.features.good_features(a, 120, distance=8)
moved = sl.motion.lucas_kanade(a, b, corners)
inside = ((corners > (70, 50)) & (corners < (110, 90))).all(axis=1) & moved.found
print(f"{moved.found.sum()} of {len(moved)} corners found again")
print("median motion on the thing:", np.median(moved.flow[inside], axis=0).round(2), "true (3, 1)")
assert np.abs(np.median(moved.flow[inside], axis=0) - (3, 1)).max() < 0.1
sl.trace(sl.motion.lucas_kanade, a, b, corners)

# %%
plain = np.full(size, 90, np.uint8)
plain[:, 100:] = 160
lost = sl.motion.lucas_kanade(plain, plain, np.array([[50.0, 75.0], [100.0, 75.0]]))
print("on a wall and on a straight edge:", lost.found.tolist(), "← the method says that it cannot tell")
assert not lost.found.any()

# %% [markdown]
# ## From coarse to fine
#
# Slopes hold for a pixel or two. Halve the pictures, and a motion of 12 pixels becomes 6, 3, 1.5. Find it there, carry
# it down a level, and find the rest. **Answer 2.** A pyramid.

# %%
far = np.roll(back, (0, 12), axis=(0, 1))
points = sl.features.good_features(back[20:160, 30:200], 60, distance=8) + np.float32([30, 20])
right = {}
for levels in (0, 1, 3):
    found = sl.motion.lucas_kanade(back, far, points, levels=levels)
    right[levels] = float((np.abs(found.flow - (12, 0)).max(axis=1) < 0.5).mean())
    print(f"{levels} halvings: {right[levels]:.0%} of the points are right")
assert right[3] > right[0] + 0.3

# %% [markdown]
# ## Every pixel

# %%
flows = {
    "lucas_kanade": sl.motion.lucas_kanade(a, b),
    "horn_schunck": sl.motion.horn_schunck(a, b),
    "farneback": sl.motion.farneback(a, b),
    "tv_l1": sl.motion.tv_l1(a, b),
}
errors = {}
for name, flow in flows.items():
    errors[name] = sl.metrics.endpoint_error(flow, truth)
    angle = np.degrees(sl.metrics.angular_error(flow, truth))
    print(f"{name:13} ends are off by {errors[name]:.3f} pixels, {angle:.2f}°")
assert errors["tv_l1"] == min(errors.values())
pictures(**{name: sl.image.draw.flow(flow, largest=4) for name, flow in flows.items()})

# %% [markdown]
# Black is where a method says that it cannot tell.
#
# **Answer 3.** It blurs: the squares of Horn and Schunck make one large step dear, and many small ones cheap. `tv_l1`
# takes the absolute value instead of the square. A step then costs the same in one go, and edges stay sharp.
# `farneback` turns each neighbourhood into a quadratic polynomial, and reads the motion off its linear part.

# %%
rim = np.zeros(size, bool)
rim[32:108, 52:128] = True
rim[48:92, 68:112] = False
at_rim = {name: sl.metrics.endpoint_error(flows[name], truth, rim) for name in ("horn_schunck", "tv_l1")}
print("at the border of the thing:", {name: round(value, 2) for name, value in at_rim.items()})
assert at_rim["tv_l1"] < at_rim["horn_schunck"]
sl.trace(sl.motion.tv_l1, a, b)

# %% [markdown]
# ## Through a film
#
# `klt_track` follows corners from frame to frame. It follows each one back again, too; a point that does not come back
# to its start was lost on the way.

# %%
film = [frame(k) for k in range(8)]
tracks = sl.motion.klt_track(film, 80)
print(f"{len(tracks)} points, {np.median(tracks.lengths):.0f} of {len(film)} frames long (median)")
assert np.median(tracks.lengths) > 4
pictures(tracks=tracks.draw(film[-1]))

# %% [markdown]
# Flow is kept in files: `write_flow` and `read_flow` know Middlebury's `.flo` and KITTI's 16-bit `.png`. On a terminal:
# `sightline flow clip.mp4 -o flow.mp4`.

# %%
from pathlib import Path
from tempfile import TemporaryDirectory

with TemporaryDirectory() as folder:
    sl.motion.write_flow(Path(folder) / "true.flo", truth)
    again = sl.motion.read_flow(Path(folder) / "true.flo")
assert np.array_equal(again, truth)
print("endpoint_error of what was written and read:", sl.metrics.endpoint_error(again, truth))

# %% [markdown]
# ## Our source
#
# Horn and Schunck's step: the mean of the neighbours, and then as far back as the brightness says.

# %%
print(source_of(_relax))

# %% [markdown]
# ## The peer's answer beside ours

# %%
try:
    import cv2
except ModuleNotFoundError:
    print("OpenCV is not installed here; pip install opencv-python-headless shows its answer.")
else:
    theirs, status, _ = cv2.calcOpticalFlowPyrLK(a, b, corners, None)
    both = moved.found & (status.ravel() > 0)
    apart = np.linalg.norm(theirs - moved.points, axis=1)[both]
    print(f"Lucas–Kanade, median difference from OpenCV: {np.median(apart):.5f} pixels")
    assert np.median(apart) < 0.01
    dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(a, b, None)
    print(f"OpenCV's DIS: {sl.metrics.endpoint_error(dis, truth):.3f} pixels; tv_l1: {errors['tv_l1']:.3f}")

# %% [markdown]
# ## Where it fails
#
# The sun goes behind a cloud: nothing moves, brightness changes everywhere. **Answer 4.** No flow, but every method
# that trusts brightness finds some. And what was hidden before has come from nowhere: it has no right answer.

# %%
dark = np.uint8(a * 0.95)
ghost = sl.motion.horn_schunck(a, dark)
print(f"a cloud alone: {np.hypot(ghost[..., 0], ghost[..., 1]).mean():.2f} pixels of motion that is not there")
assert np.hypot(ghost[..., 0], ghost[..., 1]).mean() > 0.2
pictures(cloud=dark, ghost=sl.image.draw.flow(ghost))

# %% [markdown]
# ## Exercise
#
# Write `step(a, b)`: one step of Lucas and Kanade. `a` and `b` are the same window of two frames, floats. Take the
# slopes of `a` with `np.gradient` (it gives the one along y first), and the change in time `b - a`. Return (u, v), the
# least-squares solution of `Ix·u + Iy·v + It = 0` over all pixels, as an array of two numbers.

# %% tags=["exercise"]
import numpy as np


def step(a, b):
    """Return how far the window has moved, (u, v)."""
    raise NotImplementedError("your turn")


# %% [markdown]
# ## What you take with you
#
# - One pixel gives one equation for two unknowns; windows or smoothness give the rest.
# - Large motion needs a pyramid.
# - Squares blur the borders of motion, absolute values keep them.

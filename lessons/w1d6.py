# %% [markdown]
# # w1d6 · Edges
#
# **Question.** Where does one thing end and the next begin?
#
# An edge is where brightness changes fast. So an edge detector is a derivative. That is easy. What is hard: a photo
# changes everywhere a little, and an edge should be a line, one pixel wide.
#
# ## Predict first
#
# 1. A ramp rises by one level a pixel. What does the Sobel operator give: 1, 2 or 8?
# 2. A step is blurred. Does its edge, after thinning, become wider?
# 3. A grey wall with noise of 20 levels has no edge. How many of its pixels become edges without smoothing?
# 4. Canny has two thresholds. What is the lower one for?

# %%
import numpy as np

import sightline as sl
from sightline.lab.blackboard import pictures, source_of

china = sl.data.sample("china")
gray = sl.image.convert(china, "rgb", "gray")
pictures(china=china, edges=sl.image.canny(china, 60, 150))

# %% [markdown]
# ## The idea in words
#
# 1. Smooth, so that noise gives no edges.
# 2. Differentiate along x and y. Together they are an arrow: how steep, and which way.
# 3. Thin: keep a pixel only when it is the steepest along its arrow.
# 4. Follow: strong pixels start an edge, weak ones may continue it.
#
# ## The equation
#
# $$ \nabla I = \left( \frac{\partial I}{\partial x}, \frac{\partial I}{\partial y} \right), \qquad
#    |\nabla I| = \sqrt{I_x^2 + I_y^2}, \qquad \theta = \operatorname{atan2}(I_y, I_x) $$
#
# On a grid a derivative is a difference: right neighbour minus left one. Sobel takes it in three rows, with weights
# 1, 2, 1. The sum is not divided, so a ramp of one level a pixel gives $2 \cdot (1 + 2 + 1) = 8$.

# %%
ramp = np.tile(np.arange(50, dtype=np.uint8), (20, 1))
dx, dy = sl.image.gradient(ramp)
print("dx on the ramp:", int(dx[10, 25]), "dy:", int(dy[10, 25]), "  ← answer 1")
assert dx[10, 25] == 8
assert dy[10, 25] == 0
sl.trace(sl.image.gradient, china)

# %% [markdown]
# ## Four operators for one derivative
#
# They differ in the weights across the derivative. What is a good weight? The length of the arrow should not depend
# on its direction. Try it: the same slope, at every angle.

# %%
y, x = np.mgrid[-32:33, -32:33].astype(np.float32)
angles = np.radians(np.arange(0, 46, 5))
operators = {
    "sobel": sl.image.sobel,
    "prewitt": sl.image.prewitt,
    "scharr": sl.image.scharr,
    "roberts": sl.image.roberts,
}
worst = {}
for name, operator in operators.items():
    waves = [(0.5 + 0.4 * np.sin(0.9 * (np.cos(a) * x + np.sin(a) * y))).astype(np.float32) for a in angles]
    lengths = np.array([operator(wave)[8:-8, 8:-8].max() for wave in waves])
    worst[name] = float((lengths.max() - lengths.min()) / lengths.mean())
    print(f"{name:8} differs by {worst[name]:.1%} between directions")
assert worst["scharr"] < worst["sobel"] < worst["prewitt"]
part = (slice(60, 260), slice(80, 330))
pictures(**{name: operator(china)[part] for name, operator in operators.items()})

# %%
sl.trace(sl.image.sobel, china)

# %% [markdown]
# ## The second derivative
#
# At an edge the slope is largest, so the second derivative crosses zero. The **Laplacian** is the sum of both second
# derivatives. It is not an arrow, only a number, and noise loves it. So blur first: **Laplacian of Gaussian**.

# %%
step = np.full((40, 80), 60, np.uint8)
step[:, 40:] = 180
response = sl.image.laplacian_of_gaussian(sl.to_float(step), 2.0)[20]
crossing = int(np.flatnonzero((response[:-1] > 0.001) & (response[1:] < -0.001))[0])
print("the response changes its sign between columns", crossing, "and", crossing + 1)
assert crossing == 39
assert sl.image.laplacian(step)[20, 39] > 0 > sl.image.laplacian(step)[20, 40]
sl.trace(sl.image.laplacian_of_gaussian, gray, 2.0)

# %% [markdown]
# ## Canny, step by step
#
# Scrub through the steps. Stop at *thinned*: of each slope only the ridge is left. **Answer 4** is the step after
# that: grey pixels are weak. They stay only where they hang on a white one. So a line does not break where it fades,
# and a lonely weak pixel goes.

# %%
trace = sl.trace(sl.image.canny, china, 60, 150)
for stage in trace:
    print(f"{stage.name:16} {stage.note}")
assert (trace.result == sl.image.canny(china, 60, 150)).all()
trace

# %%
wide = sl.image.gaussian_blur(step, 4.0)
print("edge pixels in a row, sharp step:", int(sl.image.canny(step)[20].sum()), end="; ")
print("step blurred by σ = 4:", int(sl.image.canny(wide, 20, 40)[20].sum()), "  ← answer 2")
assert sl.image.canny(step)[20].sum() == sl.image.canny(wide, 20, 40)[20].sum() == 1

# %% [markdown]
# ## What each threshold does

# %%
only_strong = sl.image.canny(gray, 150, 150)
only_weak = sl.image.canny(gray, 60, 60)
both = sl.image.canny(gray, 60, 150)
pieces = {name: sl.image.label(e)[1] for name, e in (("high", only_strong), ("low", only_weak), ("both", both))}
print("pieces with the high threshold alone, the low alone, both:", list(pieces.values()))
print("pixels:", int(only_strong.sum()), int(only_weak.sum()), int(both.sum()))
assert only_strong.sum() < both.sum() < only_weak.sum()
assert (both | only_weak).sum() == only_weak.sum()  # both ⊂ weak
assert pieces["both"] < pieces["low"]
pictures(high_alone=only_strong, low_alone=only_weak, both=both)

# %% [markdown]
# An edge picture is not yet a list of shapes. `sl.image.find_contours` walks along a mask and returns outlines; day
# w2d5 measures them.

# %%
outlines = sl.image.find_contours(both)
print(len(outlines), "outlines; the longest has", max(len(c.points) for c in outlines), "points")
assert len(outlines) > 10

# %% [markdown]
# ## Our source
#
# This is the inner loop of the thinning. For each pixel it chooses two of eight neighbours by the direction of the
# arrow, without a branch, so that eight pixels go at once.

# %%
from sightline.image.canny import _ridges

print(source_of(_ridges))

# %% [markdown]
# ## The peer's answer beside ours
#
# `sigma=0` leaves the smoothing out, because OpenCV has none.

# %%
try:
    import cv2
except ModuleNotFoundError:
    print("OpenCV is not installed here; pip install opencv-python-headless shows its answer.")
else:
    theirs = cv2.Canny(gray, 60, 150, L2gradient=True) > 0
    ours = sl.image.canny(gray, 60, 150, sigma=0)
    print(
        f"same answer at {(ours == theirs).mean():.3%} of the pixels; edges: ours {ours.sum()}, theirs {theirs.sum()}"
    )
    assert (ours == theirs).mean() > 0.995

# %% [markdown]
# ## Where it fails
#
# Noise has slopes, too. Smoothing trades noise against place: what is finer than σ disappears.

# %%
random = np.random.default_rng(1)
wall = np.clip(random.normal(128, 20, (200, 200)), 0, 255).astype(np.uint8)
noisy = np.clip(gray + random.normal(0, 10, gray.shape), 0, 255).astype(np.uint8)
counts = {
    sigma: (sl.image.canny(gray, 60, 150, sigma).sum(), sl.image.canny(noisy, 60, 150, sigma).sum())
    for sigma in (0, 1.4, 3)
}
for sigma, (before, after) in counts.items():
    print(f"σ = {sigma}: {before} edge pixels, {after} with noise")
rough, smooth = (float(sl.image.canny(wall, 60, 150, sigma).mean()) for sigma in (0, 1.4))
print(f"of the empty wall {rough:.1%} become edges without smoothing, {smooth:.1%} with σ = 1.4 ← answer 3")
assert rough > 0.05
assert smooth < rough / 10
assert counts[3][0] < counts[0][0]
pictures(without_smoothing=sl.image.canny(noisy, 60, 150, 0), with_it=sl.image.canny(noisy, 60, 150, 1.4))

# %% [markdown]
# And an edge is not an outline: a shadow has one, a roof before a bright sky has one, a roof before dark trees has
# none.
#
# ## Exercise
#
# Write `thin(strength)`, the third step in one dimension. `strength` is a 1-D array of slopes. Return a bool array,
# true where a value is > 0, greater than its left neighbour and at least as great as its right one. Beyond both ends
# the strength is 0.

# %% tags=["exercise"]
import numpy as np


def thin(strength):
    """Return where a row of slopes has its ridges."""
    raise NotImplementedError("your turn")


# %% [markdown]
# ## What you take with you
#
# - Edge = steep place. Gradient = arrow.
# - Smooth, differentiate, thin, follow: each step removes what the one before brought in.
# - Two thresholds: one to begin, one to go on.

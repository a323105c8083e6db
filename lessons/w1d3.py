# %% [markdown]
# # w1d3 · Move values, move places
#
# **Question.** How do you repair a dark photo, and how do you turn a straight one?
#
# There are two ways to change a picture. Change *what* each pixel says: tone. Change *where* it is: geometry.
# Everything in this lesson is one of the two.
#
# ## Predict first
#
# 1. Equalize a photo twice. Does the second time change much?
# 2. A cat's face is warped by a matrix. Does the program walk over the pixels of the old picture or of the new one?
# 3. Turn a picture by 10° and back, ten times. Is it the same picture?
# 4. You halve a picture of fine stripes by keeping every second pixel. What do you see?

# %%
import math

import numpy as np

import sightline as sl
from sightline.lab.blackboard import pictures, source_of

rocket, cat, coffee = sl.data.sample("rocket"), sl.data.sample("cat"), sl.data.sample("coffee")
pictures(rocket=rocket)

# %% [markdown]
# ## The idea in words
#
# Tone: one curve for all pixels. Old level in, new level out. Which curve? The *histogram* tells: it counts how often
# each level occurs. A dark photo is a heap at the left.
#
# ## The equation
#
# Equalizing sends each level to its rank. With $h$ the histogram and $N$ the number of pixels:
#
# $$ T(v) = 255 \cdot \frac{1}{N} \sum_{u \le v} h(u) $$
#
# The curve is steep where there are many pixels. So crowded levels are pulled apart, and empty ones cost nothing.

# %%
gray = sl.image.convert(rocket, "rgb", "gray")
counts = sl.image.histogram(gray)
assert counts.sum() == gray.size
print(f"{counts[:64].sum() / gray.size:.0%} of the pixels lie in the darkest quarter")
rank = np.cumsum(counts) / gray.size
by_hand = np.rint(255 * rank)[gray]
equal = sl.image.equalize(gray)
print("correlation of the equation with ours:", round(float(np.corrcoef(by_hand.ravel(), equal.ravel())[0, 1]), 4))
assert np.corrcoef(by_hand.ravel(), equal.ravel())[0, 1] > 0.99
sl.trace(sl.image.equalize, rocket)

# %%
twice = sl.image.equalize(equal)
print(
    "a second time changes a pixel by", round(float(np.abs(twice.astype(int) - equal).mean()), 2), "levels ← answer 1"
)
assert np.abs(twice.astype(int) - equal).mean() < 2

# %% [markdown]
# One curve for the whole photo is crude: the night sky becomes noise. **CLAHE** takes a curve for each tile, limits how
# steep it may be, and blends between tiles.

# %%
limited = sl.image.clahe(rocket, 2.0)
sky = (slice(20, 120), slice(300, 400))


def roughness(picture):
    """Standard deviation of a patch of empty sky."""
    return float(picture[sky].astype(float).std(axis=(0, 1)).mean())


print(f"sky: {roughness(rocket):.1f} before, {roughness(sl.image.equalize(rocket)):.1f} equalized, ", end="")
print(f"{roughness(limited):.1f} with CLAHE")
assert roughness(limited) < roughness(sl.image.equalize(rocket))
sl.trace(sl.image.clahe, rocket, 2.0)

# %% [markdown]
# The same idea gives a photo the tones of another one (`match_histogram`), and finds things by their colours
# (`back_project`: how common is this pixel's colour in the sample?).

# %%
matched = sl.image.match_histogram(rocket, coffee)
apart = [np.abs(np.quantile(p, q) - np.quantile(coffee, q)) for p in (rocket, matched) for q in (0.25, 0.5, 0.75)]
print("quartiles away from the coffee's: before", np.round(apart[:3]), "after", np.round(apart[3:]))
assert max(apart[3:]) < max(apart[:3]) / 4

hsv = sl.image.convert(coffee, "rgb", "hsv")
limits = [(0, 180), (0, 256)]
saucer = np.ascontiguousarray(hsv[330:370, 200:300])
model = sl.image.histogram(saucer, [30, 32], channels=(0, 1), limits=limits)
found = sl.image.back_project(hsv, model / model.max(), channels=(0, 1), limits=limits)
assert found[330:370, 200:300].mean() > 3 * found[:60, :60].mean()
pictures(matched=matched, coffee=coffee, colours_of_the_saucer=found)

# %% [markdown]
# ## Geometry
#
# Now move places. A matrix says where each point goes:
#
# $$ \begin{pmatrix} x' \\ y' \end{pmatrix} = A \begin{pmatrix} x \\ y \end{pmatrix} + b $$
#
# **Answer 2.** The program walks over the *new* picture. For each new pixel it asks where it comes from (the inverse
# matrix) and reads there. The other way round would leave holes (w2d7 shows them). It reads between pixels, so it has
# to mix four of them: bilinear interpolation.


# %%
def turn(angle, centre):
    """Return the matrix that turns by ``angle`` (radians) around a point (x, y)."""
    c, s, (x, y) = math.cos(angle), math.sin(angle), centre
    return np.array([[c, -s, x - c * x + s * y], [s, c, y - s * x - c * y]])


middle = ((cat.shape[1] - 1) / 2, (cat.shape[0] - 1) / 2)
matrix = turn(math.radians(20), middle)
sl.trace(sl.image.warp_affine, cat, matrix)

# %% [markdown]
# Turning is asked for so often that it has a name of its own. `rotate` writes the same matrix and, if you like, makes
# the frame as large as the turned picture needs.

# %%
turned = sl.image.rotate(cat, math.radians(20))
assert np.abs(turned.astype(int) - sl.image.warp_affine(cat, matrix)).max() <= 1
whole = sl.image.rotate(cat, math.radians(20), expand=True)
print("the whole turned picture:", whole.shape)
assert whole.shape > cat.shape
pictures(same_frame=turned, grown=whole)

# %%
again = cat
for _ in range(10):
    again = sl.image.warp_affine(again, turn(math.radians(10), middle))
    again = sl.image.warp_affine(again, turn(math.radians(-10), middle))
inner = (slice(100, 200), slice(150, 300))
loss = np.abs(again[inner].astype(int) - cat[inner]).mean()
sharp = {
    kind: float(np.abs(np.diff(p[inner].astype(float), axis=1)).mean()) for kind, p in (("cat", cat), ("again", again))
}
print(f"after ten turns and back: {loss:.1f} levels away; detail {sharp['cat']:.1f} → {sharp['again']:.1f}")
assert loss > 1  # answer 3: no, every reading between pixels blurs
assert sharp["again"] < sharp["cat"]
pictures(before=cat[inner], after=again[inner])

# %% [markdown]
# Multiply the matrices first and warp once. That is the practical rule. With eight numbers instead of six, the plane
# may tilt, too: `warp_perspective`. With any formula at all: `warp`. Around a point: `polar`.

# %%
height, width = cat.shape[:2]
tilt = np.array([[1, 0.2, 0], [0, 1, 0], [0, 0.002, 1]])
tilted = sl.image.warp_perspective(cat, tilt)
y, x = np.mgrid[0:height, 0:width].astype(np.float32)
ripple = np.stack([x + 8 * np.sin(y / 12), y], axis=2)
rippled = sl.image.warp(cat, ripple)
unrolled = sl.image.polar(cat)
rolled = sl.image.polar(unrolled, inverse=True)
assert np.abs(rolled[inner].astype(int) - cat[inner]).mean() < 8
pictures(perspective=tilted, ripple=rippled, polar=unrolled, and_back=rolled)

# %% [markdown]
# ## Smaller is harder than larger
#
# To shrink, each new pixel must be a mean of the old ones that it covers. Keep every fourth pixel and you *invent*
# patterns: aliasing.

# %%
yy, xx = np.mgrid[0:300, 0:300]
rings = (127 + 120 * np.sin((xx**2 + yy**2) / 180)).astype(np.uint8)
kept = np.ascontiguousarray(rings[::4, ::4])
proper = sl.image.resize(rings, (75, 75), "area")
fine = (slice(55, 75), slice(55, 75))  # rings finer than a pixel: an honest picture is flat grey
print(
    f"contrast where the rings are too fine: every fourth pixel {kept[fine].std():.0f}, area {proper[fine].std():.0f}"
)
assert kept[fine].std() > 3 * proper[fine].std()  # answer 4: rings that are not there
large = {m: sl.image.resize(kept, (300, 300), m) for m in ("nearest", "bilinear", "bicubic", "lanczos")}
assert all(p.shape == (300, 300) for p in large.values())
pictures(rings=rings, every_fourth=kept, area=proper, **large)

# %% [markdown]
# ## Our source
#
# It takes the inverse; `sample` asks with it, for each new pixel, where it comes from:

# %%
from sightline.image.warp_affine import _warp

print(source_of(_warp))

# %% [markdown]
# ## The peer's answer beside ours

# %%
try:
    import cv2
except ModuleNotFoundError:
    print("OpenCV is not installed here; pip install opencv-python-headless shows its answer.")
else:
    theirs = cv2.warpAffine(cat, matrix, (width, height), flags=cv2.INTER_LINEAR)
    apart = np.abs(theirs.astype(int) - sl.image.warp_affine(cat, matrix))
    print(f"warp_affine: {(apart <= 1).mean():.2%} of the values within one level of OpenCV's")
    assert (apart <= 1).mean() > 0.98
    same = np.abs(cv2.equalizeHist(gray).astype(int) - equal).mean()
    print(f"equalize: mean difference {same:.2f} levels")
    assert same < 2

# %% [markdown]
# ## Where it fails
#
# Equalizing assumes that all levels *ought* to be used. A photo of fog has none of the dark ones, and should not.
# Give it noise only, and it makes the noise fill the range.

# %%
fog = np.clip(200 + np.random.default_rng(0).normal(0, 2, (60, 90)), 0, 255).astype(np.uint8)
print(f"fog: spread {fog.std():.0f} → {sl.image.equalize(fog).std():.0f} levels")
assert sl.image.equalize(fog).std() > 10 * fog.std()
pictures(fog=fog, equalized=sl.image.equalize(fog))

# %% [markdown]
# ## Exercise
#
# Write `stretch(image, low, high)`: the simplest tone curve. Levels ≤ `low` become 0, levels ≥ `high` become 255, the
# ones between lie on a straight line, rounded to nearest (`np.rint`). Take and return `uint8`.

# %% tags=["exercise"]
import numpy as np


def stretch(image, low, high):
    """Return the uint8 image with the levels low … high spread over 0 … 255."""
    raise NotImplementedError("your turn")


# %% [markdown]
# ## What you take with you
#
# - Tone is a curve; the histogram chooses it.
# - Warps walk over the new picture and read the old one, between its pixels.
# - Warp once. Before you shrink, average.

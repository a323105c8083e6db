# %% [markdown]
# # w1d5 · Morphology
#
# **Question.** How do you count things that touch?
#
# Today pictures have two values: thing and no thing. Such a picture is a *mask*, and you can compute with its shape:
# shrink it, grow it, fill it, thin it, count its parts.
#
# ## Predict first
#
# 1. Erode a mask with a 3×3 square. How many pixels does a 10×10 square lose?
# 2. Erode, then dilate with the same footprint. What is gone for good?
# 3. There are 24 coins in the photo. Two pieces of the mask touch. Does `label` count 24?
# 4. The skeleton of a filled disc: a circle, a cross, or a point?

# %%
import numpy as np

import sightline as sl
from sightline.lab.blackboard import pictures, source_of

coins, horse = sl.data.sample("coins", mode="gray"), sl.data.sample("horse", mode="gray") > 127
pictures(coins=coins, horse=horse)

# %% [markdown]
# ## The idea in words
#
# Take a small shape, the *footprint*. Slide it over the mask. **Erosion** keeps the places where all of the footprint
# is inside. **Dilation** keeps the places where any of it is. Everything else today is made of these two.
#
# ## The equation
#
# For grey pictures, "all" is the minimum and "any" the maximum under the footprint $B$:
#
# $$ (I \ominus B)(p) = \min_{b \in B} I(p + b), \qquad (I \oplus B)(p) = \max_{b \in B} I(p + b) $$

# %%
square = np.zeros((14, 14), bool)
square[2:12, 2:12] = True
smaller, larger = sl.image.erode(square, 3), sl.image.dilate(square, 3)
print("square:", square.sum(), "eroded:", smaller.sum(), "dilated:", larger.sum())
assert square.sum() - smaller.sum() == 36  # answer 1: the rim
assert larger.sum() == 12 * 12
back_again = sl.image.dilate(smaller, 3)
assert (back_again == square).all()
feet = {name: sl.image.footprint(name, 15) for name in ("ellipse", "disk", "diamond", "cross", "rectangle")}
pictures(**feet)

# %% [markdown]
# Erode, then dilate: **opening**. What was smaller than the footprint is gone (**answer 2**), the rest comes back.
# Dilate, then erode: **closing**. Gaps and small holes are gone. Watch both on the horse with holes and specks.

# %%
random = np.random.default_rng(5)
dirty = horse ^ (random.random(horse.shape) < 0.03)
disk = sl.image.footprint("disk", 5)
opened = sl.image.opening(dirty, 3)
clean = sl.image.closing(opened, disk)
print(f"wrong pixels: {(dirty != horse).mean():.2%} → {(clean != horse).mean():.2%}")
voted = sl.image.majority(dirty, 3)
print(f"by majority of the 3×3 neighbours: {(voted != horse).mean():.2%}")
assert (voted != horse).mean() < (dirty != horse).mean() / 4
assert (sl.image.opening(opened, 3) == opened).all()  # a second opening changes nothing
sl.trace(sl.image.opening, dirty, 3)

# %%
sl.trace(sl.image.closing, opened, disk)

# %% [markdown]
# ## The same on grey pictures
#
# A **top hat** is the picture minus its opening: what is bright and small. It removes uneven light, and that is what
# the coins need: the table is brighter at the top than at the bottom. **Black hat** is the opposite, and the
# **morphological gradient** (dilation minus erosion) outlines.

# %%
wide = sl.image.footprint("disk", 61)
even = sl.image.top_hat(coins, wide)
table = [float(np.percentile(p[row], 20)) for p in (coins, even) for row in (0, -1)]  # the dark fifth of a row
print("table at the top and at the bottom:", table[:2], "after the top hat:", table[2:])
assert abs(table[2] - table[3]) < abs(table[0] - table[1])
pictures(
    top_hat=even,
    black_hat=sl.image.black_hat(coins, 9),
    gradient=sl.image.morphological_gradient(coins, 3),
)

# %% [markdown]
# ## Count: label
#
# Walk over the mask. A pixel that touches a known group joins it; one that touches two joins these two into one.

# %%
mask = even > sl.image.otsu_threshold(even)
whole = sl.image.fill_holes(sl.image.closing(mask, 5))
single = sl.image.remove_small(whole, 200)
_, raw_count = sl.image.label(mask)
labels, count = sl.image.label(single)
print("groups in the raw mask:", raw_count, "· after fill_holes and remove_small:", count)
assert raw_count > 40
assert count == 24
sl.trace(sl.image.label, single)

# %%
measured = sl.image.regions(labels, coins)
areas = np.array([region.area for region in measured])
print("areas:", np.sort(areas.astype(int)).tolist())
print(f"the largest coin covers {areas.max() / np.median(areas):.1f} × the median")
assert len(measured) == count

# %% [markdown]
# ## Touching things: distance and reconstruction
#
# Let us glue coins together, and count again. Each pixel's **distance** to the background is large in the middle of a
# coin and small where two meet. Keep what is far from the background, grow it back: one seed a coin.
#
# **Answer 3.** `label` counts what hangs together. Two coins that touch are one group.

# %%
y, x = np.mgrid[0:160, 0:300]
glued = np.zeros((160, 300), bool)
for cx, cy in ((60, 80), (112, 80), (164, 84), (220, 80)):
    glued |= np.hypot(x - cx, y - cy) < 29
distance = sl.image.distance_transform(glued)
seeds, found = sl.image.label(distance > 0.75 * distance.max())
print("groups:", sl.image.label(glued)[1], "· seeds:", found, f"· largest distance {distance.max():.1f} pixels")
assert sl.image.label(glued)[1] < 4
assert found == 4
sl.trace(sl.image.distance_transform, glued)

# %% [markdown]
# `reconstruct` grows a marker inside a mask until nothing changes: it keeps exactly those groups that the marker
# touches, in their full shape. An opening blunts corners; an opening *by reconstruction* does not.

# %%
marker = sl.image.erode(dirty, 7)
kept = sl.image.reconstruct(marker, dirty)
blunt = sl.image.opening(dirty, 7)
print(f"horse pixels kept: by opening {blunt[horse].mean():.1%}, by reconstruction {kept[horse].mean():.1%}")
assert kept[horse].mean() > blunt[horse].mean()
pictures(marker=marker, opening=blunt, by_reconstruction=kept)

# %% [markdown]
# ## Thin: skeletons and patterns
#
# Peel pixels off as long as nothing breaks apart. What remains is a line through the middle: the shape's bones.
# **Answer 4.** A disc peels down to a point, or nearly.

# %%
disc = np.hypot(*np.mgrid[-20:21, -20:21]) < 18
bones = sl.image.skeletonize(disc)
print("pixels of the disc:", disc.sum(), "of its skeleton:", bones.sum())
assert 1 <= bones.sum() <= 12
assert sl.image.label(sl.image.skeletonize(horse))[1] == sl.image.label(horse)[1]  # nothing breaks
sl.trace(sl.image.skeletonize, horse)

# %% [markdown]
# **Hit or miss** looks for an exact pattern: these pixels on, those off, the rest free. Corners, for example.

# %%
corner = np.array([[0, -1, -1], [-1, 1, 1], [-1, 1, 0]])  # 1 on, -1 off, 0 free: the top-left corner of a thing
hits = sl.image.hit_or_miss(square, corner)
print("top-left corners at (row, column):", np.argwhere(hits).tolist())
assert np.argwhere(hits).tolist() == [[2, 2]]

# %% [markdown]
# ## Our source
#
# Opening and closing are the same lines, as in the book: first the one extremum, then the other by the footprint turned
# round; the usual case, once each, goes band by band, so that no picture lies between them.

# %%
from sightline.image.opening import _repeated

print(source_of(sl.image.opening))
print(source_of(_repeated))
print(source_of(sl.image.top_hat))

# %% [markdown]
# ## The peer's answer beside ours

# %%
try:
    import cv2
except ModuleNotFoundError:
    print("OpenCV is not installed here; pip install opencv-python-headless shows its answer.")
else:
    theirs = cv2.morphologyEx(coins, cv2.MORPH_TOPHAT, wide.astype(np.uint8))
    their_count = cv2.connectedComponents(single.astype(np.uint8))[0] - 1
    print("top hat, values that differ:", int((theirs != even).sum()), "· groups: ours", count, "theirs", their_count)
    assert (theirs != even).sum() == 0
    assert their_count == count

# %% [markdown]
# ## Where it fails
#
# Everything hangs on the mask. Blur the photo, and neighbours grow together; add noise, and specks are counted.

# %%
for name, picture in {
    "as it is": coins,
    "blurred": sl.image.gaussian_blur(coins, 6.0),
    "noisy": np.clip(coins + random.normal(0, 40, coins.shape), 0, 255).astype(np.uint8),
}.items():
    hat = sl.image.top_hat(picture, wide)
    here = hat > sl.image.otsu_threshold(hat)
    print(f"{name:9} {sl.image.label(here)[1]:5} groups")
    if name == "noisy":
        assert sl.image.label(here)[1] > 500

# %% [markdown]
# ## Exercise
#
# Write `erode3(mask)`: the erosion of a bool mask by a 3×3 square, without `sl.image.erode`. What lies outside of the
# picture counts as *true*, so that a mask that is true everywhere stays so.

# %% tags=["exercise"]
import numpy as np


def erode3(mask):
    """Return where all of the 3×3 neighbourhood of a pixel is true; outside of the picture counts as true."""
    raise NotImplementedError("your turn")


# %% [markdown]
# ## What you take with you
#
# - Minimum and maximum under a footprint; the rest are their combinations.
# - Clean first (opening, closing, fill_holes), then label, then measure.
# - Touching things need the distance to the background.

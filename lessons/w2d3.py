# %% [markdown]
# # w2d3 · Segmentation without learning
#
# **Question.** Which pixels belong together?
#
# Nobody has told the machine what a cat is. It only has colours and places. Still, a photo falls apart into regions
# rather well. This lesson is a tour through five ideas, from the simplest to the cleverest.
#
# ## Predict first
#
# 1. k-means with 4 colours on the flower. Do pixels of one cluster hang together?
# 2. Does the error of k-means ever rise from one round to the next?
# 3. Grow a region from a seed with a large tolerance. What happens at a weak edge?
# 4. You draw a box around the flower. What has the program to learn before it can cut the flower out?

# %%
import numpy as np

import sightline as sl
from sightline.lab.blackboard import pictures, source_of

flower = sl.data.sample("flower")
flower = sl.image.resize(flower, (214, 320), "area")
coffee = sl.image.resize(sl.data.sample("coffee"), (200, 300), "area")
pictures(flower=flower, coffee=coffee)

# %% [markdown]
# ## The idea in words: (1) cluster the colours
#
# Forget where pixels are. Each is a point in colour space. Choose $k$ centres; give every pixel to its nearest centre;
# move each centre to the mean of its pixels; repeat.
#
# ## The equation
#
# $$ E = \sum_{i} \min_{c} \lVert x_i - \mu_c \rVert^2 $$
#
# Both steps make $E$ smaller or leave it. **Answer 2**: it never rises, so the loop ends.

# %%
trace = sl.trace(sl.image.kmeans_segment, flower, 4)
energy = trace["sum of squares"].layers[0].points[:, 1]
print("sum of squares by round:", np.round(energy / energy[0], 3).tolist())
assert (np.diff(energy) <= 1e-6 * energy[0]).all()
labels = sl.image.kmeans_segment(flower, 4)
groups = [sl.image.label(labels == c)[1] for c in range(4)]
print("pieces of each colour:", groups, "  ← answer 1: no, nobody asked them to")
assert max(groups) > 10
trace

# %% [markdown]
# ## (2) Climb to the nearest peak: mean shift
#
# Colours form hills in the space (x, y, colour). Start at each pixel, move to the mean of what is near, again and
# again: you climb a hill. Pixels that reach one peak belong together. No $k$ is needed, but a radius is.

# %%
shifted = sl.image.mean_shift_filter(flower, 8, 20.0)
rough = [float(np.abs(np.diff(p.astype(int), axis=1)).mean()) for p in (flower, shifted)]
print(f"mean step between neighbours: {rough[0]:.1f} → {rough[1]:.1f} levels")
assert rough[1] < rough[0]
sl.trace(sl.image.mean_shift_segment, flower, 7, 8.0)

# %% [markdown]
# ## (3) Grow from seeds, or flood from markers
#
# `region_grow` takes every connected pixel that is like the seed. `watershed` sees the gradient as a landscape and lets
# water rise from each marker; where two waters meet is the border.

# %%
seed = np.array([[140, 90]], np.float32)  # x, y: a petal
sizes = {t: int((sl.image.region_grow(flower, seed, t) > 0).sum()) for t in (20, 60, 140, 200, 210)}
print("pixels reached by tolerance:", sizes, "  ← answer 3: it leaks, all at once")
assert sizes[210] > 3 * sizes[200]
sl.trace(sl.image.region_grow, flower, seed, 60)

# %%
relief = sl.image.sobel(flower)
markers = np.zeros(relief.shape, np.int32)
markers[90:100, 140:160] = 1  # inside the flower
markers[5:10, 5:315] = 2  # outside
parted = sl.image.watershed(relief / relief.max(), markers)
print(f"marker 1 flooded {(parted == 1).mean():.0%} of the picture")
assert parted[95, 150] == 1
assert parted[7, 50] == 2
sl.trace(sl.image.watershed, relief / relief.max(), markers)

# %% [markdown]
# ## (4) Superpixels, and merging them
#
# `slic` is k-means with the place in it: about 200 patches of one colour and like size. They are better units than
# pixels: 200 instead of 68,000. Then merge: by the least loss of variance (`agglomerative_segment`), by a rule on a
# graph (`felzenszwalb`), or by the cheapest cut (`normalized_cut`).

# %%
patches = sl.image.slic(flower, 200)
print("superpixels:", len(np.unique(patches)))
assert 120 < len(np.unique(patches)) < 260
sl.trace(sl.image.slic, flower, 200)

# %%
merged = sl.image.agglomerative_segment(flower, 6)
assert len(np.unique(merged)) == 6
sl.trace(sl.image.agglomerative_segment, flower, 6)

# %%
fine, coarse = (len(np.unique(sl.image.felzenszwalb(coffee, s, min_size=50))) for s in (50, 500))
print("felzenszwalb on the coffee:", fine, "regions at scale 50,", coarse, "at scale 500")
assert fine > coarse
sl.trace(sl.image.felzenszwalb, coffee, 300, min_size=50)

# %%
sl.trace(sl.image.normalized_cut, flower, 5, superpixels=200)

# %% [markdown]
# ## (5) Learn the two sides, cut between them: GrabCut
#
# You draw a box. Outside is background for sure. From it and from the inside the program learns two colour models, asks
# of each pixel which fits better, and finds the border that costs least: cheap along edges, dear through flat areas.
# **Answer 4**: the colours of both sides. It learns them from the box alone, and again after each cut.

# %%
box = np.array([80.0, 30.0, 240.0, 190.0])
foreground = sl.image.grab_cut(flower, box)
hsv = sl.image.convert(flower, "rgb", "hsv")
orange = ((hsv[..., 0] < 20) | (hsv[..., 0] > 172)) & (hsv[..., 1] > 90) & (hsv[..., 2] > 120)
orange[190:] = False  # the petals of another flower
overlap = (foreground & orange).sum() / (foreground | orange).sum()
print(f"overlap with the orange pixels: {overlap:.0%}")
assert overlap > 0.8
sl.trace(sl.image.grab_cut, flower, box)

# %% [markdown]
# ## What it was good for: proposals
#
# Before networks proposed boxes, `selective_search` did: start with small regions, merge the most similar two, keep the
# box of every region on the way. Some of these boxes fit the objects. That was the "R" in R-CNN (week 7).

# %%
boxes = sl.image.selective_search(coffee)
target = np.array([76.0, 18.0, 250.0, 195.0])  # the saucer


def iou(a, b):
    """Return the overlap of a box with boxes: intersection over union."""
    low, high = np.maximum(a[:2], b[:, :2]), np.minimum(a[2:], b[:, 2:])
    inter = np.clip(high - low, 0, None).prod(axis=1)
    return inter / ((a[2:] - a[:2]).prod() + (b[:, 2:] - b[:, :2]).prod(axis=1) - inter)


print(f"{len(boxes)} boxes; the best one overlaps the saucer by {iou(target, boxes).max():.2f}")
assert iou(target, boxes).max() > 0.6
sl.trace(sl.image.selective_search, coffee)

# %% [markdown]
# ## Our source
#
# What it costs to join a region with each of its neighbours by Ward's rule, and how alike `selective_search` finds the
# histograms of two.

# %%
from sightline.image.region_hierarchy import _weigh
from sightline.image.region_merging import _weigh_pairs

print(source_of(_weigh_pairs), source_of(_weigh), sep="\n")

# %% [markdown]
# ## The peer's answer beside ours

# %%
try:
    import cv2
except ModuleNotFoundError:
    print("OpenCV is not installed here; pip install opencv-python-headless shows its answer.")
else:
    mask = np.zeros(flower.shape[:2], np.uint8)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(0)
    cv2.grabCut(flower[..., ::-1].copy(), mask, (80, 30, 160, 160), *models, 5, cv2.GC_INIT_WITH_RECT)
    theirs = (mask == cv2.GC_FGD) | (mask == cv2.GC_PR_FGD)
    agree = (theirs & foreground).sum() / (theirs | foreground).sum()
    print(f"GrabCut: overlap with OpenCV's answer {agree:.1%}")
    assert agree > 0.9

# %% [markdown]
# ## Where it fails
#
# All of this knows colour, none of it knows things. Draw the box too small: half of the flower is now "background for
# sure", its orange is learnt for the wrong side, and the cut follows.

# %%
small_box = np.array([110.0, 50.0, 180.0, 130.0])
worse = sl.image.grab_cut(flower, small_box)
less = (worse & orange).sum() / (worse | orange).sum()
print(f"overlap with the small box: {less:.0%} (before: {overlap:.0%})")
assert less < overlap / 2
pictures(good_box=foreground, small_box=worse)

# %% [markdown]
# ## Exercise
#
# Write `kmeans_step(values, centres)`: one round of k-means on N×D float values and K×D centres. Return the new
# centres: each the mean of the values that are nearest to it (of equally near ones the first centre wins). A centre
# without values stays where it is.

# %% tags=["exercise"]
import numpy as np


def kmeans_step(values, centres):
    """Return the K×D centres after one round."""
    raise NotImplementedError("your turn")


# %% [markdown]
# ## What you take with you
#
# - Cluster, climb, flood, merge, cut: five ideas.
# - Superpixels first, then decide.
# - Without knowledge of things there is a ceiling. Week 8 breaks it.

# %% [markdown]
# # w7d1 · Boxes and overlap
#
# **Question.** When is a found box right?
#
# A classifier is right or wrong. A detector says *what* and *where*, several times in one picture, each time with a
# score. Today: how much two boxes agree, who of many boxes for one thing may stay, and how a whole list of boxes with
# scores becomes one number. No network yet.
#
# ## Predict first
#
# 1. A box is moved sideways by half of its width. How much do old and new overlap, as a share of both together?
# 2. Two boxes do not touch. A third one is farther away still. Which overlap is larger?
# 3. A detector finds every thing, but says each twice. Is its average precision still 1?
# 4. You lower all scores by half, in the same order. What happens to the average precision?

# %%
import numpy as np

import sightline as sl
from sightline.core.box_overlap import fill_iou, overlap_of
from sightline.lab.blackboard import source_of

box, moved = np.array([[0.0, 0, 4, 4]]), np.array([[2.0, 0, 6, 4]])
print(f"moved by half of its width: {sl.detect.iou(box, moved)[0, 0]:.3f}  ← answer 1, a third and not a half")
assert np.isclose(sl.detect.iou(box, moved)[0, 0], 8 / 24)
assert np.isclose(sl.detect.iou(np.array([[0.0, 0, 3, 3]]), np.array([[1.0, 1, 4, 4]]))[0, 0], 4 / 14)

# %% [markdown]
# ## The idea in words
#
# The area that both share, over the area that both cover together: **intersection over union**. It is 1 for the same
# box, 0 for boxes that do not touch, and does not care how large the picture is.
#
# And there it is blind: a miss by one pixel and a miss by a mile are both 0. Its descendants see farther. The
# generalised one takes off the empty share of the smallest box around both; the next takes off how far the centres are
# apart; the complete one also compares the shapes.

# %%
away = np.array([[x, 0.0, x + 4, 4] for x in (0, 2, 4, 6, 12)])
for name in ("iou", "giou", "diou", "ciou"):
    print(f"{name:5}", getattr(sl.detect, name)(box, away)[0].round(2).tolist())
assert (sl.detect.iou(box, away[2:]) == 0).all()
assert (np.diff(sl.detect.giou(box, away)[0]) < 0).all()  # answer 2: farther is less, for those that see it
slim = np.array([[1.0, -4, 3, 8]])  # the centre of the box, another shape
assert sl.detect.ciou(box, slim)[0, 0] < sl.detect.diou(box, slim)[0, 0]

# %% [markdown]
# ## The equation
#
# $$ \mathrm{IoU} = \frac{|A \cap B|}{|A \cup B|}, \qquad
# \mathrm{GIoU} = \mathrm{IoU} - \frac{|C \setminus (A \cup B)|}{|C|}, \qquad
# \mathrm{DIoU} = \mathrm{IoU} - \frac{\rho^2(a, b)}{c^2} $$
#
# $C$ is the smallest box around both and $c$ its diagonal; $\rho$ is how far the centres $a$ and $b$ are apart.

# %%
print(source_of(overlap_of))
print(source_of(fill_iou))

# %% [markdown]
# ## By hand: who may stay
#
# A detector looks everywhere, and finds one thing many times. **Suppression**: take the best box, send away whatever
# overlaps it too much, take the best of the rest, and so on.

# %%
random = np.random.default_rng(7)
things = np.array([[20.0, 20, 80, 90], [60, 40, 130, 120], [150, 30, 190, 110]])
which = np.repeat([0, 1, 2], 12)
many = things[which] + random.normal(0, 5, (36, 4))
scores = 0.5 + 0.5 * sl.detect.iou(many, things).max(axis=1) + random.normal(0, 0.02, 36)
kept = sl.detect.nms(many, scores, 0.5)
print(f"{len(many)} boxes, {len(kept)} stay; they stand for things {which[kept].tolist()}")
assert sorted(which[kept].tolist()) == [0, 1, 2]
table = sl.detect.iou(many[kept], many[kept]) - np.eye(len(kept))
assert table.max() <= 0.5
sl.trace(sl.detect.nms, many, scores, threshold=0.5)

# %% [markdown]
# Two things that stand close are in danger: what overlaps the better one goes, right or not. `soft_nms` lowers scores
# instead, and `batched_nms` lets only boxes of one class send one another away: a rider and a horse.

# %%
pair = np.array([[0.0, 0, 40, 80], [14, 0, 54, 80]])  # two people, side by side
sure = np.array([0.95, 0.9])
assert sl.detect.nms(pair, sure, 0.4).tolist() == [0]
order, lowered = sl.detect.soft_nms(pair, sure, kind="gaussian")
print(f"hard: one stays. Soft: both, with {lowered.round(2).tolist()}")
assert order.tolist() == [0, 1]
assert sl.detect.batched_nms(pair, sure, np.array([0, 1]), 0.4).tolist() == [0, 1]

# %% [markdown]
# ## Anchors: where a detector begins
#
# Most detectors do not draw boxes on an empty page. They lay `anchors` over the picture, a few shapes at each place,
# and ask of each: is there a thing, and how must this box move to fit it? To learn that, each anchor must know which
# thing it stands for: `match`.

# %%
levels = sl.detect.anchors((128, 208), strides=(16, 32), sizes=(48.0, 80.0))
laid = np.concatenate(levels)
stands_for = sl.detect.match(laid, things, high=0.6, low=0.4)
counts = {word: int((stands_for == code).sum()) for word, code in (("background", -1), ("neither", -2))}
print(f"{len(laid)} anchors: {(stands_for >= 0).sum()} for a thing, {counts}")
assert set(stands_for[stands_for >= 0]) == {0, 1, 2}  # no thing is left alone
sl.trace(sl.detect.match, laid, things, high=0.6, low=0.4)

# %% [markdown]
# A box that a detector proposes lies between the cells of its feature map. `roi_pool` rounds it to whole cells;
# `roi_align` reads between them, and so notices a shift of half a cell.

# %%
ramp = np.tile(np.arange(16, dtype=np.float32), (16, 1))
shifts = np.array([[3.0 + dx, 4, 9 + dx, 10] for dx in (0, 0.25, 0.5)])
pooled, aligned = sl.detect.roi_pool(ramp, shifts, (2, 2)), sl.detect.roi_align(ramp, shifts, (2, 2))
print("pooled ", pooled[:, 0, 0].tolist(), "\naligned", aligned[:, 0, 0].tolist())
assert pooled[0, 0, 0] == pooled[1, 0, 0]
assert np.allclose(np.diff(aligned[:, 0, 0]), 0.25)

# %% [markdown]
# ## One number for a detector
#
# Sort all boxes of all pictures by score. Go down the list: a box is right when it overlaps a thing enough that none
# before it has taken. After each box there is a **precision** (how many were right so far) and a **recall** (how many
# of the things are found). The **average precision** is the area under that curve; its mean over the classes, mAP.
# COCO means over ten strictnesses of "enough" as well.

# %%
truth = [sl.Detections(things, np.ones(3), np.zeros(3))]
once = [sl.Detections(many[kept], scores[kept].clip(0, 1), np.zeros(len(kept)))]
all_of_them = [sl.Detections(many, scores.clip(0, 1), np.zeros(len(many)))]
suppressed, raw = sl.metrics.mean_average_precision(once, truth), sl.metrics.mean_average_precision(all_of_them, truth)
print(f"AP at an overlap of 0.5: {suppressed.ap50:.2f} with suppression, {raw.ap50:.2f} without  ← answer 3")
print(f"over ten overlaps: {suppressed.ap:.2f}. AP at 0.5 says found, the mean says how well")
assert suppressed.ap50 > 0.99
assert raw.ap50 < suppressed.ap50
halved = [sl.Detections(many, scores.clip(0, 1) / 2, np.zeros(len(many)))]
assert np.isclose(sl.metrics.mean_average_precision(halved, truth).ap, raw.ap)
print("halved scores: the same. Only the order counts  ← answer 4")
sl.trace(sl.metrics.mean_average_precision, all_of_them, truth)

# %% [markdown]
# Pascal VOC measured it at one overlap, first at eleven recalls, later under all of the curve: three numbers for one
# list of boxes. Say which one you mean.

# %%
for points in ("eleven", "all"):
    print(f"VOC, {points} points: {float(sl.metrics.voc_average_precision(all_of_them, truth, points=points)):.4f}")
print(f"COCO at 0.5, 101 points: {raw.ap50:.4f}")

# %% [markdown]
# ## The peer's answer beside ours

# %%
try:
    import cv2
except ModuleNotFoundError:
    print("OpenCV is not installed here; pip install opencv-python-headless shows its answer.")
else:
    sides = np.hstack([many[:, :2], many[:, 2:] - many[:, :2]])
    theirs = np.asarray(cv2.dnn.NMSBoxes(sides.tolist(), scores.tolist(), 0.0, 0.5)).reshape(-1)
    print(f"OpenCV keeps {theirs.tolist()}, we keep {kept.tolist()}")
    assert theirs.tolist() == kept.tolist()

# %% [markdown]
# ## Where it fails
#
# Overlap is hard on small things: the same two pixels cost a large box nothing and a small one half of its overlap.

# %%
sizes = np.array([8.0, 16, 32, 128])
off = [sl.detect.iou(np.array([[0, 0, s, s]]), np.array([[2.0, 2, s + 2, s + 2]]))[0, 0] for s in sizes]
print({int(s): round(float(v), 2) for s, v in zip(sizes, off, strict=True)})
assert off[0] < 0.4 < 0.9 < off[-1]

# %% [markdown]
# ## Exercise
#
# Write `average_precision(right, things)`: `right` is a list of True and False, one for each detection, the best score
# first; `things` is the number of true things, ≥ 1. Precision after n detections is the share of right ones among them,
# recall the share of the things that are found. At each detection take the best precision *from there on*, and add it
# up weighted by how much the recall grows there. Return the sum; 0.0 without detections.

# %% tags=["exercise"]


def average_precision(right, things):
    """Return the area under the curve, with the best precision from each point on."""
    raise NotImplementedError("your turn")


# %% [markdown]
# ## What you take with you
#
# - Intersection over union says how well two boxes agree; its descendants also say how far apart they are.
# - Suppression makes one box of many, and is wrong where things stand close.
# - Average precision reads only the order of the scores. Say at which overlap, and by whose rules.

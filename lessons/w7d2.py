# %% [markdown]
# # w7d2 · Windows, HOG and cascades
#
# **Question.** How did cameras find faces in 2001?
#
# A camera of 2001 had less power than a watch has today, and drew a box around each face, many times a second. The
# trick is not to look harder, but to stop looking early.
#
# ## Predict first
#
# 1. A picture of 512×512 pixels, all windows of all sizes in steps of 10 %: how many windows does a detector look at?
# 2. The sum of a rectangle of 100×100 pixels: how many numbers must be read to know it?
# 3. The first of 25 stages asks 9 questions. What share of the windows does it send away?
# 4. How many questions does an average window have to answer, of 2913?

# %%
import numpy as np

import sightline as sl
from sightline.faces.cascade_windows import Packed, search
from sightline.faces.group_boxes import group_boxes
from sightline.lab.blackboard import pictures, source_of

photo = sl.data.sample("astronaut")
gray = sl.image.convert(photo, "rgb", "gray")
cascade = sl.faces.HaarCascade.frontal_face()
found = cascade.detect(photo, neighbours=6)
print(len(cascade), "stages;", len(found), "face:", found.boxes[0])
assert len(found) == 1
pictures(found=found.draw(photo))

# %% [markdown]
# ## The idea in words
#
# **Sums for nothing.** Let each pixel of an *integral image* hold the sum of all above it and to its left. Then the sum
# of any rectangle is four of its numbers: two added, two taken away.
#
# **Questions.** Is the band of the eyes darker than the cheeks below? That is the sum of one rectangle less that of
# another: eight numbers, at any size. Divide by how much the window varies, and lamps no longer matter.
#
# **Stages.** Almost all windows show no face. Ask a few questions and send away whatever is clearly none; ask those
# that are left some more. Only a face comes to the last stage.
#
# ## The equation
#
# $$ S(x, y) = \sum_{i < x,\; j < y} I(i, j), \qquad \sum_{\text{rect}} I = S(x_2, y_2) - S(x_1, y_2) - S(x_2, y_1) +
# S(x_1, y_1) $$
#
# $$ F = \Big[\sum_t h_t(x) \ge \theta_1\Big] \wedge \Big[\sum_t h_t(x) \ge \theta_2\Big] \wedge \dots $$

# %%
sums = np.zeros((gray.shape[0] + 1, gray.shape[1] + 1))
sums[1:, 1:] = np.cumsum(np.cumsum(gray, axis=0, dtype=float), axis=1)
x1, y1, x2, y2 = 200, 150, 300, 250
four = sums[y2, x2] - sums[y1, x2] - sums[y2, x1] + sums[y1, x1]
print("four numbers:", four, "ten thousand numbers:", gray[y1:y2, x1:x2].sum())
assert four == gray[y1:y2, x1:x2].sum()

# %% [markdown]
# **Answer 2.** Four.
#
# ## Watch it
#
# What the first stage asks, which windows are left after each stage, and how they become boxes.

# %%
sl.trace(sl.faces.HaarCascade, cascade, sl.image.resize(gray, (256, 256)), 1.1, 3)

# %%
windows, asked = search(gray, Packed.of(cascade.tables), 1.1, (1, 1), gray.shape)
questions = np.diff(cascade.tables.stages)
print(f"{asked[0]} windows; left after stages 1, 2, 5, 25: {asked[1]}, {asked[2]}, {asked[5]}, {asked[25]}")
mean = float((asked[:-1] * questions).sum() / asked[0])
print(
    f"sent away by the first stage: {1 - asked[1] / asked[0]:.0%}; questions a window: {mean:.0f} of {questions.sum()}"
)
assert asked[0] > 100_000
assert 0.2 < 1 - asked[1] / asked[0] < 0.8
assert mean < questions.sum() / 30

# %% [markdown]
# **Answers 1, 3, 4.** Hundreds of thousands; some half of them; a few dozen. That is why it ran on a camera.
#
# One face is found by many windows, a little beside one another and of several sizes. Those that nearly cover each
# other are one thing; a box needs several, and lone windows are taken for a mistake.

# %%
for neighbours in (0, 1, 3, 10):
    boxes, counts = group_boxes(windows, neighbours)
    print(f"more than {neighbours:2} windows: {len(boxes):3} boxes, of {counts.tolist()[:6]} windows")
assert len(group_boxes(windows, 0)[0]) > len(group_boxes(windows, 3)[0]) >= 1

# %% [markdown]
# ## Teach one
#
# AdaBoost picks the question that errs least, then gives what it got wrong more weight, and picks the next one. When a
# stage sends away enough, the next one is taught on the windows that *fooled* all stages so far. Here it learns
# crosses.

# %%
random = np.random.default_rng(0)


def cross():
    """Draw a bright cross on a dark and noisy ground."""
    face = random.normal(90, 12, (20, 20))
    at = random.integers(8, 11)
    face[at : at + 3], face[:, at : at + 3] = 200, 200
    return np.clip(face, 0, 255).astype(np.uint8)


crosses = [cross() for _ in range(60)]
grounds = [sl.image.gaussian_blur(random.integers(0, 256, (90, 120), dtype=np.uint8), s) for s in (1.0, 2.0, 4.0)]
taught = sl.faces.HaarCascade.train(crosses, grounds, size=(16, 16), stages=4, negatives=120, features=400)
for report in taught.history:
    print(
        f"stage {report.stage}: {report.stumps} questions, hands on {report.hit_rate:.0%} of the crosses, "
        f"{report.false_alarm:.0%} of what fooled the others ({report.passed:.2%} of all windows did)"
    )
assert taught.history[-1].passed < 0.2 * taught.history[0].passed
scene = grounds[2].copy()
scene[30:62, 50:82] = sl.image.resize(cross(), (32, 32))
seen = taught.detect(scene, neighbours=2)
assert len(seen) >= 1
pictures(scene=scene, seen=seen.draw(scene))

# %% [markdown]
# ## The other window
#
# Four years later, Dalal and Triggs slid a window over histograms of gradients (w3d2) instead, and one linear machine
# said yes or no: slower, but it found whole people, whose clothes no band of light and dark describes.

# %%
blocks = sl.features.hog_blocks(gray, 8)
window = blocks[3:17, 21:35].ravel()
print(f"a map of {blocks.shape[0]}×{blocks.shape[1]} blocks; a window of 15×15 cells is {window.size} numbers of it")
assert np.array_equal(window, sl.features.hog(gray, 8).reshape(blocks.shape)[3:17, 21:35].ravel())
pictures(face=gray[24:144, 168:288], hog=sl.features.hog_picture(np.ascontiguousarray(gray[24:144, 168:288])))

# %% [markdown]
# A window has one size; things have many. So the picture is made smaller, again and again, and the window is slid over
# each size. A photo becomes tens of thousands of questions:

# %%
levels = sl.detect.image_pyramid(gray, 1.2, smallest=128)
asked = [len(sl.detect.sliding_window(level, (128, 64), stride=8)) for level in levels]
print(f"{len(levels)} sizes, {sum(asked)} windows of 128×64 pixels: {asked}")
assert asked == sorted(asked, reverse=True)
sl.trace(sl.detect.sliding_window, gray, size=(128, 64), stride=32)

# %% [markdown]
# `sl.detect.HogSvm` is that detector, for people unless it is taught otherwise; `sl.faces.HogFace` is the same with the
# window of a face. All scores of a size come from one product of matrices. Here it learns the crosses from above, and
# shows which edges count for a cross, and which against one.

# %%
window = sl.detect.HogSvm.train(crosses, grounds, size=(24, 24), cell=4, negatives=150, name="cross")
for report in window.history:
    print(f"round {report.round}: {report.windows} windows of background, {report.false_alarm:.0%} still fool it")
boxes = window.detect(scene).boxes
print("the best box:", boxes[0].round(), "and the cross is at 50, 30, 82, 62")
assert abs(boxes[0] - [50, 30, 82, 62]).max() < 10
sl.trace(sl.detect.HogSvm, window, scene)

# %% [markdown]
# ## Parts that move
#
# One template cannot say that an arm may be up or down. A model of parts can: a coarse template of the whole, and finer
# ones that slide near their places, for a price. Nobody marks the parts: they are put where the whole has its strongest
# edges, placed where they fit best, taught, and placed anew. Here, a body whose head sits elsewhere each time:


# %%
def figure(head):
    """Draw a body, and a head at a column; None is the empty ground."""
    made = sl.image.gaussian_blur(random.integers(0, 90, (96, 96), dtype=np.uint8), 1.0)
    made[44:76, 38:58] = np.maximum(made[44:76, 38:58], 150)
    if head is not None:
        made[24:40, head : head + 12] = 240
    return made


whole = np.array([[34, 20, 62, 80]])
moving = sl.detect.DeformableParts.train(
    [figure(head) for head in (37, 39, 41, 43, 45, 47, 49)], [whole] * 7, [figure(None)[:, :34], figure(None)[:, 60:]],
    parts=4, rounds=2, cell=4, negatives=100, name="figure",
)  # fmt: skip
heads = []
for head in (37, 43, 49):
    found, parts = moving.detect_parts(figure(head), -0.5)
    heads.append(parts[0][parts[0][:, 1].argmin(), 0])
    print(f"head at {head}: the figure at {found.boxes[0].round()}, its highest part at column {heads[-1]:.0f}")
    assert abs(found.boxes[0] - whole[0]).max() < 10
assert heads[0] + 4 <= heads[2]
sl.trace(sl.detect.DeformableParts, moving, figure(37), threshold=-0.5)

# %% [markdown]
# ## Our source
#
# The first stage: all windows of a row are asked at once, for they lie next to one another in memory.

# %%
from sightline.faces.cascade_windows import _add_first

print(source_of(_add_first))

# %% [markdown]
# ## Where it fails
#
# The rectangles stand upright. Turn the head, and the eyes are no longer a band.

# %%
face = gray[40:180, 150:300]
for degrees in (0, 15, 30, 45):
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    middle = np.array([face.shape[1] / 2, face.shape[0] / 2])
    turn = np.array([[c, -s], [s, c]])
    place = np.column_stack([turn, middle - turn @ middle])
    hits = len(cascade.detect(sl.image.warp_affine(face, place, border="edge")))
    print(f"turned by {degrees:2}°: {hits} found")
assert hits == 0

# %% [markdown]
# ## Exercise
#
# Write `rectangle(sums, box)`: the sum of the pixels of a rectangle, from an integral image with a row and a column of
# zeros in front. `box` is (x1, y1, x2, y2): pixels x1 up to, not including, x2; rows likewise.

# %% tags=["exercise"]


def rectangle(sums, box):
    """Return the sum of a rectangle's pixels from four numbers."""
    raise NotImplementedError("your turn")


# %% [markdown]
# ## What you take with you
#
# - Any rectangle costs four numbers, at any size.
# - Most of the world is not what you look for: refuse early.
# - Teach each stage on what fooled the others.

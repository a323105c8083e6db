# %% [markdown]
# # w2d2 · Where is it? Templates and registration
#
# **Question.** How do you find a patch again, and lay two photos on each other?
#
# You have a picture of a thing, and a photo in which it occurs. Or two photos of one place, from two places. Both ask
# for the same: which shift, turn or tilt makes them agree?
#
# ## Predict first
#
# 1. The photo becomes 40 levels brighter. Does the sum of squared differences still find the patch? Does correlation?
# 2. How far may the template be turned before it is lost: 2°, 10°, 45°?
# 3. Two photos of a flat wall from two places. How many numbers describe how one becomes the other?
# 4. Of 100 matches between two photos 30 are wrong. Does least squares over all of them work?

# %%
import math

import numpy as np

import sightline as sl
from sightline.lab.blackboard import pictures, source_of

china, astronaut = sl.image.resize(sl.data.sample("china"), (320, 480)), sl.data.sample("astronaut")
template = np.ascontiguousarray(astronaut[60:150, 175:270])
pictures(photo=astronaut, template=template)

# %% [markdown]
# ## The idea in words
#
# Lay the template on each place. Compare. Write the score there. The best score is the answer. All depends on *how*
# you compare.
#
# ## The equation
#
# Normalised cross-correlation takes off the means and divides by the lengths, so that neither light nor contrast
# matter:
#
# $$ \mathrm{ncc} = \frac{\sum I' T'}{\sqrt{\sum I'^2 \; \sum T'^2}}, \qquad -1 \le \mathrm{ncc} \le 1 $$

# %%
sl.trace(sl.image.match_template, astronaut, template)

# %%
brighter = np.clip(astronaut.astype(int) * 0.6 + 70, 0, 255).astype(np.uint8)
truth = (175, 60)
for score in ("ncc", "normed_correlation", "difference", "correlation"):
    scores = sl.image.match_template(brighter, template, score)
    pick = scores.argmin() if score == "difference" else scores.argmax()
    y, x = np.unravel_index(pick, scores.shape)
    print(f"{score:19} finds it at ({x}, {y})", "✓" if (x, y) == truth else "✗")
    if score == "ncc":
        assert (x, y) == truth
    if score == "correlation":
        assert (x, y) != truth  # bright places win, whatever they show

# %% [markdown]
# **Answer 1.** Correlation that is not normalised goes to the brightest place. `ncc` does not care. How far may the
# template be turned? Measure it. **Answer 2**: 2° cost little; 10° are bearable; at 20° another place is better.

# %%
middle = (template.shape[1] / 2, template.shape[0] / 2)
for degrees in (0, 2, 5, 10, 20, 45):
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    turn = np.array([[c, -s, middle[0] * (1 - c) + middle[1] * s], [s, c, middle[1] * (1 - c) - middle[0] * s]])
    turned = sl.image.warp_affine(template, turn, border="edge")
    scores = sl.image.match_template(astronaut, turned)
    y, x = np.unravel_index(scores.argmax(), scores.shape)
    off = math.hypot(x - truth[0], y - truth[1])
    print(f"turned by {degrees:2}°: best score {scores.max():.2f}, {off:.0f} pixels from the face")
    if degrees == 2:
        assert off <= 1
        assert scores.max() > 0.9
    if degrees == 45:
        assert off > 50

# %% [markdown]
# `find_template` tries scales and angles, too, and returns *all* good places. Of matches that overlap it keeps the
# best.

# %%
scene = np.full((300, 420, 3), 120, np.uint8)
scene[30:120, 40:135] = template
scene[150:285, 200:342] = sl.image.resize(template, (135, 142))
found = sl.image.find_template(scene, template, scales=(0.75, 1.0, 1.5), threshold=0.8)
for box, score, scale in zip(found.boxes, found.scores, found.scales, strict=True):
    print(f"at {np.round(box).astype(int).tolist()}, scale {scale:.2f}, score {score:.3f}")
assert sorted(np.round(found.scales, 2).tolist()) == [1.0, 1.5]
sl.trace(sl.image.find_template, scene, template, scales=(0.75, 1.0, 1.5))

# %% [markdown]
# ## Two photos of one place
#
# Now no template, but two whole photos. If the scene is flat, or far away, or you only turned the camera, one 3×3
# matrix maps one photo to the other: a **homography**. **Answer 3**: nine numbers up to scale, so eight.
#
# $$ \begin{pmatrix} x' \\ y' \\ 1 \end{pmatrix} \sim H \begin{pmatrix} x \\ y \\ 1 \end{pmatrix} $$
#
# `register` with *features*: find corners, describe them, match each with its most similar one, and then let random
# small groups of matches vote (RANSAC). Wrong matches do not agree with each other. **Answer 4**: least squares does
# not work, one wild match moves it as far as it likes.

# %%
truth_matrix = np.array([[0.95, 0.10, 9.0], [-0.08, 1.02, 15.0], [1e-4, -5e-5, 1.0]])
moving = sl.image.warp_perspective(china, np.linalg.inv(truth_matrix), border="reflect")
result = sl.image.register(china, moving)
corners = np.array([[0, 0, 1], [479, 0, 1], [479, 319, 1], [0, 319, 1.0]]).T


def corner_error(matrix):
    """Root mean square distance of the four corners from where they belong, in pixels."""
    a, b = (m @ corners for m in (matrix, truth_matrix))
    return float(np.sqrt(np.mean(np.sum((a[:2] / a[2] - b[:2] / b[2]) ** 2, axis=0))))


print(f"{result.inliers} matches agree; corners are {corner_error(result.matrix):.2f} pixels off")
assert result.inliers > 30
assert corner_error(result.matrix) < 1.0
sl.trace(sl.image.register, china, moving)

# %% [markdown]
# *Intensity* alignment needs a start that is near, and then it is more exact: it turns the eight numbers until the
# brightness agrees best.

# %%
finer = sl.image.register(china, moving, method="intensity", start=result.matrix)
print(f"features {corner_error(result.matrix):.3f} pixels, then intensity {corner_error(finer.matrix):.3f} pixels")
assert corner_error(finer.matrix) < 0.5

# %% [markdown]
# ## Panorama
#
# Register all photos that overlap, put them on one sheet, even out their exposure, cut along seams, blend in bands
# (w2d1). That is `stitch`.

# %%
parts = [
    np.ascontiguousarray(china[:, :220]),
    np.ascontiguousarray(china[:, 130:360]),
    np.ascontiguousarray(china[:, 270:]),
]
parts[1] = np.clip(parts[1].astype(float) * 0.8, 0, 255).astype(np.uint8)  # another exposure
panorama = sl.image.stitch(parts)
print("three parts of", parts[0].shape, "→", panorama.shape)
assert abs(panorama.shape[1] - 480) < 30
sl.trace(sl.image.stitch, parts)

# %% [markdown]
# ## Our source
#
# One map of scores for each scale and angle. Peaks of all of them are sorted, and each one sends away what it overlaps:

# %%
from sightline.image.find_template import _best

print(source_of(_best))

# %% [markdown]
# ## The peer's answer beside ours

# %%
try:
    import cv2
except ModuleNotFoundError:
    print("OpenCV is not installed here; pip install opencv-python-headless shows its answer.")
else:
    theirs = cv2.matchTemplate(astronaut, template, cv2.TM_CCOEFF_NORMED)
    apart = float(np.abs(theirs - sl.image.match_template(astronaut, template)).max())
    print(f"scores, largest difference from OpenCV: {apart:.1e}")
    assert apart < 1e-3

# %% [markdown]
# ## Where it fails
#
# A score is only as good as the template. A patch of empty sky fits everywhere. And two photos that share nothing
# cannot be aligned; an honest method says so.

# %%
empty = np.ascontiguousarray(china[2:32, 225:255])
similar = sl.image.match_template(china, empty, "normed_correlation")
print(f"{(similar > 0.99).mean():.0%} of all places fit a patch of sky by more than 0.99")
assert (similar > 0.99).mean() > 0.05
try:
    other = sl.image.register(china, np.random.default_rng(0).integers(0, 256, china.shape, np.uint8))
except sl.InputError as error:
    print(error)
else:
    raise AssertionError("noise must not be aligned")

# %% [markdown]
# ## Exercise
#
# Write `ncc(a, b)`: the normalised cross-correlation of two float arrays of the same shape. Where one of them has no
# contrast, return 0.0.

# %% tags=["exercise"]
import numpy as np


def ncc(a, b):
    """Return the normalised cross-correlation of two patches, −1 to 1."""
    raise NotImplementedError("your turn")


# %% [markdown]
# ## What you take with you
#
# - Compare with means and lengths taken out.
# - A homography has eight numbers; four matches give them, votes choose the right four.
# - Features to come near, intensity to be exact.

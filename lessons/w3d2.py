# %% [markdown]
# # w3d2 · SIFT and its relatives
#
# **Question.** How do you describe a point so that scale and angle do not matter?
#
# Yesterday's corners can be found again, but not when the size changes, and nothing says which corner is which. So let
# each point come with its size, its direction, and a list of numbers that says what is around it.
#
# ## Predict first
#
# 1. A bright disc of radius 10. Differences of Gaussians look for it at all sizes. Which σ do they report?
# 2. You halve the contrast of the photo. What happens to the 128 numbers of a feature?
# 3. You turn the photo by 40° and shrink it to 60 %. How many of the clear matches of SIFT are right: 10 %, 50 %, 90 %?
# 4. SIFT stores 128 floats a feature, that is 512 bytes. How few bytes are enough?

# %%
import math

import numpy as np

import sightline as sl
from sightline.features.sift_descriptor import _finish
from sightline.lab.blackboard import pictures, source_of

photo = sl.image.resize(sl.data.sample("camera", mode="gray"), (256, 256))
c, s = 0.6 * math.cos(math.radians(40)), 0.6 * math.sin(math.radians(40))
place = np.array([[c, -s, 128 - 128 * c + 128 * s], [s, c, 128 - 128 * s - 128 * c]])
other = sl.image.warp_affine(sl.image.gaussian_blur(photo, 0.6), place, border="edge")
detail = np.ascontiguousarray(photo[20:148, 64:192])  # to be watched
pictures(photo=photo, turned_and_small=other, detail=detail)

# %% [markdown]
# ## The idea in words
#
# **Where, and how large?** Blur the photo more and more, and subtract neighbours (w2d1). What is brighter or darker
# than all around it, in place *and* in blur, is a keypoint, and that blur is its size.
#
# **Which way?** Ask the gradients around it, and take the most frequent direction.
#
# **What does it look like?** Lay a grid of 4×4 cells over it, as large as its size and turned by its direction. In each
# cell, count which way the gradients point. Size and angle are now taken out.
#
# ## The equation
#
# $$ D(x, y, \sigma) = \big(G(k\sigma) - G(\sigma)\big) * I \;\approx\; (k - 1)\, \sigma^2 \nabla^2 G * I $$
#
# $$ h_{c, b} = \sum_{p \in \text{cell } c} w(p) \, |\nabla I(p)| \, \big[\angle \nabla I(p) - \theta \in \text{bin } b
# \big], \qquad d = \frac{h}{|h|} $$
#
# 4×4 cells times 8 directions are 128 numbers.

# %%
y, x = np.mgrid[0:96, 0:96]
for radius in (5, 10, 20):
    disc = np.clip(radius + 0.5 - np.hypot(x - 48, y - 48), 0, 1).astype(np.float32) * 0.8
    found = sl.features.dog_keypoints(disc, 1)
    where, sigma = found.points[0], float(found.scales[0])
    print(f"disc of radius {radius:2}: keypoint at {np.round(where, 1)}, σ = {sigma:.1f} = {sigma / radius:.2f} radii")
    assert np.abs(where - 48).max() < 0.2
    assert 0.55 < sigma / radius < 0.8
sl.trace(sl.features.dog_keypoints, detail)

# %% [markdown]
# **Answer 1.** 6.4, of the less blurred one of the two; between it and the other lies the radius divided by √2 (w2d1).
# A disc twice as large gives a σ twice as large. That is the whole trick.
#
# ## All of SIFT

# %%
a, b = sl.features.sift(photo, 300), sl.features.sift(other, 300)
print(len(a), "features of", a.descriptors.shape[1], "numbers; length", np.linalg.norm(a.descriptors[0]).round(3))
assert a.descriptors.shape[1] == 128
assert np.allclose(np.linalg.norm(a.descriptors, axis=1), 1, atol=1e-3)
sl.trace(sl.features.sift, detail, 40, upsample=False)

# %%
faint = np.clip(photo * 0.5 + 40, 0, 255).astype(np.float32) / 255
pale = sl.features.sift(faint, contrast=0.02)
full = sl.features.sift(photo)
distance = np.hypot(*(full.points[:, None] - pale.points[None]).transpose(2, 0, 1))
same = distance.min(axis=1) < 0.1
partner = distance.argmin(axis=1)[same]
likeness = (full.descriptors[same] * pale.descriptors[partner]).sum(axis=1)
print(f"half the contrast: {same.mean():.0%} are there, median likeness of their numbers {np.median(likeness):.4f}")
assert same.mean() > 0.9
assert np.median(likeness) > 0.999

# %% [markdown]
# **Answer 2.** Nothing. Brightness falls out in the gradient, contrast in the division by the length.
#
# Now the promise: match each feature with its nearest one in the other photo (tomorrow in depth), keep the clear ones,
# and look whether they are where the known motion says.


# %%
def right(matches, tolerance=3.0):
    """Share of matches whose second point is where the first one goes."""
    gone = matches.points_a @ place[:, :2].T + place[:, 2]
    return float((np.hypot(*(gone - matches.points_b).T) < tolerance).mean())


matches = sl.features.match(a, b)
turn = np.degrees(b.angles[matches.indices[:, 1]] - a.angles[matches.indices[:, 0]]) % 360
ratio = b.scales[matches.indices[:, 1]] / a.scales[matches.indices[:, 0]]
print(f"SIFT: {len(matches.indices)} clear matches, {right(matches):.0%} right ← answer 3")
print(f"they say: turned by {np.median(turn):.0f}°, {np.median(ratio):.2f} times the size")
assert right(matches) > 0.8
assert abs(np.median(turn) - 40) < 3
assert abs(np.median(ratio) - 0.6) < 0.05
rooted = sl.features.match(sl.features.sift(photo, 300, root=True), sl.features.sift(other, 300, root=True))
print(f"RootSIFT, one square root more: {right(rooted):.0%} right")
pictures(matches=matches.draw(photo, other))

# %% [markdown]
# ## Bits instead of numbers
#
# A descriptor can be far cheaper. BRIEF compares 256 pairs of pixels in a patch: which of the two is darker? One bit
# each, 32 bytes. **Answer 4.** Two of them are compared by counting bits that differ. ORB gives BRIEF what it lacks: a
# direction (from the centre of brightness of the patch), and a pyramid for the size.

# %%
plain = sl.features.match(
    sl.features.brief(photo, sl.features.fast(photo, 30)), sl.features.brief(other, sl.features.fast(other, 30)), 1.0
)
turned = sl.features.match(sl.features.orb(photo, 300), sl.features.orb(other, 300), 1.0)
print(f"nearest neighbours that are right: BRIEF {right(plain):.0%}, ORB {right(turned):.0%}")
assert right(turned) > 0.5
assert right(plain) < 0.2  # it knows neither angle nor size
sl.trace(sl.features.orb, photo, 100)

# %% [markdown]
# ## Corners with a size
#
# `harris_laplace` marries yesterday with today: Harris finds the place, the Laplacian the size.

# %%
sized = sl.features.harris_laplace(photo, 100)
print(len(sized), f"corners, σ from {sized.scales.min():.1f} to {sized.scales.max():.1f} pixels")
assert sized.scales.max() > 1.5 * sized.scales.min()
sl.trace(sl.features.harris_laplace, detail, 100)

# %% [markdown]
# ## The same histograms, everywhere
#
# Why only at keypoints? HOG lays the cells over the whole picture, and norms them in blocks. With it, people were found
# in photos for ten years. LBP asks each pixel which of its neighbours are brighter; histograms of that tell cloth from
# stone. And when features become *words* of a vocabulary, a picture is a list of words: the spatial pyramid counts them
# in the whole, in quarters, and in quarters of quarters.

# %%
vector = sl.features.hog(photo)
again = sl.features.hog(faint)
print(len(vector), f"numbers; at half the contrast {float(vector @ again / (vector @ vector)):.3f} alike")
assert float(vector @ again / np.sqrt((vector @ vector) * (again @ again))) > 0.98
pictures(photo=photo, hog=sl.features.hog_picture(photo))

# %%
patterns = sl.features.lbp(photo, method="uniform")
assert (patterns[2:-2, 2:-2] == sl.features.lbp((photo // 2 + 40) * 1, method="uniform")[2:-2, 2:-2]).mean() > 0.5
strongest = np.argsort(-np.abs(a.descriptors), axis=1)[:, 0] // 8  # a toy vocabulary: the strongest of sixteen cells
words = sl.features.spatial_pyramid(a.points, strongest, photo.shape, 16)
print("words in the whole, in quarters, in sixteenths:", len(words), "numbers, sum", round(float(words.sum()), 3))
assert len(words) == 16 * 21
sl.trace(sl.features.hog, photo)

# %% [markdown]
# ## Our source
#
# The end of SIFT's descriptor: length 1, cut off what is too strong (a single bright edge shall not decide), length 1
# again.

# %%
print(source_of(_finish))

# %% [markdown]
# ## The peer's answer beside ours

# %%
try:
    import cv2
except ModuleNotFoundError:
    print("OpenCV is not installed here; pip install opencv-python-headless shows its answer.")
else:
    keypoints = cv2.SIFT_create().detect(photo, None)
    theirs = np.array([k.pt for k in keypoints]) - 0.25  # theirs lie a quarter of a pixel too far right and down
    away = np.hypot(*(theirs[:, None] - full.points[None]).transpose(2, 0, 1)).min(axis=1)
    print(f"OpenCV: {len(theirs)} features, we {len(full)}; {(away < 0.5).mean():.0%} of theirs lie on one of ours")
    assert (away < 0.5).mean() > 0.9

# %% [markdown]
# ## Where it fails
#
# The grid turns and grows, but it does not tilt. Seen at a slant, a square becomes a trapezium, and cells no longer
# fall on what they fell on before. Count the right matches as the photo is squeezed in one direction.

# %%
shares = {}
for squeeze in (1.0, 0.7, 0.5, 0.3):
    place = np.array([[squeeze, 0, 0], [0, 1.0, 0]])
    slant = sl.image.warp_affine(sl.image.gaussian_blur(photo, 0.5 / squeeze), place, border="edge")
    pairs = sl.features.match(a, sl.features.sift(slant, 300))
    shares[squeeze] = right(pairs) * len(pairs.indices) / len(a)
    print(f"width {squeeze:.0%}: {shares[squeeze]:.0%} of the features are matched rightly")
assert shares[0.3] < shares[0.7] / 2

# %% [markdown]
# ## Exercise
#
# Write `histogram(dx, dy, bins)`: one cell of a descriptor. `dx` and `dy` are derivatives, float arrays of one shape.
# Each pixel votes with the length of its gradient for the bin of its direction: bin k takes angles from `2π·k/bins` up
# to, not including, `2π·(k+1)/bins`, counted from 0 to 2π. Divide by the Euclidean length; without any gradient, return
# zeros.

# %% tags=["exercise"]
import numpy as np


def histogram(dx, dy, bins):
    """Return which way the gradients of a cell point, as a vector of length 1."""
    raise NotImplementedError("your turn")


# %% [markdown]
# ## What you take with you
#
# - Search over place and blur: the blur that answers most is the size.
# - Measure in the feature's own frame, and size and angle are gone; divide by the length, and contrast is.
# - Bits are cheap: 32 bytes instead of 512.

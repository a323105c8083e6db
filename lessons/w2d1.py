# %% [markdown]
# # w2d1 · Scale: pyramids and blobs
#
# **Question.** How large is a thing, when you do not know it beforehand?
#
# A filter of five pixels sees details of five pixels. A face may be 20 pixels wide, or 400. You can make 80 filters, or
# one filter and a stack of smaller pictures. That stack is a pyramid, and it is in nearly everything that follows.
#
# ## Predict first
#
# 1. A picture at full, half, quarter … size: how much more memory than the picture alone? Twice?
# 2. Take every second pixel without a blur before it. What happens to fine stripes?
# 3. Subtract a blurred picture from a less blurred one. What is left of a flat wall?
# 4. A bright disc of radius 10. At which σ does the Laplacian of Gaussian answer most: 5, 7 or 10?

# %%
import math

import numpy as np

import sightline as sl
from sightline.lab.blackboard import pictures, source_of

cat, astronaut, shapes = sl.data.sample("cat"), sl.data.sample("astronaut"), sl.data.sample("shapes", mode="gray")
sl.trace(sl.image.gaussian_pyramid, cat, 5)

# %% [markdown]
# ## The idea in words
#
# Blur, then keep every second row and column. Again, and again. The blur comes first: what is finer than the new grid
# must be gone before you sample, or it comes back as a pattern that is not there (w1d3).

# %%
levels = sl.image.gaussian_pyramid(cat, 6)
memory = sum(level.size for level in levels) / cat.size
print("sizes:", [level.shape[:2] for level in levels], f"memory: {memory:.2f} × the picture ← answer 1")
assert 1.3 < memory < 1.36
stripes = np.tile(np.array([0, 0, 255], np.uint8), (96, 32))
blunt, proper = np.ascontiguousarray(stripes[::2, ::2]), sl.image.gaussian_pyramid(stripes, 2)[1]
print(
    f"contrast of stripes too fine for the half: blunt {blunt.std():.0f}, with the blur {proper.std():.0f} ← answer 2"
)
assert blunt.std() > 3 * proper.std()

# %% [markdown]
# ## The equation
#
# With $\downarrow$ for blur-and-halve and $\uparrow$ for double-and-blur:
#
# $$ G_{i+1} = \downarrow G_i, \qquad L_i = G_i - \uparrow G_{i+1} $$
#
# $L_i$ is what level $i$ knows and level $i+1$ does not: a band of detail. Add all bands up from the coarsest, and the
# picture is back, exactly. That is the **Laplacian pyramid**.

# %%
bands = sl.image.laplacian_pyramid(cat, 6)
again = sl.image.collapse(bands, dtype="uint8")
print("largest error after taking apart and adding up:", int(np.abs(again.astype(int) - cat).max()))
assert (again == cat).all()
small = [float((np.abs(band) < 8).mean()) for band in bands[:-1]]
print("share of numbers below 8 levels in each band:", np.round(small, 2))
assert small[0] > 0.8  # nearly nothing: that is why wavelets compress (w2d4)
sl.trace(sl.image.laplacian_pyramid, cat, 5)

# %%
sl.trace(sl.image.collapse, bands, dtype="uint8")

# %% [markdown]
# ## The trick of 1983: blend without a seam
#
# Cut two photos and lay them side by side: you see the line. Blur the line: you see a fog. Blend each *band* over its
# own width, the coarse ones widely, the fine ones sharply: you see one photo.

# %%
size = (288, 288)
face_a = sl.image.resize(np.ascontiguousarray(astronaut[40:170, 145:275]), size)
face_b = np.ascontiguousarray(cat[0:288, 99:387])
half = np.zeros(size, bool)
half[:, :144] = True
hard = np.where(half[..., None], face_a, face_b)
soft = sl.image.blend(face_a, face_b, half, 6)


def seam(picture):
    """Mean jump across the cut, in levels."""
    return float(np.abs(picture[:, 144].astype(int) - picture[:, 143]).mean())


print(f"jump at the cut: {seam(hard):.0f} levels; blended: {seam(soft):.1f}")
assert seam(soft) < seam(hard) / 4
pictures(cut=hard, blended=soft)

# %%
sl.trace(sl.image.blend, face_a, face_b, half, 5)

# %% [markdown]
# ## Band pass: the difference of Gaussians
#
# Blur a little, blur more, subtract. Flat walls give 0 (**answer 3**): both blurs agree. What is left are things of one
# size. It is nearly the Laplacian of Gaussian, and cheaper.

# %%
wall = np.full((50, 50), 0.6, np.float32)
assert np.abs(sl.image.difference_of_gaussians(wall, 2.0)).max() < 1e-5
sl.trace(sl.image.difference_of_gaussians, cat, 2.0, 3.2)

# %% [markdown]
# ## Blobs: the size of a thing
#
# Filter with growing σ. A filter answers most when it is as large as the thing. For a disc of radius $r$:
#
# $$ \sigma^\star = \frac{r}{\sqrt 2} $$
#
# (σ² times the Laplacian, so that sizes compare.) So look for maxima in *three* dimensions: x, y and σ.

# %%
y, x = np.mgrid[0:81, 0:81]
disc = (np.hypot(x - 40, y - 40) <= 10).astype(np.float32)
sigmas = np.arange(3, 12, 0.5)
answers = [-(s**2) * float(sl.image.laplacian_of_gaussian(disc, s)[40, 40]) for s in sigmas]
best = float(sigmas[int(np.argmax(answers))])
print(f"radius 10: strongest at σ = {best}; 10 / √2 = {10 / math.sqrt(2):.1f} ← answer 4")
assert abs(best - 10 / math.sqrt(2)) <= 0.5

# %%
light = 255 - shapes  # the shapes are dark; these methods look for bright blobs
trace = sl.trace(sl.image.blobs_log, light, 0.25, min_sigma=3.0, max_sigma=40.0, scales=12)
trace

# %% [markdown]
# Three methods, one idea. Differences of Gaussians are cheaper and try fewer sizes; the determinant of the Hessian
# needs no more than box sums. So take their radii as estimates.

# %%
found = {
    "blobs_log": trace.result,
    "blobs_dog": sl.image.blobs_dog(light, 0.1, min_sigma=3.0, max_sigma=40.0),
    "blobs_doh": sl.image.blobs_doh(light, 0.005, min_sigma=3.0, max_sigma=40.0, scales=12),
}
disc_at = (321.6, 235.6)  # centre of a disc of radius 26
for name, blobs in found.items():
    nearest = blobs[np.argmin(np.hypot(blobs[:, 0] - disc_at[0], blobs[:, 1] - disc_at[1]))]
    radius = nearest[2] * (1.0 if name == "blobs_doh" else math.sqrt(2))
    print(f"{name}: {len(blobs)} blobs; the disc at ({nearest[0]:.0f}, {nearest[1]:.0f}), radius {radius:.0f}")
    assert len(blobs) >= 5
    assert np.hypot(nearest[0] - disc_at[0], nearest[1] - disc_at[1]) < 3

# %% [markdown]
# Another way to a size is to vote for it: `sl.image.hough_circles` (w2d6) knows the outline, a blob filter the inside.

# %%
voted = sl.image.hough_circles(shapes, 25, min_radius=15, max_radius=70)
same = voted[np.argmin(np.hypot(voted[:, 0] - disc_at[0], voted[:, 1] - disc_at[1]))]
print(f"voted for: a circle at ({same[0]:.0f}, {same[1]:.0f}), radius {same[2]:.0f}")
assert np.hypot(same[0] - disc_at[0], same[1] - disc_at[1]) < 3
assert abs(same[2] - 26) < 2

# %% [markdown]
# ## Our source
#
# Taken apart, and added up again, in a dozen lines:

# %%
from sightline.image.laplacian_pyramid import bands_of, sum_of_bands

print(source_of(bands_of))
print(source_of(sum_of_bands))

# %% [markdown]
# ## The peer's answer beside ours

# %%
try:
    import cv2
except ModuleNotFoundError:
    print("OpenCV is not installed here; pip install opencv-python-headless shows its answer.")
else:
    apart = np.abs(cv2.pyrDown(cat).astype(int) - levels[1]).max()
    print("half size, largest difference from OpenCV's pyrDown:", int(apart), "levels")
    assert apart <= 1
try:
    from skimage.feature import blob_log
except ModuleNotFoundError:
    print("scikit-image is not installed here; pip install scikit-image shows its answer.")
else:
    theirs = blob_log(light, min_sigma=3, max_sigma=40, num_sigma=12, threshold=0.25)
    print("blobs: ours", len(found["blobs_log"]), "scikit-image", len(theirs))
    assert abs(len(theirs) - len(found["blobs_log"])) <= 2

# %% [markdown]
# ## Where it fails
#
# A blob is round. A long ellipse is a row of discs to these filters, and noise is many small ones.

# %%
random = np.random.default_rng(0)
bar = np.zeros((60, 160), np.float32)
bar[25:35, 20:140] = 1
along = sl.image.blobs_log(bar, 0.1, min_sigma=3.0, max_sigma=20.0)
noise = np.clip(random.normal(0.5, 0.2, (80, 80)), 0, 1).astype(np.float32)
specks = sl.image.blobs_log(noise, 0.1, min_sigma=1.0, max_sigma=8.0)
print(len(along), "blobs on one bar;", len(specks), "in pure noise")
assert len(along) > 1
assert len(specks) > 10

# %% [markdown]
# ## Exercise
#
# Write `half(row)`: blur and halve a 1-D float array. The new value $i$ is $(a + 2b + c) / 4$ with $b$ the old value
# $2i$ and $a$, $c$ its neighbours. Beyond an end, the end value repeats. The result has $\lceil n/2 \rceil$ values.

# %% tags=["exercise"]
import numpy as np


def half(row):
    """Return every second value of the row, blurred by (1, 2, 1) / 4."""
    raise NotImplementedError("your turn")


# %% [markdown]
# ## What you take with you
#
# - Blur, then halve; the whole stack costs a third more.
# - A Laplacian pyramid takes a picture apart into bands, and back without loss.
# - The size of a thing is the σ at which the answer is largest.

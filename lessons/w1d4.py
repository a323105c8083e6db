# %% [markdown]
# # w1d4 · Filters
#
# **Question.** How do you remove noise and keep the picture?
#
# A filter looks at a pixel and its neighbours and decides on one new value. Ask the neighbours for their mean: blur.
# For their median: specks vanish. For the mean of those who *agree*: edges survive. That is the whole lesson.
#
# ## Predict first
#
# 1. A 5×5 mean over noise of standard deviation 20: what is left? (Think of averages of 25 numbers.)
# 2. One pixel in twenty is replaced by black or white. Which repairs it better, a mean or a median?
# 3. `convolve` and `correlate` differ by one word. For which kernels do they give the same?
# 4. Sharpen is the opposite of blur. Why is it not called "unblur"?

# %%
import numpy as np

import sightline as sl
from sightline.lab.blackboard import pictures, source_of

camera = sl.data.sample("camera", mode="gray")
random = np.random.default_rng(4)
noisy = np.clip(camera + random.normal(0, 20, camera.shape), 0, 255).astype(np.uint8)
specks = camera.copy()
hit = random.random(camera.shape) < 0.05
specks[hit] = random.choice(np.array([0, 255], np.uint8), hit.sum())
pictures(camera=camera, gaussian_noise=noisy, salt_and_pepper=specks)

# %% [markdown]
# ## The idea in words
#
# Put a small grid of weights on the picture. Multiply each weight with the pixel under it, add up, write the sum in the
# middle. Move on by one pixel. That is *correlation*. Turn the weights by 180° first, and it is *convolution*.
#
# ## The equation
#
# $$ (I * k)(x, y) = \sum_{i} \sum_{j} k(i, j)\; I(x - i,\; y - j) $$

# %%
one = np.zeros((5, 5), np.float32)
one[2, 2] = 1
kernel = np.array([[1, 2, 3], [4, 5, 6], [7, 8, 9]], np.float32)
print("convolve writes the kernel:\n", sl.image.convolve(one, kernel, signed=True)[1:4, 1:4])
print("correlate writes it turned:\n", sl.image.correlate(one, kernel, signed=True)[1:4, 1:4])
assert np.allclose(sl.image.convolve(one, kernel, signed=True)[1:4, 1:4], kernel)
assert np.allclose(sl.image.correlate(one, kernel, signed=True)[1:4, 1:4], kernel[::-1, ::-1])
blur = np.full((3, 3), 1 / 9, np.float32)
assert np.array_equal(sl.image.convolve(noisy, blur), sl.image.correlate(noisy, blur))  # answer 3: symmetric ones
sl.trace(sl.image.convolve, camera, np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]], np.float32))

# %% [markdown]
# ## Means
#
# The mean of $n$ independent numbers has a standard deviation that is $\sqrt n$ times smaller.

# %%
flat = np.clip(random.normal(128, 20, (200, 200)), 0, 255).astype(np.uint8)
left = sl.image.box_blur(flat, 5)[5:-5, 5:-5].std()
print(f"noise 20 → {left:.1f}; 20 / √25 = 4 ← answer 1")
assert 3.5 < left < 4.5
sl.trace(sl.image.box_blur, noisy, 5)

# %% [markdown]
# A box treats a far corner like the next neighbour, and leaves square marks. A Gaussian lets weights fall off with
# distance:
#
# $$ k(x, y) = \frac{1}{2 \pi \sigma^2}\, e^{-(x^2 + y^2) / 2\sigma^2} $$
#
# It is the product of a row and a column, so it costs $2n$ products instead of $n^2$.

# %%
first = sl.image.gaussian_blur(sl.to_float(camera), 3.0)
twice = sl.image.gaussian_blur(first, 4.0)
once = sl.image.gaussian_blur(sl.to_float(camera), 5.0)
inner = (slice(30, -30), slice(30, -30))
print("σ = 3 then σ = 4 is σ = 5, largest difference:", float(np.abs(twice - once)[inner].max()))
assert np.abs(twice - once)[inner].max() < 0.01
sl.trace(sl.image.gaussian_blur, noisy, 2.0)

# %% [markdown]
# ## Medians and ranks
#
# A speck is far from everything. In a mean it pulls; in a sorted list it stands at the end and nobody asks it.


# %%
def error(picture):
    """Root mean square distance from the clean photo, in levels."""
    return float(np.sqrt(np.mean((picture.astype(float) - camera) ** 2)))


tries = {
    "nothing": specks,
    "mean 3×3": sl.image.box_blur(specks, 3),
    "median 3×3": sl.image.median_blur(specks, 3),
    "smallest (min)": sl.image.min_filter(specks, 3),
    "largest (max)": sl.image.max_filter(specks, 3),
    "5th of 9 (rank)": sl.image.rank_filter(specks, 4, 3),
}
for name, picture in tries.items():
    print(f"{name:16} {error(picture):5.1f} levels")
assert error(tries["median 3×3"]) < 0.6 * error(tries["mean 3×3"])  # answer 2
assert (tries["median 3×3"] == tries["5th of 9 (rank)"])[1:-1, 1:-1].all()  # the median is a rank
pictures(**{name.replace(" ", "_"): picture[180:280, 180:300] for name, picture in tries.items()})

# %% [markdown]
# ## Means of those who agree
#
# Against Gaussian noise you need many samples, but not from the other side of an edge. Three answers:
#
# - **bilateral**: weight = near in place × near in grey level;
# - **guided**: inside each window, the result is a line $a \cdot I + b$; $a$ is near 1 on edges, near 0 where it is
#   flat;
# - **non-local means**: weight = whose *surroundings* look alike, anywhere in the search window.

# %%
cleaned = {
    "noisy": noisy,
    "gaussian": sl.image.gaussian_blur(noisy, 1.2),
    "median": sl.image.median_blur(noisy, 5),
    "bilateral": sl.image.bilateral_filter(noisy, 9, 55.0, 3.0),
    "guided": sl.image.guided_filter(noisy, size=5, eps=0.01),
    "non_local_means": sl.image.non_local_means(noisy, 5, 15, sigma=20.0),
}
for name, picture in cleaned.items():
    print(f"{name:16} {error(picture):5.1f} levels")
assert error(cleaned["bilateral"]) < error(noisy)
assert error(cleaned["non_local_means"]) < error(cleaned["gaussian"])
part = (slice(60, 220), slice(160, 340))
pictures(**{name: picture[part] for name, picture in cleaned.items()})

# %%
sl.trace(sl.image.bilateral_filter, noisy, 9, 55.0, 3.0)

# %%
sl.trace(sl.image.guided_filter, noisy, size=5, eps=0.01)

# %%
sl.trace(sl.image.non_local_means, noisy[part], 5, 15, sigma=20.0)

# %% [markdown]
# ## The other direction: sharpen
#
# Blur and look at what got lost: $I - I_{blur}$ is the detail. Add it once more and edges become steeper. **Answer 4.**
# What the blur destroyed does not come back; what is left is only made louder, and so is the noise.

# %%
sharp = sl.image.unsharp_mask(camera, 2.0, 1.5)
laplacian_sharp = sl.image.sharpen(camera, 0.5)
sky = (slice(20, 80), slice(300, 480))
print(f"sky: {camera[sky].std():.1f} levels before, {sharp[sky].std():.1f} after unsharp_mask")
assert sharp[sky].std() > camera[sky].std()
pictures(camera=camera[part], unsharp_mask=sharp[part], sharpen=laplacian_sharp[part])

# %%
sl.trace(sl.image.unsharp_mask, camera, 2.0, 1.5)

# %%
sl.trace(sl.image.sharpen, camera, 0.5)

# %% [markdown]
# ## A filter that answers a question: Gabor
#
# A kernel is a pattern, and its response says where the picture looks like the pattern. A Gabor kernel is a wave under
# a Gaussian: it finds stripes of one width and one direction. Cells in your visual cortex do the same.

# %%
y, x = np.mgrid[0:120, 0:120]
stripes = np.where(x < 60, np.sin(0.2 * 2 * np.pi * x), np.sin(0.2 * 2 * np.pi * y))
stripes = (127 + 100 * stripes).astype(np.uint8)
strength = [np.hypot(*sl.image.gabor(stripes, 0.2, angle)) for angle in (0.0, np.pi / 2)]
print("upright stripes found left:", strength[0][40:80, 20:40].mean() > 5 * strength[0][40:80, 80:100].mean())
assert strength[0][40:80, 20:40].mean() > 5 * strength[0][40:80, 80:100].mean()
assert strength[1][40:80, 80:100].mean() > 5 * strength[1][40:80, 20:40].mean()
sl.trace(sl.image.gabor, stripes, 0.2)

# %% [markdown]
# The last thing to do with a filtered picture is often to cut it: `sl.image.threshold`. Day w2d5 is about where to cut.

# %%
busy = sl.image.threshold(np.minimum(255, strength[0] * 3).astype(np.uint8), 127)
assert busy[:, 20:40].mean() > busy[:, 80:100].mean()

# %% [markdown]
# ## Our source
#
# A convolution is a correlation with a turned kernel, and that is how it is written.

# %%
print(source_of(sl.image.convolve))

# %% [markdown]
# ## The peer's answer beside ours

# %%
try:
    import cv2
except ModuleNotFoundError:
    print("OpenCV is not installed here; pip install opencv-python-headless shows its answer.")
else:
    pairs = {
        "box_blur": (sl.image.box_blur(noisy, 5), cv2.blur(noisy, (5, 5))),
        "gaussian_blur": (sl.image.gaussian_blur(noisy, 2.0), cv2.GaussianBlur(noisy, (0, 0), 2.0)),
        "median_blur": (sl.image.median_blur(noisy, 5), cv2.medianBlur(noisy, 5)),
        "bilateral": (cleaned["bilateral"], cv2.bilateralFilter(noisy, 9, 55.0, 3.0)),
    }
    for name, (ours, theirs) in pairs.items():
        apart = np.abs(ours.astype(int) - theirs)[8:-8, 8:-8].max()
        print(f"{name:14} largest difference from OpenCV: {apart} levels")
        assert apart <= 1

# %% [markdown]
# ## Where it fails
#
# A median has no idea of thin lines: a line of one pixel is a minority in every window. And an edge-keeping filter
# keeps what looks like an edge: noise of 60 levels looks like edges everywhere.

# %%
line = np.zeros((40, 40), np.uint8)
line[20] = 255
gone = sl.image.median_blur(line, 3)
loud = np.clip(camera + random.normal(0, 60, camera.shape), 0, 255).astype(np.uint8)
kept = sl.image.bilateral_filter(loud, 9, 30.0, 3.0)
print("pixels of the line left:", int((gone > 0).sum()), f"· loud noise: {error(loud):.0f} → {error(kept):.0f} levels")
assert (gone > 0).sum() == 0
assert error(kept) > 0.5 * error(loud)

# %% [markdown]
# ## Exercise
#
# Write `median3(row)`, the median of three along one row. `row` is a 1-D array. Each new value is the median of the
# old one and its two neighbours. The first and the last value stay.

# %% tags=["exercise"]
import numpy as np


def median3(row):
    """Return the row with each inner value replaced by the median of itself and its two neighbours."""
    raise NotImplementedError("your turn")


# %% [markdown]
# ## What you take with you
#
# - Linear filters are sums of products; Gaussian noise shrinks with the root of the count.
# - Specks: median. Noise beside edges: bilateral, guided, non-local means.
# - Sharpening amplifies what is there, noise too.

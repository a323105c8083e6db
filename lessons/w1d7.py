# %% [markdown]
# # w1d7 · Frequency
#
# **Question.** What does a photo look like as a sum of waves?
#
# Every picture is a sum of waves: slow ones for the light, fast ones for the detail. Once you see a picture so, three
# hard things become easy: a big filter, a shift between two photos, and undoing a blur.
#
# ## Predict first
#
# 1. A picture of upright stripes. How many bright dots has its spectrum?
# 2. Keep only the slow waves of a photo. What do you see? And only the fast ones?
# 3. Swap the phases of two photos and keep the strengths. Which photo do you see?
# 4. A blur multiplies each frequency by a number. Can you divide by it?

# %%
import numpy as np

import sightline as sl
from sightline.lab.blackboard import pictures, source_of

camera = sl.data.sample("camera", mode="gray")
pictures(camera=camera, its_spectrum=sl.image.spectrum(camera))

# %% [markdown]
# ## The idea in words
#
# Take one wave, lay it on the picture, multiply, add up. A large sum says: this wave is in the picture. Do that for all
# waves that fit. You get as many numbers as there are pixels, and they hold everything: the picture can be put
# together again.
#
# ## The equation
#
# $$ F(u, v) = \sum_{y} \sum_{x} I(x, y)\; e^{-2 \pi i \left( \frac{u x}{W} + \frac{v y}{H} \right)} $$
#
# $|F|$ is how strong the wave is, the angle of $F$ where its crests lie.

# %%
y, x = np.mgrid[0:64, 0:64]
stripes = (127 + 100 * np.cos(2 * np.pi * 8 * x / 64)).astype(np.uint8)
strong = np.argwhere(np.abs(sl.image.fft(stripes)) > 1000)
print("strong frequencies (v, u):", strong.tolist(), "  ← answer 1: the mean, and the wave with its mirror image")
assert strong.tolist() == [[0, 0], [0, 8], [0, 56]]
by_hand = sum(stripes[10, column] * np.exp(-2j * np.pi * 8 * column / 64) for column in range(64)) * 64
print("F(8, 0) by the equation:", np.round(by_hand), "ours:", np.round(sl.image.fft(stripes)[0, 8]))
assert abs(by_hand - sl.image.fft(stripes)[0, 8]) < 1e-3 * abs(by_hand)
transform = sl.image.fft(camera)
back = sl.image.ifft(transform)
print("there and back, largest error:", float(np.abs(back - camera).max()), "levels")
assert np.abs(back - camera).max() < 0.01
pictures(stripes=stripes, spectrum=sl.image.spectrum(stripes))

# %% [markdown]
# ## Where is the picture: in the strengths or in the phases?
#
# Take the strengths of the photographer and the phases of the coins. **Answer 3.**

# %%
coins = sl.image.resize(sl.data.sample("coins", mode="gray"), camera.shape)
other = sl.image.fft(coins)
hybrid = sl.image.ifft(np.abs(transform) * np.exp(1j * np.angle(other))).astype(np.float32)
like = [float(np.corrcoef(hybrid.ravel(), p.ravel())[0, 1]) for p in (camera, coins)]
print(f"it resembles the photographer by {like[0]:.2f}, the coins by {like[1]:.2f}")
assert like[1] > like[0] + 0.2
pictures(strengths_of=camera, phases_of=coins, together=np.clip(hybrid / 255, 0, 1))

# %% [markdown]
# ## Filters: multiply instead of slide
#
# A convolution in the picture is a *product* of the spectra. So a filter is a mask over frequencies: keep, drop,
# weaken. **Answer 2**: slow waves are a blurred picture, fast ones its edges.

# %%
low = sl.image.frequency_filter(camera, "gaussian", "low", 0.03, border="reflect")
high = sl.image.frequency_filter(sl.to_float(camera), "gaussian", "high", 0.03, border="reflect")
total = sl.to_float(low) + high
print("low and high add up to the photo, mean error", round(float(np.abs(total - sl.to_float(camera)).mean() * 255), 2))
assert np.abs(total - sl.to_float(camera)).mean() * 255 < 1
sl.trace(sl.image.frequency_filter, camera, "butterworth", "low", 0.05)

# %% [markdown]
# A sharp cut rings: the *ideal* filter leaves waves beside every edge. A smooth one does not.

# %%
step = np.zeros((64, 128), np.float32)
step[:, 64:] = 1
over = {
    kind: float(sl.image.frequency_filter(step, kind, "low", 0.08, border="edge").max()) - 1
    for kind in ("ideal", "butterworth", "gaussian")
}
print("overshoot beside a step:", {kind: f"{value:.1%}" for kind, value in over.items()})
assert over["ideal"] > over["butterworth"] > over["gaussian"] - 1e-6
assert over["ideal"] > 0.05

# %% [markdown]
# The strength of this view: noise that is everywhere in the picture may be in *one place* of the spectrum. A pattern of
# stripes over the photo is two dots. Cut out the dots.

# %%
yy, xx = np.mgrid[0 : camera.shape[0], 0 : camera.shape[1]]
striped = np.clip(camera * 0.8 + 25 + 25 * np.sin(2 * np.pi * (0.125 * xx + 0.0625 * yy)), 0, 255).astype(np.uint8)
cured = sl.image.frequency_filter(striped, "gaussian", "notch", 0.012, centres=[(0.125, 0.0625)])


def waviness(picture):
    """Strength of the wave that was laid over the photo."""
    return float(np.abs(sl.image.fft(picture)[32, 64]) / picture.size)


print(f"the wave: {waviness(striped):.1f} levels → {waviness(cured):.2f}")
assert waviness(cured) < waviness(striped) / 20
pictures(striped=striped, spectrum=sl.image.spectrum(striped), cured=cured)

# %% [markdown]
# ## Light times surface: homomorphic
#
# What you see is light × surface. The logarithm makes it a sum. Light is slow, surface is fast: weaken the one, raise
# the other.

# %%
page = sl.data.sample("page", mode="gray")
lit = sl.image.homomorphic(page, cutoff=0.01, low=0.3, high=1.2)
paper = [float(np.percentile(p[:, s], 80)) for p in (page, lit) for s in (slice(0, 160), slice(320, 480))]
print("paper left and right: before", paper[:2], "after", paper[2:])
assert abs(paper[2] - paper[3]) < abs(paper[0] - paper[1])
sl.trace(sl.image.homomorphic, page, cutoff=0.01, low=0.3, high=1.2)

# %% [markdown]
# ## A shift is a turn of the phases
#
# Move a picture and every wave turns by an angle in proportion to its frequency. Divide the two spectra: what is left
# is one wave, and its transform is one peak, at the shift.

# %%
moved = np.roll(camera, (-23, 41), axis=(0, 1))
crop = (slice(100, 356), slice(100, 356))
shift = sl.image.phase_correlation(camera[crop], moved[crop])
print(f"found dx = {shift.dx:.2f}, dy = {shift.dy:.2f}")
assert abs(shift.dx - 41) < 0.2
assert abs(shift.dy + 23) < 0.2
sl.trace(sl.image.phase_correlation, camera[crop], moved[crop])

# %% [markdown]
# ## Undo a blur
#
# A blur multiplies: $G = H \cdot F$. So $F = G / H$? **Answer 4.** Where $H$ is near zero you divide noise by nearly
# nothing. Wiener's filter divides only where there is something left:
#
# $$ \hat F = \frac{H^*}{|H|^2 + \lambda |R|^2}\; G $$

# %%
random = np.random.default_rng(3)
motion = np.zeros((1, 15), np.float32)
motion[:] = 1 / 15
blurred = sl.image.convolve(camera, motion, border="wrap")
blurred = np.clip(blurred + random.normal(0, 1, camera.shape), 0, 255).astype(np.uint8)
restored = sl.image.wiener_deconvolve(blurred, motion, 0.01)
naive = sl.image.wiener_deconvolve(blurred, motion, 1e-7)


def error(picture):
    """Root mean square distance from the sharp photo, in levels."""
    return float(np.sqrt(np.mean((picture.astype(float) - camera) ** 2)))


print(
    f"blurred {error(blurred):.1f}, restored {error(restored):.1f}, divided without care {error(naive):.1f} levels off"
)
assert error(restored) < error(blurred) < error(naive)
sl.trace(sl.image.wiener_deconvolve, blurred, motion, 0.01)

# %% [markdown]
# ## Our source

# %%
print(source_of(sl.image.spectrum))

# %% [markdown]
# ## The peer's answer beside ours

# %%
theirs = np.fft.fft2(camera.astype(np.float64))
print("largest difference from NumPy's fft2, relative:", float(np.abs(theirs - transform).max() / np.abs(theirs).max()))
assert np.abs(theirs - transform).max() / np.abs(theirs).max() < 1e-6
try:
    from skimage.registration import phase_cross_correlation
except ModuleNotFoundError:
    print("scikit-image is not installed here; pip install scikit-image shows its answer.")
else:
    (dy, dx), *_ = phase_cross_correlation(moved[crop], camera[crop], upsample_factor=100)
    print(f"scikit-image finds dx = {dx:.2f}, dy = {dy:.2f}")
    assert abs(dx - shift.dx) < 0.5

# %% [markdown]
# ## Where it fails
#
# The transform believes that the picture repeats. Its right border meets its left one, and that step is in the spectrum
# as a cross. Shift by more than half the size, and the answer goes the other way round.

# %%
far = np.roll(camera, 300, axis=1)
wrong = sl.image.phase_correlation(camera, far, taper=False)
print(f"moved by 300 of 512 pixels, found {wrong.dx:.0f}")
assert round(wrong.dx) == 300 - 512

# %% [markdown]
# ## Exercise
#
# Write `strength_of(image, u, v)`: the strength $|F(u, v)| / (H W)$ of one wave, by the equation, without `np.fft`.
# `image` is a 2-D array, `u` and `v` are whole numbers of waves along x and y.

# %% tags=["exercise"]
import numpy as np


def strength_of(image, u, v):
    """Return |F(u, v)| / (H·W), a float."""
    raise NotImplementedError("your turn")


# %% [markdown]
# ## What you take with you
#
# - A picture is a sum of waves; the phases hold the shapes.
# - Convolution is multiplication of spectra; a notch removes a pattern.
# - Never divide by what may be zero.

# %% [markdown]
# # w2d4 · Wavelets
#
# **Question.** How does a photo become a tenth of its size?
#
# A wave (w1d7) knows which frequency, but not where. A pixel knows where, but not which frequency. A *wavelet* is a
# short wave: it knows a little of both. In such numbers a photo is nearly empty, and what is nearly zero need not be
# stored.
#
# ## Predict first
#
# 1. Means and differences of pairs: (9, 7) → (8, 1). From (8, 1), can you get (9, 7) back?
# 2. Keep only the largest 5 % of a photo's wavelet coefficients. What is the mean error: 6, 20 or 60 levels?
# 3. Noise in the picture: is it in few coefficients or in all?
# 4. At one bit per pixel, one eighth of a byte: can you see the difference?

# %%
import io

import numpy as np

import sightline as sl
from sightline.lab.blackboard import pictures, source_of

astronaut = sl.data.sample("astronaut")
gray = sl.image.convert(astronaut, "rgb", "gray")
pictures(astronaut=astronaut)

# %% [markdown]
# ## The idea in words
#
# Take pairs of neighbours. Write down their mean, and how they differ. The means are the picture at half size. The
# differences are small, because neighbours are alike. Do the same with the means. And again.
#
# ## The equation
#
# The Haar wavelet, scaled so that nothing gets louder or quieter:
#
# $$ s_i = \frac{x_{2i} + x_{2i+1}}{\sqrt 2}, \qquad d_i = \frac{x_{2i} - x_{2i+1}}{\sqrt 2} $$
#
# **Answer 1**: yes. $x_{2i} = (s_i + d_i) / \sqrt 2$. Nothing is lost, the energy stays the same: $\sum x^2 = \sum s^2
# + \sum d^2$.

# %%
row = np.array([[9, 7, 3, 5]], np.float32) / 10
found = sl.image.dwt(np.repeat(row, 2, axis=0), "haar", 1)
print("sums:", np.round(found.approximation[0] / 2, 3), "differences along x:", np.round(found[1][1][0] / 2, 3))
whole = sl.image.dwt(gray, "haar", 4)
back = sl.image.idwt(whole)
print("there and back, values that differ:", int((back != gray).sum()))
assert (back == gray).all()
energy = (whole.approximation**2).sum() + sum((band**2).sum() for level in whole.details for band in level)
print("energy of the coefficients over that of the pixels:", round(float(energy / (gray.astype(float) ** 2).sum()), 6))
assert abs(energy / (gray.astype(float) ** 2).sum() - 1) < 1e-6
sl.trace(sl.image.dwt, gray, "haar", 3)

# %% [markdown]
# ## Most numbers are nearly nothing

# %%
from dataclasses import replace


def keep(coefficients, share):
    """Return the coefficients with all but the largest share set to 0."""
    bands = [coefficients.approximation, *(band for level in coefficients.details for band in level)]
    limit = np.quantile(np.abs(np.concatenate([band.ravel() for band in bands])), 1 - share)
    cut = [np.where(np.abs(band) >= limit, band, 0) for band in bands]
    details = tuple(tuple(cut[1 + 3 * i : 4 + 3 * i]) for i in range(len(coefficients.details)))
    return replace(coefficients, approximation=cut[0], details=details)


errors = {}
for wavelet in ("haar", "db4"):
    coefficients = sl.image.dwt(gray, wavelet, 4)
    for share in (0.2, 0.05, 0.01):
        less = sl.image.idwt(keep(coefficients, share))
        errors[wavelet, share] = float(np.abs(less.astype(int) - gray).mean())
        print(f"{wavelet:5} {share:4.0%} of the coefficients: mean error {errors[wavelet, share]:.1f} levels")
assert errors["haar", 0.05] < 8  # answer 2: about 6
assert errors["db4", 0.05] < errors["haar", 0.05]  # longer, smoother wavelets need fewer
pictures(
    one_percent_haar=sl.image.idwt(keep(sl.image.dwt(gray, "haar", 4), 0.01)),
    one_percent_db4=sl.image.idwt(keep(sl.image.dwt(gray, "db4", 4), 0.01)),
)

# %% [markdown]
# ## Noise is everywhere, the picture is not
#
# **Answer 3.** The picture is in few large coefficients; noise is in all of them, a little in each. So shrink the small
# ones: a veil is lifted.

# %%
random = np.random.default_rng(0)
noisy = np.clip(gray + random.normal(0, 20, gray.shape), 0, 255).astype(np.uint8)
clean = sl.image.wavelet_denoise(noisy)


def error(picture):
    """Root mean square distance from the clean photo, in levels."""
    return float(np.sqrt(np.mean((picture.astype(float) - gray) ** 2)))


print(f"noisy {error(noisy):.1f} → denoised {error(clean):.1f} levels")
assert error(clean) < 0.65 * error(noisy)
sl.trace(sl.image.wavelet_denoise, noisy)

# %% [markdown]
# ## A file format in one lesson
#
# `subband_encode` does what JPEG 2000 does: transform, round, and write the bits of the large coefficients first, with
# few bits for long rows of zeros. Cut the stream anywhere, and you have a coarser picture. How near it is to the
# original says the peak signal-to-noise ratio, $10 \log_{10}(255^2 / \text{mean squared difference})$: 30 dB is
# visible, 40 is not.

# %%
rates = {}
for bits in (0.25, 0.5, 1.0, 2.0):
    stream = sl.image.subband_encode(gray, bits_per_pixel=bits)
    rates[bits] = sl.metrics.psnr(sl.image.subband_decode(stream), gray)
    print(f"{bits:4} bits per pixel: {len(stream):6} bytes, 1 : {gray.size / len(stream):.0f}, {rates[bits]:.1f} dB")
    assert len(stream) <= gray.size * bits / 8 + 64
print(f"one bit a pixel: {rates[1.0]:.0f} dB, and above 40 the eye sees no difference ← answer 4")
assert rates[0.25] < rates[0.5] < 40 < rates[1.0] < rates[2.0]
exact = sl.image.subband_encode(gray, lossless=True)
print(f"without any loss: 1 : {gray.size / len(exact):.1f}")
assert (sl.image.subband_decode(exact) == gray).all()
sl.trace(sl.image.subband_encode, gray, bits_per_pixel=0.5)

# %% [markdown]
# ## Blend, once more
#
# Bands that add up to the picture: we had that in w2d1. Wavelets are such bands without the extra third, so they blend,
# too.

# %%
cat = sl.image.resize(np.ascontiguousarray(sl.data.sample("cat")[:, 60:360]), (256, 256))
face = sl.image.resize(np.ascontiguousarray(astronaut[0:256, 100:356]), (256, 256))
mask = np.zeros((256, 256), bool)
mask[:, :128] = True
mixed = sl.image.wavelet_blend(face, cat, mask)
hard = np.where(mask[..., None], face, cat)
jumps = [float(np.abs(p[:, 128].astype(int) - p[:, 127]).mean()) for p in (hard, mixed)]
print(f"jump at the cut: {jumps[0]:.0f} → {jumps[1]:.0f} levels")
assert jumps[1] < jumps[0]
sl.trace(sl.image.wavelet_blend, face, cat, mask)

# %% [markdown]
# ## Our source
#
# How far a band is shrunk: by the variance of the noise, over the deviation of what is no noise.

# %%
from sightline.image.wavelet_denoise import _shrunk

print(source_of(_shrunk))

# %% [markdown]
# ## The peer's answer beside ours

# %%
try:
    import pywt
except ModuleNotFoundError:
    print("PyWavelets is not installed here; pip install PyWavelets shows its answer.")
else:
    ours = sl.image.dwt(gray, "db4", 3).approximation
    theirs = pywt.wavedec2(gray.astype(float), "db4", mode="symmetric", level=3)[0]
    print("approximation, largest difference from PyWavelets:", float(np.abs(ours - theirs).max()))
    assert np.abs(ours - theirs).max() < 1e-6
from PIL import Image

for quality in range(5, 96):
    buffer = io.BytesIO()
    Image.fromarray(gray).save(buffer, "jpeg", quality=quality)
    if 8 * buffer.tell() / gray.size >= 0.5:
        break
theirs = np.array(Image.open(buffer))
ours = sl.image.subband_decode(sl.image.subband_encode(gray, bits_per_pixel=0.5))
print(f"at half a bit per pixel: ours {rates[0.5]:.1f} dB, JPEG {sl.metrics.psnr(theirs, gray):.1f} dB")
assert rates[0.5] > sl.metrics.psnr(theirs, gray)
# What the eye minds are lost edges and textures rather than levels: structural similarity compares windows, 1 is equal.
print(f"structural similarity: ours {sl.metrics.ssim(ours, gray):.3f}, JPEG {sl.metrics.ssim(theirs, gray):.3f}")
assert sl.metrics.ssim(ours, gray) > sl.metrics.ssim(theirs, gray)

# %% [markdown]
# ## Where it fails
#
# White noise has no small coefficients. Nothing can compress it, and the denoiser has nothing to find.

# %%
noise = random.integers(0, 256, (256, 256), np.uint8)
stream = sl.image.subband_encode(noise, lossless=True)
print(f"noise, without loss: {len(stream)} bytes for {noise.size} pixels")
assert len(stream) > 0.95 * noise.size

# %% [markdown]
# ## Exercise
#
# Write `haar(row)`: one level of the Haar transform of a 1-D float array of even length. Return two arrays, the sums
# $s$ and the differences $d$, as in the equation above.

# %% tags=["exercise"]
import numpy as np


def haar(row):
    """Return (s, d) of a row of even length."""
    raise NotImplementedError("your turn")


# %% [markdown]
# ## What you take with you
#
# - Sums and differences, again and again: an exact, orthogonal transform.
# - Photos are sparse in it. Sparse means: compress, denoise, blend.

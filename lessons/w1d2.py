# %% [markdown]
# # w1d2 · Colour
#
# **Question.** Why do three numbers make a colour, and which three?
#
# Light is a curve: so much energy at each wavelength. Your eye keeps three numbers of that curve, because it has three
# kinds of cones. A screen only has to make the same three numbers. So a colour is a point in a space of three
# dimensions, and a colour *space* is a choice of axes.
#
# ## Predict first
#
# 1. Red, green and blue of equal strength: which looks brightest?
# 2. What is the grey of pure green (0, 255, 0): 85 (a third), or more?
# 3. Half the light of white: is that the pixel value 128?
# 4. You want the orange flower and nothing else. In which space is that one line of code?

# %%
import numpy as np

import sightline as sl
from sightline.lab.blackboard import pictures, source_of

flower = sl.data.sample("flower")
red, green, blue = (flower[..., i] for i in range(3))
pictures(flower=flower, red=red, green=green, blue=blue)

# %% [markdown]
# ## The idea in words: grey first
#
# Grey asks: how bright would this look? The eye is most sensitive to green, least to blue. So grey is a weighted sum.
#
# ## The equation
#
# $$ Y = 0.299\,R + 0.587\,G + 0.114\,B $$
#
# The weights sum to 1, so white stays white.

# %%
pure = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]]], np.uint8)
gray = sl.image.convert(pure, "rgb", "gray")
print("grey of red, green, blue, white:", gray[0].tolist(), "  ← answers 1 and 2")
assert gray[0].tolist() == [76, 150, 29, 255]
by_hand = np.rint(flower @ np.array([0.299, 0.587, 0.114])).astype(int)
ours = sl.image.convert(flower, "rgb", "gray")
print("largest difference from the equation:", np.abs(by_hand - ours).max())
assert np.abs(by_hand - ours).max() <= 1
pictures(mean_of_three=flower.mean(axis=2).astype(np.uint8), weighted=ours)

# %% [markdown]
# ## Other axes
#
# RGB is how screens work. It is not how people think. Ask someone for a colour and they say *which* (hue), *how pure*
# (saturation) and *how light*. That is HSV:
#
# $$ V = \max(R,G,B), \qquad S = \frac{V - \min(R,G,B)}{V} $$
#
# and the hue is an angle on the circle red → yellow → green → cyan → blue → magenta → red.

# %%
hsv = sl.image.convert(flower, "rgb", "hsv")
print("hue of the flower's heart:", 2 * int(hsv[190, 300, 0]), "degrees (0 is red, 60 yellow)")
assert 0 <= 2 * int(hsv[190, 300, 0]) <= 50
pictures(hue=hsv[..., 0], saturation=hsv[..., 1], value=hsv[..., 2])

# %% [markdown]
# **Answer 4.** In HSV the orange flower is a range of hues and a lower bound on saturation: one line. In RGB the same
# orange in shadow and in sun are different boxes.

# %%
hue, saturation, value = hsv[..., 0], hsv[..., 1], hsv[..., 2]
petals = ((hue < 20) | (hue > 172)) & (saturation > 90) & (value > 120)  # hue in steps of 2°, it wraps at 180
share = petals.mean()
print(f"{share:.1%} of the photo are petals")
assert 0.05 < share < 0.35
assert petals[190, 300]
assert not petals[50, 50]
cut_out = np.where(petals[..., None], flower, ours[..., None])
pictures(petals=petals, colour_where_it_is_orange=cut_out)

# %% [markdown]
# ## Distances that mean something: Lab
#
# How *different* are two colours? In RGB, equal distances do not look equal. Lab was built so that they nearly do. L is
# lightness, a runs from green to red, b from blue to yellow. On the way to Lab, values become light first:
#
# $$ \text{light} = \left(\frac{v + 0.055}{1.055}\right)^{2.4} \quad (v > 0.04) $$
#
# This is the *gamma* of sRGB. Files store roughly the square root of light, because the eye compares ratios.

# %%
half = 188 / 255
light = ((half + 0.055) / 1.055) ** 2.4
print(
    f"the pixel value 188 stands for {light:.2f} of white's light; 128 for {((128 / 255 + 0.055) / 1.055) ** 2.4:.2f}"
)
assert abs(light - 0.5) < 0.01  # answer 3: no, 188 is half the light
steps = np.linspace(0, 1, 11, dtype=np.float32)
ramp = np.repeat(steps, 3).reshape(1, 11, 3)
lightness = sl.image.convert(ramp, "rgb", "lab")[0, :, 0]
print("L of 0, 0.1 … 1:", np.round(lightness).astype(int).tolist())
assert abs(float(lightness[5]) - 53.4) < 0.5  # the middle of the scale looks like the middle
greens = np.array([[[0.0, 1.0, 0.0], [0.2, 1.0, 0.2]], [[0.0, 0.0, 1.0], [0.2, 0.2, 1.0]]], np.float32)
lab = sl.image.convert(greens, "rgb", "lab")
steps = np.linalg.norm(lab[:, 0] - lab[:, 1], axis=1)
print("the same step in RGB is in Lab:", np.round(steps, 1), "for green and for blue")
assert steps[1] > 1.5 * steps[0]

# %% [markdown]
# ## Change one axis, keep the others
#
# That is what spaces are for. Rotate the hue: another flower. Halve a and b: a faded print. Nothing else changes.

# %%
turned = hsv.copy()
turned[..., 0] = (turned[..., 0].astype(int) + 60) % 180
blue_flower = sl.image.convert(turned, "hsv", "rgb")
as_lab = sl.image.convert(sl.to_float(flower), "rgb", "lab")
faded = sl.image.convert(as_lab * np.array([1, 0.5, 0.5], np.float32), "lab", "rgb")
assert (blue_flower.max(axis=2) == flower.max(axis=2)).mean() > 0.95  # the value stayed
pictures(hue_turned=blue_flower, faded=faded)

# %% [markdown]
# ## Step by step: where spaces matter for methods
#
# `equalize` spreads the levels of a photo. Watch its first step: it does not touch R, G and B. It goes to Lab, works on
# lightness alone, and comes back. Equalizing R, G and B one by one would invent colours.

# %%
channels = [sl.image.equalize(np.ascontiguousarray(flower[..., i])) for i in range(3)]
wrong = np.stack(channels, axis=2)
right = sl.image.equalize(flower)


def hue_moved(picture):
    """Mean change of hue in degrees, where there is colour."""
    other = sl.image.convert(picture, "rgb", "hsv")[..., 0].astype(int)
    apart = np.abs(other - hue)[saturation > 60]
    return 2 * np.minimum(apart, 180 - apart).mean()


print(f"hue moved by {hue_moved(wrong):.0f}° channel by channel, by {hue_moved(right):.0f}° through Lab")
assert hue_moved(wrong) > 2 * hue_moved(right)
sl.trace(sl.image.equalize, flower)

# %% [markdown]
# ## All nine spaces, there and back

# %%
small = np.ascontiguousarray(sl.to_float(flower)[::8, ::8])
for space in ("hsv", "hsl", "cmyk", "ycrcb", "xyz", "lab", "luv"):
    back = sl.image.convert(sl.image.convert(small, "rgb", space), space, "rgb")
    print(f"{space:6} largest error after a round trip: {np.abs(back - small).max():.1e}")
    assert np.abs(back - small).max() < 1e-3

# %% [markdown]
# JPEG lives on YCrCb: it stores brightness at full size and colour at half, and you do not see it.

# %%
ycrcb = sl.image.convert(flower, "rgb", "ycrcb")
shape = flower.shape[:2]
coarse = [sl.image.resize(sl.image.resize(np.ascontiguousarray(c), (54, 80)), shape) for c in np.moveaxis(ycrcb, 2, 0)]
colour_coarse = np.stack([ycrcb[..., 0], coarse[1], coarse[2]], axis=2)
light_coarse = np.stack([coarse[0], ycrcb[..., 1], ycrcb[..., 2]], axis=2)
pictures(
    colour_at_an_eighth=sl.image.convert(colour_coarse, "ycrcb", "rgb"),
    brightness_at_an_eighth=sl.image.convert(light_coarse, "ycrcb", "rgb"),
)

# %% [markdown]
# ## Our source

# %%
from sightline.image.colour_hue import _hsv_of, _hue_of

print(source_of(_hsv_of))
print(source_of(_hue_of))

# %% [markdown]
# ## The peer's answer beside ours

# %%
try:
    import cv2
except ModuleNotFoundError:
    print("OpenCV is not installed here; pip install opencv-python-headless shows its answer.")
else:
    pairs = {"gray": cv2.COLOR_RGB2GRAY, "hsv": cv2.COLOR_RGB2HSV, "lab": cv2.COLOR_RGB2LAB}
    for space, flag in pairs.items():
        apart = np.abs(sl.image.convert(flower, "rgb", space).astype(int) - cv2.cvtColor(flower, flag)).max()
        print(f"{space:5} largest difference from OpenCV: {apart} of 255")
        assert apart <= 1

# %% [markdown]
# ## Where it fails
#
# Hue is an angle without a meaning where there is no colour. In the dark, one grey level of noise turns it anywhere.

# %%
random = np.random.default_rng(0)
for level in (10, 100, 200):
    patch = np.clip(np.array([1.2, 1.0, 0.9]) * level + random.normal(0, 3, (64, 64, 3)), 0, 255).astype(np.uint8)
    noisy = sl.image.convert(patch, "rgb", "hsv")[..., 0].astype(int)
    spread = 2 * np.minimum(noisy, 180 - noisy).std()
    print(f"the same colour at level {level:3}: hue spreads by {spread:.0f}°")
    if level == 10:
        dark = spread
assert dark > 5 * spread

# %% [markdown]
# ## Exercise
#
# Write `grey_world(image)`, the oldest white balance. It assumes that the mean of a photo is grey. Multiply each
# channel so that its mean becomes the mean of all three channel means. Take and return `float32`, H×W×3; clip to 0–1.

# %% tags=["exercise"]
import numpy as np


def grey_world(image):
    """Return the float32 image with the means of its channels made equal."""
    raise NotImplementedError("your turn")


# %% [markdown]
# ## What you take with you
#
# - A colour is a point; a space is a choice of axes. Choose the axes in which your question is simple.
# - Grey is weighted. Values are not light: there is a gamma between them.
# - Hue is unreliable where it is dark or grey.

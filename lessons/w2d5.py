# %% [markdown]
# # w2d5 · Threshold, outline, measure
#
# **Question.** How does a photo become a table of numbers?
#
# Count cells, size grains, sort screws, read a page: most machine vision in factories and laboratories is three steps.
# Cut by brightness. Walk around what is left. Measure it.
#
# ## Predict first
#
# 1. A histogram with two hills. Where would you cut? Otsu has a formula; does it agree with you?
# 2. A page lies half in shadow. Is there *one* threshold that reads all of it?
# 3. A polygon with 400 points is simplified with a tolerance of 2 pixels. How many corners of a rectangle remain?
# 4. You turn a horse by 30° and make it half as large. Do Hu's seven numbers change?

# %%
import math

import numpy as np

import sightline as sl
from sightline.lab.blackboard import pictures, source_of

coins, page, shapes = (sl.data.sample(name, mode="gray") for name in ("coins", "page", "shapes"))
horse = sl.data.sample("horse", mode="gray") > 127
pictures(coins=coins, page=page, shapes=shapes, horse=horse)

# %% [markdown]
# ## The idea in words: let the histogram choose
#
# Try every threshold $t$. It parts the pixels into two groups. A good one makes groups that are even inside, and far
# apart. Otsu: these two are the same thing.
#
# ## The equation
#
# With $w_0, w_1$ the shares and $\mu_0, \mu_1$ the means of both groups, maximise the variance *between* them:
#
# $$ \sigma_b^2(t) = w_0(t)\, w_1(t)\, \bigl(\mu_0(t) - \mu_1(t)\bigr)^2 $$

# %%
counts = sl.image.histogram(shapes).astype(float)
levels = np.arange(256)
between = np.zeros(256)
for t in range(256):
    low, high = counts[: t + 1], counts[t + 1 :]
    if low.sum() and high.sum():
        means = (low @ levels[: t + 1]) / low.sum(), (high @ levels[t + 1 :]) / high.sum()
        between[t] = low.sum() * high.sum() * (means[0] - means[1]) ** 2
best = int(between.argmax())
print("by the equation:", best, " ours:", sl.image.otsu_threshold(shapes), "  ← answer 1: between the hills")
assert abs(best - sl.image.otsu_threshold(shapes)) <= 1
sl.trace(sl.image.otsu_threshold, shapes)

# %% [markdown]
# One big hill and a small foot (few objects, much background): the **triangle** rule. More than two kinds of things:
# **multi-Otsu**.

# %%
print("triangle:", sl.image.triangle_threshold(shapes), "· two thresholds:", sl.image.multi_otsu(shapes, 3))
first, second = sl.image.multi_otsu(shapes, 3)
assert first < second
classes = np.digitize(shapes, [first, second], right=True).astype(np.uint8)
sl.trace(sl.image.multi_otsu, shapes, 3)

# %%
sl.trace(sl.image.triangle_threshold, shapes)

# %% [markdown]
# ## When light is uneven
#
# **Answer 2.** On this page, white in the shadow is darker than black in the light. No single number works. Take the
# mean of the neighbourhood instead (**adaptive**), or mean and spread (**Sauvola**).


# %%
def ink_right(mask):
    """Share of ink in a part of the page where there is no text: it should be 0."""
    return float(mask[230:310, 330:470].mean())


one = sl.image.threshold(page, sl.image.otsu_threshold(page)) == 0
local = sl.image.adaptive_threshold(page, 31, 15.0) == 0
sauvola = page <= sl.image.sauvola_threshold(page, 25, 0.2)
for name, mask in {"one threshold": one, "adaptive": local, "Sauvola": sauvola}.items():
    print(f"{name:14} ink in the empty corner: {ink_right(mask):6.1%}, on the whole page {mask.mean():5.1%}")
assert ink_right(one) > 0.5
assert ink_right(local) < 0.01
assert ink_right(sauvola) < 0.01
pictures(one_threshold=one, adaptive=local, sauvola=sauvola)

# %%
sl.trace(sl.image.adaptive_threshold, page, 31, 15.0)

# %%
sl.trace(sl.image.sauvola_threshold, page, 25, 0.2)

# %% [markdown]
# Two thresholds with a connection between them is **hysteresis**: you know it from Canny (w1d6). It also finds vessels.

# %%
retina = sl.data.sample("retina")
green = 255 - np.ascontiguousarray(retina[..., 1])
vessels = sl.image.top_hat(sl.image.gaussian_blur(green, 1.0), 15)
vessels[np.hypot(*(np.mgrid[0:480, 0:480] - 240)) > 215] = 0
vessels = np.minimum(vessels, 51) * 5  # they are faint: 5 times brighter
both = sl.image.hysteresis_threshold(vessels, 40, 100)
alone = vessels > 40
print(f"pieces: {sl.image.label(alone)[1]} above the low threshold, {sl.image.label(both)[1]} with hysteresis")
assert sl.image.label(both)[1] < sl.image.label(alone)[1] / 3
sl.trace(sl.image.hysteresis_threshold, vessels, 40, 100)

# %% [markdown]
# ## Walk around it
#
# `find_contours` follows the border of each group, pixel by pixel, and knows what lies inside of what.

# %%
mask = sl.image.fill_holes(shapes <= sl.image.otsu_threshold(shapes))
mask = sl.image.remove_small(mask, 60)
outlines = sl.image.find_contours(mask, mode="external")
print(len(outlines), "outlines; the first has", len(outlines[0].points), "points")
assert len(outlines) == 11
sl.trace(sl.image.find_contours, mask, mode="external")

# %% [markdown]
# How far is it from each pixel of a thing to its border? Where that is furthest is the middle of the thing: a local
# maximum of the distances. A thing has one, or one for each of its thick parts.

# %%
depths = sl.image.distance_transform(mask)
middles = sl.image.local_maxima(depths, 15, threshold=8)
print(len(middles), "middles; the deepest one lies", round(float(depths.max())), "pixels from any border")
assert all(mask[y, x] for x, y in middles)
pictures(middles=sl.image.draw.keypoints(shapes, middles))

# %% [markdown]
# ## Measure it
#
# Each outline is a polygon. Now geometry is cheap: a few dozen points instead of thousands of pixels.

# %%
print("   area  perimeter  roundness  ellipse      smallest box  circle")
for outline in outlines:
    points = outline.points.astype(np.float32)
    area, length = sl.image.contour_area(points), sl.image.perimeter(points)
    ellipse, box = sl.image.fit_ellipse(points), sl.image.min_area_rect(points)
    circle, hull = sl.image.min_enclosing_circle(points), sl.image.convex_hull(points)
    roundness = 4 * math.pi * area / length**2  # 1 for a circle, less for all else
    a, b = ellipse.axes
    print(f"{area:7.0f} {length:8.0f} {roundness:10.2f}    {a:3.0f} × {b:3.0f} {box.area:12.0f} {circle.radius:9.1f}")
    assert sl.image.contour_area(hull) >= area - 1e-3
    assert box.area >= area
    assert math.pi * circle.radius**2 >= area
    assert sl.image.is_inside(points, tuple(ellipse.center)) == 1

# %% [markdown]
# **Answer 3.** `approximate_polygon` keeps only the corners that it needs for the tolerance. Four, for a rectangle.

# %%
rectangle = np.zeros((80, 120), bool)
rectangle[20:60, 15:100] = True
(border,) = sl.image.find_contours(rectangle)
corners = sl.image.approximate_polygon(border.points.astype(np.float32), 2.0)
print(len(border.points), "points →", len(corners), "corners:", corners.astype(int).tolist())
assert len(corners) == 4

# %% [markdown]
# ## The same shape, elsewhere
#
# Moments are sums of powers of x and y over the shape. From them come the centre and the orientation. Combined the
# right way they ignore place, size and turn: Hu's seven numbers.
#
# $$ m_{pq} = \sum_{(x, y)} x^p y^q, \qquad h_1 = \nu_{20} + \nu_{02}, \; \dots $$

# %%
c, s = 0.5 * math.cos(math.pi / 6), 0.5 * math.sin(math.pi / 6)
turn = np.array([[c, -s, 130.0], [s, c, 30.0]])
other = sl.image.warp_affine(horse.astype(np.uint8) * 255, turn) > 127
found = sl.image.moments(horse)
print("centre of the horse:", np.round(found.centroid, 1))
ours, theirs = sl.image.hu_moments(horse), sl.image.hu_moments(other)
print("h1 of both:", round(float(ours[0]), 4), round(float(theirs[0]), 4), "  ← answer 4")
assert abs(ours[0] - theirs[0]) < 0.02 * ours[0]
apart = [sl.image.match_shapes(horse, other), sl.image.match_shapes(horse, mask)]
print(f"match_shapes: horse and turned horse {apart[0]:.3f}, horse and the shapes {apart[1]:.3f}")
assert apart[0] < apart[1] / 5
pictures(horse=horse, turned_and_smaller=other)

# %% [markdown]
# `simple_blobs` is all of this in a loop: cut at many thresholds, outline, keep what is round enough, and report what
# is there at several thresholds.

# %%
blobs = sl.image.simple_blobs(shapes, area=(100.0, 20000.0), circularity=0.8)
print(len(blobs), "round things; radii", np.round(np.sort(blobs[:, 2])).astype(int).tolist())
assert 6 <= len(blobs) <= 11
sl.trace(sl.image.simple_blobs, shapes, area=(100.0, 20000.0), circularity=0.8)

# %% [markdown]
# ## Our source

# %%
print(source_of(sl.image.contour_area))

# %% [markdown]
# ## The peer's answer beside ours

# %%
try:
    import cv2
except ModuleNotFoundError:
    print("OpenCV is not installed here; pip install opencv-python-headless shows its answer.")
else:
    level, _ = cv2.threshold(shapes, 0, 255, cv2.THRESH_OTSU)
    found_cv, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    areas = sorted(cv2.contourArea(points) for points in found_cv)
    mine = sorted(sl.image.contour_area(outline.points.astype(np.float32)) for outline in outlines)
    print("Otsu:", level, "ours:", sl.image.otsu_threshold(shapes), "· areas equal:", np.allclose(areas, mine))
    assert np.allclose(areas, mine)

# %% [markdown]
# ## Where it fails
#
# Otsu always finds *a* threshold, also where there is nothing to part. Give it one hill, and it cuts the hill in two.

# %%
random = np.random.default_rng(0)
nothing = np.clip(random.normal(128, 10, (100, 100)), 0, 255).astype(np.uint8)
white = (nothing > sl.image.otsu_threshold(nothing)).mean()
print(f"pure noise: {white:.0%} are called bright")
assert 0.4 < white < 0.6

# %% [markdown]
# ## Exercise
#
# Write `polygon_area(points)`: the area of a closed polygon by the shoelace formula,
# $\frac12 \left| \sum_i (x_i y_{i+1} - x_{i+1} y_i) \right|$, with the first point after the last. `points` is N×2.

# %% tags=["exercise"]
import numpy as np


def polygon_area(points):
    """Return the area of a closed polygon, a float."""
    raise NotImplementedError("your turn")


# %% [markdown]
# ## What you take with you
#
# - Threshold (one, many, local), outline, measure.
# - After the outline, work with points, not with pixels.
# - A threshold is an answer even where there was no question: look at the histogram.

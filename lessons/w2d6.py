# %% [markdown]
# # w2d6 · Votes: lines, circles, pages, roads, codes
#
# **Question.** How do you find a line of which half is missing?
#
# You have edge pixels. Many lie on a line, but nobody says which, and there are gaps. Fit a line to all of them, and
# you get nonsense. So turn the question round: let every pixel vote for all the lines that it could be on.
#
# ## Predict first
#
# 1. One pixel votes. What do its votes look like in the space of lines: a point, a line, a wave?
# 2. Half of a line's pixels are erased. Is its peak gone?
# 3. A circle has three numbers. If you vote for all of them, how large is the table of votes?
# 4. Two numbers are enough for a line. Why not slope and height, $y = m x + b$?

# %%
import math

import numpy as np

import sightline as sl
from sightline.lab.blackboard import pictures, source_of

sheet, road, codes, coins = (
    sl.data.sample("sheet"),
    sl.data.sample("road"),
    sl.data.sample("codes"),
    sl.data.sample("coins", mode="gray"),
)
pictures(sheet=sheet, road=road, codes=codes)

# %% [markdown]
# ## The idea in words
#
# A line is a distance from the corner and an angle. **Answer 4**: an upright line has no slope, but it has an angle.
# For each edge pixel and each angle, compute the distance and put one vote into that cell. Pixels of one line all vote
# for its cell. The cell wins.
#
# ## The equation
#
# $$ \rho = x \cos\theta + y \sin\theta $$
#
# For a fixed pixel this is a wave over θ. **Answer 1**. Where many waves cross is a line.

# %%
edges = sl.image.canny(sheet, 60, 150)
lines = sl.image.hough_lines(edges, 120)
print(len(lines), "lines; the strongest: ρ =", round(float(lines[0, 0])), "pixels, θ =", end=" ")
print(f"{math.degrees(lines[0, 1]):.0f}°")
assert len(lines) >= 8
sl.trace(sl.image.hough_lines, edges, 120)

# %% [markdown]
# **Answer 2.** Erase half of the pixels. The peak is half as high, and still the highest.

# %%
random = np.random.default_rng(0)
mask = np.zeros((120, 160), bool)
x = np.arange(20, 150)
mask[np.rint(20 + 0.5 * x).astype(int), x] = True
full = sl.image.hough_lines(mask, 20, max_lines=1)[0]
broken = mask & (random.random(mask.shape) < 0.5)
broken |= random.random(mask.shape) < 0.01  # and 1 % of specks
half = sl.image.hough_lines(broken, 20, max_lines=1)[0]
print("whole line:", np.round(full, 2), "· half of it among specks:", np.round(half, 2))
assert abs(full[0] - half[0]) <= 2
assert abs(full[1] - half[1]) <= 0.04
pictures(whole=mask, broken=broken)

# %% [markdown]
# Lines are endless. `hough_segments` votes in random order, follows each winner along the edge, and stops at its ends.

# %%
segments = sl.image.hough_segments(edges, 40, min_length=40, max_gap=4)
lengths = np.hypot(*(segments[:, 2:] - segments[:, :2]).T)
print(len(segments), f"segments, the longest {lengths.max():.0f} pixels")
assert len(segments) > 10
assert lengths.min() >= 39
sl.trace(sl.image.hough_segments, edges, 40, min_length=40, max_gap=4)

# %% [markdown]
# ## Circles and ellipses
#
# **Answer 3.** Three numbers at 300 × 400 × 100 are 12 million cells, and most stay empty. The trick: an edge pixel has
# a direction, and the centre lies along it. So vote for centres only, in two numbers, and then count radii there.

# %%
circles = sl.image.hough_circles(coins, 22, min_radius=14, max_radius=32, min_distance=28.0, high=180.0)
print(len(circles), "circles; there are 24 coins")
assert 20 <= len(circles) <= 28
shown = coins
for cx, cy, radius in circles:
    ring = np.stack(
        [cx + radius * np.cos(np.linspace(0, 6.28, 40)), cy + radius * np.sin(np.linspace(0, 6.28, 40))], axis=1
    )
    shown = sl.image.draw.contours(shown, [ring.astype(np.float32)])
pictures(found=shown)

# %%
sl.trace(sl.image.hough_circles, coins, 22, min_radius=14, max_radius=32, min_distance=28.0, high=180.0)

# %%
small = np.zeros((60, 90), bool)
t = np.linspace(0, 2 * np.pi, 200)
small[np.rint(30 + 14 * np.sin(t)).astype(int), np.rint(45 + 28 * np.cos(t)).astype(int)] = True
(ellipse, *_) = sl.image.hough_ellipses(small, 20, min_size=40.0, max_size=70.0)
print("ellipse: centre, half axes, angle:", np.round(ellipse, 1).tolist())
assert np.allclose(ellipse[:4], [45, 30, 28, 14], atol=1.5)
sl.trace(sl.image.hough_ellipses, small, 20, min_size=40.0, max_size=70.0)

# %% [markdown]
# ## What voting is good for (1): lay a page flat
#
# Find the four sides of the page. Four corners and four places where they should be are a homography (w2d2). Warp.

# %%
corners = sl.image.find_page(sheet)
print("corners:", np.rint(corners).astype(int).tolist())
flat = sl.image.scan_document(sheet)
print("page:", flat.shape)
assert corners.shape == (4, 2)
straight = sl.image.hough_lines(sl.image.canny(flat, 60, 150), 150)


def leaning(found):
    """Return by how many degrees lines are off the upright or the level, in the mean."""
    off = np.degrees(found[:, 1]) % 90
    return float(np.minimum(off, 90 - off).mean())


print(f"lines lean: in the photo by {leaning(lines):.1f}° in the mean, on the page by {leaning(straight):.1f}°")
assert leaning(straight) < 2 < leaning(lines)
sl.trace(sl.image.scan_document, sheet)

# %% [markdown]
# ## (2): stay in lane
#
# Look at the road from above (a homography again), find bright strips, and follow them from near to far in small
# windows.

# %%
lanes = sl.image.find_lanes(road)
print("left marking:", len(lanes.left), "points; right:", len(lanes.right), f"points; offset {lanes.offset:.2f} lanes")
assert len(lanes.left) > 3
assert len(lanes.right) > 3
assert lanes.left[0, 0] < lanes.right[0, 0]
sl.trace(sl.image.find_lanes, road)

# %% [markdown]
# ## (3): read a code
#
# A QR code has three squares that say where it lies, a grid, and bytes with enough redundancy that a tenth may be dirt.

# %%
picture = sl.image.make_code("https://example.org/w2d6", level="H", scale=6)
dirty = picture.copy()
dirty[60:80, 90:125] = 0  # a blot of ink over the middle
tilted = sl.image.warp_perspective(
    dirty, np.array([[0.9, 0.15, 20], [-0.1, 0.95, 30], [0.0003, 0.0002, 1]]), (260, 260), value=255.0
)
(read,) = sl.image.scan_codes(tilted)
print(read.kind, read.text, "· wrong bytes put right:", read.corrected)
assert read.text == "https://example.org/w2d6"
assert read.corrected > 0
found = sl.image.scan_codes(codes)
print("in the photo:", sorted(code.kind for code in found))
assert len(found) >= 2
sl.trace(sl.image.scan_codes, tilted)

# %% [markdown]
# ## Our source
#
# A row for each angle. In it, each pixel votes for its distance; four angles go at once.

# %%
from sightline.image.hough_lines import _vote

print(source_of(_vote))

# %% [markdown]
# ## The peer's answer beside ours

# %%
try:
    import cv2
except ModuleNotFoundError:
    print("OpenCV is not installed here; pip install opencv-python-headless shows its answer.")
else:
    theirs = cv2.HoughLines(edges.astype(np.uint8) * 255, 1, math.pi / 180, 120)[:, 0]
    ours, strongest = ([[round(float(v), 2) for v in line] for line in found[:3]] for found in (lines, theirs))
    print("strongest lines: ours", ours, "theirs", strongest)
    assert abs(len(theirs) - len(lines)) <= 0.1 * len(theirs)
    text, *_ = cv2.QRCodeDetector().detectAndDecode(tilted)
    print("OpenCV reads the code as:", text or "nothing")

# %% [markdown]
# ## Where it fails
#
# Votes are counts. In a field of grass every line gets some. The threshold has to grow with the noise.

# %%
for density in (0.01, 0.05, 0.2):
    grass = random.random((200, 200)) < density
    count = len(sl.image.hough_lines(grass, 50))
    print(f"{density:.0%} of random edge pixels: {count} lines that are not there")
    if density == 0.01:
        assert count == 0
assert count > 100

# %% [markdown]
# ## Exercise
#
# Write `votes(points, thetas, size)`: the table of votes. `points` is N×2 (x, y), `thetas` T angles in radians. The
# cell `[t, r]` counts the points with `round(x·cos θ_t + y·sin θ_t) == r`, for r from 0 to `size - 1`; other distances
# do not count. Return T×size whole numbers. Use `np.rint` to round.

# %% tags=["exercise"]
import numpy as np


def votes(points, thetas, size):
    """Return how many points lie at each (angle, distance)."""
    raise NotImplementedError("your turn")


# %% [markdown]
# ## What you take with you
#
# - Let the data vote for the parameters: gaps and strangers do not matter.
# - Few parameters, or a trick that makes them few.
# - Voting comes back as RANSAC, as detection heads, as attention.

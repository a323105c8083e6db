# %% [markdown]
# # w3d3 · Matching and RANSAC
#
# **Question.** How do you find the truth among many wrong matches?
#
# Two photos, some hundred features in each. Every feature has a nearest neighbour in the other photo, even if what it
# shows is not there. So a good part of the pairs is simply wrong, and one wrong pair can ruin a fit.
#
# ## Predict first
#
# 1. Pair each feature with its nearest neighbour. How many pairs of two photos of one scene are right?
# 2. Half of the pairs are wrong. You pick four at random. How often are all four right?
# 3. So how many times must you pick to be 99.9 % sure that one pick was clean: 100, 10 000, a million?
# 4. A homography has eight numbers. How many pairs fix it?

# %%
import math

import numpy as np

import sightline as sl
from sightline.features.consensus import _cheapest
from sightline.features.match import clear
from sightline.lab.blackboard import pictures, source_of

photo = sl.image.resize(sl.data.sample("china"), (240, 360))
truth = np.array([[0.80, -0.25, 60.0], [0.22, 0.85, -10.0], [3e-4, 1e-4, 1.0]])
other = sl.image.warp_perspective(photo, truth, border="edge")
other = np.clip(other * 0.8 + np.random.default_rng(0).normal(15, 4, other.shape), 0, 255).astype(np.uint8)
pictures(photo=photo, from_elsewhere=other)

# %% [markdown]
# ## The idea in words, first half: be choosy
#
# Is the nearest neighbour *clearly* the nearest? If the second nearest is about as near, the feature is one of many
# that look alike, and its match is a guess. Keep a pair only when the nearest is nearer than 0.8 of the second (Lowe's
# **ratio test**). Or ask back: is each the other's nearest (**cross-check**)?

# %%
a, b = sl.features.sift(photo, 500), sl.features.sift(other, 500)


def moved(points, matrix):
    """Return points moved by a 3×3 matrix: add a 1, multiply, divide by the last."""
    return sl.geometry.from_homogeneous(sl.geometry.to_homogeneous(points) @ matrix.T)


def are_right(matches):
    """Return which pairs are where the true homography says, to three pixels."""
    return np.hypot(*(moved(matches.points_a, truth) - matches.points_b).T) < 3


shares = {}
for name, options in {
    "all nearest neighbours": {"ratio": 1.0},
    "ratio 0.9": {"ratio": 0.9},
    "ratio 0.8": {"ratio": 0.8},
    "ratio 0.6": {"ratio": 0.6},
    "cross-check": {"ratio": 1.0, "cross_check": True},
}.items():
    good = are_right(sl.features.match(a, b, **options))
    shares[name] = good.mean()
    print(f"{name:23} {len(good):3} pairs, {good.sum():3} right: {good.mean():.0%}")
assert shares["all nearest neighbours"] < 0.7
assert shares["ratio 0.8"] > shares["all nearest neighbours"] + 0.1
assert shares["cross-check"] > shares["all nearest neighbours"]
sl.trace(sl.features.match, a, b)

# %% [markdown]
# **Answer 1.** Often half or less. The ratio test removes most wrong pairs and few right ones, but never all.
#
# ## The idea in words, second half: let the lucky few decide
#
# Least squares over all pairs does not work: every wrong pair pulls. But wrong pairs are wrong in different ways, and
# right ones all say the same. So pick as few pairs as define a model, count how many others agree, repeat, and keep the
# pick that most agree with. That is RANSAC, random sample consensus. Fit once more to all that agree.
#
# ## The equation
#
# If a share w of the rows is right, and a sample has s of them, then all are right with probability $w^s$. To draw one
# clean sample with probability p takes
#
# $$ N = \frac{\log(1 - p)}{\log(1 - w^s)} $$


# %%
def rounds(share, size, confidence=0.999):
    """Samples until one without a wrong row was drawn."""
    return math.ceil(math.log(1 - confidence) / math.log(1 - share**size))


print(f"half right, four pairs: {0.5**4:.1%} of the samples are clean ← answer 2; {rounds(0.5, 4)} samples ← answer 3")
for share in (0.9, 0.7, 0.5, 0.3, 0.1):
    print(
        f"{share:.0%} right: line {rounds(share, 2):5}, homography {rounds(share, 4):7}, 8 pairs {rounds(share, 8):12}"
    )
assert rounds(0.5, 4) == 108
assert rounds(0.3, 8) > 100 * rounds(0.3, 4)

# %% [markdown]
# The number of samples does not depend on how many rows there are. It explodes with the size of a sample: hence always
# the *smallest* sample. Watch it on a line.

# %%
random = np.random.default_rng(1)
x = random.uniform(0, 100, 60)
points = np.stack([x, 20 + 0.5 * x + random.normal(0, 0.5, 60)], axis=1)
points[:30] = random.uniform(0, 100, (30, 2))  # half of them are strangers
slope, height = np.polyfit(points[:, 0], points[:, 1], 1)
line = sl.features.ransac("line", points, 1.5)
p, q, r = line.model
print(f"true slope 0.50; least squares {slope:.2f}; RANSAC {-p / q:.2f} after {line.rounds} samples")
assert abs(-p / q - 0.5) < 0.03
assert abs(slope - 0.5) > 0.1
assert line.inliers[30:].mean() > 0.9
sl.trace(sl.features.ransac, "line", points, 1.5, method="ransac")

# %% [markdown]
# Any model goes that can be fitted to a small sample and tell a distance. One of your own needs three names: `size`,
# `fit`, `residuals`.


# %%
class Parabola:
    """y = a·x² + b·x + c."""

    size = 3

    def fit(self, sample):
        """Return the one parabola through three points."""
        return [np.polyfit(sample[:, 0] / 100, sample[:, 1], 2)]

    def residuals(self, model, data):
        """Return how far above or below it each point lies."""
        return np.abs(np.polyval(model, data[:, 0] / 100) - data[:, 1])


thrown = np.stack([x, 10 + 3 * x - 0.03 * x**2 + random.normal(0, 0.5, 60)], axis=1)
thrown[:24] = random.uniform(0, 100, (24, 2))
flight = sl.features.ransac(Parabola(), thrown, 2.0)
print("flight:", np.round(flight.model / [1e4, 100, 1], 3), f"with {flight.inliers.sum()} of 60 points")
assert np.allclose(flight.model / [1e4, 100, 1], [-0.03, 3, 10], rtol=0.1)

# %% [markdown]
# ## What it is good for: the homography between the photos
#
# **Answer 4.** Each pair gives two equations: four pairs. Take all nearest neighbours, the wrong ones, too.

# %%
pairs = sl.features.match(a, b, 1.0)
found = sl.geometry.homography(pairs.points_a, pairs.points_b, threshold=2.0)
corners = np.array([[0, 0], [359, 0], [359, 239], [0, 239]])


def corner_error(matrix):
    """Root mean square distance of the four corners from where they belong, in pixels."""
    return float(np.sqrt(((moved(corners, matrix) - moved(corners, truth)) ** 2).sum(axis=1).mean()))


naive = sl.geometry.homography(pairs.points_a, pairs.points_b)  # no threshold: trusts every pair
print(f"{len(pairs.indices)} pairs, {found.inliers.sum()} agree after {found.rounds} samples")
print(f"corners are off by {corner_error(found.model):.2f} pixels")
print(f"with least squares over all, by {corner_error(naive.model):.0f}")
assert corner_error(found.model) < 0.6
assert corner_error(naive.model) > 10
assert (are_right(pairs)[found.inliers]).mean() > 0.98
sl.trace(sl.geometry.homography, pairs.points_a, pairs.points_b, 2.0)

# %%
kept = pairs[found.inliers]
back = sl.image.warp_perspective(other, np.linalg.inv(found.model))
pictures(all_pairs=pairs.draw(photo, other), that_agree=kept.draw(photo, other), laid_back=back)

# %% [markdown]
# ## Three ways to count
#
# `ransac` counts who agrees. `msac` also asks how well. `lo` improves every new best by least squares over those who
# agree, and so needs fewer samples.

# %%
errors = {}
for method in ("ransac", "msac", "lo"):
    fits = [sl.geometry.homography(pairs.points_a, pairs.points_b, 2.0, seed, method=method) for seed in range(10)]
    errors[method] = float(np.mean([corner_error(fit.model) for fit in fits]))
    print(f"{method:6} {errors[method]:.2f} pixels, {np.mean([fit.rounds for fit in fits]):.0f} samples (mean of ten)")
assert max(errors.values()) < 2

# %% [markdown]
# ## Our source
#
# The ratio test, and the judge of RANSAC:

# %%
print(source_of(clear))
print(source_of(_cheapest))

# %% [markdown]
# ## The peer's answer beside ours

# %%
try:
    import cv2
except ModuleNotFoundError:
    print("OpenCV is not installed here; pip install opencv-python-headless shows its answer.")
else:
    theirs, mask = cv2.findHomography(pairs.points_a, pairs.points_b, cv2.RANSAC, 2.0)
    off, ours = corner_error(theirs), corner_error(found.model)
    print(f"OpenCV: {int(mask.sum())} agree, corners off by {off:.2f}; ours {ours:.2f}")
    assert abs(int(mask.sum()) - int(found.inliers.sum())) < 0.1 * len(pairs.indices)

# %% [markdown]
# ## Where it fails
#
# RANSAC believes the largest crowd. If the largest crowd is a wall with equal windows, shifted by one window, it finds
# that. If there are two motions, it finds one and calls the other wrong. And a threshold that is too wide lets the
# wrong ones in.

# %%
first, second = points[30:], np.stack([x[:40], 90 - 0.7 * x[:40] + random.normal(0, 0.5, 40)], axis=1)
both = np.vstack([first, second])
largest = sl.features.ransac("line", both, 1.5)
print(
    f"two lines, of 30 and 40 points: slope {-largest.model[0] / largest.model[1]:.2f}, {largest.inliers.sum()} agree"
)
assert abs(-largest.model[0] / largest.model[1] + 0.7) < 0.05
rest = sl.features.ransac("line", both[~largest.inliers], 1.5)
print(f"once more among the rest: slope {-rest.model[0] / rest.model[1]:.2f}")
assert abs(-rest.model[0] / rest.model[1] - 0.5) < 0.05
for threshold in (0.5, 2.0, 8.0, 60.0):
    fit = sl.geometry.homography(pairs.points_a, pairs.points_b, threshold)
    wrong = 1 - are_right(pairs)[fit.inliers].mean()
    off = corner_error(fit.model)
    print(f"threshold {threshold:4}: {fit.inliers.sum()} agree, {wrong:.0%} of them wrong; off by {off:.1f} pixels")
assert wrong > 0.1

# %% [markdown]
# ## Exercise
#
# Write `agree(points, samples, threshold)`: RANSAC for a line. `points` is N×2 (x, y), `samples` K×2 whole numbers: two
# rows of `points` for each sample. For each, count the points whose distance to the line through the two is at most
# `threshold`. Return N bools: who agrees with the best sample, the first of equally good ones. Leave out samples of two
# equal points.

# %% tags=["exercise"]
import numpy as np


def agree(points, samples, threshold):
    """Return which points agree with the best line."""
    raise NotImplementedError("your turn")


# %% [markdown]
# ## What you take with you
#
# - A match is only worth something if there is no second one like it.
# - Wrong pairs do not agree with one another; right ones do. Count.
# - Small samples: the price grows with a power of their size.

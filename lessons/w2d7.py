# %% [markdown]
# # w2d7 · Bend: morphs and seams
#
# **Question.** How does one face become another, and a photo narrower without a squeeze?
#
# A matrix moves everything alike (w1d3). Faces do not fit onto faces that way. You need a map that does one thing at
# the eyes and another at the mouth, smoothly. And sometimes the best map is to leave something out.
#
# ## Predict first
#
# 1. You send every pixel of a photo to its new place, at three times the size. What do you see in between?
# 2. Half-way between two faces: is it enough to mix both photos, half and half?
# 3. You take one column out of a photo, 100 times. Which columns would you take?
# 4. The seam of least energy: do you have to try all paths? A photo of 300 rows has more than $2^{300}$.

# %%
import numpy as np

import sightline as sl
from sightline.lab.blackboard import pictures, source_of

astronaut, cat, rocket = sl.data.sample("astronaut"), sl.data.sample("cat"), sl.data.sample("rocket")
face_a = sl.image.resize(np.ascontiguousarray(astronaut[0:240, 110:350]), (200, 200))
face_b = sl.image.resize(np.ascontiguousarray(cat[10:300, 95:385]), (200, 200))
pictures(a=face_a, b=face_b, rocket=rocket)

# %% [markdown]
# ## The idea in words: forward or backward
#
# *Forward*: each old pixel goes somewhere. *Backward*: each new pixel asks where it comes from. **Answer 1**: forward
# leaves holes where the map spreads, and heaps where it squeezes. Backward never does. So everybody warps backward,
# except when only the forward map is known (depth, optical flow).

# %%
y, x = np.mgrid[0:200, 0:200].astype(np.float32)
places = np.stack([x * 3 - 200, y * 3 - 200], axis=2)
spread, coverage = sl.image.forward_warp(face_a, places)
holes = float((coverage[20:180, 20:180] == 0).mean())
print(f"{holes:.0%} of the new pixels got nothing")
assert holes > 0.05
sl.trace(sl.image.forward_warp, face_a, places)

# %% [markdown]
# ## Points that must land
#
# Mark the same things in both faces: eyes, nose, chin. Now you know where *some* pixels go. What of the others?
#
# - **piecewise affine**: triangles between the points, one matrix for each;
# - **thin-plate spline**: bend a sheet of steel so that it passes the points, with the least bending.
#
# ## The equation
#
# The steel sheet is a matrix plus one bump for each point:
#
# $$ f(p) = A p + b + \sum_i w_i\, U(\lVert p - p_i \rVert), \qquad U(r) = r^2 \log r $$

# %%
corners = np.array([[0, 0], [199, 0], [0, 199], [199, 199]], np.float32)
# eyes, nose, mouth, cheeks
marks_a = np.array([[66, 78], [102, 81], [83, 100], [83, 112], [50, 95], [118, 96]], np.float32)
marks_b = np.array([[53, 71], [151, 84], [117, 153], [111, 175], [20, 110], [182, 105]], np.float32)
points, targets = np.vstack([marks_a, corners]), np.vstack([marks_b, corners])
bent = sl.image.thin_plate_spline(face_a, points, targets)
folded = sl.image.piecewise_affine(face_a, points, targets)
dots = np.zeros((200, 200), np.uint8)
dots[76:81, 64:69] = 255  # a dot on the first eye
landed = sl.image.thin_plate_spline(dots, points, targets)
cy, cx = (float(v.mean()) for v in np.nonzero(landed > 100))
print(f"the dot on the eye landed at ({cx:.0f}, {cy:.0f}); wanted (53, 71)")
assert abs(cx - 53) < 3
assert abs(cy - 71) < 3
pictures(a=face_a, piecewise_affine=folded, thin_plate_spline=bent, b=face_b)

# %%
sl.trace(sl.image.thin_plate_spline, face_a, points, targets)

# %%
sl.trace(sl.image.piecewise_affine, face_a, points, targets)

# %% [markdown]
# ## Morph
#
# **Answer 2.** Mixing alone shows two ghosts with four eyes. First bring both faces to the half-way *shape*, then mix
# the *colours*. `mesh_morph` does that with triangles, `line_morph` with lines (Beier and Neely, the method of the
# 1990s films).

# %%
ghosts = ((face_a.astype(int) + face_b) // 2).astype(np.uint8)
film = [sl.image.mesh_morph(face_a, face_b, marks_a, marks_b, t) for t in (0.0, 0.25, 0.5, 0.75, 1.0)]
assert np.abs(film[0].astype(int) - face_a).mean() < 1
assert np.abs(film[-1].astype(int) - face_b).mean() < 1
pictures(ghosts=ghosts, **{f"morph_{i}": frame for i, frame in enumerate(film)})

# %%
sl.trace(sl.image.mesh_morph, face_a, face_b, marks_a, marks_b, 0.5)

# %%
lines_a = np.array([[66, 78, 102, 81], [83, 100, 83, 112], [50, 95, 118, 96]], np.float32)
lines_b = np.array([[53, 71, 151, 84], [117, 153, 111, 175], [20, 110, 182, 105]], np.float32)
sl.trace(sl.image.line_morph, face_a, face_b, lines_a, lines_b, 0.5)

# %% [markdown]
# ## Leave something out: seams
#
# **Answer 3.** None of them: every column runs through something. Take a crooked one.
#
# To make a photo narrower you can squeeze it (everybody becomes thin), crop it (somebody is cut off), or remove what
# nobody looks at. A *seam* is a path from top to bottom, one pixel a row, through quiet places.
#
# **Answer 4.** No. The cheapest path to a pixel goes through one of the three above it. One pass from the top gives all
# costs (dynamic programming):
#
# $$ M(y, x) = e(y, x) + \min \bigl( M(y-1, x-1),\; M(y-1, x),\; M(y-1, x+1) \bigr) $$

# %%
small = sl.image.resize(rocket, (213, 320), "area")
carved = sl.image.seam_carve(small, (213, 220))
squeezed = sl.image.resize(small, (213, 220))


def detail(picture):
    """Mean steepness: what is left of the detail."""
    return float(sl.image.sobel(picture).mean())


print(f"steepness: photo {detail(small):.0f}, carved {detail(carved):.0f}")
assert carved.shape == (213, 220, 3)
assert detail(carved) > detail(small)  # the quiet went, the rest stayed
sl.trace(sl.image.seam_carve, small, (213, 220))

# %% [markdown]
# Paint over what must stay, or over what shall go.

# %%
mast = np.zeros(small.shape[:2], bool)
mast[:, 80:115] = True
without = sl.image.seam_carve(small, small.shape[:2], remove=mast)
kept = sl.image.seam_carve(small, (213, 220), protect=mast)
same = np.abs(
    np.lib.stride_tricks.sliding_window_view(kept, (213, 35, 3)).astype(int)[0, :, 0] - small[:, 80:115]
).mean(axis=(1, 2, 3))
print(f"the protected strip is still there, to {same.min():.2f} levels")
assert same.min() < 1e-9
pictures(photo=small, mast_removed=without, mast_protected=kept, squeezed=squeezed, carved=carved)

# %% [markdown]
# ## Our source
#
# What each pixel costs, and one row of the pass from the top, as they run:

# %%
from sightline.image.seams import _pay, _step

print(source_of(_pay))
print(source_of(_step))

# %% [markdown]
# ## The peer's answer beside ours

# %%
try:
    from skimage.transform import PiecewiseAffineTransform, warp
except ModuleNotFoundError:
    print("scikit-image is not installed here; pip install scikit-image shows its answer.")
else:
    mapping = PiecewiseAffineTransform.from_estimate(targets, points)
    theirs = warp(face_a, mapping, output_shape=(200, 200))
    apart = np.abs(theirs * 255 - folded)[2:-2, 2:-2].mean()
    print(f"piecewise affine: mean difference from scikit-image {apart:.2f} levels")
    assert apart < 1

# %% [markdown]
# ## Where it fails
#
# Seams know edges, not things. A face is smooth: seams love faces. Carve a portrait to half its width without
# protection.

# %%
portrait = np.ascontiguousarray(astronaut[20:180, 130:290])
ruined = sl.image.seam_carve(portrait, (160, 90))
guard = np.zeros((160, 160), bool)
guard[25:135, 38:122] = True
saved = sl.image.seam_carve(portrait, (160, 90), protect=guard)
assert ruined.shape == saved.shape == (160, 90, 3)
face = np.lib.stride_tricks.sliding_window_view(saved[25:135], (110, 84, 3)).astype(int)[0, :, 0]
assert np.abs(face - portrait[25:135, 38:122]).mean(axis=(1, 2, 3)).min() < 1e-9
pictures(portrait=portrait, without_protection=ruined, with_protection=saved)

# %% [markdown]
# ## Exercise
#
# Write `seam_costs(energy)`: the table $M$ of the equation above for an H×W float array. The first row of $M$ is the
# first row of the energy. Beyond the left and right border there is no path.

# %% tags=["exercise"]
import numpy as np


def seam_costs(energy):
    """Return for each pixel the cost of the cheapest path from the top to it."""
    raise NotImplementedError("your turn")


# %% [markdown]
# ## What you take with you
#
# - Warp backward. Points that must land, something smooth in between.
# - Morph = warp both, then mix.
# - The cheapest path needs one pass: dynamic programming.

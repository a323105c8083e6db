# %% [markdown]
# # w1d1 · An image is an array
#
# **Question.** What is in a photo when nobody looks at it?
#
# You need no mathematics today. You need numbers, rows and columns. At the end you will read and write pictures, cut
# them, draw on them, and know the bug that every beginner meets once: 250 + 10 = 4.
#
# ## Predict first
#
# Write your answers down. The run gives the right ones.
#
# 1. The photo below is 451 pixels wide and 300 high. What is the *shape* of its array?
# 2. `photo[10, 200]`: is that pixel near the top or near the left edge?
# 3. You add 10 to a pixel of value 250. What comes out?
# 4. How many bytes does the photo take in memory? Its file takes about 30,000.

# %%
import tempfile
from pathlib import Path

import numpy as np

import sightline as sl
from sightline.lab.blackboard import pictures, source_of

cat = sl.data.sample("cat")
pictures(cat=cat)

# %% [markdown]
# ## The idea in words
#
# A sensor is a grid of buckets. Each bucket counts light. The counts, row by row, are the picture. Nothing else is
# stored: no cat, no whisker, only numbers. Seeing is what we have to add, and that takes twelve weeks.

# %%
print("shape ", cat.shape, "= rows × columns × channels")
print("dtype ", cat.dtype, "= whole numbers from 0 to 255")
print("bytes ", cat.nbytes)
print("pixel ", cat[10, 200], "= red, green, blue")
assert cat.shape == (300, 451, 3)
assert cat.nbytes == 300 * 451 * 3

# %% [markdown]
# **Answer 1:** `(300, 451, 3)`. Rows come first, so height comes first.
# **Answer 4:** 405,900 bytes. The JPEG file is smaller because it throws away what the eye hardly sees (w2d4).
#
# ## The equation
#
# An image is a function on a grid:
#
# $$ I : \{0, \dots, H-1\} \times \{0, \dots, W-1\} \to \{0, \dots, 255\}^3 $$
#
# Two ways to name the same place, and they are **not** in the same order:
#
# - an *index* is `[row, column]`, from the top left: `image[y, x]`;
# - a *point* is `(x, y)`; the centre of the top-left pixel is `(0, 0)`.

# %%
corner = cat[:100, :150]  # rows 0–99, columns 0–149: the top left
face = cat[50:270, 100:370]
mirrored = cat[:, ::-1]
turned = cat.transpose(1, 0, 2)
assert corner.shape == (100, 150, 3)
assert (mirrored[10, 0] == cat[10, 450]).all()
print("answer 2: row 10 of 300, so near the top; column 200 of 451, so in the middle")
pictures(top_left=corner, face=face, mirrored=mirrored, rows_and_columns_swapped=turned)

# %% [markdown]
# A slice is a *view*: a window on the same numbers. Write into the view and the photo changes. That is fast, and it is
# the source of a famous mistake. Sightline's functions never change what you hand them.

# %%
print("the face shares memory with the photo:", np.shares_memory(face, cat))
blurred = sl.image.gaussian_blur(face, 2.0)
print("a blurred face does not:", np.shares_memory(blurred, cat))
assert np.shares_memory(face, cat)
assert not np.shares_memory(blurred, cat)

# %% [markdown]
# ## The bug that everybody meets
#
# One byte holds 0 to 255. What is larger starts again at 0, silently.

# %%
pixel = np.array([250], np.uint8)
print("250 + 10 =", (pixel + np.uint8(10))[0], "   ← answer 3")
wrapped = cat + np.uint8(120)
right = np.clip(cat.astype(np.int16) + 120, 0, 255).astype(np.uint8)
assert (pixel + np.uint8(10))[0] == 4
print(f"{(wrapped < cat).mean():.1%} of the values became darker when 120 was added")
assert (wrapped < cat).any()
assert not (right < cat).any()
pictures(wrapped_around=wrapped, clipped=right)

# %% [markdown]
# Three kinds of numbers are in use, and mixing them is where days are lost:
#
# | dtype | range | who |
# |---|---|---|
# | `uint8` | 0–255 | files, screens |
# | `uint16` | 0–65,535 | medicine, raw photos |
# | `float32` | 0–1 | computation, networks |
#
# Sightline takes these three, gives back what it got, and refuses the rest by name.

# %%
as_float = sl.to_float(cat)
print("as float:", as_float.dtype, "from", as_float.min(), "to", as_float.max())
assert (sl.to_uint8(as_float) == cat).all()
try:
    sl.image.gaussian_blur(cat.astype(np.int64), 1.0)
except sl.InputError as error:
    print(error)
else:
    raise AssertionError("int64 must be refused")

# %% [markdown]
# ## Files: `read` and `write`
#
# PNG keeps every number. JPEG does not.

# %%
with tempfile.TemporaryDirectory() as folder:
    place = Path(folder)
    sl.write(place / "cat.png", cat)
    sl.write(place / "cat.jpg", cat, quality=50)
    exact, lossy = sl.read(place / "cat.png"), sl.read(place / "cat.jpg")
    gray = sl.read(place / "cat.png", mode="gray")
    sizes = {name: (place / name).stat().st_size for name in ("cat.png", "cat.jpg")}
error = np.abs(lossy.astype(int) - cat).mean()
print(sizes, f"mean error of the JPEG: {error:.1f} grey levels")
print("grey:", gray.shape)
assert (exact == cat).all()
assert error > 0
assert sizes["cat.jpg"] < sizes["cat.png"]
pictures(exact=face, jpeg=lossy[50:270, 100:370])

# %% [markdown]
# On your own desktop, `sl.show(cat)` opens the picture in a window.
#
# A video is the same thing with one axis more: time × rows × columns × channels.

# %%
film = [np.roll(cat[::4, ::4], 6 * step, axis=1) for step in range(8)]
with tempfile.TemporaryDirectory() as folder:
    count = sl.image.write_frames(Path(folder) / "film.gif", film, fps=8)
    back = list(sl.image.frames(Path(folder) / "film.gif"))
print(count, "frames written,", len(back), "read, each", back[0].shape)
assert len(back) == 8
assert back[0].shape == (75, 113, 3)

# %% [markdown]
# ## Drawing is assignment
#
# To draw a box is to write a colour into some pixels. `sl.image.draw` does it for every kind of result of this course;
# it returns a copy. You will meet each of these again.

# %%
mask = np.zeros(cat.shape[:2], bool)
mask[50:270, 100:370] = True
boxes = np.array([[100.0, 50.0, 370.0, 270.0]], np.float32)  # x1, y1, x2, y2
eyes, nose = np.array([[172.0, 114.0], [318.0, 133.0]], np.float32), np.array([[262.0, 243.0]], np.float32)
y, x = np.mgrid[-1:1:48j, -1:1:48j]
swirl = np.stack([-y, x], axis=2).astype(np.float32)
named = {
    "boxes": sl.image.draw.boxes(cat, boxes, ["cat"]),
    "masks": sl.image.draw.masks(cat, mask),
    "labels": sl.image.draw.labels(cat, mask.astype(np.int32)),
    "keypoints": sl.image.draw.keypoints(cat, eyes),
    "skeletons": sl.image.draw.skeletons(cat, np.array([[[172, 114, 1], [318, 133, 1]]], np.float32), [(0, 1)]),
    "lines": sl.image.draw.lines(cat, eyes.reshape(1, 4)),
    "circles": sl.image.draw.circles(cat, np.hstack([eyes, [[24], [24]]])),  # x, y, radius
    "ellipses": sl.image.draw.ellipses(cat, [(245, 160, 150, 105, 0.1)]),  # x, y, half axes, angle
    "contours": sl.image.draw.contours(cat, [np.vstack([eyes, nose])]),
    "tracks": sl.image.draw.tracks(cat, [np.cumsum(np.full((20, 2), 9.0), axis=0)]),
    "heat_map": sl.image.draw.heat_map(cat, np.hypot(*np.mgrid[-1:1:300j, -1:1:451j])),
    "text": sl.image.draw.text(cat, "Chelsea", (10, 10)),
    "matches": sl.image.draw.matches(cat, mirrored, np.array([[172.0, 114.0, 278.0, 114.0]], np.float32)),
    "flow": sl.image.draw.flow(swirl),
}
assert all(picture.dtype == np.uint8 for picture in named.values())
assert (cat == sl.data.sample("cat")).all(), "drawing returns a copy"
pictures(**named)

# %% [markdown]
# ## Our source
#
# Read one: how other numbers become bytes. Scale, round, narrow, each done on the whole array at once. There is no loop
# over pixels: in Python that would take a second, in the array it takes a millisecond.

# %%
print(source_of(sl.to_uint8))

# %% [markdown]
# ## The peer's answer beside ours
#
# Most trouble with pictures happens between two libraries. OpenCV reads blue first.

# %%
try:
    import cv2
except ModuleNotFoundError:
    print("OpenCV is not installed here; pip install opencv-python-headless shows its answer.")
else:
    with tempfile.TemporaryDirectory() as folder:
        sl.write(Path(folder) / "cat.png", cat)
        theirs = cv2.imread(str(Path(folder) / "cat.png"))
    print("same pixel, ours:", cat[10, 200], " theirs:", theirs[10, 200])
    assert (theirs[:, :, ::-1] == cat).all(), "the same numbers, channels in reverse"

# %% [markdown]
# ## Where it fails
#
# An array knows nothing of its meaning. A channels-first array, as PyTorch makes them, looks like a picture of three
# rows. Nothing in NumPy stops you.

# %%
first = np.ascontiguousarray(cat.transpose(2, 0, 1))
try:
    sl.image.canny(first)
except sl.InputError as error:
    print(error)
else:
    raise AssertionError("channels first must be refused")

# %% [markdown]
# ## Exercise
#
# Write `brighten(image, amount)`. It returns the `uint8` image with `amount` added to every value. What is above 255
# becomes 255, what is below 0 becomes 0 (`amount` may be negative). The input stays as it is.

# %% tags=["exercise"]
import numpy as np


def brighten(image, amount):
    """Return the uint8 image, brighter by ``amount`` grey levels."""
    raise NotImplementedError("your turn")


# %% [markdown]
# ## What you take with you
#
# - A picture is rows × columns × channels, `image[y, x]`; points are `(x, y)`.
# - `uint8` wraps around. Widen, compute, clip, narrow.
# - RGB, channels last, three dtypes. Everything else is converted at the door.
#
# Tomorrow: what the three channels mean.

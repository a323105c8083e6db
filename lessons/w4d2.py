# %% [markdown]
# # w4d2 · Look at the data first
#
# **Question.** What is wrong with this dataset before anything is trained?
#
# Most failures of trained models are failures of their data: the same photo in training and test, a label that is
# wrong, a class with five pictures, a file that does not open. You find them in an hour, or your users find them in a
# year.
#
# ## Predict first
#
# 1. The same photo, saved as JPEG and half as large: how many of its bytes are equal? Of its 64-bit hash?
# 2. A copy of a training image is in the test set. Does the test accuracy rise or fall?
# 3. Split 100 images of 10 classes at random, 20 for the test. Is every class in the test?
# 4. How would you find a wrong label among 1,797 digits without looking at all of them?

# %%
import os
import tempfile
from pathlib import Path

import numpy as np

import sightline as sl
from sightline.lab.blackboard import pictures, source_of

digits = sl.data.open_dataset("digits")
print({name: len(split) for name, split in digits.splits.items()}, "images;", len(digits.classes), "classes")
print("of each class in the test:", digits.split("test").counts(10).tolist())
assert digits.split("test").counts(10).min() >= 30
first = [digits.split("train").array[i] for i in range(24)]
pictures(look=np.vstack([np.hstack(first[r : r + 12]) for r in (0, 12)]))

# %% [markdown]
# ## The idea in words
#
# Two files are equal when their bytes are. Two *pictures* are equal when they look alike: other size, other quality, a
# little brighter. So compute a short number from what the picture looks like: shrink it to a few pixels of grey, and
# keep only whether each slow wave of it (w1d7) is above or below the middle. 64 bits. Alike = few bits differ.
#
# ## The equation
#
# With $D$ the discrete cosine transform of the shrunk picture and $m$ the median of its 64 slowest waves:
#
# $$ b_i = [\, D_i > m \,], \qquad d(a, b) = \sum_i [\, a_i \neq b_i \,] $$


# %%
def bits_apart(a, b):
    """Return in how many of 64 bits two hashes differ."""
    return (a ^ b).bit_count()


cat = sl.data.sample("cat")
own = sl.data.perceptual_hash(cat)
with tempfile.TemporaryDirectory() as folder:
    sl.write(Path(folder) / "cat.jpg", cat, quality=30)
    jpeg = sl.read(Path(folder) / "cat.jpg")
versions = {
    "JPEG of quality 30": jpeg,
    "half as large": sl.image.resize(cat, (150, 225)),
    "brighter": np.clip(cat.astype(int) + 30, 0, 255).astype(np.uint8),
    "mirrored": np.ascontiguousarray(cat[:, ::-1]),
    "another photo": sl.data.sample("coffee"),
}
for name, picture in versions.items():
    print(f"{name:19} {bits_apart(own, sl.data.perceptual_hash(picture)):2} of 64 bits differ")
same = [bits_apart(own, sl.data.perceptual_hash(versions[name])) for name in list(versions)[:3]]
assert max(same) <= 8  # answer 1: few bits, but none of the bytes
assert bits_apart(own, sl.data.perceptual_hash(versions["another photo"])) > 16

# %% [markdown]
# ## Step by step: a folder with faults
#
# We make a small dataset with planted faults, as they occur: a copy under another name, the same photo in two classes,
# a text file renamed to .jpg, a class of two pictures. `check_dataset` reads every image once.

# %%
names = ("cat", "cup")
work = tempfile.TemporaryDirectory()
root = Path(work.name) / "photos"
random = np.random.default_rng(0)
for name, source in zip(names, (cat, sl.data.sample("coffee")), strict=True):
    (root / name).mkdir(parents=True)
    for i in range(12):
        top, left = random.integers(0, 100), random.integers(0, 150)
        sl.write(root / name / f"{i}.png", np.ascontiguousarray(source[top : top + 160, left : left + 160]))
copy = (root / "cat" / "0.png").read_bytes()
(root / "cat" / "copy.png").write_bytes(copy)
(root / "cup" / "same_as_a_cat.png").write_bytes((root / "cat" / "1.png").read_bytes())
(root / "dog").mkdir()
for name in ("astronaut", "rocket"):  # neither is a dog, but no program sees that here
    sl.write(root / "dog" / f"{name}.png", sl.data.sample(name))
(root / "cup" / "notes.jpg").write_text("this is no picture")
report = sl.data.check_dataset(root)
for problem in report.problems:
    print(f"- {problem.kind}:", problem.reason.replace(f"{root}{os.sep}", ""))
assert not report.ok
told = " ".join(str(problem) for problem in report.problems)
assert "notes.jpg" in told
assert "same_as_a_cat" in told
assert "copy.png" in told
assert "'dog'" in told

# %% [markdown]
# ## The leak
#
# **Answer 2.** The accuracy on the test rises, and means less. Watch: nearest neighbour on digits, with a tenth, a
# half, all of the test set copied into the training set.

# %%
train, test = digits.split("train"), digits.split("test")
x, y = train.array.reshape(len(train), -1).astype(float), np.asarray(train.labels)
tx, ty = test.array.reshape(len(test), -1).astype(float), np.asarray(test.labels)


def nearest(x, y, queries):
    """Return the label of the nearest example of each query, and its distance."""
    apart = (queries**2).sum(1)[:, None] - 2 * queries @ x.T + (x**2).sum(1)[None]
    return y[apart.argmin(1)], np.sqrt(np.maximum(apart.min(1), 0))


noisy_labels = np.where(random.random(len(ty)) < 0.3, random.integers(0, 10, len(ty)), ty)  # a hard test
leaked = {}
for share in (0.0, 0.1, 0.5, 1.0):
    count = int(share * len(tx))
    guess, _ = nearest(np.vstack([x, tx[:count]]), np.concatenate([y, noisy_labels[:count]]), tx)
    leaked[share] = float((guess == noisy_labels).mean())
    print(f"{share:.0%} of the test copied into training: accuracy {leaked[share]:.0%}")
assert leaked[0.0] < leaked[0.5] < leaked[1.0] == 1.0  # it "predicts" labels that are pure chance

# %% [markdown]
# ## Split by class
#
# **Answer 3.** Not for sure. Drawn by class, each class has its share, and the same seed gives the same split anywhere.

# %%
part = digits.split_off(0.2, seed=3)
print({name: split.counts(10).tolist() for name, split in part.splits.items() if name != "test"})
again = digits.split_off(0.2, seed=3)
assert list(again.split("val").keys) == list(part.split("val").keys)
assert part.split("val").counts(10).min() > 20

# %% [markdown]
# ## Find wrong labels
#
# **Answer 4.** A wrong label disagrees with its neighbours. Flip 20 labels, then ask each example's nearest other ones.

# %%
broken = y.copy()
flipped = random.choice(len(y), 20, replace=False)
broken[flipped] = (broken[flipped] + random.integers(1, 10, 20)) % 10
apart = (x**2).sum(1)[:, None] - 2 * x @ x.T + (x**2).sum(1)[None]
np.fill_diagonal(apart, np.inf)
near = np.argsort(apart, axis=1)[:, :5]
suspicious = np.flatnonzero((broken[near] != broken[:, None]).sum(axis=1) >= 4)
caught = len(set(suspicious) & set(flipped))
print(f"{len(suspicious)} of {len(y)} labels are suspicious; {caught} of the 20 wrong ones are among them")
assert caught >= 17
assert len(suspicious) < 80

# %% [markdown]
# ## Our source
#
# The two equations, on the picture shrunk to a few pixels:

# %%
from sightline.data.perceptual_hash import hash_of_thumbnail

print(source_of(hash_of_thumbnail))

# %% [markdown]
# ## The peer's answer beside ours

# %%
try:
    from sklearn.datasets import load_digits
except ModuleNotFoundError:
    print("scikit-learn is not installed here; pip install scikit-learn shows its answer.")
else:
    theirs = load_digits()
    count = np.bincount(theirs.target)
    ours = digits.split("train").counts(10) + digits.split("test").counts(10)
    print("images of each digit, theirs and ours:", count.tolist(), ours.tolist())
    assert (count == ours).all()

# %% [markdown]
# ## Where it fails
#
# A hash sees slow waves only. Two blank pages with other words on them look alike; a mirrored photo looks different.

# %%
page = sl.data.sample("page")
other = page.copy()
other[30:60] = 255 - (255 - other[30:60])[:, ::-1]  # other words on one line
print("another line of text:", bits_apart(sl.data.perceptual_hash(page), sl.data.perceptual_hash(other)), "bits differ")
print("mirrored cat:", bits_apart(own, sl.data.perceptual_hash(versions["mirrored"])), "bits differ")
assert bits_apart(sl.data.perceptual_hash(page), sl.data.perceptual_hash(other)) <= 10
assert bits_apart(own, sl.data.perceptual_hash(versions["mirrored"])) > 10

# %% [markdown]
# ## Exercise
#
# Write `near_pairs(hashes, limit)`: all pairs of positions `(i, j)`, i < j, whose hashes (whole numbers) differ in at
# most `limit` bits. Return a list of tuples, in rising order.


# %% tags=["exercise"]
def near_pairs(hashes, limit):
    """Return the pairs (i, j), i < j, whose hashes differ in at most ``limit`` bits."""
    raise NotImplementedError("your turn")


# %% [markdown]
# ## What you take with you
#
# - Look. Count. Hash. Split by class, keep copies on one side.
# - A leak makes you happy until the day of delivery.

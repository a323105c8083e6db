# %% [markdown]
# # w4d5 · Measure it
#
# **Question.** When is one result really better than another?
#
# "It works" is not a result. "97.2 %" is not one either, before you say of what, on how many, and how sure you are.
#
# ## Predict first
#
# 1. 1 % of patients are ill. A test says "healthy" to everyone. What is its accuracy?
# 2. Of 359 test digits 350 are right. Another model gets 353. Is it better?
# 3. Two people outline the same object. Is one of them wrong where they differ by two pixels?
# 4. Label 3 is called 7 and 7 is called 3 in a segmentation. Is the segmentation bad?

# %%
import numpy as np

import sightline as sl
from sightline.lab.blackboard import pictures, source_of

digits = sl.data.open_dataset("digits")
train, test = digits.split("train"), digits.split("test")
x, y = train.array.reshape(len(train), -1) / 255.0, np.asarray(train.labels)
tx, ty = test.array.reshape(len(test), -1) / 255.0, np.asarray(test.labels)
means = np.stack([x[y == k].mean(axis=0) for k in range(10)])
pictures(the_mean_of_each_digit=np.hstack(list(means.reshape(10, 8, 8).astype(np.float32))))

# %% [markdown]
# ## The idea in words
#
# Our model today is the simplest one: the class of the nearest mean digit. Not good, and so there is something to
# measure. First: *what* is confused with what.

# %%
scores = -((tx[:, None] - means[None]) ** 2).sum(axis=2)
said = scores.argmax(axis=1)
table = sl.metrics.confusion_matrix(ty, said)
right = sl.metrics.accuracy(ty, said)
print(table)
print(f"accuracy {right:.1%}; right among the three best {sl.metrics.top_k_accuracy(ty, scores, k=3):.1%}")
assert table.sum() == len(ty)
assert np.isclose(np.trace(table) / len(ty), right)
assert sl.metrics.top_k_accuracy(ty, scores, k=3) > right
worst = np.unravel_index((table - np.diag(np.diag(table))).argmax(), table.shape)
print(f"most often confused: {worst[0]} is taken for {worst[1]}, {table[worst]} times")
pictures(confusion=table.astype(np.float32))

# %% [markdown]
# ## The equation
#
# For one class: TP found and right, FP found and wrong, FN missed.
#
# $$ P = \frac{TP}{TP + FP}, \qquad R = \frac{TP}{TP + FN}, \qquad F_1 = \frac{2 P R}{P + R} $$

# %%
ill = np.zeros(1000, int)
ill[:10] = 1
everyone_healthy = np.zeros(1000, int)
found = sl.metrics.precision_recall_f1(ill, everyone_healthy, classes=2)
print(f"accuracy {sl.metrics.accuracy(ill, everyone_healthy):.0%}, recall of the ill {found.recall[1]:.0%}  ← answer 1")
assert found.recall[1] == 0
by_class = sl.metrics.precision_recall_f1(ty, said)
print("F1 of each digit:", np.round(by_class.f1, 2).tolist(), f"mean {by_class.macro_f1:.2f}")
assert by_class.f1.min() < by_class.macro_f1 < by_class.f1.max()

# %% [markdown]
# ## How sure? Draw again
#
# You have one test set. Had you drawn another one, the number would be another one. How much another? Draw from your
# own test set, with replacement, two thousand times: the bootstrap.

# %%
hits = (said == ty).astype(float)
low, high = sl.metrics.bootstrap_interval(hits)
print(f"accuracy {hits.mean():.1%}, 95 % interval {low:.1%} to {high:.1%}")
assert low < hits.mean() < high
a, b = np.zeros(359), np.zeros(359)
a[:350], b[:353] = 1, 1
spans = [sl.metrics.bootstrap_interval(v) for v in (a, b)]
print("350 right:", np.round(spans[0], 3), "353 right:", np.round(spans[1], 3), "  ← answer 2: you cannot tell")
assert spans[0][1] > spans[1][0]  # the intervals overlap

# %% [markdown]
# ## Boundaries
#
# **Answer 3.** No. So a found boundary pixel counts as right when a true one lies within a tolerance, and each true one
# serves only once. That is a matching problem, and the Berkeley benchmark solves it so.

# %%
truth = np.zeros((60, 80), bool)
truth[30, 10:70] = True
found = np.zeros_like(truth)
found[31, 10:70] = True  # one pixel off
found[50, 10:30] = True  # and a line that is not there
matched, met = sl.metrics.match_boundaries(found, truth, tolerance=0.02)
print(f"{matched.sum()} of {found.sum()} found pixels have a partner; {met.sum()} of {truth.sum()} true ones")
assert met.sum() == 60
assert matched[50].sum() == 0

# %%
coins = sl.data.sample("coins", mode="gray")
drawn = sl.image.canny(coins, 20, 50, 3.5)  # stands for what a person drew
strength = sl.image.sobel(sl.image.gaussian_blur(sl.to_float(coins), 2.0))
strength /= strength.max()
counts = sl.metrics.boundary_precision_recall(strength, [drawn], thresholds=19)
score = sl.metrics.boundary_score([counts])
print(f"best F with one threshold (ODS): {score.ods:.2f}")
pictures(strength=strength, drawn=drawn)

# %% [markdown]
# ## Regions
#
# **Answer 4.** No: names of regions mean nothing. So these three compare *partitions*: how well regions cover each
# other, whether pairs of pixels are together in both, and how many bits one tells less than the other.

# %%
y_, x_ = np.mgrid[0:60, 0:80]
true_map = (x_ // 40 + 2 * (y_ // 30) + 1).astype(np.int32)
renamed = np.array([0, 3, 4, 1, 2], np.int32)[true_map]
split = true_map.copy()
split[:15, :20] = 5
one = np.ones_like(true_map)
rows = []
for name, labels in {"renamed": renamed, "one part split": split, "all one": one}.items():
    rows.append(
        (
            sl.metrics.segmentation_covering(labels, [true_map]),
            sl.metrics.probabilistic_rand_index(labels, [true_map]),
            sl.metrics.variation_of_information(labels, [true_map]),
        )
    )
    print(f"{name:15} covering {rows[-1][0]:.2f}  pairs {rows[-1][1]:.2f}  information lost {rows[-1][2]:.2f} bits")
assert np.allclose(rows[0], (1, 1, 0), atol=1e-6)
assert rows[0][0] > rows[1][0] > rows[2][0]
assert abs(rows[2][2] - 2) < 1e-6  # four equal parts are two bits
pictures(truth=true_map, renamed=renamed, one_part_split=split)

# %% [markdown]
# ## Our source

# %%
print(source_of(sl.metrics.bootstrap_interval))

# %% [markdown]
# ## The peer's answer beside ours

# %%
try:
    from sklearn import metrics as theirs
except ModuleNotFoundError:
    print("scikit-learn is not installed here; pip install scikit-learn shows its answer.")
else:
    same = np.abs(theirs.f1_score(ty, said, average=None) - by_class.f1).max()
    print("F1, largest difference from scikit-learn:", float(same))
    assert same < 1e-12
    assert (theirs.confusion_matrix(ty, said) == table).all()

# %% [markdown]
# ## Where it fails
#
# Choose the best of many models on the test set, and the number is luck. Here are fifty "models" that guess.

# %%
random = np.random.default_rng(0)
guesses = [float((random.integers(0, 10, 100) == ty[:100]).mean()) for _ in range(50)]
print(f"fifty guessers on 100 digits: mean {np.mean(guesses):.0%}, the best {max(guesses):.0%}")
assert max(guesses) > 0.15

# %% [markdown]
# ## Exercise
#
# Write `f1(labels, predicted, k)`: F1 of class `k` from two arrays of class numbers. Where the class is neither there
# nor predicted, return 0.0.

# %% tags=["exercise"]
import numpy as np


def f1(labels, predicted, k):
    """Return 2TP / (2TP + FP + FN) of class ``k``."""
    raise NotImplementedError("your turn")


# %% [markdown]
# ## What you take with you
#
# - Accuracy hides classes; the confusion matrix does not.
# - A number without an interval is a rumour.
# - Choose on validation, report on test, once.

# %% [markdown]
# # w5d4 · Calibration
#
# **Question.** When a model says 90 %, is it right nine times in ten?
#
# A doctor who says "90 %" and is right half of the time is dangerous. A network is often such a doctor. It was trained
# to be right, not to know how right it is.
#
# ## Predict first
#
# 1. A model is right in 91 % of cases and always says "100 %". How large is its calibration error?
# 2. Multiply all scores of a classifier by 10. Does its accuracy change? Its confidence?
# 3. Can one single number, learnt on validation data, repair it?
# 4. A model always says "10 %" for ten classes at random. Is it calibrated?

# %%
import numpy as np

import sightline as sl
from sightline.lab.blackboard import pictures, source_of

digits = sl.data.open_dataset("digits").split_off(0.25, seed=0)
train, val, test = (digits.split(name) for name in ("train", "val", "test"))


def scores_of(split):
    """Return scores B×10: how near each digit is to the mean of each class, and the true labels."""
    x = split.array.reshape(len(split), -1) / 255.0
    return -((x[:, None] - means[None]) ** 2).sum(axis=2), np.asarray(split.labels)


means = np.stack([train.array[train.labels == k].reshape(-1, 64).mean(axis=0) / 255.0 for k in range(10)])
scores, labels = scores_of(test)
print("right:", f"{sl.metrics.accuracy(labels, scores.argmax(1)):.1%}")
pictures(means=np.hstack(list(means.reshape(10, 8, 8).astype(np.float32))))

# %% [markdown]
# ## The idea in words
#
# Sort all answers by how sure the model was. Of those with about 70 %, how many were right? If 70 %, good. Do that for
# every bin of confidence and average the gaps: the expected calibration error.
#
# ## The equation
#
# $$ \mathrm{ECE} = \sum_{m} \frac{|B_m|}{n}\, \bigl| \mathrm{acc}(B_m) - \mathrm{conf}(B_m) \bigr|, \qquad
#    p_k = \frac{e^{z_k / T}}{\sum_j e^{z_j / T}} $$
#
# $T$ is the *temperature*: large T makes every answer less sure, and never changes which answer is first.


# %%
def softmax(z, temperature=1.0):
    """Return probabilities B×K."""
    z = z / temperature
    p = np.exp(z - z.max(axis=1, keepdims=True))
    return p / p.sum(axis=1, keepdims=True)


always_sure = np.where(np.eye(10)[scores.argmax(1)] > 0, 1.0, 0.0)
found = sl.metrics.calibration_error(labels, always_sure)
print(f"always 100 % sure: error {found.error:.1%} ← answer 1: the share of its mistakes")
assert abs(found.error - (1 - sl.metrics.accuracy(labels, scores.argmax(1)))) < 1e-9

# %%
for factor in (10.0, 1.0, 0.1):
    p = softmax(scores * factor)
    error = sl.metrics.calibration_error(labels, p).error
    right = sl.metrics.accuracy(labels, p.argmax(1))
    print(f"scores × {factor:4}: accuracy {right:.1%}, mean confidence {p.max(axis=1).mean():.1%}, error {error:.1%}")
    assert right == sl.metrics.accuracy(labels, scores.argmax(1))  # answer 2

# %% [markdown]
# ## Step by step: the reliability diagram
#
# One point for each bin: how sure it was, how often right. On the diagonal is honest, below is boastful.

# %%
from sightline.core.layers import Curve
from sightline.core.trace import Step, Trace


def diagram(name, p):
    """Return the reliability diagram as a step, and the error."""
    found = sl.metrics.calibration_error(labels, p, bins=10)
    filled = found.counts > 0
    points = np.stack([found.confidence[filled], found.accuracy[filled]], axis=1).astype(np.float32)
    curve = Curve(points, ("confidence", "accuracy"))
    return Step(name, curve, note=f"Expected calibration error {found.error:.1%}."), found.error


shown = [diagram(f"scores × {factor:g}", softmax(scores * factor)) for factor in (10.0, 1.0, 0.1)]
assert shown[0][1] > 0.02
Trace("lesson.reliability", {}, tuple(step for step, _ in shown))

# %% [markdown]
# ## Repair it with one number
#
# **Answer 3.** Yes, mostly. Take the temperature that makes the loss on *validation* data smallest. Then look at the
# test.

# %%
overconfident = 10.0
val_scores, val_labels = scores_of(val)


def loss(temperature):
    """Mean −log p of the true class on the validation data."""
    p = softmax(val_scores * overconfident, temperature)
    return float(-np.log(p[np.arange(len(p)), val_labels] + 1e-12).mean())


temperatures = np.geomspace(0.5, 50, 60)
best = float(temperatures[np.argmin([loss(t) for t in temperatures])])
before = sl.metrics.calibration_error(labels, softmax(scores * overconfident)).error
after = sl.metrics.calibration_error(labels, softmax(scores * overconfident, best)).error
print(f"temperature {best:.1f}: calibration error {before:.1%} → {after:.1%}")
assert after < before
assert best > 1

# %% [markdown]
# **Answer 4.** Yes: of its answers with 10 % one in ten is right. It is honest and useless. Calibration is not
# accuracy.

# %%
random = np.random.default_rng(0)
guess = np.full((5000, 10), 0.1) + random.uniform(0, 1e-6, (5000, 10))
guess /= guess.sum(axis=1, keepdims=True)
answers = random.integers(0, 10, 5000)
honest = sl.metrics.calibration_error(answers, guess)
print(f"guesser: accuracy {sl.metrics.accuracy(answers, guess.argmax(1)):.0%}, calibration error {honest.error:.1%}")
assert honest.error < 0.02

# %% [markdown]
# ## Our source

# %%
print(source_of(sl.metrics.calibration_error))

# %% [markdown]
# ## The peer's answer beside ours

# %%
try:
    from sklearn.calibration import calibration_curve
except ModuleNotFoundError:
    print("scikit-learn is not installed here; pip install scikit-learn shows its answer.")
else:
    p = softmax(scores)
    hit = p.argmax(1) == labels
    theirs, _ = calibration_curve(hit, p.max(axis=1), n_bins=10)
    mine = sl.metrics.calibration_error(labels, p, bins=10)
    ours = mine.accuracy[mine.counts > 0]
    print("accuracy by bin, scikit-learn:", np.round(theirs, 2).tolist())
    print("accuracy by bin, ours:        ", np.round(ours, 2).tolist())
    assert np.allclose(theirs, ours, atol=1e-9)

# %% [markdown]
# ## Where it fails
#
# A temperature is right for the data that it was learnt on. Add noise to the test, and the model is as sure as before,
# and less often right.

# %%
x = np.clip(test.array.reshape(len(test), -1) / 255.0 + random.normal(0, 0.5, (len(test), 64)), 0, 1)
noisy = -((x[:, None] - means[None]) ** 2).sum(axis=2)
p = softmax(noisy * overconfident, best)
worse = sl.metrics.calibration_error(labels, p)
right = sl.metrics.accuracy(labels, p.argmax(1))
print(
    f"with noise: accuracy {right:.0%}, mean confidence {p.max(axis=1).mean():.0%}, calibration error {worse.error:.1%}"
)
assert right < sl.metrics.accuracy(labels, scores.argmax(1))
few = [
    sl.metrics.calibration_error(labels[i : i + 20], softmax(scores, best / 10)[i : i + 20]).error
    for i in range(0, 300, 20)
]
print(f"and on 20 samples the number itself is noise: {min(few):.1%} to {max(few):.1%}")
assert max(few) > 2 * min(few)

# %% [markdown]
# ## Exercise
#
# Write `gap(confidence, correct, low, high)`: for the answers with `low < confidence <= high`, the absolute difference
# of mean confidence and share of correct ones, times the share of all answers that lie in this bin. An empty bin gives
# 0.0. Summed over all bins, that is the calibration error.

# %% tags=["exercise"]
import numpy as np


def gap(confidence, correct, low, high):
    """Return one bin's part of the expected calibration error."""
    raise NotImplementedError("your turn")


# %% [markdown]
# ## What you take with you
#
# - Confidence is a claim. Check it like any other.
# - One temperature, learnt on validation data, repairs most of it.
# - It holds for data like yours, and for no other.

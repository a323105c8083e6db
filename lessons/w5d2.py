# %% [markdown]
# # w5d2 · Augmentation and soft targets
#
# **Question.** How do a thousand photos become a million?
#
# A cat that looks left is a cat that looks right. You know that; the network does not, and one photo does not tell it.
# So show it both. Every change that keeps the label is a free example.
#
# ## Predict first
#
# 1. Which of these may you do to photos of digits: mirror, shift, turn by 10°, turn by 180°?
# 2. Half a cat laid over half a dog: what is its label?
# 3. The same seed, another number of workers: are the random crops the same?
# 4. Soften the target from 1 to 0.9: is the lowest possible loss still 0?

# %%
import numpy as np
import torch

import sightline as sl
from sightline.lab.blackboard import pictures, source_of

torch.manual_seed(0)
torch.set_num_threads(1)
cat = np.ascontiguousarray(sl.data.sample("cat")[10:290, 80:360])
cup = np.ascontiguousarray(sl.data.sample("coffee")[60:340, 160:440])
pictures(cat=cat, cup=cup)

# %% [markdown]
# ## The idea in words
#
# Write down what does not matter: side, place, size, light, a covered corner. Draw each at random, every time the photo
# is shown. The network sees each photo a hundred times and never twice.

# %%
changes = {
    "random_flip": sl.data.random_flip(cat, probability=1.0, seed=1),
    "random_crop": sl.data.random_crop(cat, padding=40, seed=2),
    "random_resized_crop": sl.data.random_resized_crop(cat, smallest=0.3, seed=3),
    "random_affine": sl.data.random_affine(cat, angle=0.4, scale=0.2, seed=4),
    "random_colour": sl.data.random_colour(cat, brightness=0.4, contrast=0.4, saturation=0.6, seed=5),
    "cutout": sl.data.cutout(cat, size=0.4, seed=6),
    "rand_augment": sl.data.rand_augment(cat, magnitude=7.0, seed=7),
    "trivial_augment": sl.data.trivial_augment(cat, seed=7),
}
for name, picture in changes.items():
    print(f"{name:20} {picture.shape} {picture.dtype}, {(picture != cat).mean():.0%} of the values changed")
    assert picture.dtype == np.uint8
    assert (picture != cat).any()
assert (sl.data.random_crop(cat, padding=40, seed=2) == changes["random_crop"]).all()  # answer 3: the seed decides
assert (changes["random_flip"] == cat[:, ::-1]).all()
pictures(**changes)

# %% [markdown]
# **Answer 1.** Shift and small turns. A mirrored 2 is no 2, and a 6 upside down is a 9. What may change depends on the
# question, not on the library.
#
# ## Mix two photos
#
# **Answer 2.** Half cat, half dog. A label may be a *distribution*.
#
# ## The equation
#
# Mixup, with λ drawn from a Beta distribution:
#
# $$ \tilde x = \lambda x_i + (1 - \lambda) x_j, \qquad \tilde q = \lambda q_i + (1 - \lambda) q_j $$
#
# and the loss for a target distribution $q$ is $-\sum_k q_k \log p_k$.

# %%
batch = np.stack([sl.to_float(cat), sl.to_float(cup)]).transpose(0, 3, 1, 2)  # B×C×H×W
targets = sl.data.one_hot(np.array([0, 1]), 2)
mixed, soft = sl.data.mixup(batch, targets, alpha=1.0, seed=3)
cut, shares = sl.data.cutmix(batch, targets, alpha=1.0, seed=2)
print("mixup: target of the first", np.round(soft[0], 2), "· cutmix:", np.round(shares[0], 2))
assert np.allclose(soft.sum(axis=1), 1)
assert np.allclose(shares.sum(axis=1), 1)
share = float(np.isclose(cut[0], batch[0]).all(axis=0).mean())
print(f"of the first cutmix picture {share:.0%} of the pixels are its own; its target says {shares[0, 0]:.0%}")
assert abs(share - shares[0, 0]) < 0.02
pictures(mixup=mixed[0].transpose(1, 2, 0), cutmix=cut[0].transpose(1, 2, 0))

# %% [markdown]
# ## Step by step: the loss of a soft target

# %%
logits = torch.tensor([[2.0, 0.0, -1.0]])
hard = sl.nn.soft_cross_entropy(logits, torch.tensor([0]))
smooth = sl.nn.soft_cross_entropy(logits, torch.tensor([0]), smoothing=0.1)
p = torch.softmax(logits, 1)[0].numpy()
q = 0.9 * np.array([1, 0, 0]) + 0.1 / 3
print(f"hard {float(hard):.4f}, smoothed {float(smooth):.4f}; by the equation {-(q * np.log(p)).sum():.4f}")
assert abs(float(smooth) + (q * np.log(p)).sum()) < 1e-5
best = -(q * np.log(q)).sum()
print(f"the lowest possible loss for this target is {best:.3f} ← answer 4: no longer 0")
assert best > 0.2
huge = sl.nn.soft_cross_entropy(10 * logits, torch.tensor([0]), smoothing=0.1)
assert float(huge) > float(smooth)  # to be too sure now costs

# %% [markdown]
# ## Does it help? Shifted digits again
#
# On w4d1 the perceptron broke when digits moved by two pixels. Train it with moved digits.

# %%
digits = sl.data.open_dataset("digits")
train, test = digits.split("train"), digits.split("test")


def as_tensor(images):
    """Return B×1×8×8 in 0–1."""
    return torch.from_numpy(images[:, None].astype(np.float32) / 255)


y = torch.from_numpy(np.array(train.labels))
tx, moved = as_tensor(test.array), as_tensor(np.roll(test.array, 1, axis=2))


def fit(augment):
    """Train a perceptron; with augmentation every round sees other shifts."""
    torch.manual_seed(0)
    model = sl.classify.mlp(10, size=8, in_channels=1)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(12):
        images = train.array
        if augment:
            images = np.stack(
                [sl.data.random_crop(im, padding=1, seed=epoch * 10_000 + i) for i, im in enumerate(images)]
            )
        x = as_tensor(images)
        for part in torch.randperm(len(x)).split(64):
            optimizer.zero_grad()
            sl.nn.soft_cross_entropy(model(x[part]), y[part]).backward()
            optimizer.step()
    model.eval()
    with torch.no_grad():
        return [sl.metrics.accuracy(test.labels, model(t).argmax(1).numpy()) for t in (tx, moved)]


without, with_it = fit(False), fit(True)
print(f"without: {without[0]:.0%} in the middle, {without[1]:.0%} moved by one pixel")
print(f"with:    {with_it[0]:.0%} in the middle, {with_it[1]:.0%} moved by one pixel")
assert with_it[1] > without[1] + 0.1

# %% [markdown]
# ## Our source

# %%
print(source_of(sl.data.mixup))
print(source_of(sl.nn.soft_cross_entropy))

# %% [markdown]
# ## The peer's answer beside ours

# %%
theirs = torch.nn.functional.cross_entropy(logits, torch.tensor([0]), label_smoothing=0.1)
print(f"PyTorch's label smoothing {float(theirs):.6f}, ours {float(smooth):.6f}")
assert abs(float(theirs) - float(smooth)) < 1e-6

# %% [markdown]
# ## Where it fails
#
# Too much is a lie. Cut most of the photo away, and sometimes the flower is gone while the label still says flower.

# %%
flower = sl.data.sample("flower")
crops = [sl.data.random_resized_crop(flower, shape=(70, 70), smallest=0.02, seed=i) for i in range(8)]
detail = [float(sl.image.sobel(crop).mean()) for crop in crops]
print("steepness of eight crops:", np.round(detail).astype(int).tolist(), "some show nothing")
assert min(detail) < max(detail) / 2
pictures(flowers_they_say=np.hstack(crops))

# %% [markdown]
# ## Exercise
#
# Write `smooth(labels, classes, eps)`: the B×`classes` float array of smoothed targets: $1 - \varepsilon +
# \varepsilon/K$ for the true class, $\varepsilon/K$ for the others.

# %% tags=["exercise"]
import numpy as np


def smooth(labels, classes, eps):
    """Return the targets, each row summing to 1."""
    raise NotImplementedError("your turn")


# %% [markdown]
# ## What you take with you
#
# - Augment with what does not matter for *your* question.
# - Labels may be distributions; a loss for them is one line.
# - The seed decides, never the clock.

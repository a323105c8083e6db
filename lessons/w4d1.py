# %% [markdown]
# # w4d1 · A perceptron with layers
#
# **Question.** How does a machine learn to read digits from examples?
#
# Until now you wrote the rule. From today you write down what a good rule *is*, give examples, and let the machine find
# it. The examples are 1,797 scans of handwritten digits, 8×8 pixels; they come with the package.
#
# ## Predict first
#
# 1. An untrained network with ten classes: how often is it right? What is its loss?
# 2. The network has 50,610 weights and there are 1,438 examples. Can it learn them by heart?
# 3. Take the non-linearity (ReLU) out. What can two layers do that one cannot?
# 4. Shuffle the *pixels* of all images, all in the same way. Does the network get worse?

# %%
import numpy as np
import torch

import sightline as sl
from sightline.lab.blackboard import pictures, source_of

torch.manual_seed(0)
torch.set_num_threads(1)
digits = sl.data.open_dataset("digits")
train, test = digits.split("train"), digits.split("test")
sheet = np.hstack(
    [sl.image.resize(train.array[np.flatnonzero(train.labels == k)[0]], (64, 64), "nearest") for k in range(10)]
)
print(len(train), "examples to learn from,", len(test), "to be tested with; each", train.array[0].shape)
pictures(ten_of_them=sheet)

# %% [markdown]
# ## The idea in words
#
# A neuron is a weighted sum. A layer is many of them. Between layers, negative numbers become 0. At the end there is
# one score for each digit. Say how wrong the scores are (the loss), and turn every weight a little in the direction
# that makes it less. Again, a few hundred times.
#
# ## The equation
#
# $$ h = \max(0, W_1 x + b_1), \qquad z = W_2 h + b_2, \qquad p_k = \frac{e^{z_k}}{\sum_j e^{z_j}} $$
#
# $$ L = -\log p_{\text{true}}, \qquad W \leftarrow W - \eta\, \frac{\partial L}{\partial W} $$


# %%
def tensors(split):
    """Return images B×1×H×W in 0–1 and labels."""
    return torch.from_numpy(split.array[:, None].astype(np.float32) / 255), torch.from_numpy(np.array(split.labels))


x, y = tensors(train)
tx, ty = tensors(test)
model = sl.classify.mlp(10, size=8, in_channels=1)
with torch.no_grad():
    loss = float(sl.nn.soft_cross_entropy(model(x), y))
    right = sl.metrics.accuracy(ty.numpy(), model(tx).argmax(1).numpy())
print(f"untrained: right {right:.0%}, loss {loss:.2f}; −log(1/10) = {np.log(10):.2f} ← answer 1")
assert 0.0 < right < 0.3
assert abs(loss - np.log(10)) < 0.4

# %% [markdown]
# ## Step by step
#
# This loop is all there is to it. The library's engine does the same, with checkpoints and a report.


# %%
def fit(model, x, y, epochs=12, rate=0.03):
    """Train by stochastic gradient descent; return the loss after each epoch."""
    optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9)
    shuffle = torch.Generator().manual_seed(0)
    losses = []
    for _ in range(epochs):
        model.train()
        for batch in torch.randperm(len(x), generator=shuffle).split(32):
            optimizer.zero_grad()
            loss = sl.nn.soft_cross_entropy(model(x[batch]), y[batch])
            loss.backward()
            optimizer.step()
        losses.append(float(loss.detach()))
    model.eval()
    return losses


def share_right(model, x, y):
    """Return the share of images whose best score is the right one."""
    with torch.no_grad():
        return sl.metrics.accuracy(y.numpy(), model(x).argmax(1).numpy())


losses = fit(model, x, y)
seen, unseen = share_right(model, x, y), share_right(model, tx, ty)
print("loss of the last batch by epoch:", np.round(losses, 3).tolist())
print(f"right: {seen:.1%} of the examples ← answer 2, {unseen:.1%} of new digits")
assert seen > 0.98
assert unseen > 0.94

# %% [markdown]
# What did the first layer learn? Each neuron has 64 weights: a little picture of what it looks for.

# %%
weights = model.hidden[0].weight.detach().numpy().reshape(-1, 8, 8)
strongest = np.argsort(-np.abs(weights).max(axis=(1, 2)))[:24]
rows = [np.hstack([np.pad(weights[i], 1) for i in strongest[r : r + 8]]) for r in (0, 8, 16)]
pictures(what_24_neurons_look_for=np.vstack(rows))

# %% [markdown]
# **Answer 3.** Nothing: a matrix times a matrix is a matrix. Without ReLU, many layers are one. Look at a problem that
# one layer cannot solve, exclusive or:

# %%
corners = torch.tensor([[0.0, 0], [0, 1], [1, 0], [1, 1]])
odd = torch.tensor([0, 1, 1, 0])


def try_xor(*between):
    """Train a net of two layers on exclusive or; return how many of four are right."""
    torch.manual_seed(1)
    net = torch.nn.Sequential(torch.nn.Linear(2, 16), *between, torch.nn.Linear(16, 2))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.2, momentum=0.9)
    for _ in range(300):
        optimizer.zero_grad()
        sl.nn.soft_cross_entropy(net(corners), odd).backward()
        optimizer.step()
    return int((net(corners).argmax(1) == odd).sum())


flat, bent = try_xor(), try_xor(torch.nn.ReLU())
print("exclusive or, right of 4: without ReLU", flat, "· with ReLU", bent)
assert bent == 4
assert flat < 4

# %% [markdown]
# **Answer 4.** No. The network never knew that pixels have neighbours. Shuffle them all alike, and it learns as well.
# That is a weakness, and w4d3 removes it.

# %%
order = np.random.default_rng(0).permutation(64)
torch.manual_seed(0)
blind = sl.classify.mlp(10, size=8, in_channels=1)
mixed = [t.reshape(len(t), 64)[:, order].reshape(-1, 1, 8, 8) for t in (x, tx)]
fit(blind, mixed[0], y)
print(f"with shuffled pixels: {share_right(blind, mixed[1], ty):.1%} of new digits")
assert share_right(blind, mixed[1], ty) > unseen - 0.03

# %% [markdown]
# ## Our source

# %%
print(source_of(type(model)))

# %% [markdown]
# ## The peer's answer beside ours

# %%
try:
    from sklearn.neighbors import KNeighborsClassifier
except ModuleNotFoundError:
    print("scikit-learn is not installed here; pip install scikit-learn shows its answer.")
else:
    nearest = KNeighborsClassifier(1).fit(train.array.reshape(len(train), -1), train.labels)
    theirs = nearest.score(test.array.reshape(len(test), -1), test.labels)
    print(f"nearest example (scikit-learn): {theirs:.1%}; ours {unseen:.1%}. No network is needed to begin with.")
    assert theirs > 0.9

# %% [markdown]
# ## Where it fails
#
# Move the digits by two pixels. For us they are the same digits.

# %%
moved = torch.roll(tx, 2, dims=3)
print(f"moved by two pixels: {share_right(model, moved, ty):.0%} right")
assert share_right(model, moved, ty) < 0.6
wrong = np.flatnonzero(model(tx).argmax(1).numpy() != ty.numpy())[:8]
print("mistakes (true → said):", [(int(ty[i]), int(model(tx[i : i + 1]).argmax())) for i in wrong])
pictures(mistakes=np.hstack([sl.image.resize(test.array[i], (64, 64), "nearest") for i in wrong]))

# %% [markdown]
# ## Exercise
#
# Write `loss_of(scores, labels)`: the mean of $-\log p_{\text{true}}$ in NumPy. `scores` is B×K, `labels` B whole
# numbers. Scores may be as large as 1000: take each row's maximum off before `np.exp`, the result is the same.

# %% tags=["exercise"]
import numpy as np


def loss_of(scores, labels):
    """Return the mean cross-entropy of scores and labels, a float."""
    raise NotImplementedError("your turn")


# %% [markdown]
# ## What you take with you
#
# - Model, loss, gradient, step. Everything until week 12 is a variation of it.
# - Without the bend between layers there is only one layer.
# - Measure on what was not trained on.

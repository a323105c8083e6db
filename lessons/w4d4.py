# %% [markdown]
# # w4d4 · Backpropagation by hand
#
# **Question.** How does an error find its way back through a network?
#
# On w4d1 you called `backward()` and it worked. Today you do what it does: first with a pencil for a network of two
# layers, then with a program of 300 lines that does it for any formula, `sl.learn.gradients`.
#
# ## Predict first
#
# 1. A network has 5,000 weights. By trying each one, a gradient costs 10,000 runs of it. And backwards?
# 2. Which way does the derivative of the loss by the scores point: at the right class, or away from it?
# 3. ReLU lets some values through and stops others on the way forward. What does it do on the way back?
# 4. Put twenty sigmoids behind one another. How much of the error arrives at the first layer?

# %%
import time

import numpy as np

import sightline as sl
from sightline.lab.blackboard import pictures, source_of
from sightline.learn.grad_check import numeric_gradient

digits = sl.data.open_dataset("digits")
train, test = digits.split("train"), digits.split("test")
x, tx = (part.array.reshape(len(part), -1).astype(np.float64) / part.array.max() for part in (train, test))
y, ty = np.array(train.labels), np.array(test.labels)
random = np.random.default_rng(0)
print(x.shape, "pictures of 8×8 as rows")
pictures(digits=np.hstack(list(train.array[:10])))

# %% [markdown]
# ## The idea in words
#
# A network is a chain of small steps. Each step knows one thing: *if my output should grow, how should my input
# change?* Ask the last step first, hand its answer to the one before, and so on to the front. Nobody needs to know the
# whole network. That is all of backpropagation.
#
# ## The equation
#
# For a number $L$ made of $y$, and $y$ made of $x$:
#
# $$ \frac{\partial L}{\partial x} = \Bigl(\frac{\partial y}{\partial x}\Bigr)^{\!\top} \frac{\partial L}{\partial y} $$
#
# For the three steps of our network, with $g$ for what comes back from behind:
#
# $$ Y = XW + b \;\Rightarrow\; g_X = g\,W^\top,\quad g_W = X^\top g,\quad g_b = \textstyle\sum_i g_i $$
#
# $$ Y = \max(X, 0) \;\Rightarrow\; g_X = g \cdot [X > 0] $$
#
# $$ L = -\tfrac1n \sum_i \log P_{i y_i},\quad P = \mathrm{softmax}(S)
# \;\Rightarrow\; g_S = \tfrac1n (P - \mathrm{onehot}(y)) $$
#
# ## Step by step: forward, and back


# %%
def softmax(scores):
    """Return the probabilities of each row."""
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def loss_of(weights, x, y):
    """Run the network forward; return the loss and what the way back will need."""
    w1, b1, w2, b2 = weights
    hidden = x @ w1 + b1
    active = np.maximum(hidden, 0)
    probabilities = softmax(active @ w2 + b2)
    return -np.log(probabilities[np.arange(len(y)), y]).mean(), (hidden, active, probabilities)


def back(weights, x, y):
    """Return the derivatives of the loss by the four weights, from the last step to the first."""
    _, _, w2, _ = weights
    _, (hidden, active, probabilities) = loss_of(weights, x, y)
    g = (probabilities - np.eye(10)[y]) / len(y)  # through the loss
    g_w2, g_b2 = active.T @ g, g.sum(axis=0)  # through the second layer
    g = (g @ w2.T) * (hidden > 0)  # through it, and through ReLU
    return [x.T @ g, g.sum(axis=0), g_w2, g_b2]


def fresh(hidden=64):
    """Return He's random weights."""
    return [
        random.normal(0, np.sqrt(2 / 64), (64, hidden)),
        np.zeros(hidden),
        random.normal(0, np.sqrt(2 / hidden), (hidden, 10)),
        np.zeros(10),
    ]


weights = fresh()
loss, (_, _, probabilities) = loss_of(weights, x, y)
print(f"loss before any learning {loss:.2f}; a guess would have log 10 = {np.log(10):.2f}")
g = probabilities - np.eye(10)[y]
print("derivative by the scores of the first digit, a", y[0], ":", g[0].round(2))
assert (g[np.arange(len(y)), y] < 0).all()
assert np.allclose(g.sum(axis=1), 0)

# %% [markdown]
# **Answer 2.** Negative at the right class alone: *down* the loss is *up* that score. And **answer 3**: what ReLU
# stopped forward, it stops on the way back.
#
# Do not trust a derivative that was not checked. Change a weight a little, look what the loss does.

# %%
few = slice(0, 5)
small = fresh(6)
start = time.perf_counter()
tried = numeric_gradient(lambda *w: loss_of(w, x[few], y[few])[0], small)
seconds = time.perf_counter() - start
ours = back(small, x[few], y[few])
start = time.perf_counter()
back(small, x[few], y[few])
quick = time.perf_counter() - start
worst = max(np.abs(a - b).max() for a, b in zip(ours, tried, strict=True))
print(f"largest difference {worst:.1e}; by trying {seconds * 1e3:.0f} ms, backwards {quick * 1e3:.2f} ms ← answer 1")
assert worst < 1e-8

# %% [markdown]
# ## Now for any formula
#
# `sl.learn.Tensor` is an array that remembers what made it. `sl.learn.gradients` goes back along that memory, and
# `sl.learn.grad_check` does the check of above. Here is the same network, forward only:


# %%
def formula(w1, b1, w2, b2):
    """Return the loss of the first digits, as Tensors."""
    scores = (sl.learn.Tensor(x[few]) @ w1 + b1).relu() @ w2 + b2
    chosen = scores[np.arange(5), y[few]]
    return (scores.exp().sum(1).log() - chosen).mean()


tensors = [sl.learn.Tensor(w, name) for w, name in zip(small, ("w1", "b1", "w2", "b2"), strict=True)]
output = formula(*tensors)
found = [slope.value for slope in sl.learn.gradients(output, tensors)]
print("largest difference from our pencil:", max(np.abs(a - b).max() for a, b in zip(found, ours, strict=True)))
print("grad_check:", sl.learn.grad_check(formula, small))
assert all(np.allclose(a, b, atol=1e-12) for a, b in zip(found, ours, strict=True))
assert sl.learn.grad_check(formula, small) < 1e-7

# %% [markdown]
# And because the way back is itself made of Tensors, it can be gone back along again: derivatives of derivatives.

# %%
point = sl.learn.Tensor(2.0, "x")
cube = point**3
(slope,) = sl.learn.gradients(cube, [point])
(bend,) = sl.learn.gradients(slope, [point])
print("x³ at 2:", float(cube.value), " slope 3x²:", float(slope.value), " bend 6x:", float(bend.value))
print(len(sl.learn.draw_graph(slope)), "letters of SVG: save them and look at the graph in a browser")
assert (float(slope.value), float(bend.value)) == (12.0, 12.0)

# %% [markdown]
# Watch it: `sightline lab`, *Rooms*, *Autograd tape* plays a net of nine weights forward, node by node, and then back,
# edge by edge; with a button that takes a step down.
#
# ## Every step has its own file
#
# A layer is two functions: `forward`, and `backward`, which takes $g$ and leaves the slopes of its weights. In sl.learn
# each one's derivation stands above its code: `sl.learn.Linear`, `sl.learn.Conv2d`, `sl.learn.Embedding`,
# `sl.learn.Flatten`, `sl.learn.Dropout`; pools `sl.learn.MaxPool2d`, `sl.learn.MinPool2d`, `sl.learn.AvgPool2d`,
# `sl.learn.GlobalPool`, norms `sl.learn.BatchNorm`, `sl.learn.LayerNorm`, `sl.learn.GroupNorm`, `sl.learn.InstanceNorm`
# and bends `sl.learn.ReLU`, `sl.learn.LeakyReLU`, `sl.learn.ELU`, `sl.learn.SELU`, `sl.learn.GELU`, `sl.learn.SiLU`,
# `sl.learn.Sigmoid`, `sl.learn.Tanh`, `sl.learn.Softplus`, `sl.learn.Softmax`; losses `sl.learn.SoftmaxCrossEntropy`,
# `sl.learn.MulticlassSVM`, `sl.learn.LogisticLoss`, `sl.learn.SquaredError`, `sl.learn.HuberLoss`,
# `sl.learn.KLDivergence`, `sl.learn.TripletLoss`, `sl.learn.ContrastiveLoss`; first weights by `sl.learn.he`,
# `sl.learn.xavier`, `sl.learn.orthogonal`. Ours of above, once more:

# %%
layers = [sl.learn.Linear(64, 6, dtype="float64"), sl.learn.ReLU(), sl.learn.Linear(6, 10, dtype="float64")]
for layer, w, b in ((layers[0], *small[:2]), (layers[2], *small[2:])):
    layer.parameters["weight"][...], layer.parameters["bias"][...] = w.T, b
value = x[few]
for layer in layers:
    value = layer.forward(value)
end = sl.learn.SoftmaxCrossEntropy()
print(f"loss {end.forward(value, y[few]):.4f}, ours {loss_of(small, x[few], y[few])[0]:.4f}")
g = end.backward()
for layer in reversed(layers):
    g = layer.backward(g)
assert np.allclose(layers[0].gradients["weight"].T, ours[0], atol=1e-12)
assert np.allclose(layers[2].gradients["bias"], ours[3], atol=1e-12)

# %% [markdown]
# ## Learn with it
#
# Go down the slope, in small batches.

# %%
weights, history = fresh(), []
for _ in range(30):
    order = random.permutation(len(x))
    for batch in np.split(order, np.arange(32, len(x), 32)):
        for w, slope in zip(weights, back(weights, x[batch], y[batch]), strict=True):
            w -= 0.2 * slope
    history.append(loss_of(weights, x, y)[0])
_, (_, _, probabilities) = loss_of(weights, tx, ty)
right = sl.metrics.accuracy(ty, probabilities.argmax(axis=1))
print(f"loss {history[0]:.2f} → {history[-1]:.3f}; {right:.1%} of digits that it never saw")
assert right > 0.95

# %% [markdown]
# The same by the library: `sl.learn.Sequential` holds the layers, `sl.learn.Solver` goes through the batches.

# %%
network = sl.learn.Sequential(sl.learn.Linear(64, 64), sl.learn.ReLU(), sl.learn.Linear(64, 10))
solver = sl.learn.Solver(network, sl.learn.SoftmaxCrossEntropy(), sl.learn.Adam(3e-3), batch_size=32)
solver.fit(x, y, epochs=20)
print(solver.measure(tx, ty))
assert solver.measure(tx, ty)["val_accuracy"] > 0.95

# %% [markdown]
# "Go down" can be said in better ways. `sl.learn.SGD` with momentum keeps rolling, `AdaGrad` and `RMSProp` give each
# weight a pace of its own, `Adam` does both, `AdamW` lets weights shrink besides. A race on one narrow valley,
# Rosenbrock's, from the same place (and more of it on w5d7):

# %%
racers = {
    "SGD": sl.learn.SGD(1e-3),
    "momentum": sl.learn.SGD(1e-3, momentum=0.9),
    "AdaGrad": sl.learn.AdaGrad(0.3),
    "RMSProp": sl.learn.RMSProp(0.005),
    "Adam": sl.learn.Adam(0.02),
    "AdamW": sl.learn.AdamW(0.02, weight_decay=0.001),
}
valley = {}
for name, optimizer in racers.items():
    w = np.array([-1.2, 1.0])
    for _ in range(1500):
        a, b = (sl.learn.Tensor(v) for v in w)
        height = (1 - a) ** 2 + 100 * (b - a**2) ** 2
        optimizer.step([w], [np.array([float(g.value) for g in sl.learn.gradients(height, [a, b])])])
    valley[name] = float(height.value)
    print(f"{name:9} after 1500 steps at {w.round(3)}, {valley[name]:.1e} above the bottom")
assert valley["momentum"] < valley["SGD"]
assert valley["Adam"] < 0.1

# %% [markdown]
# The error goes back to the *picture*, too: which pixels, if they were brighter, would make this a better digit?

# %%
_, (hidden, _, probabilities) = loss_of(weights, tx[:1], ty[:1])
g = ((probabilities - np.eye(10)[ty[:1]]) @ weights[2].T * (hidden > 0)) @ weights[0].T
pictures(digit=test.array[0], what_would_help=-g.reshape(8, 8), weights_of_one_unit=weights[0][:, 3].reshape(8, 8))

# %% [markdown]
# ## Our source
#
# All of `gradients`: from the end to the front, each step hands its slope to what it was made of, and slopes add up.

# %%
from sightline.learn.autograd import _sweep

print(source_of(_sweep))

# %% [markdown]
# ## Where it fails
#
# **Answer 4.** The derivative of a sigmoid is at most ¼. A chain of them multiplies.

# %%
shares = []
for depth in (1, 5, 20):
    start = value = sl.learn.Tensor(0.5)
    for _ in range(depth):
        value = value.sigmoid()
    shares.append(float(sl.learn.gradients(value, [start])[0].value))
    print(f"{depth:2d} sigmoids: {shares[-1]:.1e} of the error arrives")
assert shares[-1] < 1e-10

# %% [markdown]
# And at a kink there is no derivative: a check by differences there finds the mean of both sides, and complains.

# %%
print(
    "relu at 0:",
    sl.learn.grad_check(lambda t: t.relu(), [0.0]),
    " beside 0:",
    sl.learn.grad_check(lambda t: t.relu(), [0.1]),
)
assert sl.learn.grad_check(lambda t: t.relu(), [0.0]) > 0.4

# %% [markdown]
# ## Exercise
#
# Write `back_through(x, w, g)`: for the layer $Y = \tanh(XW)$ and $g$, the derivative of the loss by $Y$, return the
# derivatives by `x` and by `w`, as a tuple. The derivative of tanh is $1 - \tanh^2$.


# %% tags=["exercise"]
def back_through(x, w, g):
    """Return the derivatives by x and by w."""
    raise NotImplementedError("your turn")


# %% [markdown]
# ## What you take with you
#
# - Each step knows how to send an error back; the chain does the rest.
# - One way back costs about as much as one way forward, for all weights together.
# - Check a derivative by differences before you believe it.
# - What is multiplied many times vanishes, or explodes.

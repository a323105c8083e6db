# %% [markdown]
# # w5d7 · Optimisers
#
# **Question.** Which way down, how far, and how fast?
#
# On w4d4 you found the slope. A slope says which way is down *here*. It does not say how far to go.
#
# ## Predict first
#
# 1. A valley is a hundred times steeper across than along. Which learning rate is safe, and how long does it take?
# 2. A ball rolls where a walker steps. Which of them gets through a narrow valley sooner?
# 3. If you also knew how the ground bends, how many steps would a bowl take?
# 4. You try 27 learning rates. Must all of them train to the end?

# %%
import numpy as np

import sightline as sl
from sightline.lab.blackboard import pictures, source_of


def valley(w):
    """Return the height of Rosenbrock's valley: the floor lies along b = a², the lowest place is (1, 1)."""
    return (1 - w[0]) ** 2 + 100 * (w[1] - w[0] ** 2) ** 2


height = sl.learn.differentiated(valley)  # value and slope, by the tape of w4d4
start = np.array([-1.2, 1.0])
print("height and slope at the start:", height(start))

# %% [markdown]
# ## The idea in words
#
# *Momentum*: keep some of the last step. What goes to and fro cancels out, what goes along adds up.
#
# *A pace of its own*: a weight whose slopes were large takes short steps, one whose slopes were small takes long ones.
#
# *Curvature*: look at how the slope changes, and go to where it would be zero.
#
# ## The equation
#
# $$ v \leftarrow \mu v + g, \qquad w \leftarrow w - \eta v \qquad\text{(Polyak's ball)} $$
#
# $$ w \leftarrow w - \eta \frac{\hat m}{\sqrt{\hat s} + \varepsilon} \qquad\text{(Adam)} $$
#
# $$ w \leftarrow w - t\, H^{-1} g \qquad\text{(Newton)} $$
#
# ## Step by step: a race
#
# `sl.learn.SGD` walks, `sl.learn.Momentum` rolls, `sl.learn.Nesterov` rolls and looks ahead, `sl.learn.AdaGrad`,
# `sl.learn.RMSProp`, `sl.learn.Adam` and `sl.learn.AdamW` give each weight its pace.

# %%
racers = {
    "SGD": sl.learn.SGD(1e-3),
    "Momentum": sl.learn.Momentum(1e-3),
    "Nesterov": sl.learn.Nesterov(1e-3),
    "RMSProp": sl.learn.RMSProp(0.01),
    "Adam": sl.learn.Adam(0.05),
}
ends, paths = {}, {}
for name, racer in racers.items():
    w, path = start.copy(), [start]
    for _ in range(500):
        racer.step([w], [height(w)[1]])
        path.append(w.copy())
    ends[name], paths[name] = height(w)[0], np.array(path)
    print(f"{name:9} after 500 steps at {w.round(3)}, {ends[name]:.1e} above the bottom")
assert ends["Momentum"] < ends["SGD"]

b, a = np.mgrid[1.6:-0.6:276j, -1.6:1.6:401j]  # seen from above: a to the right, b upwards, 125 pixels a unit
level = np.log(valley([a, b]) + 0.01)  # dark is low
ground = np.uint8(255 * (level - level.min()) / (level.max() - level.min()))


def seen(path):
    """Return the map with a path on it; its dot is where it ends."""
    return sl.image.draw.tracks(np.stack([ground] * 3, axis=2), [(path * [1, -1] + [1.6, 1.6]) * 125])


pictures(**{name: seen(path) for name, path in paths.items()})

# %% [markdown]
# **Answers 1 and 2.** The steep wall allows no rate above about 0.002, and along the floor that is a crawl. The ball
# adds up what it gets along the floor.
#
# ## A matrix is more than its entries
#
# The weights of a layer are a matrix: it takes directions in and gives directions out. Its slope often speaks loudly
# for one or two of them and softly for all others. `sl.learn.Muon` takes a step that is as large in every direction:
# the slope's singular values become nearly equal, by a few products of matrices.

# %%
generator = np.random.default_rng(0)
out, into = (np.linalg.qr(generator.normal(size=(8, 8)))[0] for _ in range(2))
slope = out * np.geomspace(10, 0.1, 8) @ into.T  # eight directions, the first a hundred times as loud as the last
strengths = {}
for racer in (sl.learn.SGD(1.0, weight_decay=0), sl.learn.Muon(1.0, weight_decay=0)):
    w = np.zeros((8, 8))
    racer.step([w], [slope])
    strengths[type(racer).__name__] = found = np.linalg.svd(w, compute_uv=False)
    print(f"{type(racer).__name__:5} step's strengths, of the strongest:", (found / found[0]).round(2))
assert strengths["SGD"][0] > 50 * strengths["SGD"][-1]
assert strengths["Muon"][0] < 2 * strengths["Muon"][-1]

# %% [markdown]
# ## With curvature
#
# `sl.learn.newton` asks for the second derivatives. `sl.learn.bfgs` learns them from how the slope changed, and
# `sl.learn.lbfgs` keeps only the last few changes, so that it works for a million weights, too. None has a learning
# rate: each looks along its line for a step that goes down enough and far enough (the conditions of Wolfe).

# %%
for find, asked in (
    (sl.learn.newton, sl.learn.differentiated(valley, bend=True)),
    (sl.learn.bfgs, height),
    (sl.learn.lbfgs, height),
):
    trail = []
    found = find(asked, start, progress=lambda w, value, trail=trail: trail.append(value))
    print(f"{find.__name__:6} {found.steps:3d} steps, {found.calls:3d} calls; the last ones:", np.array(trail[-4:]))
    assert found.found
bowl = sl.learn.differentiated(lambda w: (w[0] - 3) ** 2 + 50 * w[1] ** 2, bend=True)
print("a bowl takes", sl.learn.newton(bowl, [9.0, 9.0]).steps, "step of Newton")

# %% [markdown]
# **Answer 3.** One. A bowl *is* its parabola. And near any minimum the error is squared with each step: look at the
# last numbers of Newton's row.
#
# ## Not always at the same pace
#
# Far steps first, short steps at last: the noise of the batches must die out. Each schedule is a factor for a share of
# the training: `sl.learn.ConstantRate`, `sl.learn.StepDecay`, `sl.learn.ExponentialDecay`, `sl.learn.CosineDecay`,
# `sl.learn.LinearWarmup`, `sl.learn.OneCycle`; `sl.learn.ReduceOnPlateau` looks at the losses instead.

# %%
shares = np.linspace(0, 1, 101)
for schedule in (
    sl.learn.StepDecay((0.5, 0.75)),
    sl.learn.CosineDecay(),
    sl.learn.LinearWarmup(0.1, then=sl.learn.CosineDecay()),
    sl.learn.OneCycle(),
):
    factors = [schedule(share) for share in shares]
    print(f"{type(schedule).__name__:13}", " ".join(f"{factor:.2f}" for factor in factors[::12]))
assert max(factors) == 1.0

# %% [markdown]
# ## Learn with it: real digits
#
# `sl.learn.two_layer` sees a picture as a row of numbers; `sl.learn.conv_net` sees neighbours (it wants more time:
# `sightline train learn/conv-net digits`).

# %%
digits = sl.data.open_dataset("digits").split_off(0.2, seed=0)
sets = {}
for name in ("train", "val"):
    split = digits.split(name)
    sets[name] = (split.array[:, None].astype(np.float32) / 255 - 0.3) / 0.38, np.array(split.labels)
pictures(digits=np.hstack(list(digits.split("train").array[:10])))


# %%
def build(learning_rate, momentum):
    """Return a solver of a small network with these settings."""
    network = sl.learn.two_layer(size=8, hidden=48, dropout=0.0)
    optimizer = sl.learn.Momentum(learning_rate, momentum=momentum)
    loss = sl.learn.SoftmaxCrossEntropy()
    return sl.learn.Solver(network, loss, optimizer, batch_size=64, schedule=sl.learn.CosineDecay())


# %% [markdown]
# Which rate? Try some. `sl.learn.grid_search` tries all of a grid, `sl.learn.random_search` draws, and
# `sl.learn.halving_search` gives many settings one epoch, the best third three epochs, the best ninth nine.

# %%
space = {"learning_rate": sl.learn.Between(1e-4, 3.0, log=True), "momentum": [0.0, 0.5, 0.9]}
board = sl.learn.halving_search(build, space, sets["train"], sets["val"], trials=9, seed=1)
print(board.table(6))
epochs = sum(trial.budget for trial in board.trials)
print(f"{epochs} epochs at most; all nine to the end would be {9 * board.best.budget}")
assert board.best.score > 0.9
grid = {"learning_rate": [1e-3, 1e-1], "momentum": [0.9]}
print(sl.learn.grid_search(build, grid, sets["train"], sets["val"], epochs=3).table())
assert len(sl.learn.random_search(build, space, sets["train"], sets["val"], trials=2, epochs=1).trials) == 2

# %% [markdown]
# **Answer 4.** No. What is bad after one epoch is seldom the best after nine. `board.plot()` is a picture of it, an
# SVG. And watch the race itself in the lab: `sightline lab`, *Rooms*, *Optimiser race*.
#
# ## Our source

# %%
print(source_of(sl.learn.SGD))

# %% [markdown]
# ## Where it fails
#
# Newton goes to where the slope is zero, and that may be the top of a hill. Here the ground bends down at the start;
# the plain step would go uphill, so `sl.learn.newton` adds to the curvature until it is positive.

# %%
hill = sl.learn.differentiated(lambda w: (w[0] ** 2 - 1) ** 2, bend=True)
_, slope, bend = hill(np.array([0.2]))
plain = 0.2 - slope[0] / bend[0, 0]
print(f"plain Newton from 0.2 goes to {plain:.3f}, towards the top at 0")
print("ours ends at", sl.learn.newton(hill, [0.2]).point.round(6))
assert abs(plain) < 0.2
w = start.copy()
for _ in range(4):
    w -= 0.01 * height(w)[1]
print("and a rate five times too large, after 4 steps:", w)
assert np.abs(w).max() > 1e3

# %% [markdown]
# ## Exercise
#
# Write `roll(slope, w, learning_rate, momentum, steps)`: Polyak's ball. `slope` is a function of `w` that returns the
# slope, an array; start with $v = 0$ and return `w` after so many steps. Do not change the array that came in.


# %% tags=["exercise"]
def roll(slope, w, learning_rate, momentum, steps):
    """Return where the ball is."""
    raise NotImplementedError("your turn")


# %% [markdown]
# ## What you take with you
#
# - The steepest wall sets the rate, the flattest floor sets the time.
# - Momentum and a pace for each weight make both matter less.
# - Where there is no noise, curvature is worth its price.
# - Large steps first, small steps last; and let bad settings stop early.

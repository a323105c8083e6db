# %% [markdown]
# # w6d1 · Sequences and recurrent networks
#
# **Question.** How does a network remember?
#
# So far a network got a whole picture at once. A sentence, a film, a stroke of a pen come piece by piece, and nobody
# says beforehand how many pieces there will be. Today's networks read one piece at a time, and keep a note of what was.
#
# ## Predict first
#
# 1. A sequence twice as long: how many more weights does a recurrent network need for it?
# 2. Of the slope at the end of 60 moments, how much arrives at the first one, in a plain recurrent layer?
# 3. What would you have to hold open so that all of it arrives?
# 4. A network reads this course letter by letter. After seconds of that, what does it write: letters, words, sentences?

# %%
import itertools

import numpy as np

import sightline as sl
from sightline.core.layers import Curve
from sightline.core.trace import Step, Trace
from sightline.lab import lessons
from sightline.lab.blackboard import source_of
from sightline.learn.grad_check import numeric_gradient

random = np.random.default_rng(0)

# %% [markdown]
# ## The idea in words
#
# There is one small network. At each moment it gets two things: what comes in now, and its own last answer. Its answer
# is a *state*: all that it will ever know of the past. To train it, draw the network once for each moment, in a row,
# and go back through all of them: backpropagation *through time*. The weights are the same in each drawing, so their
# slopes add up.
#
# ## The equation
#
# $$ h_t = \tanh(W x_t + U h_{t-1} + b) $$
#
# With $g_t$ for what the output at $t$ says, and $a_t$ for what stands inside the tanh:
#
# $$ \frac{\partial L}{\partial h_t} = g_t + U^\top \frac{\partial L}{\partial a_{t+1}}, \qquad
# \frac{\partial L}{\partial a_t} = \frac{\partial L}{\partial h_t} (1 - h_t^2), \qquad
# \frac{\partial L}{\partial U} = \sum_t \frac{\partial L}{\partial a_t} h_{t-1}^\top $$
#
# ## Step by step: forward, and back through time


# %%
def read(w, u, b, x):
    """Return the states h₀ = 0, h₁ … of one sequence, T+1 rows."""
    states = [np.zeros(len(b))]
    for value in x:
        states.append(np.tanh(w @ value + u @ states[-1] + b))
    return np.array(states)


def back(w, u, b, x, g):
    """Return the slopes of w, u and b, when g holds those of the states h₁ …"""
    h = read(w, u, b, x)
    slopes, from_behind = [np.zeros_like(part) for part in (w, u, b)], np.zeros(len(b))
    for t in range(len(x), 0, -1):
        a = (g[t - 1] + from_behind) * (1 - h[t] ** 2)
        for slope, part in zip(slopes, (np.outer(a, x[t - 1]), np.outer(a, h[t - 1]), a), strict=True):
            slope += part
        from_behind = u.T @ a
    return slopes


weights = [random.normal(0, 0.5, shape) for shape in ((4, 3), (4, 4), (4,))]
x, g = random.normal(0, 1, (6, 3)), random.normal(0, 1, (6, 4))
ours = back(*weights, x, g)
tried = numeric_gradient(lambda *w: float((g * read(*w, x)[1:]).sum()), weights)
print("largest difference from trying:", max(np.abs(a - b).max() for a, b in zip(ours, tried, strict=True)))
assert all(np.allclose(a, b, atol=1e-7) for a, b in zip(ours, tried, strict=True))

# %% [markdown]
# **Answer 1.** None: `weights` know nothing of the number 6. The library's layer, `sl.learn.RNN`, does it for many
# sequences at once:

# %%
layer = sl.learn.RNN(3, 4, dtype="float64")
for array, w in zip(layer.parameters.values(), weights, strict=True):
    array[...] = w
states = layer.forward(x[None])
layer.backward(g[None])
assert np.allclose(states[0], read(*weights, x)[1:], atol=1e-12)
assert np.allclose(layer.gradients["hidden_weight"], ours[1], atol=1e-12)
print(layer.gradients["hidden_weight"].round(2))
layer.trace(x)

# %% [markdown]
# ## What arrives from far away
#
# Each moment multiplies the slope by $U^\top$ and by something below 1. Sixty moments do it sixty times.
#
# `sl.learn.LSTM` carries a second note along, the *cell*, which is not multiplied by any matrix: only by a gate $f$
# between 0 and 1, and the network decides what the gate does. `sl.learn.GRU` does with two gates and without a cell:
#
# $$ c_t = f \cdot c_{t-1} + i \cdot n \qquad\qquad h_t = (1 - z) \cdot n + z \cdot h_{t-1} $$

# %%
quiet, curves = np.zeros((1, 60, 2)), {}
for name, kind in (("RNN", sl.learn.RNN), ("GRU", sl.learn.GRU), ("LSTM", sl.learn.LSTM)):
    cell = kind(2, 32, seed=1, dtype="float64")
    if name == "RNN":
        cell.parameters["hidden_weight"] *= 0.9
    else:  # open the gate that keeps: rows 32 to 64 of the bias are those of f, or z
        cell.parameters["hidden_weight"] *= 0.1
        cell.parameters["bias"][32:64] = 4
    curves[name] = cell.gradient_through_time(quiet)
    print(f"{name:4} of the slope at the end, {curves[name][0] / curves[name][-1]:.1e} arrives 59 moments before")
assert curves["RNN"][0] / curves["RNN"][-1] < 0.01
assert curves["LSTM"][0] / curves["LSTM"][-1] > 0.1
Trace(
    "lesson.slopes",
    {},
    tuple(
        Step(name, Curve(np.stack([np.arange(60), curve], axis=1), ("moment", "length of the slope")))
        for name, curve in curves.items()
    ),
)

# %% [markdown]
# **Answers 2 and 3.** Next to nothing; and the forget gate, held open.
#
# Does it matter? A game: the first of 25 letters must be said at the end; all between are noise.

# %%
letters = random.integers(0, 4, (1000, 25))
right = {}
for name, kind in (("RNN", sl.learn.RNN), ("LSTM", sl.learn.LSTM)):
    network = sl.learn.Sequential(
        sl.learn.Embedding(4, 8, seed=1), kind(8, 24, last=True, seed=2), sl.learn.Linear(24, 4, seed=3)
    )
    if name == "LSTM":
        network.layers[1].parameters["bias"][24:48] = 3
    solver = sl.learn.Solver(network, sl.learn.SoftmaxCrossEntropy(), sl.learn.Adam(0.01), batch_size=20)
    chosen = letters[700:800], letters[700:800, 0]
    rows = solver.fit(letters[:700], letters[:700, 0], epochs=14, validation=chosen)
    right[name] = solver.measure(letters[800:], letters[800:, 0])["val_accuracy"]
    print(f"{name:4} epoch by epoch:", " ".join(f"{row['val_accuracy']:.0%}" for row in rows))
    print(f"{name:4} remembers {right[name]:.0%} of first letters that it never saw; a guess would have 25 %")
assert right["LSTM"] > 0.9

# %% [markdown]
# ## Short ones, long ones, and both ways
#
# Sequences of one batch are filled up to the same length. `lengths` says what is real: what lies behind has no say.
# `sl.learn.Bidirectional` reads from the end as well, and so knows at each moment what is still to come. Where every
# moment has an answer, `sl.learn.TemporalCrossEntropy` counts those that are not filled up.

# %%
both = sl.learn.Bidirectional(sl.learn.GRU(3, 4, seed=0), sl.learn.GRU(3, 4, reverse=True, seed=1))
short = random.normal(0, 1, (2, 5, 3))
filled = np.concatenate([short, np.full((2, 3, 3), 99.0)], axis=1)
print(both.forward(short).shape, "→", both.forward(filled, lengths=[5, 5]).shape)
assert np.allclose(both.forward(filled, lengths=[5, 5])[:, :5], both.forward(short))

# %% [markdown]
# ## A machine that writes
#
# Give it letters, ask for the next one. Nothing else: the text is its own teacher. `sl.learn.CharacterModel` reads in
# chunks; each goes on from the state of the last, but slopes stay inside a chunk. Steps that would be too long are cut
# to size by `sl.learn.clip_gradients`. Its schoolbook is this course.

# %%
days = [lessons.source(day.id).read_text("utf-8") for day in lessons.days()]
said = "\n".join(line[2:] for day in days for line in day.splitlines() if line.startswith("# ") and "%%" not in line)
book = "".join(c for c in said if c.isascii())[:60_000]
shares = np.unique(list(book), return_counts=True)[1] / len(book)
alone = -(shares * np.log2(shares)).sum()
model = sl.learn.CharacterModel(96, seed=1)
rows = model.fit(book[:55_000] + "".join(sorted(set(book))), epochs=5, length=40, batch_size=16, learning_rate=6e-3)
found = model.bits(book[55_000:])
print(f"bits a letter, of pages that it never read: {found:.2f}; by how often letters occur: {alone:.2f}")
for temperature in (0.3, 0.8, 1.5):
    print(f"\ntemperature {temperature}: {model.sample(160, start='The ', temperature=temperature, seed=2)!r}")
assert found < alone - 1

# %% [markdown]
# **Answer 4.** Words, mostly; sentences only from far away. Cold it repeats itself, hot it stammers. Look inside while
# it reads: each row is a unit, each column a letter. What surprises it most is how a word begins.

# %%
page = book[55_000:57_000]
surprise = model.trace(page)["surprise"].value[:, 1]
begins = np.array([before == " " and letter.isalpha() for before, letter in itertools.pairwise(page)])
inside = np.array([before.isalpha() and letter.isalpha() for before, letter in itertools.pairwise(page)])
print(f"first letters of words {surprise[begins].mean():.1f} bits, letters inside {surprise[inside].mean():.1f}")
assert surprise[begins].mean() > surprise[inside].mean() + 0.5
model.trace("The image is an array of numbers.")

# %% [markdown]
# ## Our source

# %%
print(source_of(sl.learn.LSTM._step))
print(source_of(sl.learn.LSTM._step_back))

# %% [markdown]
# ## Where it fails
#
# Slopes that do not vanish may explode. One large weight is enough, and a single step throws training off the cliff.

# %%
wild = sl.learn.RNN(2, 32, activation="relu", seed=1, dtype="float64")
wild.parameters["hidden_weight"][...] = 1.3 * np.eye(32)
blown = wild.gradient_through_time(quiet + 1)
clipped, was = sl.learn.clip_gradients([blown], 5.0)
print(
    f"59 moments: {blown[0] / blown[-1]:.1e} times as long; clipped from {was:.1e} to {np.linalg.norm(clipped[0]):.1f}"
)
assert blown[0] / blown[-1] > 1e6
assert np.isclose(np.linalg.norm(clipped[0]), 5)

# %% [markdown]
# And everything that the network knows of the past must fit into one state, however long the past was. A sentence of
# fifty words has to go through the same few numbers as one of five. Tomorrow it may look back instead.
#
# ## Exercise
#
# Write `lstm_step(a, c)`: `a` holds $W x + U h + b$ of one moment for many sequences, N×4H, in the order input gate,
# forget gate, output gate, news; `c` is the cell, N×H. Return the new state and the new cell, as a tuple.


# %% tags=["exercise"]
def lstm_step(a, c):
    """Return h and c after one moment."""
    raise NotImplementedError("your turn")


# %% [markdown]
# ## What you take with you
#
# - A recurrent layer is one small network, used again at each moment; its state is all that it remembers.
# - Back through time: the slopes of all moments add up in the same weights.
# - What is multiplied sixty times vanishes or explodes. A gate that stays open is a way past that; clipping is a rail.
# - Predicting what comes next needs no labels.

# %% [markdown]
# # w6d2 · Attention
#
# **Question.** How does a network choose what to look at?
#
# Yesterday's network kept one note of everything. Today it keeps everything, and decides each time anew what to read.
#
# ## Predict first
#
# 1. Ask a dictionary of vectors for a key that stands nowhere in it. What does attention answer?
# 2. Scores of two random vectors: how do they grow with their length, and what does softmax then do?
# 3. Shuffle the moments of a sequence. What does self-attention return?
# 4. A captioner learns from red squares, blue squares and red crosses. Then it sees a blue cross. What does it say?

# %%
import time

import numpy as np

import sightline as sl
from sightline.lab.blackboard import pictures, source_of

random = np.random.default_rng(0)

# %% [markdown]
# ## The idea in words
#
# A dictionary answers with the value whose key *is* the query. Attention answers with a mix of all values, in which
# each has the weight by which its key *resembles* the query. A mix has slopes, and so what to look at can be learnt.
#
# ## The equation
#
# With queries $Q$, keys $K$ and values $V$ as rows, $D$ numbers in each query and key:
#
# $$ A = \mathrm{softmax}\Bigl(\frac{Q K^\top}{\sqrt D}\Bigr) \qquad\qquad Y = A V $$
#
# and back, with $g = \partial L / \partial Y$ and $S$ for the scores inside the softmax:
#
# $$ \frac{\partial L}{\partial V} = A^\top g, \qquad \frac{\partial L}{\partial A} = g V^\top, \qquad
# \frac{\partial L}{\partial S} = A \cdot \Bigl(\frac{\partial L}{\partial A}
# - \sum A \cdot \frac{\partial L}{\partial A}\Bigr) $$
#
# ## Step by step


# %%
def softmax(scores):
    """Return the probabilities of each row."""
    e = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def attend(q, k, v):
    """Return a mix of the values for each query, and the weights."""
    weights = softmax(q @ k.T / np.sqrt(q.shape[1]))
    return weights @ v, weights


keys = 6 * np.eye(4)
values = np.array([[1.0], [2.0], [3.0], [4.0]])
queries = np.array([keys[2], keys[1] / 2 + keys[3] / 2, [0, 0, 0, 0]])
answer, weights = attend(queries, keys, values)
look = sl.learn.DotAttention()
print(
    "the third key → ", answer[0].round(2), " half second, half fourth → ", answer[1].round(2), " nothing → ", answer[2]
)
assert np.allclose(look.forward(queries[None], keys[None], values[None])[0], answer)
assert np.isclose(answer[2, 0], values.mean())
look.trace(queries[None], keys[None], values[None])

# %% [markdown]
# **Answer 1.** It never fails: it answers with a mix, of all values alike when nothing fits.
#
# Why divide by $\sqrt D$? A product of two random vectors is a sum of $D$ random numbers.

# %%
for size in (4, 64, 1024):
    q, k = random.normal(0, 1, (2, 500, size))
    scores = (q[:50] @ k[:50].T, q[:50] @ k[:50].T / np.sqrt(size))
    tops = [softmax(part).max(axis=1).mean() for part in scores]
    print(
        f"D = {size:4d}: deviation {scores[0].std():5.1f}; greatest of 50 weights {tops[0]:.2f}, divided {tops[1]:.2f}"
    )
assert scores[0].std() > 25
assert tops[0] > 0.8 > 0.2 > tops[1]

# %% [markdown]
# **Answer 2.** Their spread grows with the root of the length; softmax then looks at a single key, and where a weight
# is 0 or 1 its slope is 0: nothing can be learnt any more.
#
# ## Learn where to look
#
# A machine shall say a word backwards. Its queries are the places of the answer, its keys the places of the word; the
# values are the letters. Nobody says which place belongs to which.

# %%
length, letters = 10, 12
where, asked = sl.learn.Embedding(length, 32, seed=1), sl.learn.Embedding(length, 32, seed=2)
look, speak = sl.learn.DotAttention(), sl.learn.Linear(letters, letters, seed=3)
loss, optimizer = sl.learn.TemporalCrossEntropy(), sl.learn.Adam(0.03)
parts = (where, asked, speak)
places = np.tile(np.arange(length), (32, 1))
before, history = None, []
for _ in range(150):
    words = random.integers(0, letters, (32, length))
    mixed = look.forward(asked.forward(places), where.forward(places), np.eye(letters, dtype=np.float32)[words])
    history.append(loss.forward(speak.forward(mixed), words[:, ::-1]))
    before = look.weights[0] if before is None else before
    dq, dk, _ = look.backward(speak.backward(loss.backward()))
    asked.backward(dq)
    where.backward(dk)
    slopes = [part.gradients[name] for part in parts for name in part.parameters]
    optimizer.step([array for part in parts for array in part.parameters.values()], slopes)
after = look.weights[0]
print(f"loss {history[0]:.2f} → {history[-1]:.3f}; looks for each letter at place", after.argmax(axis=1))
assert history[-1] < 0.1
assert (after.argmax(axis=1) == np.arange(length)[::-1]).all()
pictures(before=before, after=after)

# %% [markdown]
# ## Everybody looks at everybody
#
# In self-attention (`sl.learn.SelfAttention`) queries, keys and values are all made of the same sequence, by three
# learnt products; several *heads* do so side by side, each with its own idea of what fits. With `causal`, a moment
# looks only back: so it can learn what comes next.

# %%
layer = sl.learn.SelfAttention(8, num_heads=2, seed=1, dtype="float64")
x = random.normal(0, 1, (1, 6, 8))
order = random.permutation(6)
print("shuffled in, shuffled out:", np.allclose(layer.forward(x[:, order]), layer.forward(x)[:, order]))
assert np.allclose(layer.forward(x[:, order]), layer.forward(x)[:, order])
back = sl.learn.SelfAttention(8, num_heads=2, causal=True, seed=1, dtype="float64")
changed = x.copy()
changed[:, 4:] += 1
assert np.allclose(back.forward(x)[:, :4], back.forward(changed)[:, :4])
print("later moments change nothing before them:", back.weights.shape, "weights of both heads")

# %% [markdown]
# **Answer 3.** The same, shuffled: order is nothing to it. Whoever needs order must put it into the vectors, as the
# places above.
#
# ## A captioner
#
# `sl.learn.Captioner` is an LSTM over words that looks at the places of a picture before each word, by the older way to
# score, `sl.learn.AdditiveAttention`: a small network, $e = v^\top \tanh(W q + U k)$. Its pictures here are drawn: two
# things, one above the other, seen as 8×8 places: mean colour, how much of it is painted, and where the place is.

# %%
COLOURS = {"red": (220, 40, 30), "green": (40, 170, 60), "blue": (40, 70, 220)}
row, column = np.mgrid[0:32, 0:32]


def scene(top, bottom):
    """Draw two things, (colour, shape) each; return the picture and what one would say."""
    picture = np.full((32, 32, 3), 235, np.uint8)
    for (colour, shape), y in ((top, 7), (bottom, 23)):
        cx = random.integers(8, 24)
        away = np.abs([row - y, column - cx])
        inside = away.max(axis=0) < 6 if shape == "square" else (away.min(axis=0) < 2) & (away.max(axis=0) < 7)
        picture[inside] = COLOURS[colour]
    return picture, f"a {top[0]} {top[1]} above a {bottom[0]} {bottom[1]}"


def seen(pictures):
    """Return N×64×7: mean colour, spread and share of painted pixels of each 4×4 patch, and where it lies."""
    patches = np.stack(pictures).reshape(-1, 8, 4, 8, 4, 3).swapaxes(2, 3).reshape(-1, 64, 16, 3) / 255
    painted = (patches.min(axis=3) < 0.8).mean(axis=2)
    where = np.broadcast_to(np.indices((8, 8)).reshape(2, 64).T / 7, (len(pictures), 64, 2))
    return np.concatenate(
        [patches.mean(axis=2), patches.std(axis=(2, 3))[..., None], painted[..., None], where], axis=2
    )


things = [(colour, shape) for colour in COLOURS for shape in ("square", "cross")]
known = [thing for thing in things if thing != ("blue", "cross")]
shown = [scene(*(known[i] for i in random.integers(0, len(known), 2))) for _ in range(500)]
captioner = sl.learn.Captioner(48, dropout=0.1, seed=1)
start = time.perf_counter()
rows = captioner.fit(seen([p for p, _ in shown]), [[s] for _, s in shown], epochs=16, batch_size=20, learning_rate=6e-3)
print(f"loss {rows[0]['loss']:.2f} → {rows[-1]['loss']:.3f} in {time.perf_counter() - start:.0f} s")

# %% [markdown]
# How good is a sentence? `sl.metrics.bleu` counts how many of its runs of one, two, three and four words stand in what
# people said.

# %%
fresh = [scene(*(known[i] for i in random.integers(0, len(known), 2))) for _ in range(60)]
answers = captioner.caption(seen([p for p, _ in fresh]))
found = sl.metrics.bleu(answers, [[said] for _, said in fresh])
always = sl.metrics.bleu([fresh[0][1]] * len(fresh), [[said] for _, said in fresh])
print(f"BLEU-4 {found.score:.2f}; the same sentence always: {always.score:.2f}")
print(answers[1], " for ", fresh[1][1])
assert found.score > always.score + 0.2
captioner.trace(fresh[1][0], seen([fresh[1][0]])[0], (8, 8))

# %% [markdown]
# ## Our source

# %%
print(source_of(sl.learn.DotAttention.backward))
print(source_of(sl.learn.DotAttention._scores_back))

# %% [markdown]
# ## Where it fails
#
# Never was there a blue cross:

# %%
strange = [scene(("blue", "cross"), known[i % len(known)]) for i in range(40)]
told = captioner.caption(seen([p for p, _ in strange]))
right = np.mean([said.startswith("a blue cross") for said in told])
print(f"'a blue cross': {right:.0%}; it says:", sorted({" ".join(said.split()[:3]) for said in told}))
assert right < 0.9
assert right < np.mean([a.split()[:3] == s.split()[:3] for a, (_, s) in zip(answers, fresh, strict=True)])

# %% [markdown]
# **Answer 4.** Mostly what it knows: it learnt sentences as much as it learnt to see. And bright places in a trace are
# where a weight was large, not *why* a word was said.
#
# Then the price. Everybody looks at everybody: twice as long is four times as much.

# %%
for moments in (128, 256, 512):
    layer = sl.learn.SelfAttention(16, seed=1)
    layer.forward(np.zeros((1, moments, 16), np.float32))
    print(f"{moments} moments: {layer.weights.size:,} weights")
assert layer.weights.size == 512 * 512

# %% [markdown]
# ## Exercise
#
# Write `look_back(q, k, v)` for one sequence, T×D each: like `attend`, but moment t may look at moments 0 … t only.
# Return the T×D mixes.


# %% tags=["exercise"]
def look_back(q, k, v):
    """Return for each moment a mix of the values up to it."""
    raise NotImplementedError("your turn")


# %% [markdown]
# ## What you take with you
#
# - Attention is a dictionary that answers with a mix; what to look at is learnt, because a mix has slopes.
# - Divide by the root of the length, or softmax sees one key and learns nothing.
# - Without places, a sequence is a heap.
# - Weights show where a network looked, not why it spoke.

# %% [markdown]
# # w6d4 · Captions and questions
#
# **Question.** How do pictures become sentences?
#
# Attention (w6d2) chose what to look at. Today it is asked: by the sentence that is being written, and by a question.
#
# ## Predict first
#
# 1. You take the likeliest word, then the likeliest word after it, and so on. Is that the likeliest sentence?
# 2. "the the the the" against "the cat sat": which share of the candidate's words stands in the reference?
# 3. Give the captioner the wrong photo. Does its score fall to zero?
# 4. A network answers "what colour is the thing above?". Cover the picture. How often is it still right?

# %%
import time

import numpy as np

import sightline as sl
from sightline.lab.blackboard import pictures, source_of

random = np.random.default_rng(0)

# %% [markdown]
# ## The idea in words
#
# A sentence is built as a path: at each word the network says how likely each next word is, given the picture and what
# was said. It learns by being shown the right word so far, always (*teacher forcing*); it speaks by reading itself.
#
# ## The equation
#
# For a picture $x$ and words $w_1 \dots w_T$, the last of which is "end":
#
# $$ p(w \mid x) = \prod_t p(w_t \mid w_1 \dots w_{t-1}, x) \qquad\qquad
# L = -\frac{1}{T} \sum_t \log p(w_t \mid w_1 \dots w_{t-1}, x) $$
#
# ## Step by step: the likeliest sentence
#
# The likeliest next word may lead into a street without good houses. *Beam search* follows several sentences at once.

# %%
NEXT = {  # what follows what, and how likely it is
    "": {"a": 0.6, "the": 0.4},
    "a": {"cat": 0.4, "dog": 0.35, "bird": 0.25},
    "the": {"cat": 0.9, "dog": 0.1},
    "cat": {".": 1.0},
    "dog": {".": 1.0},
    "bird": {".": 1.0},
}


def followed(beams):
    """Return the best sentence and its probability when ``beams`` sentences are followed at once."""
    alive = [(1.0, [""])]
    while any(words[-1] != "." for _, words in alive):
        longer = [
            (p * share, [*words, word])
            for p, words in alive
            for word, share in (NEXT[words[-1]].items() if words[-1] != "." else [(".", 1.0)])
        ]
        alive = sorted(longer, reverse=True)[:beams]
    return alive[0][0], " ".join(alive[0][1]).split(" .")[0].strip()


for beams in (1, 2):
    print(f"{beams} at once: '{followed(beams)[1]}', {followed(beams)[0]:.2f}")
assert followed(1)[1] == "a cat"
assert followed(2)[1] == "the cat"

# %% [markdown]
# **Answer 1.** No: "a" is likelier than "the", and yet "the cat" (0.36) beats "a cat" (0.24). Following all sentences
# would be exact and costs (words)^(length).
#
# ## Pictures to speak of
#
# Two drawn things, one above the other, each told in one of two ways. A picture is seen as 8×8 places: mean colour and
# spread of each, how much of it is painted, and where it lies.

# %%
COLOURS = {"red": (220, 40, 30), "green": (40, 170, 60), "blue": (40, 70, 220)}
THINGS = [(colour, shape) for colour in COLOURS for shape in ("square", "cross")]
row, column = np.mgrid[0:32, 0:32]


def scene(top, bottom):
    """Draw two things, (colour, shape) each, at random places of the upper and the lower half."""
    picture = np.full((32, 32, 3), 235, np.uint8)
    for (colour, shape), y in ((top, 7), (bottom, 23)):
        away = np.abs([row - y, column - random.integers(8, 24)])
        inside = away.max(axis=0) < 6 if shape == "square" else (away.min(axis=0) < 2) & (away.max(axis=0) < 7)
        picture[inside] = COLOURS[colour]
    return picture


def told(top, bottom):
    """Return both ways to say it."""
    top, bottom = " ".join(top), " ".join(bottom)
    return [f"a {top} above a {bottom}", f"there is a {bottom} below a {top}"]


def seen(drawn):
    """Return N×64×7 numbers of N pictures: what each of the 8×8 places looks like, and where it is."""
    patches = np.stack(drawn).reshape(-1, 8, 4, 8, 4, 3).swapaxes(2, 3).reshape(-1, 64, 16, 3) / 255
    painted = (patches.min(axis=3) < 0.8).mean(axis=2)[..., None]
    where = np.broadcast_to(np.indices((8, 8)).reshape(2, 64).T / 7, (len(drawn), 64, 2))
    return np.concatenate([patches.mean(axis=2), patches.std(axis=(2, 3))[..., None], painted, where], axis=2)


pairs = [tuple(THINGS[i] for i in random.integers(0, len(THINGS), 2)) for _ in range(260)]
drawn = [scene(*pair) for pair in pairs]
places = seen(drawn)
pictures(**{told(*pairs[i])[0].replace(" ", "_"): drawn[i] for i in range(3)})

# %%
captioner = sl.learn.Captioner(40, dropout=0.1, seed=1)
start = time.perf_counter()
rows = captioner.fit(places[:200], [told(*p) for p in pairs[:200]], epochs=10, batch_size=16, learning_rate=8e-3)
print(f"loss {rows[0]['loss']:.2f} → {rows[-1]['loss']:.2f} in {time.perf_counter() - start:.0f} s")
assert rows[-1]["loss"] < 0.3
answers = captioner.caption(places[200:], beams=3)
print("\n".join(answers[:3]))
captioner.trace(drawn[200], places[200], (8, 8))

# %% [markdown]
# The loss cannot fall to zero: whether it says "above" or "below" is not in the picture. One of two ways at random
# costs $\log 2$ for the whole sentence, and nothing more.
#
# ## How good is a sentence?
#
# BLEU counts runs of words that stand in what people said; but no run counts oftener than a person said it. Too short
# is punished, as leaving words out would be a way to be right.

# %%
found = sl.metrics.bleu(["the the the the"], [["the cat sat"]], order=1)
print(f"'the the the the': {found.precisions[0]:.2f} of its words are right")
assert found.precisions[0] == 0.25
references = [told(*pair) for pair in pairs[200:]]
own = sl.metrics.bleu(answers, references)
others = sl.metrics.bleu([*answers[7:], *answers[:7]], references)
print(f"BLEU-4 of its sentences {own.score:.2f}; of those for other pictures {others.score:.2f}")
print("runs of 1 to 4 words:", np.round(own.precisions, 2), "against", np.round(others.precisions, 2))
assert own.score > others.score + 0.2
assert others.precisions[0] > 0.4

# %% [markdown]
# **Answer 2.** By counting, all four; clipped, one of four. **Answer 3.** By no means: what is left is language, and a
# captioner must be held against that, not against zero. (`reproduce/captions.py` does so for photos.)
#
# ## Questions
#
# Four questions can be asked of such a picture. The question becomes the *query*: attention picks the places that it is
# about, and a linear layer reads the answer from their mix.

# %%
QUESTIONS = ["what colour is above", "what colour is below", "what is above", "what is below"]
ANSWERS = [*COLOURS, "square", "cross"]


def answer(pair, question):
    """Return the number of the right answer."""
    return ANSWERS.index(pair[question % 2][question // 2])


def made(seed):
    """Return the parts: the query of a question, the keys of places, attention, and the answer from both."""
    kind = {"seed": seed, "dtype": "float64"}
    width = places.shape[2]
    return (
        sl.learn.Embedding(len(QUESTIONS), 16, **kind),
        sl.learn.DotAttention(),
        sl.learn.Linear(width, 16, **kind),
        sl.learn.Sequential(sl.learn.Linear(width + 16, 48, **kind), sl.learn.ReLU(), sl.learn.Linear(48, 5, **kind)),
    )


def answered(parts, places, questions):
    """Return N×5 scores of the answers."""
    ask, look, key, speak = parts
    query = ask.forward(questions[:, None])
    mix = look.forward(query, key.forward(places), places)
    return speak.forward(np.concatenate([mix, query], axis=2)[:, 0])


def learnt(places, steps=300):
    """Teach the parts on the first 200 pictures; return them."""
    parts, loss, optimizer = made(3), sl.learn.SoftmaxCrossEntropy(), sl.learn.Adam(0.01)
    ask, look, key, speak = parts
    for _ in range(steps):
        chosen, questions = random.integers(0, 200, 64), random.integers(0, len(QUESTIONS), 64)
        truth = np.array([answer(pairs[i], q) for i, q in zip(chosen, questions, strict=True)])
        loss.forward(answered(parts, places[chosen], questions), truth)
        g = speak.backward(loss.backward())[:, None]
        dq, dk, _ = look.backward(g[..., : places.shape[2]])
        key.backward(dk)
        ask.backward(dq + g[..., places.shape[2] :])
        named = [(part, name) for part in (ask, key, speak) for name in part.parameters]
        optimizer.step([part.parameters[n] for part, n in named], [part.gradients[n] for part, n in named])
    return parts


def right(parts, places):
    """Return the share of right answers to each question on the last 60 pictures."""
    return [
        np.mean(answered(parts, places[200:], np.full(60, q)).argmax(axis=1) == [answer(p, q) for p in pairs[200:]])
        for q in range(len(QUESTIONS))
    ]


with_pictures = learnt(places)
shares = right(with_pictures, places)
for question, share in zip(QUESTIONS, shares, strict=True):
    print(f"{question}? {share:.0%} right")
assert np.mean(shares[:2]) > 0.9

# %% [markdown]
# ## Our source

# %%
print(source_of(sl.metrics.bleu))

# %% [markdown]
# ## Where it fails
#
# Cover the pictures, and teach it again: it learns what is asked, not what is seen.

# %%
covered = np.broadcast_to(places.mean(axis=0), places.shape)
blind = right(learnt(covered, 150), covered)
print("without pictures:", [f"{share:.0%}" for share in blind])
assert np.mean(blind[:2]) < 0.6
assert min(blind[2:]) > 0.3

# %% [markdown]
# **Answer 4.** As often as the commonest answer *to that question* is right: a third for colours, half for shapes. Real
# sets of questions lean further ("is there a …?" is mostly "yes"), and networks were good at them without looking.
#
# ## Exercise
#
# Write `right_runs(candidate, references, n)`: how many runs of n words of a candidate are right, and how many it has.
# Each run counts no oftener than in the reference that has it most. Sentences are strings; return two whole numbers.


# %% tags=["exercise"]
def right_runs(candidate, references, n):
    """Return how many runs of n words are right, and how many there are."""
    raise NotImplementedError("your turn")

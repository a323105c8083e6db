# %% [markdown]
# # w6d3 · The vision transformer
#
# **Question.** Is an image worth 16×16 words?
#
# A convolution looks at neighbours. A transformer lets every patch look at every other one, from the first layer on,
# and learn where to look. It knows nothing about pictures. With enough of them, that is no loss.
#
# ## Predict first
#
# 1. A photo of 224×224 in patches of 16×16: how many words?
# 2. Shuffle the words of a transformer without position codes. Does its answer change?
# 3. Twice the width and height of the picture: how many times more pairs of words look at each other?
# 4. 1,438 digits: does it beat the convolution of w4d3?

# %%
import numpy as np
import torch

import sightline as sl
from sightline.lab.blackboard import pictures, source_of

torch.manual_seed(0)
torch.set_num_threads(1)
cat = sl.image.resize(np.ascontiguousarray(sl.data.sample("cat")[10:290, 80:360]), (224, 224))

# %% [markdown]
# ## The idea in words
#
# Cut the photo into patches. Flatten each patch into a row of numbers, multiply by a matrix: a word. Add a code that
# says where it came from. Then let the words talk: each asks a question, each offers a key, and who fits is listened
# to.

# %%
patches = cat.reshape(14, 16, 14, 16, 3).transpose(0, 2, 1, 3, 4).reshape(196, 16 * 16 * 3)
print("words:", patches.shape, "  ← answer 1")
assert patches.shape == (196, 768)
back = patches.reshape(14, 14, 16, 16, 3).transpose(0, 2, 1, 3, 4).reshape(224, 224, 3)
assert (back == cat).all()
apart = np.full((14 * 18, 14 * 18, 3), 255, np.uint8)
for i, patch in enumerate(patches):
    row, column = divmod(i, 14)
    apart[row * 18 : row * 18 + 16, column * 18 : column * 18 + 16] = patch.reshape(16, 16, 3)
pictures(photo=cat, words=apart)

# %% [markdown]
# ## The equation
#
# Attention: questions $Q$, keys $K$, values $V$, each a matrix times the words.
#
# $$ \mathrm{attention}(Q, K, V) = \mathrm{softmax}\!\left( \frac{Q K^\top}{\sqrt d} \right) V $$
#
# Row $i$ of the softmax says how much word $i$ listens to each other word. It sums to 1.


# %%
def attention(q, k, v):
    """Return the mixed values and who listened to whom."""
    scores = q @ k.T / np.sqrt(q.shape[1])
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    weights /= weights.sum(axis=1, keepdims=True)
    return weights @ v, weights


random = np.random.default_rng(0)
words = patches / 255.0 - patches.mean() / 255.0
mixed, weights = attention(words, words, words)
eye = 14 * 5 + 5
near = np.argsort(-weights[eye])[:3].tolist()
print(f"each row sums to {weights[eye].sum():.6f}; the eye listens most to the words {near}")
assert np.allclose(weights.sum(axis=1), 1)
order = random.permutation(196)
shuffled, _ = attention(words[order], words[order], words[order])
print(
    "shuffled words give shuffled answers:", np.allclose(shuffled, mixed[order]), "  ← answer 2: nothing else changes"
)
assert np.allclose(shuffled, mixed[order])
pictures(photo=cat, who_the_eye_listens_to=weights[eye].reshape(14, 14))

# %% [markdown]
# **Answer 2**, in full: attention alone does not know where a word stood. So a position code is added to each word, and
# it is learnt. **Answer 3**: four times the words, 16 times the pairs. That is the price.
#
# ## Step by step: our ViT

# %%
model = sl.classify.vit(10, size=8, patch=2, dim=48, depth=3, num_heads=4, in_channels=1)
base = sum(p.numel() for p in sl.classify.vit(1000).parameters())
print(f"ViT-Base has {base / 1e6:.1f} million weights, ours {sum(p.numel() for p in model.parameters()):,}")
assert base == 86_567_656  # the published number
# Two later ones: DeiT has one more token, which learns from a teacher; Swin looks through windows that shift.
for name, built in {"deit": sl.classify.deit(), "swin": sl.classify.swin()}.items():
    print(f"{name}, tiny: {sum(p.numel() for p in built.parameters()) / 1e6:.1f} million weights")
for name, part in model.named_children():
    print(f"{name:12} {sum(p.numel() for p in part.parameters()):7,} weights")

# %%
digits = sl.data.open_dataset("digits")
train, test = digits.split("train"), digits.split("test")
x, y = torch.from_numpy(train.array[:, None] / np.float32(255)), torch.from_numpy(np.array(train.labels))
tx = torch.from_numpy(test.array[:, None] / np.float32(255))
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=12 * 23)
losses = []
model.train()
for _ in range(12):
    total = 0.0
    for batch in torch.randperm(len(x)).split(64):
        optimizer.zero_grad()
        loss = sl.nn.soft_cross_entropy(model(x[batch]), y[batch])
        loss.backward()
        optimizer.step()
        schedule.step()
        total += float(loss.detach()) * len(batch) / len(x)
    losses.append(total)
model.eval()


def share_right(images):
    """Return the accuracy on test images."""
    with torch.no_grad():
        return sl.metrics.accuracy(test.labels, model(images).argmax(1).numpy())


print("loss by round:", np.round(losses, 2).tolist())
print(f"right: {share_right(tx):.1%} of new digits  ← answer 4: no, not with so few")
assert losses[-1] < losses[0] / 4
assert share_right(tx) > 0.85

# %% [markdown]
# Does our trained model use the places? Swap the patches of the digits, all alike, and ask again.

# %%
cut = tx.reshape(-1, 4, 2, 4, 2).permute(0, 1, 3, 2, 4).reshape(-1, 16, 2, 2)
moved = cut[:, torch.from_numpy(np.random.default_rng(1).permutation(16))]
swapped = moved.reshape(-1, 4, 4, 2, 2).permute(0, 1, 3, 2, 4).reshape(-1, 1, 8, 8)
print(f"with swapped patches: {share_right(swapped):.0%}. It has learnt where things belong.")
assert share_right(swapped) < 0.5

# %% [markdown]
# ## Our source

# %%
print(source_of(type(model).forward))

# %% [markdown]
# ## The peer's answer beside ours

# %%
q, k, v = (torch.from_numpy(random.normal(size=(1, 1, 20, 16))) for _ in range(3))
theirs = torch.nn.functional.scaled_dot_product_attention(q, k, v)[0, 0].numpy()
ours, _ = attention(*(t[0, 0].numpy() for t in (q, k, v)))
print(f"our eight lines against PyTorch's attention: largest difference {np.abs(ours - theirs).max():.1e}")
assert np.abs(ours - theirs).max() < 1e-9

# %% [markdown]
# ## Where it fails
#
# It has to learn from examples what a convolution is born with. Give it a tenth of the digits.

# %%
torch.manual_seed(0)
model = sl.classify.vit(10, size=8, patch=2, dim=48, depth=3, num_heads=4, in_channels=1)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
model.train()
for _ in range(40):
    optimizer.zero_grad()
    sl.nn.soft_cross_entropy(model(x[:144]), y[:144]).backward()
    optimizer.step()
model.eval()
few = share_right(tx)
nearest = train.array[:144].reshape(144, -1).astype(float)
apart = ((test.array.reshape(len(test), 1, -1).astype(float) - nearest[None]) ** 2).sum(axis=2)
simple = sl.metrics.accuracy(test.labels, np.asarray(train.labels)[:144][apart.argmin(1)])
print(f"144 examples: transformer {few:.0%}, nearest example {simple:.0%}")
assert few < simple

# %% [markdown]
# ## Exercise
#
# Write `attend(q, k, v)`: attention in NumPy. `q` is N×d, `k` and `v` have M rows. Return N rows. Take each row's
# maximum off before `np.exp`.

# %% tags=["exercise"]
import numpy as np


def attend(q, k, v):
    """Return softmax(q kᵀ / √d) v."""
    raise NotImplementedError("your turn")


# %% [markdown]
# ## What you take with you
#
# - Patches are words; attention is a weighted mean whose weights are computed.
# - Without position codes there are no places.
# - All pairs: powerful, and quadratic.

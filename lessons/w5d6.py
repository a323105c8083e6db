# %% [markdown]
# # w5d6 · Look inside a network
#
# **Question.** What does every layer see, and what can it see at all?
#
# On w5d3 you asked a network where it looked. Today you open it: its filters, what each layer makes of a picture, which
# pixels a unit can see, which pattern it waits for, who attends to whom, and which pictures it holds to be alike. The
# lab has a room for it: the model inspector.
#
# ## Predict first
#
# 1. Three 3×3 convolutions in a row: how many pixels does one unit of the last see across? And with a 2×2 pool after
#    each of the first two?
# 2. Does a unit listen to all the pixels that it can see?
# 3. A network that was never trained: do its feature maps look like noise?
# 4. A patch of a transformer holds most of which patch after two layers?

# %%
import numpy as np
import torch

import sightline as sl
from sightline.lab.blackboard import pictures, source_of

torch.manual_seed(0)
torch.set_num_threads(1)
digits = sl.data.open_dataset("digits")


def tensors(split):
    """Return the digits as N×1×16×16 pictures, and their labels."""
    found = np.stack([sl.to_float(sl.image.resize(small, (16, 16))) for small in split.array])[:, None]
    return torch.from_numpy(found), torch.from_numpy(np.array(split.labels))


x, y = tensors(digits.split("train"))
tx, ty = tensors(digits.split("test"))
pictures(digits=np.hstack(list(x[:8, 0].numpy())))

# %% [markdown]
# ## The idea in words
#
# A layer is a stack of pictures: map $k$ is bright where the pattern of kernel $k$ was found. To draw them is to look
# inside. Which part of the input a place of a map stands for is arithmetic: every window adds to the reach, every
# stride makes the steps of all that follows longer.
#
# ## The equation
#
# Layer $l$ has a kernel of $k_l$, stride $s_l$, padding $p_l$. The step $j$, the reach $r$ and the first centre $c$
# start with $j_0 = r_0 = 1$, $c_0 = 0$:
#
# $$ r_l = r_{l-1} + (k_l - 1)\, j_{l-1}, \qquad
#    c_l = c_{l-1} + \Bigl(\tfrac{k_l - 1}{2} - p_l\Bigr) j_{l-1}, \qquad
#    j_l = s_l\, j_{l-1} $$


# %%
def network():
    """Return a small convolution network for the digits."""
    torch.manual_seed(1)
    layers = torch.nn
    return layers.Sequential(
        layers.Conv2d(1, 12, 3, padding=1),
        layers.ReLU(),
        layers.MaxPool2d(2),
        layers.Conv2d(12, 24, 3, padding=1),
        layers.ReLU(),
        layers.MaxPool2d(2),
        layers.Conv2d(24, 32, 3, padding=1),
        layers.ReLU(),
        layers.AdaptiveMaxPool2d(1),
        layers.Flatten(),
        layers.Linear(32, 10),
    )


def fit(net, rate, epochs):
    """Train with Adam."""
    optimizer = torch.optim.Adam(net.parameters(), lr=rate)
    shuffle = torch.Generator().manual_seed(0)
    net.train()
    for _ in range(epochs):
        for batch in torch.randperm(len(x), generator=shuffle).split(64):
            optimizer.zero_grad()
            sl.nn.soft_cross_entropy(net(x[batch]), y[batch]).backward()
            optimizer.step()
    return net.eval()


def share_right(net):
    """Return the accuracy on the digits that were held back."""
    with torch.no_grad():
        return sl.metrics.accuracy(ty.numpy(), net(tx).argmax(1).numpy())


model = fit(network(), 5e-3, 8)
print(f"right: {share_right(model):.0%}")
assert share_right(model) > 0.9

# %% [markdown]
# ## Step by step: feature maps
#
# Scrub from the picture to the answer. The maps get smaller and say more: from strokes to parts of digits.

# %%
digit = tx[3]
maps = sl.explain.feature_maps(model, digit)
print({name: maps[name].shape for name in maps})
assert maps["0"].shape == (12, 16, 16)
assert maps["6"].shape == (32, 4, 4)
sl.trace(sl.explain.feature_maps, model, digit)

# %% [markdown]
# The filters of the first layer are small pictures themselves: what a unit compares its window with.

# %%
kernels = sl.explain.filters(model)
assert np.abs(kernels - model[0].weight.detach().numpy()[:, 0]).max() < 1e-6
sl.trace(sl.explain.filters, model)

# %% [markdown]
# ## Which pixels can it see?
#
# `receptive_field` follows the operations that run. And it measures: whose gradient is not zero?

# %%
plain = torch.nn.Sequential(*[torch.nn.Conv2d(1, 1, 3, padding=1) for _ in range(3)])
three = sl.explain.receptive_field(plain, shape=(1, 32, 32))
pooled = sl.explain.receptive_field(model, "6", shape=(1, 64, 64), images=32)
print(
    f"three convolutions: {three.size}, with pools between them: {pooled.size}, a step of {pooled.stride}  ← answer 1"
)
x1, y1, x2, y2 = pooled.box(*pooled.unit).astype(int)
window = pooled.influence[y1:y2, x1:x2]
rim = np.ones_like(window, bool)
rim[2:-2, 2:-2] = False
print(f"a pixel of its rim moves it {window[rim].mean() / window[6:-6, 6:-6].mean():.0%} as far as one in the middle")
assert three.size == (7, 7)
assert pooled.size == (18, 18)
assert window[rim].mean() < 0.5 * window[6:-6, 6:-6].mean()  # answer 2: to the rim it hardly listens
assert np.array_equal(three.measured, three.box(*three.unit))
sl.trace(sl.explain.receptive_field, model, "6", shape=(1, 64, 64), images=32)

# %% [markdown]
# ## Which pattern does it wait for?
#
# A deconvnet runs the network backwards from the brightest place of one map. What comes out lies within the receptive
# field of that place: nothing else could have mattered.

# %%
strongest = int(maps.strongest("6", 1)[0])
pattern = sl.explain.deconvnet(model, digit, strongest, layer="6")[..., 0]
row, column = np.unravel_index(maps["6"][strongest].argmax(), (4, 4))
x1, y1, x2, y2 = np.clip(sl.explain.receptive_field(model, "6", shape=(1, 16, 16), images=0).box(row, column), 0, 16)
outside = np.ones((16, 16), bool)
outside[int(y1) : int(y2), int(x1) : int(x2)] = False
print(f"map {strongest} is brightest in row {row}, column {column}; outside its field the pattern is 0")
assert not pattern[outside].any()
assert pattern.any()
pictures(digit=digit[0].numpy(), pattern=pattern)

# %% [markdown]
# ## Who attends to whom?
#
# A transformer has no windows: every patch may look at every other one, from the first layer on.

# %%
torch.manual_seed(0)
former = fit(sl.classify.vit(10, size=16, patch=4, dim=32, depth=2, num_heads=2, in_channels=1), 3e-3, 8)
heads = sl.explain.attention_map(former, digit)
rolled = sl.explain.attention_rollout(former, digit)
print(
    f"right: {share_right(former):.0%}; {heads.shape[0]} heads, {heads.shape[1]} tokens: the class token and 16 patches"
)
own = float(np.mean(rolled[1:].argmax(axis=1) == np.arange(1, 17)))
print(f"{own:.0%} of the patches hold most of themselves, by the shortcuts  ← answer 4")
assert share_right(former) > 0.5
assert np.allclose(heads.sum(axis=2), 1, atol=1e-5)
assert np.allclose(rolled.sum(axis=1), 1, atol=1e-5)
assert own > 0.9
sl.trace(sl.explain.attention_rollout, former, digit)

# %% [markdown]
# ## Which pictures are alike to it?
#
# The last layer reads one row of numbers for each picture. Lay the pictures out by the two directions in which these
# rows differ most. `found.save("map.html")` writes a page to hover over.

# %%
names = [str(label) for label in ty[:120].tolist()]
found = sl.explain.embedding_plot(model, tx[:120], names)


def neighbours(points):
    """Return how often the nearest other point has the same label."""
    apart = ((points[:, None] - points[None]) ** 2).sum(-1) + np.diag(np.full(len(points), np.inf))
    return float(np.mean(ty[:120].numpy()[apart.argmin(1)] == ty[:120].numpy()))


fresh = sl.explain.embedding_plot(network().eval(), tx[:120], names)
print(
    f"nearest neighbour of the same digit: {neighbours(found.points):.0%} on the map, {neighbours(found.features):.0%}"
)
print(
    f"in the features; before training {neighbours(fresh.points):.0%} on the map. It shows {sum(found.explained):.0%}."
)
assert neighbours(found.features) > neighbours(found.points) > neighbours(fresh.points)
pictures(map=found.draw())

# %% [markdown]
# ## Our source

# %%
print(source_of(sl.explain.attention_rollout))

# %% [markdown]
# ## The peer's answer beside ours

# %%
try:
    from sklearn.decomposition import PCA
except ModuleNotFoundError:
    print("scikit-learn is not installed here; pip install scikit-learn shows its answer.")
else:
    theirs = PCA(2, svd_solver="full").fit_transform(found.features.astype(np.float64))
    apart = np.abs(np.abs(theirs) - np.abs(found.points)).max()
    print(f"the map, largest difference from scikit-learn but for the sign: {apart:.1e}")
    assert apart < 1e-4

# %% [markdown]
# ## Where it fails
#
# **Answer 3.** A network that was never trained also gives maps in which you see the digit: a random kernel blurs or
# sharpens, and your eye does the rest. That you recognise something does not mean that it was learnt.

# %%
random_maps = sl.explain.feature_maps(network(), digit)
alike = [abs(np.corrcoef(m.ravel(), digit[0].numpy().ravel())[0, 1]) for m in random_maps["0"]]
print(f"random filters: the map most like the digit correlates by {max(alike):.2f}")
assert max(alike) > 0.7
pictures(digit=digit[0].numpy(), random_maps=random_maps.draw("0"))

# %% [markdown]
# ## Exercise
#
# Write `field(layers)`: `layers` is a list of (kernel, stride, padding), from the picture on. Return the reach, the
# step and the first centre (r, j, c) of the last one by the three equations.

# %% tags=["exercise"]


def field(layers):
    """Return reach, step and first centre of the last layer."""
    raise NotImplementedError("your turn")


# %% [markdown]
# ## What you take with you
#
# - Maps say what was found and where; the receptive field says what could be found at all.
# - A unit hears the middle of its field, and hardly its rim.
# - Every picture of a network is drawn by rules. Draw an untrained one first: what both show, nobody has learnt.

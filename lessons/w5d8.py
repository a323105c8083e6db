# %% [markdown]
# # w5d8 · Pictures that a network makes
#
# **Question.** What does a network dream of, and how does it paint?
#
# Until now the picture stood still, and the weights followed the gradient. Today the weights stand still, and the
# *picture* follows it. Five things come of that one change.
#
# ## Predict first
#
# 1. Start from grey noise and climb the score of one class for 40 steps. Is what you get a photo of the class?
# 2. From which layers can a picture be found again: the first ones, or the last ones?
# 3. Cut a painting into tiles and shuffle them. Has its style changed?
# 4. Optimising a picture takes hundreds of passes. How many does a network take that has learnt to do it?

# %%
import numpy as np
import torch

import sightline as sl
from sightline.lab.blackboard import pictures, source_of

torch.manual_seed(0)
torch.set_num_threads(1)
random = np.random.default_rng(0)


def photo(name, side=64):
    """Return a sample photo of ``side`` pixels a side, float32."""
    image = sl.data.sample(name)
    side_now = min(image.shape[:2])
    square = np.ascontiguousarray(image[:side_now, :side_now])
    return sl.image.resize(sl.to_float(square), (side, side))


NAMES = ("cat", "coffee", "china", "flower")
photos = {name: photo(name) for name in NAMES}
pictures(**photos)

# %% [markdown]
# ## The idea in words
#
# A network is a chain of functions, and every one of them has a slope: with respect to its weights, and just as well
# with respect to its input. Say what you want of the answer, and let the picture go there:
#
# - *class visualization*: the score of a class shall be large;
# - *deep dream*: what a layer answers already shall be larger;
# - *feature inversion*: a layer shall answer as it does to another picture;
# - *style transfer*: one layer as to a photo, and the *correlations* of several as to a painting.
#
# ## The equation
#
# With $F_i(p)$ the map of channel $i$ at place $p$, the Gram matrix forgets the places:
#
# $$ G_{ij} = \frac{1}{HW} \sum_p F_i(p)\, F_j(p) $$
#
# And style transfer of photo $c$ and painting $s$ looks for
#
# $$ \arg\min_x\; \frac{\lVert F(x) - F(c) \rVert^2}{\lVert F(c) \rVert^2}
#    + \lambda \frac{\lVert G(x) - G(s) \rVert^2}{\lVert G(s) \rVert^2} + \mu\, V(x) $$
#
# where $V$, the total variation, is the price of noise.
#
# ## A network to play with
#
# It learns to say from which of four photos a small patch was cut. That is enough to know something of colours and
# textures. A network that has seen a million photos paints better; the calls are the same.


# %%
def network():
    """Return a small convolution network."""
    layers = torch.nn
    return layers.Sequential(
        layers.Conv2d(3, 16, 3, padding=1),
        layers.ReLU(),
        layers.Conv2d(16, 24, 3, stride=2, padding=1),
        layers.ReLU(),
        layers.Conv2d(24, 32, 3, stride=2, padding=1),
        layers.ReLU(),
        layers.AdaptiveAvgPool2d(1),
        layers.Flatten(),
        layers.Linear(32, len(NAMES)),
    )


def patches(count, side=16):
    """Return patches B×3×side×side, and the index of the photo of each."""
    which = random.integers(0, len(NAMES), count)
    corners = random.integers(0, 64 - side, (count, 2))
    cut = [photos[NAMES[k]][y : y + side, x : x + side] for k, (y, x) in zip(which, corners, strict=True)]
    return torch.from_numpy(np.stack(cut)).permute(0, 3, 1, 2), torch.from_numpy(which)


model = network()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for _ in range(120):
    x, y = patches(32)
    optimizer.zero_grad()
    sl.nn.soft_cross_entropy(model(x - 0.5), y).backward()
    optimizer.step()


class Centred(torch.nn.Module):
    """The network with its pixels centred inside, as all of ours have them."""

    def __init__(self):
        super().__init__()
        self.layers = model

    def forward(self, images):
        """Return the scores."""
        return self.layers(images - 0.5)


net = Centred().eval()
x, y = patches(200)
with torch.no_grad():
    right = float((net(x).argmax(1) == y).float().mean())
print(f"{right:.0%} of fresh patches are told")
assert right > 0.8

# %% [markdown]
# ## Step by step: a class from noise
#
# **Answer 1.** No. It is what the network *looks for*: colours and strokes, over and over. Of SqueezeNet's tarantula
# you would see legs in all places, and no spider.

# %%
options = {"shape": (3, 32, 32), "iterations": 40, "jitter": 4}
trace = sl.trace(sl.explain.class_visualization, net, [0, 1, 2, 3], **options)
made = trace.result
with torch.no_grad():
    reached = net(torch.from_numpy(made).permute(0, 3, 1, 2)).diagonal()
    best = net(x).amax(dim=0)
print("score of what was made:   ", [f"{value:.1f}" for value in reached.tolist()])
print("best of 200 real patches: ", [f"{value:.1f}" for value in best.tolist()])
assert (reached > best).sum() >= 3
trace

# %% [markdown]
# ## A dream
#
# The same climb from a photo, and what climbs is whatever the layer has found there. Coarse first: large eyes, then
# small ones.

# %%
dream = sl.explain.deep_dream(net, photos["cat"], layer="layers.4", octaves=3, iterations=6, step=0.02, jitter=4)
changed = float(np.abs(dream - photos["cat"]).mean())
print(f"the mean pixel has moved by {changed:.2f}")
assert 0.02 < changed < 0.4
pictures(photo=photos["cat"], dream=dream)

# %% [markdown]
# ## What does a layer still know?

# %%
small = sl.image.resize(photos["cat"], (32, 32))
again = {
    layer: sl.explain.feature_inversion(net, small, layer=layer, iterations=60, smoothness=0.2)
    for layer in ("layers.0", "layers.4")
}
errors = {layer: float(np.sqrt(np.mean((found - small) ** 2))) for layer, found in again.items()}
print("root mean square error of the picture that was found:", {k: round(v, 3) for k, v in errors.items()})
assert errors["layers.0"] < errors["layers.4"]  # answer 2: the first ones
pictures(photo=small, first_layer=again["layers.0"], last_layer=again["layers.4"])

# %% [markdown]
# ## Style is what places do not matter to

# %%
painting = photos["coffee"]
tiles = [painting[r : r + 16, c : c + 16] for r in range(0, 64, 16) for c in range(0, 64, 16)]
shuffled = np.vstack([np.hstack([tiles[k] for k in row]) for row in random.permutation(16).reshape(4, 4)])


def style_of(image):
    """Return the Gram matrix of the first layer's maps."""
    with torch.no_grad():
        return sl.nn.gram_matrix(model[:2](torch.from_numpy(image).permute(2, 0, 1)[None] - 0.5))


def apart(one, other):
    """Return how far two styles are from each other."""
    return float(((style_of(one) - style_of(other)) ** 2).sum() / (style_of(other) ** 2).sum())


print(f"from the painting: shuffled {apart(shuffled, painting):.4f}, the cat {apart(photos['cat'], painting):.4f}")
assert apart(shuffled, painting) < 0.1 * apart(photos["cat"], painting)  # answer 3: hardly
noise = torch.rand(1, 3, 64, 64)
flat = torch.from_numpy(painting).permute(2, 0, 1)[None]
print(f"price of noise {sl.nn.total_variation(noise).item():.3f}, of a photo {sl.nn.total_variation(flat).item():.4f}")
assert sl.nn.total_variation(noise).item() > 10 * sl.nn.total_variation(flat).item()

# %%
trace = sl.trace(sl.explain.style_transfer, net, photos["cat"], painting, style_weight=30.0, iterations=40)
painted = trace.result
print(f"before {apart(photos['cat'], painting):.4f}, after {apart(painted, painting):.4f}")
assert apart(painted, painting) < 0.5 * apart(photos["cat"], painting)
trace

# %% [markdown]
# ## Learn to paint
#
# **Answer 4.** One. A second network learns to make the same loss small for *any* photo; the first one judges.

# %%
losses = []
painter = sl.explain.fast_style(
    net, painting, [*photos.values()], width=4, size=32, batch_size=2, iterations=40, progress=losses.append
)
print(f"loss {np.mean(losses[:5]):.2f} → {np.mean(losses[-5:]):.2f}")
assert np.mean(losses[-5:]) < np.mean(losses[:5])
pictures(photo=photos["china"], one_pass=painter.paint(photos["china"]))

# %% [markdown]
# ## Our source

# %%
print(source_of(sl.nn.gram_matrix))

# %% [markdown]
# ## Where it fails
#
# The score is higher than that of any photo, and the picture is not one. A high score is no proof of a good picture:
# between the photos there is room where the network says anything. On w9d4 someone uses that on purpose. Without blur
# and shifts it is worse: the score climbs higher still, on noise.

# %%
best_class = int((reached - best).argmax())
rough = sl.explain.class_visualization(net, best_class, shape=(3, 32, 32), iterations=40, decay=0.0, blur=0.0, jitter=0)
with torch.no_grad():
    score = net(torch.from_numpy(rough).permute(2, 0, 1)[None])[0, best_class].item()
noise_of = [sl.nn.total_variation(torch.from_numpy(p).permute(2, 0, 1)[None]).item() for p in (rough, made[best_class])]
print(f"score {score:.1f} instead of {reached[best_class]:.1f}; noise {noise_of[0]:.3f} instead of {noise_of[1]:.3f}")
assert score > reached[best_class]
pictures(rough=rough, kept_smooth=made[best_class])

# %% [markdown]
# ## Exercise
#
# Write `gram(maps)`: `maps` is K×H×W. Return the K×K matrix of the mean over all places of the products of two maps.

# %% tags=["exercise"]
import numpy as np


def gram(maps):
    """Return the K×K Gram matrix."""
    raise NotImplementedError("your turn")


# %% [markdown]
# ## What you take with you
#
# - The gradient goes to the picture as well as to the weights.
# - Content is a map; style is what the maps do together, wherever.
# - What a network is sure of need not look like anything.

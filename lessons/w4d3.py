# %% [markdown]
# # w4d3 · LeNet-5: convolution that learns
#
# **Question.** Why do shared weights beat more weights?
#
# On w4d1 a network learnt digits without knowing that pixels have neighbours. On w1d4 you made kernels by hand. Put the
# two together: let the network learn the kernels. That is LeNet-5, 1998, and it read a tenth of the cheques of the USA.
#
# ## Predict first
#
# 1. A layer from 28×28 to 6×24×24 numbers: how many weights if all are connected? How many as 6 kernels of 5×5?
# 2. Which has more weights in all, the perceptron of w4d1 on 28×28 pixels or LeNet-5?
# 3. Move the digit by three pixels. Which of the two is hurt more?
# 4. What do the learnt kernels look like?

# %%
import numpy as np
import torch

import sightline as sl
from sightline.lab.blackboard import pictures, source_of

torch.manual_seed(0)
torch.set_num_threads(1)
digits = sl.data.open_dataset("digits")


def tensors(split, offset=0):
    """Return the digits as 16×16 pictures in the middle of 28×28, moved right by ``offset``, and their labels."""
    large = np.zeros((len(split), 1, 28, 28), np.float32)
    for i, small in enumerate(split.array):
        large[i, 0, 6:22, 6 + offset : 22 + offset] = sl.to_float(sl.image.resize(small, (16, 16)))
    return torch.from_numpy(large), torch.from_numpy(np.array(split.labels))


x, y = tensors(digits.split("train"))
tx, ty = tensors(digits.split("test"))
pictures(digits=np.hstack(list(x[:8, 0].numpy())))

# %% [markdown]
# ## The idea in words
#
# A stroke is a stroke, wherever it is. So use the *same* weights at every place: a convolution. Then halve the picture,
# so that the next kernels see larger things made of the smaller ones. Twice. Then decide, as before.
#
# ## The equation
#
# Map $m$ of the first layer, with one 5×5 kernel for all places:
#
# $$ c_m(y, x) = \tanh\Bigl( b_m + \sum_{i=0}^{4} \sum_{j=0}^{4} w_m(i, j)\, I(y + i, x + j) \Bigr) $$

# %%
model = sl.classify.lenet5(10)
dense = sl.classify.mlp(10, size=28, in_channels=1)
count = {name: sum(p.numel() for p in net.parameters()) for name, net in (("lenet5", model), ("mlp", dense))}
kernels = sum(p.numel() for p in model.c1.parameters())
print(f"first layer: {784 * 6 * 24 * 24 + 6 * 24 * 24:,} weights fully connected, {kernels} as kernels ← answer 1")
print("in all:", count, "  ← answer 2")
assert kernels == 6 * 25 + 6
assert count["lenet5"] < count["mlp"] / 3

# %% [markdown]
# ## Step by step: train both


# %%
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
    net.eval()


def share_right(net, images, labels):
    """Return the accuracy."""
    with torch.no_grad():
        return sl.metrics.accuracy(labels.numpy(), net(images).argmax(1).numpy())


fit(model, 3e-3, 6)
fit(dense, 1e-3, 6)
right = {"lenet5": share_right(model, tx, ty), "mlp": share_right(dense, tx, ty)}
print({name: f"{value:.1%}" for name, value in right.items()})
assert right["lenet5"] > 0.9

# %% [markdown]
# Watch one digit on its way: six maps, halved, sixteen maps.

# %%
seven = tx[int(np.flatnonzero(ty.numpy() == 7)[0])][None]
maps = {}
hooks = [
    getattr(model, name).register_forward_hook(lambda m, i, o, name=name: maps.update({name: o}))
    for name in ("c1", "s2", "c3")
]
with torch.no_grad():
    model(seven)
for hook in hooks:
    hook.remove()


def tiles(values):
    """Lay maps side by side."""
    return np.hstack([np.pad(v, 1, constant_values=float(values.min())) for v in values])


print({name: tuple(value.shape[1:]) for name, value in maps.items()})
assert tuple(maps["c1"].shape[1:]) == (6, 28, 28)
assert tuple(maps["s2"].shape[1:]) == (6, 14, 14)
pictures(
    digit=seven[0, 0].numpy(),
    kernels_of_c1=tiles(model.c1.weight.detach()[:, 0].numpy()),
    maps_of_c1=tiles(maps["c1"][0].numpy()),
    maps_of_c3=tiles(maps["c3"][0].numpy()),
)

# %% [markdown]
# **Answer 4.** Some are edges and strokes, much as on w1d6, and nobody told it. Others still look like the chance that
# they began with: six rounds on 1,438 digits are little.
#
# ## Move the digit
#
# **Answer 3.** Both were trained in the middle only.

# %%
print("moved by     0      1      2      3 pixels")
table = {}
for name, net in (("lenet5", model), ("mlp", dense)):
    table[name] = [share_right(net, *tensors(digits.split("test"), k)) for k in range(4)]
    print(f"{name:8}", "  ".join(f"{value:5.0%}" for value in table[name]))
assert table["lenet5"][2] > table["mlp"][2]

# %% [markdown]
# ## Our source
#
# Convolve, halve, convolve, halve: the maps, as the paper names them.

# %%
print(source_of(type(model).maps))

# %% [markdown]
# ## The peer's answer beside ours
#
# The first layer is a correlation as of w1d4. Compute it with the image folder, and compare with PyTorch.

# %%
plain = model.normalize(seven)[0, 0].detach().numpy()
kernel = model.c1.weight.detach()[0, 0].numpy()
padding = model.c1.padding[0]
plain = np.pad(plain, padding)
by_hand = sl.image.correlate(plain, kernel, padding="valid", signed=True) + float(model.c1.bias.detach()[0])
theirs = (
    torch.nn.functional.conv2d(torch.from_numpy(plain)[None, None], model.c1.weight, model.c1.bias)[0, 0]
    .detach()
    .numpy()
)
print(f"sl.image.correlate against torch's conv2d: largest difference {np.abs(by_hand - theirs).max():.1e}")
assert np.abs(by_hand - theirs).max() < 1e-4

# %% [markdown]
# ## Where it fails
#
# Give it something that is no digit. It must answer with one of ten.

# %%
noise = torch.rand(200, 1, 28, 28, generator=torch.Generator().manual_seed(0))
with torch.no_grad():
    sure = torch.softmax(model(noise), 1).max(1).values
print(f"on pure noise it is {float(sure.mean()):.0%} sure on average, of something")
assert float(sure.mean()) > 0.2

# %% [markdown]
# ## Exercise
#
# Write `shared(width, kernel, maps)`: how many weights (with one bias for each map) a convolution layer has that makes
# `maps` maps with `kernel`×`kernel` weights from one picture of `width`×`width`, and how many a fully connected layer
# to the same number of outputs would have (no padding; one bias for each output). Return both as a tuple.


# %% tags=["exercise"]
def shared(width, kernel, maps):
    """Return (weights of the convolution, weights of the fully connected layer)."""
    raise NotImplementedError("your turn")


# %% [markdown]
# ## What you take with you
#
# - Same weights everywhere: fewer of them, and a shift does less harm.
# - Convolve, halve, convolve, halve, decide. Every network until 2020 is built so.

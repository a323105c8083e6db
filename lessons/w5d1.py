# %% [markdown]
# # w5d1 · ResNet
#
# **Question.** Why could nobody train deep networks before the shortcut?
#
# In 2014 a network of 56 layers was *worse* than one of 20, also on the examples that it was trained with. So it was
# not by-heart learning. It could not be trained. In 2015 one plus sign changed that.
#
# ## Predict first
#
# 1. A signal passes 50 layers, each halves it. What arrives? And what, if each layer *adds* to it?
# 2. ResNet-152 has more than 7 times the layers of ResNet-20. How many times the weights: 7, 50, 200?
# 3. ResNet-34 and ResNet-50 have about the same number of weights. Where do the 16 layers more come from?
# 4. A block whose weights are all zero: what does it compute with a shortcut?

# %%
import numpy as np
import torch

import sightline as sl
from sightline.lab.blackboard import pictures, source_of

torch.manual_seed(0)
torch.set_num_threads(1)

# %% [markdown]
# ## The idea in words
#
# A layer that has nothing to add should do nothing. For a plain layer "nothing" is hard to learn: it must become the
# identity. So let it learn only the *difference*, and add its input. Nothing is then zero, and zero is easy.
#
# ## The equation
#
# $$ y = x + F(x), \qquad \frac{\partial y}{\partial x} = 1 + \frac{\partial F}{\partial x} $$
#
# The 1 is the point. However small the second term, the gradient comes through.


# %%
def gradient_at_the_start(depth, shortcut):
    """Return how strongly the end of a chain of small layers pulls at its beginning."""
    torch.manual_seed(1)
    layers = [torch.nn.Linear(32, 32) for _ in range(depth)]
    x = torch.randn(8, 32, requires_grad=True)
    h = x
    for layer in layers:
        f = torch.tanh(layer(h))
        h = h + f if shortcut else f
    h.pow(2).mean().backward()
    return float(x.grad.norm())


depths = (5, 20, 50)
plain = [gradient_at_the_start(d, False) for d in depths]
short = [gradient_at_the_start(d, True) for d in depths]
for d, p, s in zip(depths, plain, short, strict=True):
    print(f"{d:2} layers: gradient at the first layer {p:.1e} plain, {s:.1e} with shortcuts")
assert plain[2] < 1e-6 * plain[0]  # answer 1: it vanishes
assert short[2] > short[0] / 10

# %% [markdown]
# ## Six networks, one block

# %%
networks = {
    "resnet20": sl.classify.resnet20(10, in_channels=1),
    "resnet18": sl.classify.resnet18(1000),
    "resnet34": sl.classify.resnet34(1000),
    "resnet50": sl.classify.resnet50(1000),
    "resnet101": sl.classify.resnet101(1000),
    "resnet152": sl.classify.resnet152(1000),
}
weights = {name: sum(p.numel() for p in net.parameters()) for name, net in networks.items()}
for name, count in weights.items():
    print(f"{name:10} {count / 1e6:6.2f} million weights")
print(
    f"resnet152 : resnet20 = {weights['resnet152'] / weights['resnet20']:.0f} ← answer 2: width costs, depth is cheap"
)
assert weights["resnet152"] > 200 * weights["resnet20"]
assert abs(weights["resnet50"] / weights["resnet34"] - 1) < 0.25
assert weights["resnet18"] == 11_689_512  # the published number

# %% [markdown]
# **Answer 3.** From 50 on a block is a *bottleneck*: 1×1 makes 256 channels 64, 3×3 works on 64, 1×1 makes them 256
# again. Three layers for the price of two.
#
# ## Step by step: shapes on the way

# %%
net = networks["resnet18"].eval()
shapes = []
hooks = [m.register_forward_hook(lambda m, i, o: shapes.append(tuple(o.shape[1:]))) for m in net.children()]
with torch.no_grad():
    scores = net(torch.rand(1, 3, 224, 224))
for hook in hooks:
    hook.remove()
print("channels × height × width:", shapes)
assert scores.shape == (1, 1000)

# %% [markdown]
# **Answer 4.** The identity. Set all weights of a chain to zero and see.

# %%
x = torch.randn(2, 16, 8, 8)
block = next(m for m in networks["resnet20"].modules() if type(m).__name__ == "Basic")
zeroed = {name: torch.zeros_like(value) for name, value in block.state_dict().items() if value.dtype.is_floating_point}
block.load_state_dict({**block.state_dict(), **zeroed})
block.eval()
with torch.no_grad():
    out = block(x)
print("a zero block changes", float((out - torch.relu(x)).abs().max()), "(after its ReLU)")
assert torch.allclose(out, torch.relu(x))

# %% [markdown]
# ## The relatives
#
# Each of these networks changed one thing. Read the years and the weights: accuracy first grew with the weights, and
# then without them.
#
# | year | network | its one idea |
# |---|---|---|
# | 2012 | AlexNet | ReLU, dropout, two graphics cards |
# | 2013 | ZFNet | somebody looked inside: a finer first layer |
# | 2014 | VGG | only 3×3, but many |
# | 2014 | GoogLeNet | four kernels side by side, 1×1 in front |
# | 2015 | Inception v3 | a 7×7 is a 1×7 and a 7×1 |
# | 2016 | SqueezeNet | squeeze the channels first: AlexNet's accuracy, a fiftieth of its weights |
# | 2016 | Wide ResNet, DenseNet | wider instead of deeper; keep all earlier maps instead of adding |
# | 2017 | ResNeXt | the bottleneck in 32 groups |
# | 2018–19 | MobileNet v2 and v3 | the bottleneck inside out: narrow – wide, one filter a channel – narrow |
# | 2019 | EfficientNet | depth, width and size grow together |
# | 2022 | ConvNeXt | a ResNet that learnt from transformers |
# | 2024 | Airbench | the first layer is computed from the pictures; 94 % of CIFAR-10 in seconds on one GPU |

# %%
with torch.device("meta"):  # shapes without numbers: counting costs no memory
    relatives = {
        "alexnet": sl.classify.alexnet(),
        "zfnet": sl.classify.zfnet(),
        "vgg11": sl.classify.vgg11(),
        "vgg13": sl.classify.vgg13(),
        "vgg16": sl.classify.vgg16(),
        "vgg19": sl.classify.vgg19(),
        "googlenet": sl.classify.googlenet(),
        "inception_v3": sl.classify.inception_v3(),
        "squeezenet": sl.classify.squeezenet(),
        "wide_resnet": sl.classify.wide_resnet(),
        "densenet": sl.classify.densenet(),
        "resnext": sl.classify.resnext(),
        "mobilenet_v2": sl.classify.mobilenet_v2(),
        "mobilenet_v3": sl.classify.mobilenet_v3(),
        "efficientnet": sl.classify.efficientnet(),
        "convnext": sl.classify.convnext(),
        "airbench": sl.classify.airbench(),
    }
sizes = {name: sum(p.numel() for p in net.parameters()) for name, net in relatives.items()}
for name, count in sizes.items():
    print(f"{name:13} {count / 1e6:6.1f} million weights")
in_the_head = sum(p.numel() for p in relatives["vgg16"].head.parameters())
print(f"VGG-16 keeps {in_the_head / sizes['vgg16']:.0%} of its weights in the three layers that see everything.")
assert sizes["alexnet"] > 45 * sizes["squeezenet"]
assert in_the_head > 0.85 * sizes["vgg16"]

# %% [markdown]
# ## Train one

# %%
digits = sl.data.open_dataset("digits")
train, test = digits.split("train"), digits.split("test")
images, labels = (torch.from_numpy(train.array[:, None] / np.float32(255)), torch.from_numpy(np.array(train.labels)))
unseen = torch.from_numpy(test.array[:, None] / np.float32(255))
model = sl.classify.resnet20(10, in_channels=1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
losses = []
model.train()
for _ in range(3):
    for batch in torch.randperm(len(images)).split(64):
        optimizer.zero_grad()
        loss = sl.nn.soft_cross_entropy(model(images[batch]), labels[batch])
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
model.eval()
with torch.no_grad():
    right = sl.metrics.accuracy(test.labels, model(unseen).argmax(1).numpy())
print(f"20 layers, 3 rounds: loss {losses[0]:.2f} → {losses[-1]:.2f}, {right:.1%} of new digits")
assert right > 0.85
kernels = next(m for m in model.modules() if isinstance(m, torch.nn.Conv2d)).weight.detach()[:, 0].numpy()
pictures(first_kernels=np.hstack([np.pad(k, 1) for k in kernels]))

# %% [markdown]
# ## Our source
#
# The plus sign:

# %%
print(source_of(type(block).forward))

# %% [markdown]
# ## The peer's answer beside ours

# %%
try:
    from transformers import ResNetConfig, ResNetForImageClassification
except ModuleNotFoundError:
    print("transformers is not installed here; pip install transformers shows its answer.")
else:
    config = ResNetConfig(layer_type="basic", depths=[2, 2, 2, 2], hidden_sizes=[64, 128, 256, 512], num_labels=1000)
    theirs = sum(p.numel() for p in ResNetForImageClassification(config).parameters())
    print(f"weights of ResNet-18: ours {weights['resnet18']:,}, theirs {theirs:,}")
    assert theirs == weights["resnet18"]

# %% [markdown]
# ## Where it fails
#
# A shortcut lets you train; it does not make you right. Turn the digits upside down: it never saw that.

# %%
with torch.no_grad():
    turned = sl.metrics.accuracy(test.labels, model(unseen.flip(2).flip(3)).argmax(1).numpy())
print(f"digits upside down: {turned:.0%}")
assert turned < 0.7

# %% [markdown]
# ## Exercise
#
# Write `residual(x, layers)`: pass a 1-D array through square matrices. Each one does
# $x \leftarrow x + \max(0, W x)$. Do not change `x` itself.

# %% tags=["exercise"]
import numpy as np


def residual(x, layers):
    """Return x after all layers, each with its shortcut."""
    raise NotImplementedError("your turn")


# %% [markdown]
# ## What you take with you
#
# - Learn the difference, add the input. The gradient has a straight way back.
# - The same plus sign is in every transformer.

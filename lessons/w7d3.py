# %% [markdown]
# # w7d3 · Two stages
#
# **Question.** Why propose before you classify?
#
# A window at every place and every size (w7d2) asks the same question a hundred thousand times, so the question must be
# a cheap one. In 2014 the good question was a deep network, and it was anything but cheap. The way out: first *propose*
# a few hundred boxes that may hold something, then ask only those. Today: that idea, and how in two years it was folded
# into one network.
#
# ## Predict first
#
# 1. How many windows does a picture of 128×128 have, at every pixel, from 16×16 on, squares alone?
# 2. Of 100 proposals, how many must be good for the second stage to find everything?
# 3. R-CNN runs its network on each of 2,000 regions. They overlap. How often does it look at the same pixel?
# 4. A box is half as wide as its proposal. Which number should a network give: ½, −½, or something else?

# %%
import numpy as np
import torch

import sightline as sl
from sightline.detect.rcnn import ridge
from sightline.lab.blackboard import source_of

torch.set_num_threads(1)
SIDE = 128
windows = sum((SIDE - s + 1) ** 2 for s in range(16, SIDE + 1))
print(f"{windows:,} square windows  ← answer 1, before any other shape")
assert windows > 400_000

# %% [markdown]
# ## A small world
#
# Plain discs and striped squares of any colour on a mottled ground, so that colour alone decides nothing.

# %%
random = np.random.default_rng(3)
y, x = np.mgrid[:SIDE, :SIDE]


def scene(count=3, faint=0.0):
    """Draw a picture; return it with boxes and classes (0 disc, 1 square)."""
    ground = sl.image.gaussian_blur(random.integers(60, 120, (SIDE, SIDE, 3), dtype=np.uint8), 3.0)
    boxes, labels = [], []
    while len(boxes) < count:
        r, (cx, cy) = random.integers(11, 20), random.integers(22, SIDE - 22, 2)
        box = np.array([cx - r, cy - r, cx + r, cy + r])
        if boxes and sl.detect.iou(box[None], np.array(boxes)).max() > 0:
            continue
        label = int(random.integers(2))
        inside = (x - cx) ** 2 + (y - cy) ** 2 < r * r if label == 0 else (abs(x - cx) < r) & (abs(y - cy) < r)
        colour = random.integers(150, 256, 3) * random.permutation([1.0, 0.7, 0.2])
        if label == 1:
            colour = np.where((y[inside] // 3 % 2 == 0)[:, None], colour, 0.4 * colour)
        ground[inside] = ground[inside] * faint + colour * (1 - faint)
        boxes.append(box)
        labels.append(label)
    return ground, np.array(boxes, float), np.array(labels)


taught, asked = [scene() for _ in range(16)], [scene() for _ in range(6)]

# %% [markdown]
# ## The idea in words
#
# Things have outlines, colours, textures of their own. `selective_search` cuts a picture into small regions, joins the
# two most alike, again and again, and calls each region that ever lived a **proposal**. No class is known here, nothing
# is learned.

# %%
picture, truth, kinds = asked[0]
proposals = sl.image.selective_search(picture, mode="single", min_size=20)
covered = sl.detect.iou(proposals, truth).max(axis=0)
print(f"{len(proposals)} proposals instead of {windows:,} windows")
print(f"they cover the things by {covered.round(2).tolist()}; one for each is enough  ← answer 2")
assert len(proposals) < 500
assert covered.min() > 0.6
sl.trace(sl.image.selective_search, picture, mode="single", min_size=20)

# %% [markdown]
# ## The equation
#
# A proposal $p$ (centre $p_x, p_y$, sides $p_w, p_h$) is seldom exact. The second stage also says how to move it onto
# the thing $g$, in numbers that do not depend on how large the picture is:
#
# $$ t_x = \frac{g_x - p_x}{p_w}, \quad t_y = \frac{g_y - p_y}{p_h}, \quad
# t_w = \ln \frac{g_w}{p_w}, \quad t_h = \ln \frac{g_h}{p_h} $$
#
# Half as wide is $\ln \frac12 = -0.69$, twice as wide $+0.69$: equally far from "just right" (answer 4). All three
# detectors of today, and most one-stage ones, speak in these four numbers.

# %%
print(source_of(ridge))
print(f"half as wide: {np.log(0.5):.2f}, twice as wide: {np.log(2):+.2f}  ← answer 4")

# %% [markdown]
# ## R-CNN: describe each region
#
# Girshick and others, 2014: warp each proposal to a square, let a classifier's network describe it, ask one support
# vector machine for each class, and move the box by a ridge regression. The network comes from elsewhere and is not
# changed. Here a layer that nobody trained will do: strokes in four directions, even and odd, and the brightness.


# %%
class Strokes(torch.nn.Module):
    """Describe a picture by how strongly it is striped, in which direction."""

    def __init__(self):
        super().__init__()
        across, down = (torch.from_numpy(v.astype(np.float32)) for v in np.mgrid[-3:4, -3:4])
        window, kernels = torch.exp(-(across**2 + down**2) / 5), []
        for angle in np.arange(4) * np.pi / 4:
            along = across * np.cos(angle) + down * np.sin(angle)
            even = window * torch.cos(along * np.pi / 3)
            kernels += [window * along / (window * along).abs().sum(), even - even.mean()]
        self.register_buffer("kernels", torch.stack(kernels)[:, None])

    def features(self, pixels):
        """Return N×9×H×W: eight strengths and the brightness."""
        grey = pixels.mean(dim=1, keepdim=True)
        strokes = torch.nn.functional.conv2d(grey, self.kernels, padding=3).abs()
        return torch.cat([strokes, grey], dim=1)


detector = sl.detect.rcnn(Strokes(), ["disc", "square"], side=48, limit=60, cost=0.01)
detector.fit(*zip(*taught, strict=True))
found = [detector.detect(image, threshold=-1.0) for image, _, _ in asked]
truths = [sl.Detections(boxes, np.ones(len(boxes)), labels) for _, boxes, labels in asked]
score = sl.metrics.mean_average_precision(found, truths)
print(f"mean average precision at 0.5 on {len(asked)} new pictures: {score.ap50:.2f}")
print(f"there: {[(detector.names[k], b.tolist()) for k, b in zip(kinds, truth.astype(int), strict=True)]}")
for label, sure, box in list(zip(found[0].labels, found[0].scores, found[0].boxes, strict=True))[:4]:
    print(f"  {detector.names[label]:7} {sure:.2f} at {box.round().tolist()}")
assert score.ap50 > 0.6

# %% [markdown]
# ## Fast R-CNN: look once, cut later
#
# The regions of R-CNN overlap, and each pixel went through the network again for every one of them.
# `sl.detect.fast_rcnn` runs the network once over the whole picture and cuts the regions out of its *maps*, by RoIAlign
# (w7d1).

# %%
times = sum((box[2] - box[0]) * (box[3] - box[1]) for box in proposals) / SIDE**2
print(f"R-CNN looks at each pixel {times:.0f} times; Fast R-CNN once  ← answer 3")
assert times > 3
network = sl.detect.fast_rcnn(2, backbone="resnet18", resize=0, propose=lambda image: proposals[:40]).eval()
pixels = torch.from_numpy(sl.to_float(picture)).permute(2, 0, 1)[None]
with torch.no_grad():
    untaught = network(pixels)[0]
print(f"untaught, it has an opinion on every region and a reason for none: {len(untaught)} boxes")

# %% [markdown]
# ## Faster R-CNN: let the network propose
#
# What is slow now is the search for proposals, which nobody has taught anything. `sl.detect.faster_rcnn` gives it to
# the network: a small head looks at the maps and says for each anchor whether a thing is there and how to move onto it.
# One set of maps serves both stages. Four losses, two for each stage; an untaught head is undecided, so *thing or not*
# costs $\ln 2$.

# %%
torch.manual_seed(0)
model = sl.detect.faster_rcnn(2, backbone="resnet18", resize=0)
targets = [{"boxes": torch.from_numpy(truth).float(), "labels": torch.from_numpy(kinds)}]
losses = model.train()(pixels, targets)
print({name: round(float(loss.detach()), 3) for name, loss in losses.items()})
assert set(losses) - {"loss"} == {"classification", "boxes", "objectness", "proposals"}
assert abs(float(losses["objectness"].detach()) - np.log(2)) < 0.05
proposed = model.eval().propose(pixels)[0]
print(f"its first proposals: {len(proposed)} of them, none taught yet")

# %% [markdown]
# Both stages must be told which anchors and which proposals stand for which thing: `match`, as in w7d1. Of the anchors
# of one level, nearly all are background, so both stages draw a few of each kind instead of learning from all.

# %%
laid = np.concatenate(sl.detect.anchors((SIDE, SIDE), strides=(8,), sizes=(32.0,)))
stands_for = sl.detect.match(laid, truth, high=0.7, low=0.3)
print(f"{len(laid)} anchors, {(stands_for >= 0).sum()} stand for a thing")
assert 0 < (stands_for >= 0).sum() < 0.1 * len(laid)
sl.trace(sl.detect.match, laid, truth, high=0.7, low=0.3)

# %% [markdown]
# ## The peer's answer beside ours

# %%
try:
    from sklearn.linear_model import Ridge
except ModuleNotFoundError:
    print("scikit-learn is not installed here; pip install scikit-learn shows its answer.")
else:
    inputs, wanted = random.normal(size=(40, 12)), random.normal(size=(40, 4))
    theirs, ours = Ridge(alpha=10.0).fit(inputs, wanted), ridge(inputs, wanted, 10.0)
    apart = max(np.abs(theirs.coef_.T - ours[:-1]).max(), np.abs(theirs.intercept_ - ours[-1]).max())
    print(f"scikit-learn's ridge and ours are {apart:.0e} apart")
    assert apart < 1e-10

# %% [markdown]
# ## Where it fails
#
# What is never proposed is never found, however good the second stage is. Let the things fade into the ground:

# %%
for faint in (0.0, 0.9, 0.98):
    hits = []
    for _ in range(4):
        image, boxes, _ = scene(faint=faint)
        proposed = sl.image.selective_search(image, mode="single", min_size=20)
        hits += (sl.detect.iou(proposed, boxes).max(axis=0) >= 0.5).tolist()
    print(f"{faint:.0%} faded: {np.mean(hits):.0%} of the things have a proposal")
assert np.mean(hits) < 1

# %% [markdown]
# ## Exercise
#
# Write `encode(box, proposal)`: the four numbers $t_x, t_y, t_w, t_h$ that move a proposal onto a box. Both are
# (x1, y1, x2, y2) with positive sides. Return an array or a list of four numbers.

# %% tags=["exercise"]


def encode(box, proposal):
    """Return how a proposal must move and grow to lie on a box."""
    raise NotImplementedError("your turn")


# %% [markdown]
# ## What you take with you
#
# - Proposals turn half a million cheap questions into a few hundred good ones.
# - One pass of the network serves all regions; in Faster R-CNN it serves the proposals, too.
# - Boxes are told as shifts in units of the proposal, and growth as a logarithm.
# - What the first stage misses, the second never sees.

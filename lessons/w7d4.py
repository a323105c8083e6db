# %% [markdown]
# # w7d4 · One stage
#
# **Question.** How do you detect in one look?
#
# A detector of two stages first asks where something might be, and then looks at each place again. Today's detectors
# look once. One network, one pass, and every place of its maps answers at the same time: is there a thing, what is
# it, where does it end? Almost every place must answer "nothing". That is the trouble, and most of this lesson.
#
# ## Predict first
#
# 1. How many boxes does such a detector say about one picture: ten, a thousand, more than ten thousand?
# 2. 10 000 backgrounds are answered right with 99 %, 10 things with only 10 %. Who makes most of the loss?
# 3. Two boxes do not touch, and you train one to fit the other with 1 − IoU. Where does it go?
# 4. A thing of six pixels lies between the places of a grid of eight. Who learns it: anchors, points, both?

# %%
import numpy as np
import torch

import sightline as sl
from sightline.detect.fcos import PLACES, centreness, match_places
from sightline.detect.retinanet import ANCHORS, MATCHING
from sightline.detect.ssd import VARIANTS
from sightline.detect.yolo_v1 import decode as decode_v1
from sightline.detect.yolo_v1 import yolo_v1_loss
from sightline.lab.blackboard import source_of
from sightline.nn.box_overlap import overlap

torch.set_num_threads(1)
torch.manual_seed(0)

# %% [markdown]
# ## The idea in words
#
# Lay a grid over the picture. The cell in which the **middle** of a thing lies is the one that must find it. Seven by
# seven cells, two boxes each: that is the first YOLO, `sl.detect.yolo_v1`, and its whole answer is one small block of
# numbers. Those who came after it keep the idea and answer at more places:
#
# | Detector | What stands at a place | Who learns a thing |
# |---|---|---|
# | `sl.detect.yolo_v1` | two boxes, drawn freely | the cell of its middle |
# | `sl.detect.ssd` | four or six fixed shapes, six maps | shapes that overlap it by half, and its best one |
# | `sl.detect.yolo_v3` | three shapes, clustered from true boxes, three maps | the one shape most like it |
# | `sl.detect.retinanet` | nine fixed shapes, five maps | the same |
# | `sl.detect.fcos` | a point, five maps | points near its middle |
# | `sl.detect.yolo` | a point, three maps | points that name and box it best so far |
#
# Small ones for small machines answer the same way: `sl.detect.nanodet` (a point, three maps), `sl.detect.fastestdet`
# (a point, one map) and `sl.detect.yolo_fastest_v2` (three shapes, two maps) stand on a backbone in which half
# of the channels pass by untouched: 0.24 to 0.95 million weights, and `begin` reads those of their authors.

# %%
maps = [torch.zeros(1, 1, 512 // s, 512 // s) for s in (8, 16, 32, 64, 128)]  # only their sizes count
ssd_maps = [torch.zeros(1, 1, n, n) for n in (38, 19, 10, 5, 3, 1)]
says = {
    "yolo_v1, 448 px": 7 * 7 * 2,
    "ssd, 300 px": len(VARIANTS["ssd300"].defaults.boxes((300, 300), ssd_maps)),
    "yolo_v3, 416 px": 3 * (13**2 + 26**2 + 52**2),
    "retinanet, 512 px": len(torch.cat(ANCHORS.boxes((512, 512), maps))),
    "fcos, 512 px": len(torch.cat(PLACES.boxes((512, 512), maps))),
    "yolo, 512 px": 64**2 + 32**2 + 16**2,
}
print(*(f"{name:18} {count:6}" for name, count in says.items()), sep="\n")
print("← answer 1: a hundred at first, then thousands, and a picture has ten things")
assert says["ssd, 300 px"] == 8732  # the number in the paper
assert says["retinanet, 512 px"] == 9 * says["fcos, 512 px"]

# %% [markdown]
# ## The first: a grid, and one sum of squares
#
# $$ \lambda_{\text{coord}} \sum_{i,j} \mathbb{1}^{\text{obj}}_{ij} \left[ (x - \hat x)^2 + (y - \hat y)^2
# + (\sqrt w - \sqrt{\hat w})^2 + (\sqrt h - \sqrt{\hat h})^2 \right]
# + \sum_{i,j} \mathbb{1}^{\text{obj}}_{ij} (C - \hat C)^2
# + \lambda_{\text{noobj}} \sum_{i,j} \mathbb{1}^{\text{noobj}}_{ij} (C - \hat C)^2
# + \sum_{i} \mathbb{1}^{\text{obj}}_{i} \sum_c (p_c - \hat p_c)^2 $$
#
# Cell $i$, box $j$; $x, y$ are within the cell, $w, h$ shares of the picture, and $C$ should be the overlap that the
# box has reached. $\lambda_{\text{coord}} = 5$ and $\lambda_{\text{noobj}} = 0.5$: already here, backgrounds must be
# held down. The roots say that four pixels matter more in a small box than in a large one.

# %%
side, cells = 448, 7
thing = torch.tensor([[100.0, 150, 180, 270]])
said, names = torch.full((1, cells, cells, 2, 5), 0.1), torch.zeros(1, cells, cells, 3)
parts = yolo_v1_loss(said, names, [{"boxes": thing, "labels": torch.tensor([1])}], side)
x, y, w, h = 140 / 64, 210 / 64, 80 / 448, 120 / 448  # the middle in cells, the sides as shares
wanted = np.array([x % 1, y % 1, w**0.5, h**0.5])
by_hand = 5 * ((0.1 - wanted) ** 2).sum()
reached = float(overlap(decode_v1(said, side)[0, int(y), int(x), 0], thing[0]))
seen = (0.1 - reached) ** 2 + 0.5 * (cells * cells * 2 - 1) * 0.1**2
print(f"cell: column {int(x)}, row {int(y)}. Boxes {by_hand:.4f}, confidence {seen:.4f}, class 1.0000")
print({name: round(float(value), 4) for name, value in parts.items()})
assert np.allclose([parts["box_loss"], parts["object_loss"], parts["class_loss"]], [by_hand, seen, 1], atol=1e-4)
print(source_of(decode_v1))

# %% [markdown]
# ## Ten thousand easy answers
#
# Cross-entropy asks only $-\log p_t$, where $p_t$ is the probability that was given to the truth. At $p_t = 0.99$ it
# is small, and 10 000 times small is large. The **focal loss** multiplies each by how wrong it still is:
#
# $$ \mathrm{FL}(p_t) = -\alpha_t \, (1 - p_t)^\gamma \, \log p_t, \qquad
# \frac{\partial\, \mathrm{FL}}{\partial x} = \pm \alpha_t \, (1 - p_t)^\gamma \, (\gamma\, p_t \log p_t + p_t - 1) $$
#
# $x$ is the score before the sigmoid, the sign is + for a thing. With $\gamma = 0$ it is the cross-entropy again.

# %%
truth_got = torch.tensor([0.1, 0.3, 0.5, 0.9, 0.99])
print("p of truth", *(f"{float(p):9.2f}" for p in truth_got))
for gamma in (0.0, 1.0, 2.0, 5.0):
    curve = sl.nn.focal_loss(truth_got.logit(), torch.ones(5), alpha=1.0, gamma=gamma)
    print(f"gamma {gamma:4g}", *(f"{float(loss):9.6f}" for loss in curve))
plain, focal = (sl.nn.focal_loss(truth_got.logit(), torch.ones(5), alpha=1.0, gamma=g) for g in (0.0, 2.0))
assert torch.allclose(focal / plain, (1 - truth_got) ** 2, rtol=1e-4)  # at 0.9 a hundredth, at 0.99 a ten-thousandth

# %%
found = torch.cat([torch.full((10_000,), 0.01), torch.full((10,), 0.10)])  # what the network says: "a thing"
is_thing = torch.cat([torch.zeros(10_000), torch.ones(10)])
share = {}
for gamma in (0.0, 2.0):
    scores = found.logit().requires_grad_()
    losses = sl.nn.focal_loss(scores, is_thing, alpha=0.5, gamma=gamma)
    losses.sum().backward()
    pull = scores.grad.abs()
    losses = losses.detach()
    share[gamma] = float(losses[:10_000].sum() / losses.sum()), float(pull[:10_000].sum() / pull.sum())
    print(f"gamma {gamma:g}: backgrounds make {share[gamma][0]:.2%} of the loss, {share[gamma][1]:.2%} of the pull")
    p_t = torch.where(is_thing == 1, found, 1 - found)
    slope = 0.5 * (1 - p_t) ** gamma * (gamma * p_t * p_t.log() + p_t - 1)
    assert torch.allclose(scores.grad, slope * (2 * is_thing - 1), atol=1e-6)
print("← answer 2: the backgrounds, unless you quiet them")
assert share[0.0][0] > 0.8 > 0.01 > share[2.0][0]
assert share[0.0][1] > 0.9 > 0.01 > share[2.0][1]

# %% [markdown]
# There are other cures. SSD keeps the three hardest backgrounds for each thing and forgets the rest. RetinaNet begins
# its scores at 0.01, so that the first step is not all about background. Our `sl.detect.yolo` multiplies by
# $|\hat t - s|^2$: the same thought, for a wanted score $\hat t$ between 0 and 1.
#
# ## Anchors against points
#
# An anchor is a guess: how must *this shape* move to fit? A point has no shape: how far are the four sides *from here*?

# %%
size = (128, 128)
levels = [torch.zeros(1, 1, size[0] // s, size[0] // s) for s in (8, 16, 32, 64, 128)]
things = torch.tensor([[10.0, 14, 50, 46], [60, 20, 120, 110], [20, 70, 52, 118]])
anchors, by_level = torch.cat(ANCHORS.boxes(size, levels)), PLACES.boxes(size, levels)
places = torch.cat(by_level)
strides = places[:, 2] - places[:, 0]
spans = torch.stack([4 * strides, 8 * strides], dim=1)  # which distances a level answers for
spans[strides == 8, 0], spans[strides == 128, 1] = 0, torch.inf
by_shape, by_place = MATCHING(things, anchors), match_places(things, places, spans)
for name, learns in (("anchors", by_shape), ("points", by_place)):
    print(f"{len(learns):5} {name:7}: for each thing {[int((learns == i).sum()) for i in range(len(things))]}")
assert len(anchors) == 9 * len(places)
assert all((learns == i).any() for learns in (by_shape, by_place) for i in range(3))
sl.trace(sl.detect.match, anchors.double().numpy()[by_shape.numpy() != -1], things.double().numpy(), 0.5, 0.4)

# %%
first = int(torch.nonzero(by_place == 0)[0, 0])
px, py = ((places[first, :2] + places[first, 2:]) / 2).tolist()
x0, y0, x1, y1 = things[0].tolist()
four = torch.tensor([[px - x0, py - y0, x1 - px, y1 - py]])
print(f"the point ({px:g}, {py:g}) must say left, top, right, bottom: {four[0].tolist()}")
print(f"and how central it is: {float(centreness(four)[0]):.2f}, 1 in the middle and 0 at a side")
assert (four > 0).all()
assert 0 < float(centreness(four)[0]) <= 1

# %% [markdown]
# ## A loss that sees far
#
# Both must learn boxes. Four differences added up do not care what a box is *for*; the overlap does, but has no slope
# where nothing overlaps. `sl.nn.giou_loss` takes off the empty share of the smallest box around both, and has one.

# %%
target = torch.tensor([[40.0, 40, 60, 60]])


def walk(loss, steps=281):
    """Move a box down the slope of a loss; return it and its overlap on the way."""
    box, way = torch.tensor([[0.0, 4, 20, 24]], requires_grad=True), []
    moving = torch.optim.Adam([box], lr=0.8)
    for _ in range(steps):
        way.append((box.detach()[0].tolist(), float(overlap(box, target).detach())))
        moving.zero_grad()
        loss(box).sum().backward()
        moving.step()
    return way


blind, sees = walk(lambda box: 1 - overlap(box, target)), walk(lambda box: sl.nn.giou_loss(box, target))
print("1 − IoU ends at", blind[-1][0], "← answer 3: nowhere")
for step in range(0, 281, 40):
    print(f"1 − GIoU, step {step:3}: {np.round(sees[step][0]).tolist()}, overlap {sees[step][1]:.2f}")
assert blind[-1] == ([0, 4, 20, 24], 0)
assert sees[-1][1] > 0.85

# %% [markdown]
# Look at the way it goes: the box first **grows** until it touches, and only then shrinks to fit. That is slow, and why
# later losses, made of `sl.detect.diou` and `sl.detect.ciou`, pull on the centres too.

# %% [markdown]
# ## One look, for real
#
# Four pictures, one kind of thing, thirty steps. It learns them by heart, which is the test to make first: a detector
# that cannot do this has a mistake in it. The others take the same call, `model(batch, targets)`; where there is no
# `loss` among what they return, add it all up.

# %%
random = np.random.default_rng(1)
true = [[[6, 8, 30, 28]], [[34, 20, 58, 52]], [[4, 36, 24, 60], [36, 6, 60, 24]], [[20, 20, 44, 40]]]
pictures = random.uniform(0, 0.2, (4, 3, 64, 64)).astype(np.float32)
for picture, boxes in zip(pictures, true, strict=True):
    for a, b, c, d in boxes:
        picture[:, b:d, a:c] = 0.9
batch = torch.from_numpy(pictures)
targets = [{"boxes": torch.tensor(b, dtype=torch.float32), "labels": torch.zeros(len(b)).long()} for b in true]
model = sl.detect.yolo(1)
learning = torch.optim.AdamW(model.parameters(), lr=3e-3)
path = []
for _ in range(30):
    loss = model(batch, targets)["loss"]
    path.append(float(loss.detach()))
    learning.zero_grad()
    loss.backward()
    learning.step()
print("loss:", [round(v, 2) for v in path[::10]], "→", round(path[-1], 2))
assert path[-1] < path[0] / 4

# %%
model.eval()
with torch.no_grad():
    answer = model.look(batch)
    kept = model(batch)
for i, (got, boxes) in enumerate(zip(kept, true, strict=True)):
    best = sl.detect.iou(got.boxes[: len(boxes)].astype(float), np.array(boxes, float)).max(axis=0)
    sure = got.scores[: len(boxes)].astype(float).round(2)
    print(f"picture {i}: scores {sure.tolist()}, overlaps with the truth {best.round(2).tolist()}")
    assert best.min() > 0.6
print(f"each picture: {answer.logits.shape[1]} places say a box; the first stands at {answer.places[0].tolist()}")
assert answer.logits.shape[1] == 8**2 + 4**2 + 2**2

# %% [markdown]
# Neighbours say the same thing, so the raw answer still needs suppression. Here are the boxes of the third picture.

# %%
surest = answer.logits[2, :, 0].argsort(descending=True)[:14]
raw_boxes = answer.boxes()[2, surest].double().numpy()
raw_scores = answer.logits[2, surest, 0].sigmoid().double().numpy()
stay = sl.detect.nms(raw_boxes, raw_scores, 0.4)
print(f"{len(surest)} boxes, {len(stay)} stay, with scores {raw_scores[stay].round(2).tolist()}")
assert len(stay) < len(surest)
assert (raw_scores[stay] > 0.5).sum() == 2  # as many as there are things
sl.trace(sl.detect.nms, raw_boxes, raw_scores, threshold=0.4)

# %% [markdown]
# ## The peer's answer beside ours

# %%
logits, yes = torch.randn(1000), torch.rand(1000).round()
ours = sl.nn.focal_loss(logits, yes)
sign = 2 * yes - 1  # by PyTorch's own log-sigmoid, without a probability of the truth
by_torch = -(0.5 - 0.25 * sign) * (-sign * logits).sigmoid() ** 2 * torch.nn.functional.logsigmoid(sign * logits)
assert torch.allclose(ours, by_torch, atol=1e-6)
try:
    from torchvision.ops import sigmoid_focal_loss
except ModuleNotFoundError:
    print("The same as by log-sigmoid. torchvision is not installed here; pip install torchvision shows its answer.")
else:
    assert torch.allclose(ours, sigmoid_focal_loss(logits, yes), atol=1e-6)
    print("The same as by log-sigmoid, and as torchvision's.")

# %% [markdown]
# ## Where it fails
#
# Small things. A cell of the first YOLO has two boxes and one set of classes: of a flock of birds in one cell it
# cannot say three. A point learns only a thing that it lies in, and a tiny one can lie between all points. An anchor is
# given to it even so, of a shape that hardly overlaps it.

# %%
flock = torch.tensor([[200.0, 200, 212, 210], [220, 205, 232, 214], [205, 225, 218, 236]])
free = (torch.rand(1, cells, cells, 2, 5) * 0.5).requires_grad_()
yolo_v1_loss(free, names, [{"boxes": flock, "labels": torch.zeros(3).long()}], side)["box_loss"].backward()
learnt = int((free.grad[..., :4].abs().sum(dim=-1) > 0).sum())
print(f"three birds in one cell: {learnt} of them get a box")
assert 1 <= learnt <= 2

tiny = torch.tensor([[49.0, 49, 55, 55]])
points, shapes = match_places(tiny, places, spans) >= 0, MATCHING(tiny, anchors) >= 0
print(f"six pixels: {int(points.sum())} points, {int(shapes.sum())} anchors, of overlap", end=" ")
print(f"{float(overlap(anchors[shapes], tiny).max()):.3f}  ← answer 4: anchors only, and barely")
assert not points.any()
assert shapes.any()
assert float(overlap(anchors[shapes], tiny).max()) < 0.1

# %% [markdown]
# ## Exercise
#
# Write `decode(cells, distances, stride, side)`, what a detector of points says in pixels. `cells` is N×2 whole
# numbers: column and row of a cell. `distances` is N×4: left, top, right and bottom, **in strides**, measured from the
# middle of the cell, which is `stride` pixels wide. Return N×4 float64: x0, y0, x1, y1 in pixels, cut to 0…`side`.

# %% tags=["exercise"]


def decode(cells, distances, stride, side):
    """Return the boxes that the cells say, N×4 in pixels."""
    raise NotImplementedError("your turn")


# %% [markdown]
# ## What you take with you
#
# - One look: every place answers, and who must answer for which thing is decided by middle, by overlap, or by merit.
# - Almost all answers are easy backgrounds. The focal loss quiets them; hard ones picked by hand do as well.
# - Anchors guess shapes, points tell distances. A loss of boxes must have a slope where nothing overlaps.

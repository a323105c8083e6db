# %% [markdown]
# # w7d5 · Detection as a set
#
# **Question.** How do you detect without anchors and without suppression?
#
# Yesterday thousands of places answered, many of them about the same thing, and a rule that nobody learnt threw the
# doubles away. Today the answer is a **set**: a few queries, each of which becomes one thing or nothing. What a thing
# teaches is decided by all of them together, and so the doubles never come.
#
# ## Predict first
#
# 1. Two predictions, two things. The first prediction fits both best. Who gets it: always the thing that it fits best?
# 2. Two queries say exactly the same right box. What do they learn?
# 3. You give the queries in another order. What happens to the set of answers?
# 4. A picture's side doubles. By how much does the work grow if every place looks at every other one?

# %%
from itertools import pairwise, permutations

import numpy as np
import torch
from torch import nn

import sightline as sl
from sightline.detect.detr import DETR, DETRConfig
from sightline.detect.fit import Fit
from sightline.detect.set_loss import SetLoss
from sightline.detect.set_matching import HungarianMatcher, SetPrediction, SoftmaxRule, Weights
from sightline.lab.blackboard import source_of
from sightline.nn.deformable_attention import DeformableAttention, sample_levels
from sightline.nn.sine_position import sine_positions

torch.set_num_threads(1)
torch.manual_seed(0)

# %% [markdown]
# ## The idea: whom does each thing teach?
#
# Between $Q$ predictions and $M$ things there are many ways to pair them. Take the pairing $\sigma$ that costs least
# **altogether**:
#
# $$ \hat\sigma = \arg\min_\sigma \sum_i \; -\hat p_{\sigma(i)}(c_i)
# + \lambda_1 \lVert b_i - \hat b_{\sigma(i)} \rVert_1 - \lambda_2 \, \mathrm{GIoU}(b_i, \hat b_{\sigma(i)}) $$
#
# The Hungarian algorithm (Kuhn 1955) finds it without trying all of them. Trying all of them gives the same.

# %%
cost = np.array([[0.1, 0.2], [0.3, 5.0]])  # rows are predictions, columns are things
greedy = cost[0, 0] + cost[1, 1]  # each takes what is best for it, one after the other
ways = {order: sum(cost[row, column] for column, row in enumerate(order)) for order in permutations(range(2))}
print("all pairings:", {order: float(total) for order, total in ways.items()}, "greedy:", float(greedy))
best = min(ways, key=ways.__getitem__)
print("thing 0 gets prediction", best[0], "← answer 1: no, for the other thing would be left with a bad one")
assert best == (1, 0)
assert ways[best] == 0.5 < greedy

# %%
print(source_of(HungarianMatcher.cost))
random = torch.Generator().manual_seed(3)
logits, boxes = torch.randn(1, 6, 4, generator=random), torch.rand(1, 6, 4, generator=random) * 0.5 + 0.2
things = [{"labels": torch.tensor([0, 2, 1]), "boxes": torch.rand(3, 4, generator=random) * 0.5 + 0.2}]
matcher = HungarianMatcher(SoftmaxRule())
table = matcher.cost(logits[0], boxes[0], things[0]).numpy()
((rows, columns),) = matcher(SetPrediction(logits, boxes), things)
tried = min(permutations(range(6), 3), key=lambda order: sum(table[row, column] for column, row in enumerate(order)))
print("pairs (prediction, thing):", list(zip(rows.tolist(), columns.tolist(), strict=True)), "by trying:", tried)
assert sorted(zip(rows.tolist(), columns.tolist(), strict=True)) == sorted(zip(tried, range(3), strict=True))

# %% [markdown]
# ## What the others learn
#
# A pair learns its class and its box. **Everybody else learns that it is nothing**, the last class. That is where
# suppression has gone: it is in the loss.

# %%
same = torch.zeros(1, 2, 3).index_fill_(2, torch.tensor(0), 2.0).requires_grad_()  # two queries: both say class 0
place = torch.tensor([[[0.5, 0.5, 0.2, 0.2]] * 2])
one_thing = [{"labels": torch.tensor([0]), "boxes": place[0, :1]}]
SetLoss(matcher)([SetPrediction(same, place)], one_thing)["classification"].backward()
for query, slope in enumerate(same.grad[0]):
    print(f"query {query}: class 0 moves {-float(slope[0]):+.3f}, nothing moves {-float(slope[2]):+.3f}")
print("← answer 2: one learns to say it louder, the other learns to be silent")
first, second = same.grad[0]
assert first[0] < 0 < first[2]
assert second[2] < 0 < second[0]

# %% [markdown]
# ## The machine
#
# `sl.detect.detr` is short. A convolutional network makes a map; every place of it becomes a token with a position made
# of sines; an encoder lets the tokens look at each other; a decoder lets the queries look at each other and at the
# tokens; one small network reads each query. Here is all of the decoder:

# %%
print(source_of(DETR.layers))
codes = sine_positions(torch.ones(1, 8, 8, dtype=torch.bool), 32)[0].flatten(0, 1)
likeness = (codes @ codes.T)[8 * 3 + 5].reshape(8, 8)
print("the place most like row 3, column 5:", divmod(int(likeness.argmax()), 8))
assert divmod(int(likeness.argmax()), 8) == (3, 5)
assert likeness[3, 4] > likeness[3, 2] > likeness[3, 0]  # near places look alike

# %% [markdown]
# Let us build a very small one, for pictures of 48 pixels: a body of three convolutions, one encoder layer, two decoder
# layers, five queries. It learns four pictures by heart, in a few seconds. The real one needed 118 000 pictures and
# three days on eight processors: a set detector knows nothing about boxes beforehand, and must find it all out.

# %%
draw = np.random.default_rng(1)
true = [[[4, 6, 24, 22]], [[26, 14, 44, 40]], [[2, 26, 18, 44], [26, 4, 46, 20]], [[14, 14, 34, 32]]]
pictures = draw.uniform(0, 0.2, (4, 3, 48, 48)).astype(np.float32)
for picture, spots in zip(pictures, true, strict=True):
    for a, b, c, d in spots:
        picture[:, b:d, a:c] = 0.9
batch = torch.from_numpy(pictures)
targets = [{"boxes": torch.tensor(b, dtype=torch.float32), "labels": torch.zeros(len(b)).long()} for b in true]


class Body(nn.Sequential):
    """Three convolutions: 48 pixels become 6 places."""

    def __init__(self):
        widths = (3, 16, 32, 32)
        steps = [
            part
            for a, b in pairwise(widths)
            for part in (nn.Conv2d(a, b, 3, stride=2, padding=1), nn.BatchNorm2d(b), nn.ReLU())
        ]
        super().__init__(*steps)

    def forward(self, x):
        return [super().forward(x)]


model = DETR(1, Fit(nn.Identity(), 0, 0, multiple=1), Body(), 32, DETRConfig(32, 4, 1, 2, 64, 5, 0.0))
learning = torch.optim.AdamW(model.parameters(), lr=3e-3)
path = []
for _ in range(100):
    loss = model(batch, targets)["loss"]
    path.append(float(loss.detach()))
    learning.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    learning.step()
print("loss:", [round(v, 2) for v in path[::20]], "→", round(path[-1], 2))
assert path[-1] < path[0] / 3

# %%
model.eval()
for i, (got, spots) in enumerate(zip(model(batch), true, strict=True)):
    overlaps = sl.detect.iou(got.boxes[: len(spots)].astype(float), np.array(spots, float)).max(axis=0)
    print(f"picture {i}: scores {got.scores.astype(float).round(2).tolist()}, overlaps {overlaps.round(2).tolist()}")
    assert overlaps.min() > 0.5
    assert (got.scores > 0.5).sum() == len(spots)  # as many as there are things, and nothing was suppressed

# %%
before = model(batch)
with torch.no_grad():
    model.queries.weight.copy_(model.queries.weight.flip(0))
after = model(batch)
print("the same answers:", all(np.allclose(a.scores, b.scores, atol=1e-4) for a, b in zip(before, after, strict=True)))
print("← answer 3: nothing; a set has no order, and a query is only what it looks for")
assert all(np.allclose(a.boxes, b.boxes, atol=0.05) for a, b in zip(before, after, strict=True))

# %% [markdown]
# What did the surest query look at, and where was its box after each layer? `sl.explain.query_attention` is the lens.

# %%
sl.trace(sl.explain.query_attention, model, batch[2])

# %% [markdown]
# ## Look at a few places
#
# Everybody looks at everybody: $N$ tokens make $N^2$ pairs. So the map must be coarse, and small things suffer.
# `sl.detect.deformable_detr` lets each query choose a handful of **places**, between the pixels, on four maps at once:
#
# $$ \sum_h W_h \sum_{l, p} A_{hlp} \; W'_h \, x^l(\phi_l(\hat p) + \Delta p_{hlp}) $$

# %%
for side in (800, 1600):
    tokens = (side // 32) ** 2
    fine = sum((side // s) ** 2 for s in (8, 16, 32, 64))
    print(f"{side} px: {tokens} tokens, {tokens**2:,} pairs; on four maps {fine**2:,} pairs, or {fine * 16:,} places")
print("← answer 4: twice the side, four times the tokens, sixteen times the pairs; of the places only four times")

ramp = torch.arange(16.0).view(1, 16, 1, 1)  # a map of 4×4 whose value is 4·row + column
spot = torch.tensor([0.5, 0.25]).view(1, 1, 1, 1, 1, 2)  # x in the middle, y a quarter down
value = sample_levels(ramp, [(4, 4)], spot, torch.ones(1, 1, 1, 1, 1)).item()
print("between four pixels:", value, "by hand:", 4 * 0.5 + 1.5)
assert abs(value - (4 * 0.5 + 1.5)) < 1e-5

fresh = DeformableAttention(32, 8, 1, 4)
where, weights = fresh.look(torch.zeros(1, 1, 32), torch.full((1, 1, 1, 2), 0.5), [(16, 16)])
steps = ((where[0, 0, :, 0] - 0.5) * 16).round(decimals=2)
print("before it has learnt, each head looks its own way:", steps[:, 0].tolist())
assert torch.allclose(steps[0], torch.tensor([[1.0, 0], [2, 0], [3, 0], [4, 0]]))
assert torch.allclose(weights, torch.full_like(weights, 0.25))

# %% [markdown]
# ## The family
#
# | Detector | What is new |
# |---|---|
# | `sl.detect.detr` | a set; a hundred queries; 500 passes through COCO |
# | `sl.detect.deformable_detr` | a few places on four maps; boxes refined layer by layer; 50 passes |
# | `sl.detect.dino_detr` | queries chosen among the tokens; noisy true boxes as further queries, to be put right |
# | `sl.detect.rt_detr` | the coarse map alone attends, the others are fused by convolutions: fast enough for video |
# | `sl.detect.grounding_dino` | the class is a **phrase**: tokens of a sentence beside those of the picture |
#
# Their losses are all built from the same matcher; classes are then asked one by one, under the focal loss. In
# Grounding DINO the words look at the picture before anything is boxed: `sl.explain.word_attention` shows where.
#
# ## The peer's answer beside ours

# %%
try:
    from transformers.loss.loss_for_object_detection import HungarianMatcher as Peer
except ModuleNotFoundError:
    print("Trying all pairings gave the same, above. pip install transformers shows its answer.")
else:
    wanted = [{"class_labels": things[0]["labels"], "boxes": things[0]["boxes"]}]
    ((peer_rows, peer_columns),) = Peer(1, 5, 2)({"logits": logits, "pred_boxes": boxes}, wanted)
    assert torch.equal(peer_rows, rows)
    assert torch.equal(peer_columns, columns)
    print("The same pairs as transformers'.")

# %% [markdown]
# ## Where it fails
#
# More things than queries: the rest teaches nobody. And early on the pairing jumps from step to step, so a query is
# pulled here and there. That is why it learns slowly, and what the noisy queries of `dino_detr` cure.

# %%
flock = [{"labels": torch.zeros(9).long(), "boxes": torch.rand(9, 4, generator=random) * 0.2 + 0.3}]
((taught, _),) = matcher(SetPrediction(logits, boxes), flock)
print(f"nine birds, six queries: {len(taught)} birds teach")
assert len(taught) == 6

jumps, pairs = 0, None
walk = SetPrediction(logits.clone(), boxes.clone())
for _ in range(20):
    now = matcher(SetPrediction(walk.logits + 0.5 * torch.randn(1, 6, 4, generator=random), walk.boxes), things)[0]
    jumps += pairs is not None and not torch.equal(torch.cat(now), pairs)
    pairs = torch.cat(now)
print(f"a little noise on the classes, twenty times: the pairing changed {jumps} times")
assert jumps > 3
only_boxes = HungarianMatcher(SoftmaxRule(), Weights(0.0, 5.0, 2.0))
assert torch.equal(only_boxes(SetPrediction(logits, boxes), things)[0][0], only_boxes(walk, things)[0][0])

# %% [markdown]
# ## Exercise
#
# Write `set_cost(p, boxes, labels, truth)`. `p` is Q×K, the probability of each class; `boxes` is Q×4 and `truth` M×4,
# both (centre x, centre y, width, height) as shares; `labels` are M class numbers. Return Q×M:
# $-p + 5\,\lVert b - \hat b \rVert_1 - 2\,\mathrm{GIoU}$. `sl.detect.giou` wants corners.

# %% tags=["exercise"]


def set_cost(p, boxes, labels, truth):
    """Return what it costs to give each prediction to each thing, Q×M."""
    raise NotImplementedError("your turn")


# %% [markdown]
# ## What you take with you
#
# - A set is matched as a whole; what is not matched learns to be nothing, and suppression is no longer needed.
# - Queries are learnt questions; attention is how they get their answers, and the lens shows where they look.
# - Looking at a few chosen places makes fine maps affordable, and learning ten times as fast.

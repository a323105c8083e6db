# %% [markdown]
# # w5d3 · Where does it look?
#
# **Question.** Which pixels decided?
#
# A network says "cross". Did it see the cross? Or the stain in the corner that all crosses in your data happen to have?
# Today we build a network that we know to be right, one that we know to be cheated, and ask both.
#
# ## Predict first
#
# 1. The gradient of a score at a pixel: what does it say, in one sentence?
# 2. Cover a part of the picture with grey. When does the score fall?
# 3. Grad-CAM looks at the *last* feature maps. How fine can its picture be?
# 4. All training crosses have a white dot in the corner. What does the network learn?

# %%
import numpy as np
import torch

import sightline as sl
from sightline.lab.blackboard import pictures, source_of

torch.manual_seed(0)
torch.set_num_threads(1)
random = np.random.default_rng(0)


def scene(kind, dot=False):
    """Return a noisy 32×32 picture with a ring (0) or a cross (1) somewhere, and the place of its centre."""
    picture = random.normal(0.4, 0.08, (32, 32))
    cy, cx = random.integers(8, 24, 2)
    y, x = np.mgrid[0:32, 0:32]
    r = np.hypot(y - cy, x - cx)
    shape = (np.abs(r - 4) < 1) if kind == 0 else ((np.abs(y - cy) < 1.5) | (np.abs(x - cx) < 1.5)) & (r < 5.5)
    picture[shape] = 0.7
    if dot:
        picture[1:4, 1:4] = 1.0
    return np.clip(picture, 0, 1).astype(np.float32), (int(cx), int(cy))


examples = [scene(i % 2) for i in range(8)]
pictures(rings_and_crosses=np.hstack([picture for picture, _ in examples]))

# %% [markdown]
# ## The idea in words
#
# Three questions to a network, three answers:
#
# - *saliency*: if this pixel were a little brighter, how much would the score change? One gradient.
# - *occlusion*: if I cover this place, how far does the score fall? Many forward passes, no gradient.
# - *Grad-CAM*: which of the last feature maps speak for the class, and where are they bright?
#
# ## The equation
#
# With $A_k$ the last feature maps and $s$ the score of the class:
#
# $$ \alpha_k = \frac{1}{HW} \sum_{y, x} \frac{\partial s}{\partial A_k(y, x)}, \qquad
#    \text{CAM} = \max\Bigl(0, \sum_k \alpha_k A_k\Bigr) $$


# %%
def network():
    """Return a small convolution network."""
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Conv2d(1, 12, 5, padding=2),
        torch.nn.ReLU(),
        torch.nn.MaxPool2d(2),
        torch.nn.Conv2d(12, 24, 5, padding=2),
        torch.nn.ReLU(),
        torch.nn.AdaptiveMaxPool2d(1),
        torch.nn.Flatten(),
        torch.nn.Linear(24, 2),
    )


def fit(model, cheat):
    """Train on fresh scenes; with ``cheat`` every cross has a dot in the corner."""
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for _ in range(60):
        kinds = random.integers(0, 2, 32)
        images = torch.from_numpy(np.stack([scene(k, cheat and k == 1)[0] for k in kinds])[:, None])
        optimizer.zero_grad()
        sl.nn.soft_cross_entropy(model(images), torch.from_numpy(kinds)).backward()
        optimizer.step()
    return model.eval()


def test_scenes(dot):
    """Return 100 scenes with their kinds and places; ``dot(kind)`` says who has a dot."""
    kinds = random.integers(0, 2, 100)
    found = [scene(k, dot(k)) for k in kinds]
    return torch.from_numpy(np.stack([f[0] for f in found])[:, None]), kinds, [f[1] for f in found]


honest, cheated = fit(network(), False), fit(network(), True)
clean = test_scenes(lambda kind: False)
dotted = test_scenes(lambda kind: kind == 1)


def right(model, scenes):
    """Return the accuracy."""
    with torch.no_grad():
        return sl.metrics.accuracy(scenes[1], model(scenes[0]).argmax(1).numpy())


print(f"honest: {right(honest, clean):.0%} on clean scenes")
print(f"cheated: {right(cheated, dotted):.0%} where crosses have a dot, {right(cheated, clean):.0%} where none has")
assert right(honest, clean) > 0.95
assert right(cheated, dotted) > 0.95
assert right(cheated, clean) < right(honest, clean)  # answer 4: it learnt the dot

# %% [markdown]
# ## Step by step: Grad-CAM
#
# Scrub: the maps, their weights, the sum. **Answer 3**: as fine as the last maps; here half of the picture's size.
# The spot in the corner is no cross: beyond the rim the network sees zeros, and the step from grey to black looks like
# something, too.

# %%
index = int(np.flatnonzero(clean[1] == 1)[0])
cross, place = clean[0][index, 0].numpy(), clean[2][index]
layer = honest[3]
cam = sl.explain.grad_cam(honest, cross, 1, layer=layer)
cy, cx = np.unravel_index(cam.argmax(), cam.shape)
print(f"the cross is at {place}, Grad-CAM is brightest at ({cx}, {cy})")
assert np.hypot(cx - place[0], cy - place[1]) < 8
sl.trace(sl.explain.grad_cam, honest, cross, 1, layer=layer)

# %%
gradient = sl.explain.saliency(honest, cross, 1)
covered = sl.explain.occlusion(honest, cross, 1, size=6, stride=2, value=0.4)
oy, ox = np.unravel_index(covered.argmax(), covered.shape)
steep = [int(v) for v in np.unravel_index(gradient.argmax(), gradient.shape)[::-1]]
print(f"covering hurts most at ({ox}, {oy}); the steepest pixel is at {steep}")
assert np.hypot(ox - place[0], oy - place[1]) < 8


def strongest_white(values):
    """Return the sizes of signed values as a picture, the largest white."""
    return np.abs(values) / np.abs(values).max()


pictures(picture=cross, saliency=strongest_white(gradient), occlusion=covered, grad_cam=cam)

# %% [markdown]
# **Answers 1 and 2.** Saliency says what a *small* change would do, and so it shows edges. Occlusion says what is
# *needed*.
#
# Now the cheated network. The cross is in plain sight. Where does it look?

# %%
index = int(np.flatnonzero(dotted[1] == 1)[1])
picture, place = dotted[0][index, 0].numpy(), dotted[2][index]
covered = sl.explain.occlusion(cheated, picture, 1, size=6, stride=2, value=0.4)
oy, ox = np.unravel_index(covered.argmax(), covered.shape)
print(f"the cross is at {place}; covering hurts most at ({ox}, {oy}): the dot in the corner")
assert ox < 8
assert oy < 8
pictures(picture=picture, what_it_needs=covered)

# %% [markdown]
# ## More of the same family
#
# Each repairs a fault of one before. *Integrated gradients* add up: what the pixels get is exactly the score, less that
# of a blank picture. *SmoothGrad* asks noisy copies, and the noise of the gradient goes. *Guided backpropagation* stops
# what speaks against. *Grad-CAM++* weighs place by place, *Eigen-CAM* asks for no class at all.

# %%
shares = sl.explain.integrated_gradients(honest, cross, 1, points=300)
with torch.no_grad():
    scores = honest(torch.from_numpy(np.stack([cross, np.zeros_like(cross)])[:, None]))[:, 1]
gained = float(scores[0] - scores[1])
print(f"the shares add up to {shares.sum():.3f}, the score has gained {gained:.3f}")
assert abs(shares.sum() - gained) < 0.05 * abs(gained)
smooth = sl.explain.smooth_grad(honest, cross, 1, samples=20)
guided = sl.explain.guided_backprop(honest, cross, 1)[..., 0]
each = {
    "grad_cam_plus_plus": sl.explain.grad_cam_plus_plus(honest, cross, 1, layer=layer),
    "eigen_cam": sl.explain.eigen_cam(honest, cross, layer=layer),
}
pictures(
    **{name: strongest_white(m) for name, m in {"integrated": shares, "smooth": smooth, "guided": guided}.items()},
    **each,
)

# %% [markdown]
# ## Our source

# %%
print(source_of(sl.explain.saliency))

# %% [markdown]
# ## The peer's answer beside ours

# %%
try:
    from captum.attr import Saliency
except ModuleNotFoundError:
    print("captum is not installed here; pip install captum shows its answer.")
else:
    theirs = Saliency(honest).attribute(torch.from_numpy(cross)[None, None].requires_grad_(), target=1)[0, 0].numpy()
    print(f"saliency, largest difference from captum: {np.abs(theirs - gradient).max():.1e}")
    assert np.abs(theirs - gradient).max() < 1e-5

# %% [markdown]
# ## Where it fails
#
# A map always looks convincing. Ask a network with random weights: it has learnt nothing, and still there is a map.

# %%
nothing = network().eval()
empty = sl.explain.grad_cam(nothing, cross, 1, layer=nothing[3])
again = sl.explain.saliency(nothing, cross, 1)
print("a network that was never trained also gives a map, from", again.min(), "to", round(float(again.max()), 4))
assert again.max() > 0
pictures(picture=cross, saliency_of_nothing=strongest_white(again), grad_cam_of_nothing=empty)

# %% [markdown]
# So ask every method what it has left when the network forgets, layer after layer. What stays the same was never
# learnt.

# %%
checks = {
    method.__name__: sl.explain.sanity_check(method, honest, cross, 1)
    for method in (sl.explain.saliency, sl.explain.guided_backprop)
}
for name, check in checks.items():
    print(f"{name}: rank correlation with itself {', '.join(f'{value:.2f}' for value in check.correlations)}")
assert all(check.correlations[0] > 0.999 and check.last < 0.9 for check in checks.values())
pictures(**{name: check.draw() for name, check in checks.items()})

# %% [markdown]
# ## Exercise
#
# Write `cam(maps, weights)`: the last line of Grad-CAM. `maps` is K×H×W, `weights` has K numbers. Sum the weighted
# maps, set what is negative to 0, and divide by the maximum where that is > 0.

# %% tags=["exercise"]
import numpy as np


def cam(maps, weights):
    """Return the H×W class activation map in 0–1."""
    raise NotImplementedError("your turn")


# %% [markdown]
# ## What you take with you
#
# - Ask more than one question. Gradient: what would change it. Occlusion: what it needs.
# - A map is a hint, not a proof. Plant a fault that you know, and see whether the map finds it.

# %% [markdown]
# # w9d4 · Attack and defence
#
# **Question.** How little must change to fool a network?
#
# A network reads digits as well as you do. Then somebody changes every pixel by less than you can see, and it reads
# another digit, and is sure of it. Today you do that: by one step, by many, by the shortest way, by one change for all
# pictures, and by a sticker. Then you train a network that holds out, and ask whether you may believe it.
#
# ## Predict first
#
# 1. The same size of change, once as random noise and once along the gradient: which hurts, and how much more?
# 2. FGSM takes one step. What do ten smaller ones gain?
# 3. A network that was trained on attacked digits: is it as good as before on digits that nobody touched?
# 4. A network shows 90 % under attack. What would make you doubt it?

# %%
import tempfile
from pathlib import Path

import numpy as np
import torch

import sightline as sl
from sightline.lab.blackboard import pictures, source_of

torch.manual_seed(0)
torch.set_num_threads(1)
digits = sl.data.open_dataset("digits")


def tensors(split, count):
    """Return digits as N×1×16×16 pictures, and their labels."""
    found = np.stack([sl.to_float(sl.image.resize(small, (16, 16))) for small in split.array[:count]])[:, None]
    return torch.from_numpy(found), torch.from_numpy(np.array(split.labels[:count]))


x, y = tensors(digits.split("train"), 2000)
tx, ty = tensors(digits.split("test"), 120)
pictures(digits=np.hstack(list(x[:8, 0].numpy())))

# %% [markdown]
# ## The idea in words
#
# Training moves the *weights* downhill on the loss. An attack leaves the weights as they are and moves the *pixels*
# uphill. The same gradient, asked for at the other end.
#
# Many tiny changes, each in the direction that hurts, add up: a sum over 256 pixels is long, though none of them moved
# far.
#
# ## The equation
#
# FGSM (Goodfellow 2015) takes one step, PGD (Madry 2018) many, each brought back into the ball of radius $\epsilon$:
#
# $$ x' = x + \epsilon\,\text{sign}\,\nabla_x J(x, y), \qquad
#    x_{t+1} = \Pi_{\epsilon}\bigl(x_t + \alpha\,\text{sign}\,\nabla_x J(x_t, y)\bigr) $$
#
# And the defence is a game: the weights learn from the worst that the pixels can do,
# $\min_\theta \mathbb{E} \max_{\lVert\delta\rVert \le \epsilon} J(x + \delta, y; \theta)$.

# %%
model = sl.attack.striding_cnn(10, size=(16, 16))
adam = torch.optim.Adam(model.parameters(), lr=2e-3)
shuffle = torch.Generator().manual_seed(0)
for _ in range(8):
    for batch in torch.randperm(len(x), generator=shuffle).split(64):
        adam.zero_grad()
        sl.nn.soft_cross_entropy(model(x[batch]), y[batch]).backward()
        adam.step()
model.eval()


def right(net, images):
    """Return the accuracy on the test digits, or on what became of them."""
    with torch.no_grad():
        return sl.metrics.accuracy(ty.numpy(), net(images).argmax(1).numpy())


eps = 0.1
noisy = (tx + eps * (2 * torch.rand(tx.shape, generator=shuffle) - 1).sign()).clamp(0, 1)
one = sl.attack.fgsm(model, tx, ty, eps=eps)
many = sl.attack.pgd(model, tx, ty, eps=eps)
rates = [right(model, images) for images in (tx, noisy, one, many)]
print("right: {:.0%}, with noise {:.0%}, after FGSM {:.0%}, after PGD {:.0%}".format(*rates))
assert rates[0] > 0.9
assert rates[1] > rates[2] + 0.2  # answer 1
assert rates[3] <= rates[2]  # answer 2
pictures(digits=np.hstack(list(tx[:8, 0].numpy())), attacked=np.hstack(list(many[:8, 0].numpy())))

# %% [markdown]
# ## Step by step: PGD
#
# Scrub: the digit, how the answer tips from step to step, and the change, stretched so that you can see it at all.

# %%
digit = tx[0, 0].numpy()
sl.trace(sl.attack.pgd, model, digit, int(ty[0]), eps=eps)

# %% [markdown]
# ## The shortest way
#
# How far is the nearest boundary? DeepFool takes it to be flat, walks there, looks again. Carlini and Wagner ask an
# optimiser that pays for length and for not being fooled. Both are shorter than FGSM at its smallest.

# %%
some, own = tx[:16], ty[:16]
near = sl.attack.deep_fool(model, some, own)
nearer = sl.attack.cw_l2(model, some, own, searches=3, steps=25, learning_rate=0.05)
smallest = torch.full((16,), torch.inf)
for size in np.linspace(0.04, 1, 25):
    found = sl.attack.fgsm(model, some, own, eps=float(size))
    with torch.no_grad():
        fooled = model(found).argmax(1) != own
    smallest = torch.where(fooled, torch.minimum(smallest, (found - some).flatten(1).norm(dim=1)), smallest)
way = [float((images - some).flatten(1).norm(dim=1).median()) for images in (near, nearer)]
print(f"median length: FGSM {float(smallest.median()):.2f}, DeepFool {way[0]:.2f}, Carlini and Wagner {way[1]:.2f}")
assert way[0] < float(smallest.median())
sl.trace(sl.attack.deep_fool, model, digit, int(ty[0]))

# %% [markdown]
# ## One change for all, and a sticker
#
# A universal perturbation is made from some digits and fools the network on others. A patch may be as bright as it
# likes, but only within its disc; it is made to work wherever it lies.

# %%
universal = sl.attack.universal_perturbation(model, tx[:20], ty[:20], eps=0.25, passes=1, steps=10)
sticker = sl.attack.patch(model, x[:200], target=8, sizes=(0.6, 0.8), steps=40, learning_rate=0.2)
moved, stuck = universal.apply(tx[20:]), sticker.apply(tx)
with torch.no_grad():
    others = float((model(moved).argmax(1) != ty[20:]).float().mean())
    eights = float((model(stuck).argmax(1) == 8).float().mean())
print(f"one change: {universal.fooled:.0%} of its own digits wrong, {others:.0%} of the others")
print(f"with the sticker {eights:.0%} of all digits are taken for an 8")
assert others > 0.2
assert eights > 0.3
pictures(one_change=universal.change[0].numpy(), patch=sticker.pattern[0].numpy(), stuck=stuck[0, 0].numpy())

# %% [markdown]
# ## Defence: learn from the worst
#
# Every batch is attacked by the network as it is at that moment, and the network learns from the attacked one.

# %%
with tempfile.TemporaryDirectory() as scratch:
    run = sl.attack.adversarial_train(
        "striding_cnn",
        digits,
        eps=eps,
        attack_steps=3,
        eps_warmup=2,
        epochs=8,
        batch_size=64,
        augment="none",
        out=Path(scratch) / "run",
        threads=1,
        device="cpu",
        report=False,
        progress=False,
    )
    robust = run.predictor.model
before, after = right(model, many), right(robust, sl.attack.pgd(robust, tx, ty, eps=eps))
print(f"under PGD: {before:.0%} before, {after:.0%} after; on digits as they are {right(robust, tx):.0%}  ← answer 3")
assert after > before + 0.2

# %% [markdown]
# ## May you believe it?
#
# **Answer 4.** An accuracy under attack is an upper bound. A network may hide its gradient, so that the attack walks
# into fog. It is found out by attacks in the wrong order: noise that beats PGD, a change without bound that still
# does not fool, another network's pictures that work better than its own.

# %%
curve = sl.attack.robustness_curve(robust, tx, ty, epsilons=(0.0, 0.05, 0.1, 0.2, 0.4), steps=8, substitute=model)
for check in curve.checks:
    print(f"{'holds' if check.holds else 'DOES NOT HOLD'}: {check.name} ({check.said})")
assert curve.trusted
pictures(attacked=curve.draw())

# %% [markdown]
# ## What no attack can do
#
# Ask the network about many noisy copies of a digit and take a vote. If most of them agree, a shift of the digit can
# move only so many of them: within $\sigma\,\Phi^{-1}(p)$ of it, $p$ the share that agrees at least, **no** change
# turns the vote (Cohen 2019). That is no measurement of an attack; it is a proof, up to a doubt that you choose.

# %%
certified = sl.attack.certify(robust, tx[:40], ty[:40], sigma=0.2, samples=300)
for radius in (0.0, 0.1, 0.3):
    print(f"right, and vouched for up to a change of length {radius}: {certified.accuracy(radius):.0%}")
assert certified.accuracy(0.1) <= certified.accuracy(0.0) <= 1
assert certified.accuracy(0.0) > 0.3

# %% [markdown]
# ## Our source

# %%
print(source_of(sl.attack.fgsm))

# %% [markdown]
# ## The peer's answer beside ours

# %%
try:
    import torchattacks
except ModuleNotFoundError:
    print("torchattacks is not installed here; pip install torchattacks shows its answer.")
else:
    theirs = torchattacks.FGSM(model, eps=eps)(tx, ty)
    print(f"FGSM, largest difference from torchattacks: {float((theirs - one).abs().max()):.1e}")
    assert float((theirs - one).abs().max()) < 1e-6

# %% [markdown]
# ## Where it fails
#
# Here is fog: pixels in sixteen steps, whose slope is nowhere. PGD finds hardly anything; pictures made against the
# bare network inside work as before. The defence defends nothing.


# %%
class Fog(torch.nn.Module):
    """A network behind pixels in steps: the gradient says nothing."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, images):
        """Return the inner network's scores of the coarse picture."""
        coarse = (images.detach() * 16).round() / 16
        return self.inner(coarse + 1e-6 * torch.sin(3e3 * images))


fog = sl.attack.robustness_curve(Fog(model), tx, ty, epsilons=(0.0, 0.05, 0.1), steps=8, substitute=model)
print({name: f"{values[-1]:.0%}" for name, values in fog.accuracies.items()})
print([check.name for check in fog.checks if not check.holds])
assert not fog.trusted
assert fog.accuracies["transfer"][-1] < fog.accuracies["PGD"][-1]

# %% [markdown]
# ## Exercise
#
# Write `step(x, clean, gradient, eps, alpha)`: one step of PGD on arrays. Move along the gradient's signs by
# `alpha`, come back to within `eps` of `clean`, then to within 0–1.

# %% tags=["exercise"]
import numpy as np


def step(x, clean, gradient, eps, alpha):
    """Return the next iterate of PGD."""
    raise NotImplementedError("your turn")


# %% [markdown]
# ## What you take with you
#
# - The gradient at the pixels is as easy to have as the one at the weights, and small steps add up.
# - Attack with the strongest thing you have: noise and one step prove nothing.
# - Pixels are attacked, so mean and deviation belong inside the model: ε is then a distance between pictures.

# %% [markdown]
# # w4d7 · Clusters and maps
#
# **Question.** What can be found in pictures that nobody has labelled?
#
# Nobody says today which digit is which. You look for groups among pictures, draw a map of them, and learn how far
# either may be believed.
#
# ## Predict first
#
# 1. K-means is started from two different places. Must both end with the same clusters?
# 2. More centres always lower the sum of squares. So how many clusters are there?
# 3. Two half moons lie in one another. Which method finds them: k-means, Ward's tree, or one that joins nearest pairs?
# 4. On a t-SNE map, one group is twice as wide as another. Are its pictures twice as different?

# %%
import numpy as np

import sightline as sl
from sightline.lab.blackboard import pictures, source_of
from sightline.learn.lloyd import rounds
from sightline.learn.scatter_picture import Plane

digits = sl.data.open_dataset("digits")
train = digits.split("train")
x = train.array.reshape(len(train), -1).astype(np.float64)[:700]
y = np.array(train.labels)[:700]  # only to judge by, never to learn from
random = np.random.default_rng(0)
print(x.shape, "pictures as rows, and no labels")
pictures(digits=np.hstack(list(train.array[:10])))

# %% [markdown]
# ## The idea in words
#
# K-means: put down K centres. Give each sample to the nearest one. Move each centre to the mean of its samples. Again.
#
# ## The equation
#
# $$ J = \sum_i \lVert x_i - c_{k(i)} \rVert^2 $$
#
# Giving each sample to the nearest centre cannot raise $J$. Nor can moving a centre to the mean, because the mean is
# where the sum of squared distances is least. So it falls until it rests. Nothing says that it falls to the bottom.
#
# ## Step by step: ten lines


# %%
def k_means(samples, centres, rounds=50):
    """Return the centres, the labels, and the sum of squares after each round."""
    sums = []
    for _ in range(rounds):
        squares = ((samples[:, None] - centres) ** 2).sum(axis=2)  # N×K
        labels = squares.argmin(axis=1)
        sums.append(squares.min(axis=1).sum())
        centres = np.stack([samples[labels == k].mean(axis=0) for k in range(len(centres))])
    return centres, labels, np.array(sums)


start = x[:10]
centres, labels, sums = k_means(x, start)
ours = sl.learn.KMeans(10, init=start, eps=0).fit(x)
print(f"sum of squares {sums[0]:,.0f} → {sums[-1]:,.0f}; the library ends at {ours.inertia_:,.0f}")
assert (np.diff(sums) <= 1e-6).all()
assert np.allclose(ours.cluster_centers_, centres)
pictures(centres=np.hstack(centres.reshape(-1, 8, 8)))

# %% [markdown]
# Nobody said "digit", and there they are: most centres look like one.
#
# ## A bad start
#
# Four crowds, and all four centres begin in the same one.

# %%
crowds = np.concatenate([random.normal(m, 0.5, (80, 2)) for m in ((0, 0), (6, 0), (0, 6), (6, 6))])
bad = sl.learn.KMeans(4, init=np.array([[0.0, 0.0], [0.1, 0.0], [0.0, 0.1], [7.0, 0.0]])).fit(crowds)
good = sl.learn.KMeans(4, seed=0).fit(crowds)  # starts far from one another: k-means++
best = min((sl.learn.KMeans(4, init="random", seed=s).fit(crowds) for s in range(10)), key=lambda one: one.inertia_)
print(f"bad start {bad.inertia_:.0f}, k-means++ {good.inertia_:.0f}, best of ten random starts {best.inertia_:.0f}")
assert bad.inertia_ > 3 * good.inertia_
assert np.isclose(best.inertia_, good.inertia_)
plane = Plane(crowds)
pictures(
    bad_start=plane.picture(bad.labels_, bad.cluster_centers_),
    good_start=plane.picture(good.labels_, good.cluster_centers_),
)

# %% [markdown]
# **Answer 1.** No. It rests where no single move helps, and that may be a poor place. Start far apart, start often,
# keep the least sum.
#
# ## Clouds, not borders
#
# `GaussianMixture` says with what probability a sample belongs to each cloud, and clouds may be long and overlap. Being
# a model of the density, it can also say when one more cloud is not worth its numbers: Schwarz's criterion, BIC.

# %%
sums, bics = [], []
for k in range(1, 8):
    sums.append(sl.learn.KMeans(k, n_init=3, seed=0).fit(crowds).inertia_)
    bics.append(sl.learn.GaussianMixture(k, covariance_type="spherical").fit(crowds).bic(crowds))
    print(f"k = {k}: sum of squares {sums[-1]:7.0f}, BIC {bics[-1]:7.0f}")
near = np.random.default_rng(1).normal(size=(200, 2)) + np.repeat([[0, 0], [3, 0]], 100, axis=0)
mixture = sl.learn.GaussianMixture(2).fit(near)
places = np.array([[0.0, 0.0], [1.5, 0.0], [3.0, 0.0]])
print("two clouds that overlap; in the left one, halfway, in the right one:")
print(mixture.predict_proba(places)[:, mixture.means_[:, 0].argsort()].round(2))
assert (np.diff(sums) < 0).all()
assert int(np.argmin(bics)) + 1 == 4
assert mixture.predict_proba(places).max(axis=1)[1] < 0.8  # nobody knows

# %% [markdown]
# **Answer 2.** The sum always falls, so it cannot tell. BIC rises again after 4. `MeanShift` needs no number at all,
# but a radius: each sample climbs to where others crowd.

# %%
shift = sl.learn.MeanShift(1.5, bin_seeding=True).fit(crowds)
print("peaks:", shift.cluster_centers_.round(1).tolist())
assert len(shift.cluster_centers_) == 4

# %% [markdown]
# ## A tree of unions
#
# `Agglomerative` joins the two nearest clusters, again and again. What "near" means is up to you, and it matters.

# %%
turn = np.linspace(0, np.pi, 80)
moons = np.concatenate(
    [np.stack([np.cos(turn), np.sin(turn)], axis=1), np.stack([1 - np.cos(turn), 0.4 - np.sin(turn)], axis=1)]
) + random.normal(0, 0.05, (160, 2))
truth = np.repeat([0, 1], 80)


def agreement(found):
    """Return the share of samples that are in the right one of two groups, whichever is called 0."""
    return max((found == truth).mean(), (found != truth).mean())


found = {linkage: sl.learn.Agglomerative(2, linkage=linkage).fit(moons) for linkage in ("single", "ward", "complete")}
shares = {name: agreement(one.labels_) for name, one in found.items()}
shares["k-means"] = agreement(sl.learn.KMeans(2).fit(moons).labels_)
print({name: f"{share:.0%}" for name, share in shares.items()})
assert shares["single"] == 1
assert shares["k-means"] < 0.95
pictures(
    single=Plane(moons).picture(found["single"].labels_),
    ward=Plane(moons).picture(found["ward"].labels_),
)

# %% [markdown]
# **Answer 3.** The one that joins nearest pairs (`single`) follows the moons. It would also follow a thin bridge of
# noise between two round crowds, where Ward's rule would not. There is no best rule, only a fitting one.
#
# ## A map: t-SNE
#
# 64 numbers a picture cannot be drawn. `PCA` looks from the side on which the cloud is widest. `TSNE` asks something
# else: *who are my neighbours?* It gives each picture a place in the plane, so that neighbours stay neighbours:
#
# $$ \frac{\partial\,\mathrm{KL}}{\partial y_i}
# = 4 \sum_j (p_{ij} - q_{ij})\,\frac{y_i - y_j}{1 + \lVert y_i - y_j \rVert^2} $$

# %%
tsne = sl.learn.TSNE(perplexity=20, iterations=500).fit(x)
flat = sl.learn.PCA(2).fit_transform(x)


def neighbours_alike(places):
    """Return the share of pictures whose nearest one on the map shows the same digit."""
    squares = ((places[:, None] - places) ** 2).sum(axis=2)
    np.fill_diagonal(squares, np.inf)
    return (y[squares.argmin(axis=1)] == y).mean()


print(f"nearest on the map shows the same digit: PCA {neighbours_alike(flat):.0%}", end=", ")
print(f"t-SNE {neighbours_alike(tsne.embedding_):.0%}; divergence {tsne.kl_divergence_:.2f}")
assert neighbours_alike(tsne.embedding_) > 0.93
assert neighbours_alike(flat) < 0.8
pictures(pca=Plane(flat).picture(y), tsne=Plane(tsne.embedding_).picture(y))

# %% [markdown]
# ## Our source

# %%
print(source_of(rounds))

# %% [markdown]
# ## Where it fails
#
# **Answer 4.** Two clouds of the same kind, one three times as wide, the other beside it. The map:

# %%
wide = np.concatenate([random.normal(0, 3, (120, 10)), random.normal(0, 1, (120, 10)) + 30])
places = sl.learn.TSNE(perplexity=20, iterations=500).fit_transform(wide)
spread = [float(part.std(axis=0).mean()) for part in (wide[:120], wide[120:], places[:120], places[120:])]
print(f"true widths {spread[0]:.1f} : {spread[1]:.1f}, on the map {spread[2]:.1f} : {spread[3]:.1f}")
assert spread[0] > 2.5 * spread[1]
assert spread[2] < 1.5 * spread[3]

# %% [markdown]
# The map gives every picture the same number of neighbours, so widths are evened out. Nor does a gap on the map mean
# much more than *these are not neighbours*. And even pure noise makes lumps when the perplexity is small:

# %%
noise = random.normal(size=(250, 10))
lumps = sl.learn.TSNE(perplexity=3, iterations=500).fit_transform(noise)
pictures(noise_at_perplexity_3=Plane(lumps).picture())

# %% [markdown]
# ## Exercise
#
# Write `next_centres(samples, centres)`: one round of k-means. Return the K×D means of the samples that are nearest to
# each centre. A centre that no sample is nearest to stays where it is.


# %% tags=["exercise"]
def next_centres(samples, centres):
    """Return the centres after one round."""
    raise NotImplementedError("your turn")


# %% [markdown]
# ## What you take with you
#
# - K-means falls to a place where no move helps. Start it well, and more than once.
# - What "a cluster" is, you decide: by centres, clouds, crowds or chains.
# - A map by t-SNE shows who is near whom. Do not measure widths and gaps on it.

# %% [markdown]
# # w8d3 · Faces
#
# **Question.** Who is it, from one photo?
#
# A detector says that there is a face. Whose? This lesson is the classic half: faces as points in a space, in which the
# nearest one tells who it is. The faces here are drawn, so that we know what differs between them.
#
# ## Predict first
#
# 1. Faces of 40×32 pixels are 1280 numbers. How many numbers a face are enough to know 8 people?
# 2. Which changes a photo more, pixel by pixel: another person, or a lamp from the other side?
# 3. You have a single photo of somebody. Which of the three methods can learn from it?

# %%
import numpy as np

import sightline as sl
from sightline.lab.blackboard import pictures, source_of

random = np.random.default_rng(1)
y, x = np.mgrid[0:40, 0:32]
PEOPLE = [
    (random.uniform(11, 17), random.uniform(27, 33), random.uniform(5, 9), random.normal(0, 9, (40, 32)))
    for _ in range(8)
]


def draw_face(person, light=0.0, smile=0.0):
    """Draw a person's face under a lamp from the left (-1) to the right (1), with corners of the mouth up or down."""
    eyes, mouth, width, skin = PEOPLE[person]
    face = 150 - 70.0 * (np.hypot(x - 15.5, (y - 20) * 0.8) > 15) + skin
    for side in (-1, 1):
        face -= 80 * (np.hypot(x - 15.5 - side * width, y - eyes) < 2.4)
    lips = mouth - smile * 4 * ((x - 15.5) / 8) ** 2
    face -= 70 * ((abs(y - lips) < 1.2) & (abs(x - 15.5) < 8))
    face += light * 50 * (x - 15.5) / 16 + random.normal(0, 3, face.shape)
    return np.clip(face, 0, 255).astype(np.uint8)


def photos(count, light, people=range(8)):
    """Take photos of people, lamps up to ``light`` to either side."""
    pairs = [
        (draw_face(p, random.uniform(-light, light), random.uniform(-1, 1)), p) for p in people for _ in range(count)
    ]
    return [face for face, _ in pairs], [p for _, p in pairs]


faces, names = photos(6, 0.3)
pictures(**{f"person {p}": faces[6 * p] for p in range(4)})

# %% [markdown]
# ## The idea in words
#
# **Eigenfaces.** Take the mean face away. The directions in which faces then differ most are the *principal components*
# (`sl.learn.PCA`); seen as pictures they look like ghosts. A face is the mean and so much of each ghost.
#
# **Fisherfaces.** What differs most may be the lamp. Ask for directions in which *people* differ, and photos of one
# person do not: linear discriminants (`sl.learn.LDA`).
#
# **Patterns.** Or forget the space: count in each cell of the face which small patterns occur (w3d2).
#
# ## The equation
#
# $$ x \approx \bar x + \sum_{k=1}^{K} w_k u_k, \qquad w_k = u_k^T (x - \bar x) $$
#
# $$ u_{\text{eigen}} = \arg\max \; u^T S\, u, \qquad u_{\text{fisher}} = \arg\max \frac{u^T S_{\text{between}}\, u}{u^T
# S_{\text{within}}\, u} $$

# %%
eigen = sl.faces.Eigenfaces().fit(faces, names)
sl.trace(sl.faces.Eigenfaces, eigen, draw_face(2, 0.2))

# %%
pca = sl.learn.PCA(0.9).fit(np.stack(faces).reshape(len(faces), -1))
print(f"{pca.n_components_} components keep 90 % of how {len(faces)} faces of 1280 numbers differ")
assert pca.n_components_ < 30
others, truth = photos(4, 0.3)


def right(recognizer, images, expected):
    """Return the share of the photos whose person is found."""
    return float(np.mean([recognizer.predict(image).label == p for image, p in zip(images, expected, strict=True)]))


for k in (1, 2, 4, 8, 16):
    print(f"{k:2} eigenfaces: {right(sl.faces.Eigenfaces(k).fit(faces, names), others, truth):.0%} right")
assert right(sl.faces.Eigenfaces(16).fit(faces, names), others, truth) > 0.9

# %% [markdown]
# **Answer 1.** A dozen or so.
#
# ## The lamp
#
# Now the lamps of the new photos stand far to the side, farther than any that was learned from.

# %%
faces, names = photos(6, 1.0)
dark, truth = [draw_face(p, light) for p in range(8) for light in (-2.0, 2.0)], np.repeat(np.arange(8), 2)
methods = {
    "Eigenfaces, 8": sl.faces.Eigenfaces(8).fit(faces, names),
    "Fisherfaces": sl.faces.Fisherfaces().fit(faces, names),
    "LBP histograms": sl.faces.LBPHRecognizer(grid=4).fit(faces, names),
}
share = {name: right(method, dark, truth) for name, method in methods.items()}
print(share)
assert share["Fisherfaces"] >= share["Eigenfaces, 8"]
pictures(left=draw_face(3, -2.0), right=draw_face(3, 2.0))

# %% [markdown]
# **Answer 2.** The lamp, by far. The first eigenface *is* the lamp. Fisher's directions leave it out.

# %%
sl.trace(sl.faces.Fisherfaces, methods["Fisherfaces"], dark[0])

# %% [markdown]
# ## Who is unknown?
#
# The nearest photo is always somebody's. A threshold on the distance says when nobody is near enough; it is chosen from
# the photos at hand: so far that few of them would be taken for somebody else.

# %%
known, whose = photos(5, 0.3, range(6))
guard = sl.faces.LBPHRecognizer(grid=4).fit(known, [f"person {p}" for p in whose])
guard.threshold = guard.suggest_threshold(0.05)
strangers, _ = photos(5, 0.3, (6, 7))
friends, who = photos(5, 0.3, range(6))
refused = np.mean([guard.predict(face).label is None for face in strangers])
welcome = np.mean([guard.predict(face).label == f"person {p}" for face, p in zip(friends, who, strict=True)])
print(f"strangers that stay unknown: {refused:.0%}; friends that are known by name: {welcome:.0%}")
assert refused + welcome > 1.2
sl.trace(sl.faces.LBPHRecognizer, guard, friends[0])

# %% [markdown]
# **Answer 3.** Eigenfaces and patterns can; `Fisherfaces` cannot: from one photo a person, nobody knows how a person
# varies. The patterns are best there, and take new people in without learning anew: `update`.
#
# ## What the face says
#
# The same space tells expressions apart, when the labels are expressions. The person is what disturbs now.


# %%
def moods(people, count):
    """Take photos of people who smile and who frown."""
    pairs = [(s, p) for p in people for s in (1, -1) for _ in range(count)]
    return [draw_face(p, random.uniform(-0.3, 0.3), s) for s, p in pairs], [
        "smile" if s > 0 else "frown" for s, _ in pairs
    ]


(seen, said), (asked, truth) = moods(range(6), 4), moods((6, 7), 4)
mood = sl.faces.Eigenfaces(20).fit(seen, said)
pixels = [np.stack(part).reshape(len(part), -1) for part in (seen, asked)]
space = sl.learn.PCA(20).fit(pixels[0])
fisher = sl.learn.LDA().fit(space.transform(pixels[0]), said)
line = fisher.score(space.transform(pixels[1]), truth)
print(f"strangers' moods: nearest photo {right(mood, asked, truth):.0%} right, one line across the space {line:.0%}")
assert line >= 0.75

# %% [markdown]
# ## Our source

# %%
print(source_of(sl.faces.Eigenfaces.reconstruct))

# %% [markdown]
# ## Where it fails
#
# Pixels must lie on pixels. Move a face by a few, and its point in the space wanders off.

# %%
for move in (0, 1, 2, 4):
    moved = [np.roll(face, move, axis=1) for face in others]
    print(f"moved by {move} pixels: Eigenfaces {right(eigen, moved, np.repeat(np.arange(8), 4)):.0%} right")
assert right(eigen, moved, np.repeat(np.arange(8), 4)) < 0.9

# %% [markdown]
# ## Exercise
#
# Write `coordinates(face, mean, basis)`: a face in the space of eigenfaces. `face` and `mean` are D numbers, `basis` is
# K×D with rows of length 1. Return K numbers.

# %% tags=["exercise"]


def coordinates(face, mean, basis):
    """Return how much of each eigenface a face has."""
    raise NotImplementedError("your turn")


# %% [markdown]
# ## What you take with you
#
# - Faces fill a small part of the space of pictures: a few numbers are enough.
# - What differs most is not what tells people apart.
# - A recogniser that knows no "unknown" is always wrong about strangers.

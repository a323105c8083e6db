"""Faces: what each stage of a cascade leaves, and faces rebuilt from their principal components."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image as PillowImage
from PIL import ImageDraw, ImageFilter

from sightline.core.layers import Curve, Grid, Heat, Picture, Table
from sightline.core.seeds import generator
from sightline.core.trace import Step, Trace
from sightline.core.trace_bytes import Form
from sightline.core.types import Array

FACE = (56, 46)  # height and width in pixels of a face that is looked at
_SHOWN_WINDOWS = 3000
_SHOWN_COMPONENTS = 16
_PEOPLE, _POSES = 10, 6
_FINE = 4
_SCREEN = Form(95, 1 << 40, sealed=False)


def cascade(image: Array, stage: int, scale: float, neighbours: int) -> dict[str, Any]:
    """Return how many windows each stage leaves, those that are left after one, and what is found in the end."""
    from sightline.core.conversions import to_uint8
    from sightline.faces import HaarCascade
    from sightline.faces.cascade_windows import Packed, search
    from sightline.image import convert

    detector = HaarCascade.frontal_face()
    gray = to_uint8(image if image.ndim == 2 else convert(image, "rgb", "gray"))
    windows, asked = search(gray, Packed.of(detector.tables), scale, (1, 1), gray.shape)
    stage = min(stage, len(detector))
    if 0 < stage < len(detector):
        windows, _ = search(gray, Packed.of(detector.first(stage).tables), scale, (1, 1), gray.shape)
    count = len(windows) if stage else int(asked[0])
    step = max(1, -(-len(windows) // _SHOWN_WINDOWS))
    found = detector.detect(image, scale, neighbours)
    trees = detector.tables.trees[detector.tables.stages]
    return {
        "asked": asked,
        "stage": stage,
        "stages": len(detector),
        "questions": np.diff(trees),
        "count": count,
        "windows": windows[::step] if stage else [],
        "every": step,
        "found": {"boxes": found.boxes, "scores": found.scores},
        "size": [gray.shape[1], gray.shape[0]],
    }


def questions(stage: int) -> bytes:
    """Return the features that a stage asks about as tiles: white counts for, black against."""
    from sightline.faces import HaarCascade
    from sightline.faces.haar_cascade import feature_pictures

    tables = HaarCascade.frontal_face().tables
    number = min(max(stage, 1), len(tables.limits)) - 1
    first, last = (int(tables.trees[tables.stages[number + k]]) for k in range(2))
    tiles = feature_pictures(tables)[first:last][:_SHOWN_COMPONENTS]
    return Trace("faces.HaarCascade", {}, (Step("questions", Grid(tiles)),)).to_bytes()


def eigenfaces(faces: Array, names: list[str], k: int, index: int) -> bytes:
    """Return the mean face, the first components, and one face rebuilt from ``k`` of them, left out of the fit.

    Parameters
    ----------
    faces, names
        N×H×W float32 0–1, and a name for each.
    k, index
        How many components, and which face.
    """
    from sightline.learn import PCA

    index = index % len(faces)
    rest = np.delete(np.arange(len(faces)), index)
    rows = faces.reshape(len(faces), -1)
    pca = PCA().fit(rows[rest])
    k = min(k, pca.n_components_)
    weights = pca.transform(rows[index : index + 1])[0]
    shape = faces.shape[1:]
    rebuilt = [pca.mean_ + weights[:n] @ pca.components_[:n] for n in range(pca.n_components_ + 1)]
    errors = [float(np.sqrt(np.mean((one - rows[index]) ** 2))) for one in rebuilt]
    kept = np.concatenate([[0], np.cumsum(pca.explained_variance_ratio_)])
    others = pca.transform(rows[rest])[:, : max(k, 1)]
    nearest = int(rest[np.linalg.norm(others - weights[: max(k, 1)], axis=1).argmin()])
    tiles = pca.components_[:_SHOWN_COMPONENTS].reshape(-1, *shape).astype(np.float32)
    shown = np.clip(rebuilt[k].reshape(shape), 0, 1)
    curve = np.column_stack([np.arange(len(errors)), errors, kept])
    steps = (
        Step("mean", Picture(_bytes(pca.mean_.reshape(shape)))),
        Step("components", Grid(tiles)),
        Step("face", Picture(_bytes(faces[index])), note=names[index]),
        Step("rebuilt", Picture(_bytes(shown)), note=f"{k} {errors[k]:.5f} {kept[k]:.5f} {pca.n_components_}"),
        Step("difference", Heat(np.abs(shown - faces[index]).astype(np.float32))),
        Step("errors", Curve(curve, ("components", "error"))),
        Step("weights", Table(weights[:_SHOWN_COMPONENTS][None], tuple(map(str, range(1, len(tiles) + 1))))),
        Step("nearest", Picture(_bytes(faces[nearest])), note=names[nearest]),
    )
    about = {"size": [shape[1], shape[0]], "scale": 1.0}
    return Trace("learn.PCA", {}, steps, about).to_bytes(_SCREEN)


def _bytes(face: Array) -> Array:
    return np.clip(np.rint(255 * face), 0, 255).astype(np.uint8)


def as_face(image: Array) -> Array:
    """Return a picture of a face at the size that faces are compared at, float32 0–1."""
    photo = PillowImage.fromarray(image).convert("L")
    wide, tall = photo.size
    share = min(wide / FACE[1], tall / FACE[0])
    width, height = FACE[1] * share, FACE[0] * share
    box = ((wide - width) / 2, (tall - height) / 2, (wide + width) / 2, (tall + height) / 2)
    small = photo.resize((FACE[1], FACE[0]), PillowImage.Resampling.BOX, box=box)
    return np.asarray(small, np.float32) / 255


def drawn_faces() -> tuple[Array, list[str]]:
    """Return 60 drawn faces, of ten people with six expressions and lights, and their names."""
    random, faces, names = generator(7), [], []
    for person in range(_PEOPLE):
        looks = random.uniform(0, 1, 9)
        for pose in range(_POSES):
            faces.append(_drawn(looks, random.uniform(-1, 1, 6)))
            names.append(f"person {person + 1}, face {pose + 1}")
    return np.stack(faces), names


def _drawn(looks: Array, mood: Array) -> Array:
    height, width = (side * _FINE for side in FACE)
    canvas = PillowImage.new("L", (width, height), 70)
    pen = ImageDraw.Draw(canvas)
    skin, hair = int(150 + 70 * looks[0]), int(25 + 90 * looks[1])
    x0, y0 = width / 2 + 4 * mood[0], height * 0.53 + 3 * mood[1]
    wide, tall = width * (0.33 + 0.06 * looks[2]), height * (0.37 + 0.05 * looks[3])

    def oval(x: float, y: float, rx: float, ry: float, fill: int) -> None:
        pen.ellipse((x - rx, y - ry, x + rx, y + ry), fill=fill)

    oval(x0, y0 - tall * 0.22, wide * 1.13, tall * (0.98 + 0.15 * looks[4]), hair)
    oval(x0, y0, wide, tall, skin)
    oval(x0, y0 - tall * 0.82, wide * (0.75 + 0.2 * looks[5]), tall * 0.3, hair)
    apart, eye_y = wide * (0.4 + 0.1 * looks[6]), y0 - tall * 0.18
    turn = wide * 0.12 * mood[2]
    for side in (-1, 1):
        x = x0 + side * apart + turn
        oval(x, eye_y, wide * 0.17, tall * 0.075 * (1.2 + 0.5 * mood[3]), 240)
        oval(x + turn * 0.4, eye_y, wide * 0.075, tall * 0.07, 30)
        brow = eye_y - tall * (0.18 + 0.04 * mood[3])
        pen.line((x - wide * 0.2, brow + 2 * side * mood[4], x + wide * 0.2, brow - 2 * side * mood[4]), hair, 5)
    nose = tall * (0.2 + 0.1 * looks[7])
    pen.line((x0 + turn * 1.3, eye_y + tall * 0.1, x0 + turn * 1.6, eye_y + tall * 0.1 + nose), skin - 45, 6)
    mouth, smile = wide * (0.3 + 0.12 * looks[8]), 14 * mood[5]
    y = y0 + tall * 0.52
    pen.line([(x0 + turn + t * mouth, y - smile * (t * t - 0.5)) for t in np.linspace(-1, 1, 15)], skin - 95, 7)
    face = np.asarray(canvas.filter(ImageFilter.GaussianBlur(3)), np.float32) / 255
    light = 1 + 0.22 * mood[2] * np.linspace(-1, 1, width, dtype=np.float32)
    small = (face * light).reshape(FACE[0], _FINE, FACE[1], _FINE).mean(axis=(1, 3))
    return np.clip(small, 0, 1)

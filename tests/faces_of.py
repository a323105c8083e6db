"""Faces for the tests of recognisers: a few that are drawn, and the halves of a set of real ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np


def few_faces() -> tuple[np.ndarray, np.ndarray]:
    """Return 16 drawn faces of 4 people, 24×20 uint8 each, and whose they are."""
    random = np.random.default_rng(5)
    y, x = np.mgrid[0:24, 0:20]
    images, people = [], []
    for person in range(4):
        eyes, mouth, width = random.uniform(6, 10), random.uniform(15, 20), random.uniform(3, 6)
        texture = random.normal(0, 14, (24, 20))
        for _ in range(4):
            face = 150 - 60.0 * (np.hypot(x - 9.5, (y - 12) * 0.8) > 9) + texture
            for side in (-1, 1):
                face -= 80 * (np.hypot(x - 9.5 - side * width, y - eyes) < 1.8)
            face -= 60 * ((abs(y - mouth) < 1) & (abs(x - 9.5) < width))
            face += random.normal(0, 2, face.shape) + random.uniform(-6, 6)
            images.append(np.clip(face, 0, 229).astype(np.uint8))
            people.append(person)
    return np.stack(images), np.array(people)


def halves(shared_data: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return three photos a person of ORL with whose they are, and two others with whose they are, half the size."""
    with np.load(shared_data / "orl_faces/orl_faces.npz") as archive:
        images, people, index = archive["images"][:, ::2, ::2], archive["subject"].astype(np.int64), archive["index"]
    known, asked = index <= 3, (index == 5) | (index == 7)
    return np.ascontiguousarray(images[known]), people[known], np.ascontiguousarray(images[asked]), people[asked]

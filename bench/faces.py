"""Faces against OpenCV: a cascade at 640×480, and the recognisers on pictures of the size of ORL's."""

from __future__ import annotations

import gzip
import tempfile
from pathlib import Path

import cv2
import numpy as np

from sightline import faces, image
from sightline.data import sample
from sightline.faces.haar_cascade import _FRONTAL_FACE

from .timing import Case


def cases() -> list[Case]:
    """Return the cases; none where OpenCV was built without its contrib modules."""
    if not hasattr(cv2, "CascadeClassifier") or not hasattr(cv2, "face"):
        return []
    return [_cascade(), _window(), *_recognisers()]


def _cascade() -> Case:
    gray = image.resize(image.convert(sample("astronaut"), "rgb", "gray"), (480, 640))
    other, ours = gray.copy(), faces.HaarCascade.frontal_face()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "face.xml"
        path.write_bytes(gzip.decompress(_FRONTAL_FACE.read_bytes()))
        peer = cv2.CascadeClassifier(str(path))
    return Case(
        "faces.HaarCascade frontal face 640×480",
        "opencv",
        lambda: ours.detect(gray).boxes,
        lambda: peer.detectMultiScale(other, 1.1, 3),
        bytes=gray.size,
        within=None,  # records in another order; the tests hold that they are the same
    )


def _window() -> Case:
    gray = image.resize(image.convert(sample("astronaut"), "rgb", "gray"), (480, 640))
    weights = np.random.default_rng(0).normal(0, 0.01, (7, 7, 36)).astype(np.float32)
    ours, other = faces.HogFace(weights, -10.0), gray.copy()
    peer = cv2.HOGDescriptor((48, 48), (12, 12), (6, 6), (6, 6), 9)
    peer.setSVMDetector(np.append(weights.ravel(), np.float32(-10)))
    return Case(
        "faces.HogFace 640×480, all sizes",
        "opencv",
        lambda: ours.detect(gray).boxes,
        lambda: peer.detectMultiScale(other, 0, (6, 6), (0, 0), 1.1),
        bytes=gray.size,
        within=None,  # its histograms share votes out, and its boxes are grouped
    )


def _recognisers() -> list[Case]:
    random = np.random.default_rng(0)
    base = random.integers(0, 256, (20, 14, 12), dtype=np.uint8)
    photos = [image.resize(base[i % 20], (112, 92)) for i in range(100)]
    photos = [np.clip(p + random.normal(0, 8, p.shape), 0, 255).astype(np.uint8) for p in photos]
    people = np.arange(100) % 20
    made = {
        "faces.Eigenfaces": (faces.Eigenfaces(50), cv2.face.EigenFaceRecognizer_create(50)),
        "faces.LBPHRecognizer": (faces.LBPHRecognizer(), cv2.face.LBPHFaceRecognizer_create()),
    }
    found = []
    for name, (ours, peer) in made.items():
        ours.fit(photos, people)
        peer.train(photos, people.astype(np.int32))
        found.append(
            Case(
                f"{name} predict, 100 photos 92×112",
                "opencv",
                lambda ours=ours: ours.predict(photos[7]).label,
                lambda peer=peer: peer.predict(photos[7])[0],
                bytes=photos[7].size,
                within=None,
            )
        )
    return found

"""Augmentation of a photo at 224 pixels: part, mirror, affine map and colour, as a training loader asks for them.

A loader shares pictures out among workers and gives each of them one thread, so each side works with one here, and the
ratio is that of pictures a second. Against the same pipeline written with OpenCV, and against torchvision's v2
transforms and albumentations where they are installed. All resample bilinearly, the peers twice: for the part and for
the map. OpenCV and torchvision here know no labels.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np

from sightline.core.kernels import set_threads
from sightline.data import Augment, LabelledImage
from sightline.data.crop import draw_rectangle

from . import scenes
from .timing import THREADS, Case

SHAPE, SIDE = (375, 500), 224
PICTURES = 16  # a call
BOXES = [(60.0 * i, 40.0 * i, 60.0 * i + 90, 40.0 * i + 80) for i in range(6)]


def cases() -> list[Case]:
    """Return the cases; each call draws anew, so outputs are not compared: tests hold what each change does."""
    photo = scenes.rgb(*SHAPE)
    masks = np.zeros((len(BOXES), *SHAPE), np.bool_)
    for mask, (x1, y1, x2, y2) in zip(masks, np.array(BOXES, int), strict=True):
        mask[y1:y2, x1:x2] = True
    corners = [np.array(box).reshape(2, 2) - 0.5 for box in BOXES]
    labels: dict[str, dict[str, Any]] = {
        "": {},
        " with 6 boxes": {"boxes": BOXES},
        " with 6 boxes, masks and pairs of keypoints": {"boxes": BOXES, "masks": masks, "keypoints": corners},
    }
    found = []
    for text, known in labels.items():
        peers = {}
        if len(known) < 2:
            peers["opencv"] = with_opencv(photo.copy())
        if not known and importlib.util.find_spec("torchvision") is not None:
            peers["torchvision"] = with_torchvision(photo.copy())
        if importlib.util.find_spec("albumentations") is not None:
            peers["albumentations"] = with_albumentations(photo.copy(), known)
        name = f"data.Augment standard {SHAPE[1]}×{SHAPE[0]} → {SIDE}×{SIDE}{text}"
        ours, size = _on_one_thread(with_ours(photo, known)), PICTURES * (photo.nbytes + 3 * SIDE * SIDE)
        found += [Case(name, peer, ours, _on_one_thread(call), size, None) for peer, call in peers.items()]
    return found


def _on_one_thread(call: Callable[[], object]) -> Callable[[], None]:
    """Return a call for several pictures, on one thread as a loader's worker."""

    def run() -> None:
        set_threads(1)
        cv2.setNumThreads(1)
        for _ in range(PICTURES):
            call()
        set_threads(THREADS)
        cv2.setNumThreads(THREADS)

    return run


def with_ours(photo: np.ndarray, known: dict[str, Any]) -> Callable[[], object]:
    """Return our own, with labels where there are some."""
    augment, seeds = Augment("standard", shape=(SIDE, SIDE)), iter(range(10**9))
    picture = LabelledImage(photo, **known) if known else photo
    return lambda: augment(picture, next(seeds))


def with_opencv(photo: np.ndarray) -> Callable[[], np.ndarray]:
    """Return the pipeline as libraries on OpenCV run it, one operation after the other, without labels."""
    random = np.random.default_rng(0)

    def call() -> np.ndarray:
        top, left, height, width = draw_rectangle(*SHAPE, 0.25, 4 / 3, random)
        image = cv2.resize(photo[top : top + height, left : left + width], (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
        if random.random() < 0.5:
            image = cv2.flip(image, 1)
        turn, right, down, size = random.uniform(-1, 1, 4)
        matrix = cv2.getRotationMatrix2D(((SIDE - 1) / 2, (SIDE - 1) / 2), 10 * turn, 1 + 0.1 * size)
        matrix[:, 2] += 0.1 * SIDE * right, 0.1 * SIDE * down
        image = cv2.warpAffine(image, matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR)
        brightness, contrast, saturation = 1 + 0.2 * random.uniform(-1, 1, 3)
        image = cv2.convertScaleAbs(image, alpha=brightness)
        mean = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).mean()
        table = np.clip(np.rint(mean + contrast * (np.arange(256) - mean)), 0, 255).astype(np.uint8)
        image = cv2.LUT(image, table)
        gray = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        return cv2.addWeighted(image, saturation, gray, 1 - saturation, 0)

    return call


def with_torchvision(photo: np.ndarray) -> Callable[[], object]:
    """Return torchvision's own, on a uint8 tensor as its guide advises."""
    import torch
    from torchvision.transforms import v2  # pyrefly: ignore

    tensor = torch.from_numpy(photo).permute(2, 0, 1).contiguous()
    changes = v2.Compose(
        [
            v2.RandomResizedCrop(SIDE, scale=(0.25, 1.0), antialias=True),
            v2.RandomHorizontalFlip(),
            v2.RandomAffine(10, (0.1, 0.1), (0.9, 1.1), interpolation=v2.InterpolationMode.BILINEAR),
            v2.ColorJitter(0.2, 0.2, 0.2),
        ]
    )

    def call() -> object:
        torch.set_num_threads(1)
        return changes(tensor)

    return call


def with_albumentations(photo: np.ndarray, known: dict[str, Any]) -> Callable[[], object]:
    """Return albumentations' own, with labels where there are some."""
    import albumentations  # pyrefly: ignore

    changes = [
        albumentations.RandomResizedCrop((SIDE, SIDE), scale=(0.25, 1.0)),
        albumentations.HorizontalFlip(),
        albumentations.Affine(scale=(0.9, 1.1), translate_percent=(-0.1, 0.1), rotate=(-10, 10), p=1),
        albumentations.ColorJitter((0.8, 1.2), (0.8, 1.2), (0.8, 1.2), (0, 0), p=1),
    ]
    options: dict[str, Any] = {}
    given: dict[str, Any] = {"image": photo}
    if "boxes" in known:
        options["bbox_params"] = albumentations.BboxParams("pascal_voc", label_fields=["classes"])
        given |= {"bboxes": np.array(known["boxes"]), "classes": list(range(len(BOXES)))}
    if "masks" in known:
        given["masks"] = known["masks"].astype(np.uint8)
    if "keypoints" in known:
        options["keypoint_params"] = albumentations.KeypointParams("xy", remove_invisible=False)
        given["keypoints"] = np.concatenate(known["keypoints"])
    run = albumentations.Compose(changes, **options)
    return lambda: run(**given)

"""Augmentation of a photo at 224 pixels: part, mirror, affine map and colour, as a training loader asks for them.

Against the same pipeline written with OpenCV, and against torchvision's v2 transforms and albumentations where they are
installed; the pipeline written with OpenCV knows no boxes.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable

import cv2
import numpy as np

from sightline.data import Augment, LabelledImage
from sightline.data.crop import draw_rectangle

from . import scenes
from .timing import THREADS, Case

SHAPE, SIDE = (375, 500), 224
BOXES = [(60.0 * i, 40.0 * i, 60.0 * i + 90, 40.0 * i + 80) for i in range(6)]


def cases() -> list[Case]:
    """Return the cases; each call draws anew, so outputs are not compared: tests hold what each change does."""
    photo = scenes.rgb(*SHAPE)
    augment, seeds = Augment("standard", shape=(SIDE, SIDE)), iter(range(10**9))
    name = f"data.Augment standard {SHAPE[1]}×{SHAPE[0]} → {SIDE}×{SIDE}"
    labelled = LabelledImage(photo, boxes=BOXES)
    plain: list[tuple[str, Callable[[], object]]] = [("opencv", with_opencv(photo.copy()))]
    boxed = plain[:]
    if importlib.util.find_spec("torchvision") is not None:
        plain.append(("torchvision", with_torchvision(photo.copy())))
    if importlib.util.find_spec("albumentations") is not None:
        plain.append(("albumentations", with_albumentations(photo.copy(), [])))
        boxed.append(("albumentations", with_albumentations(photo.copy(), BOXES)))
    size = photo.nbytes + 3 * SIDE * SIDE
    return [
        *(Case(name, peer, lambda: augment(photo, next(seeds)), call, size, None) for peer, call in plain),
        *(
            Case(f"{name} with 6 boxes", peer, lambda: augment(labelled, next(seeds)), call, size, None)
            for peer, call in boxed
        ),
    ]


def with_opencv(photo: np.ndarray) -> Callable[[], np.ndarray]:
    """Return the pipeline as libraries on OpenCV run it, one operation after the other, without boxes."""
    cv2.setNumThreads(THREADS)
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

    torch.set_num_threads(THREADS)
    tensor = torch.from_numpy(photo).permute(2, 0, 1).contiguous()
    changes = v2.Compose(
        [
            v2.RandomResizedCrop(SIDE, scale=(0.25, 1.0), antialias=True),
            v2.RandomHorizontalFlip(),
            v2.RandomAffine(10, (0.1, 0.1), (0.9, 1.1), interpolation=v2.InterpolationMode.BILINEAR),
            v2.ColorJitter(0.2, 0.2, 0.2),
        ]
    )
    return lambda: changes(tensor)


def with_albumentations(photo: np.ndarray, boxes: list[tuple[float, ...]]) -> Callable[[], object]:
    """Return albumentations' own, with boxes where there are some."""
    import albumentations  # pyrefly: ignore

    cv2.setNumThreads(THREADS)
    changes = [
        albumentations.RandomResizedCrop((SIDE, SIDE), scale=(0.25, 1.0)),
        albumentations.HorizontalFlip(),
        albumentations.Affine(scale=(0.9, 1.1), translate_percent=(-0.1, 0.1), rotate=(-10, 10), p=1),
        albumentations.ColorJitter((0.8, 1.2), (0.8, 1.2), (0.8, 1.2), (0, 0), p=1),
    ]
    if not boxes:
        run = albumentations.Compose(changes)
        return lambda: run(image=photo)
    boxed = albumentations.Compose(
        changes, bbox_params=albumentations.BboxParams("pascal_voc", label_fields=["classes"])
    )
    known, classes = np.array(boxes), list(range(len(boxes)))
    return lambda: boxed(image=photo, bboxes=known, classes=classes)

"""Runs that were hardly trained, in seconds: what the inspector shows of a network holds whatever its weights are."""

from __future__ import annotations

from pathlib import Path

SMALL_VIT = {"dim": 12, "depth": 2, "num_heads": 3, "patch": 4}


def train_few(folder: Path, **runs: str) -> None:
    """Write 60 digits to train on and 30 to test with, and train a run of each name on them for one epoch.

    Parameters
    ----------
    folder
        Gets ``few``, the pictures in class folders, and ``runs``.
    **runs
        Classifier by the name of the run.
    """
    from sightline.data import open_dataset
    from sightline.image import write
    from sightline.train import train

    digits = open_dataset("digits")
    for place, part, many in (("train", digits.train, 60), ("test", digits.test, 30)):
        for i in range(many):
            image, label = part[i]
            (folder / "few" / place / digits.classes[label]).mkdir(parents=True, exist_ok=True)
            write(folder / "few" / place / digits.classes[label] / f"{i}.png", image)
    settings = {"epochs": 1, "report": False, "progress": False, "threads": 1}
    for name, kind in runs.items():
        options = SMALL_VIT if kind == "vit" else {}
        train(f"classify/{kind}", str(folder / "few"), out=folder / "runs" / name, **settings, **options)

"""The same training several times, on other folds or from other seeds: how sure is a figure?

Stone 1974, "Cross-validatory choice and assessment of statistical predictions"; Kohavi 1995 for folds by class.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightline.core.checks import integer
from sightline.core.errors import DataError
from sightline.core.files import write_json
from sightline.core.types import PathLike
from sightline.data.open_dataset import open_dataset
from sightline.train import folder as files
from sightline.train.recipe import find_recipe
from sightline.train.run import Run
from sightline.train.train import train


@dataclass(frozen=True)
class CrossValidation:
    """What several trainings reached.

    Parameters
    ----------
    folder
        Where their runs are.
    metric
        The recipe's metric.
    rows
        One for each training: ``seed``, ``fold``, ``value`` of its best epoch, and the ``run``'s folder.
    """

    folder: Path
    metric: str
    rows: tuple[dict[str, Any], ...]

    @property
    def values(self) -> list[float]:
        """The metric of each training."""
        return [row["value"] for row in self.rows]

    @property
    def mean(self) -> float:
        """Mean of the metric."""
        return statistics.fmean(self.values)

    @property
    def deviation(self) -> float:
        """Standard deviation of the metric from training to training (n − 1); 0 for a single one."""
        return statistics.stdev(self.values) if len(self.rows) > 1 else 0.0

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        found = {"folder": str(self.folder), "metric": self.metric, "mean": self.mean, "deviation": self.deviation}
        return {**found, "runs": list(self.rows)}

    def __str__(self) -> str:
        return f"{self.metric} {self.mean:.4f} ± {self.deviation:.4f} (mean ± sd of {len(self.rows)})"


def cross_validate(
    recipe: str,
    data: Any,
    *,
    folds: int = 5,
    seeds: int = 1,
    seed: int = 0,
    out: PathLike | None = None,
    progress: bool = False,
    **settings: Any,
) -> CrossValidation:
    """Train a recipe on each of k folds, from each of several seeds, and say what the trainings reach.

    The test split, where there is one, is never touched. Folds are by class; a run's best epoch is chosen on the fold
    that it is measured on, as in :func:`~sightline.train`, which flatters it a little.

    Parameters
    ----------
    recipe
        ``field/method`` of a classifier, for example ``classify/resnet18``.
    data
        Folder, file, name or opened set of labelled images.
    folds
        Number of folds, ≥ 2; 1 keeps the data's own validation split and trains once for each seed.
    seeds
        Number of seeds, ≥ 1.
    seed
        The first one, and that of the folds.
    out
        Folder for all runs; None makes ``runs/<data>-folds-<n>``.
    progress
        Show each training.
    **settings
        As :func:`~sightline.train` takes them.

    Returns
    -------
    CrossValidation
        Mean, standard deviation, and the runs; ``cross_validation.json`` in the folder says the same.

    Examples
    --------
    >>> found = cross_validate("classify/mlp", "digits", folds=3, epochs=8)  # doctest: +SKIP
    >>> print(found)  # doctest: +SKIP
    accuracy 0.9600 ± 0.0080 (mean ± sd of 3)
    """
    integer("cross_validate", "folds", folds, 1, 1000)
    integer("cross_validate", "seeds", seeds, 1, 1000)
    integer("cross_validate", "seed", seed, 0)
    metric = find_recipe(recipe)[0].metric
    opened = open_dataset(data, seed=seed)
    if opened.train.counts(len(opened.classes)).min() < folds:
        fewest = int(opened.train.counts(len(opened.classes)).min())
        raise DataError(f"cross_validate: folds must be at most the smallest class's images, {fewest}; got {folds}.")
    folder = files.claim(f"{opened.name}-folds", Path("runs")) if out is None else Path(out)
    rows = []
    for own in range(seed, seed + seeds):
        for fold, part in enumerate(opened.k_fold(folds, seed=seed) if folds > 1 else [opened]):
            place = folder / f"seed{own}-fold{fold}"
            run = train(recipe, part, out=place, seed=own, progress=progress, report=False, **settings)
            rows.append({"seed": own, "fold": fold, "value": _reached(run, metric), "run": str(place)})
    found = CrossValidation(folder, metric, tuple(rows))
    write_json(folder / "cross_validation.json", found.to_json())
    return found


def _reached(run: Run, metric: str) -> float:
    return float(run.best[f"val_{metric}"])

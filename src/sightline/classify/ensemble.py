"""Several trained networks as one: the mean of their probabilities.

Hansen & Salamon 1990, "Neural network ensembles"; Lakshminarayanan et al. 2017, "Simple and Scalable Predictive
Uncertainty Estimation using Deep Ensembles", section 2.4.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sightline.core.errors import InputError
from sightline.train.run import Predictor


class Ensemble(nn.Module):
    """Answer with the logarithm of the mean of all members' probabilities: B×C×H×W → B×classes.

    Parameters
    ----------
    members
        Networks for the same classes.
    sizes
        (height, width) of each one's input; images come in the first one's size.
    """

    def __init__(self, members: Sequence[nn.Module], sizes: Sequence[tuple[int, int]]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self.sizes = [tuple(size) for size in sizes]

    def forward(self, images: Tensor) -> Tensor:
        """Return logarithms of probabilities; softmax gives the probabilities themselves."""
        total: Tensor | float = 0.0
        for member, size in zip(self.members, self.sizes, strict=True):
            seen = images
            if tuple(images.shape[-2:]) != size:
                seen = F.interpolate(images, size, mode="bilinear", antialias=True)
            total = total + member(seen).float().softmax(dim=1)
        return torch.log(total / len(self.members) + 1e-30)  # type: ignore[arg-type]


def together(predictors: Sequence[Predictor]) -> Predictor:
    """Return one predictor that answers with the mean probabilities of several.

    Parameters
    ----------
    predictors
        Classifiers of the same classes, from images of as many channels; each one's own temperature is left out.
    """
    if not predictors:
        raise InputError("load: source must be a run or a list of runs; got an empty list.")
    first = predictors[0]
    wanted = _kind(first)
    for other in predictors[1:]:
        if _kind(other) != wanted:
            raise InputError(
                f"load: runs of one list must know the same classes from images of one kind; '{first.folder}' and "
                f"'{other.folder}' do not."
            )
    sizes = [predictor.recipe.form.size for predictor in predictors]  # type: ignore[attr-defined]
    model = Ensemble([predictor.model for predictor in predictors], sizes).eval()
    first.recipe.temperature = 1.0  # type: ignore[attr-defined]
    return Predictor(first.folder, first.recipe, model)


def _kind(predictor: Predictor) -> tuple[object, object]:
    recipe = predictor.recipe
    if not hasattr(recipe, "form") or not hasattr(recipe, "classes"):
        raise InputError(f"load: only classifiers answer together; '{predictor.folder}' is {recipe.name}.")
    return tuple(recipe.classes), recipe.form.channels

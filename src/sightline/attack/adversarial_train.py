"""Adversarial training: let the network learn from the worst pictures that an attack finds, not from the given ones.

Madry, Makelov, Schmidt, Tsipras, Vladu 2018, "Towards Deep Learning Models Resistant to Adversarial Attacks", ICLR;
the fast first epochs are those of Wong, Rice, Kolter 2020, "Fast is Better than Free", ICLR; noise on top is that of
Cohen, Rosenfeld, Kolter 2019, "Certified Adversarial Robustness via Randomized Smoothing", ICML.
"""

from __future__ import annotations

from typing import Annotated, Any

from sightline.attack.adversary import Adversary
from sightline.attack.ball import NORMS
from sightline.core.catalogue import method
from sightline.core.types import Choice, PathLike, Range
from sightline.train.run import Run
from sightline.train.train import train

_USUAL = Adversary()


@method(task="training", paper="Madry 2018", lesson="w9d4")
def adversarial_train(
    architecture: str,
    data: Any,
    *,
    eps: Annotated[float, Range(0, 1)] = _USUAL.eps,
    norm: Annotated[str, Choice(*NORMS)] = "inf",
    attack_steps: Annotated[int, Range(1, 100)] = _USUAL.attack_steps,
    fast_epochs: Annotated[int, Range(0, 1000)] = 0,
    eps_warmup: Annotated[float, Range(0, 1000)] = 0.0,
    sigma: Annotated[float, Range(0, 2)] = 0.0,
    out: PathLike | None = None,
    **settings: Any,
) -> Run:
    """Train a classifier on pictures that PGD makes worse while it learns, and return the run.

    The same as ``sightline.train("attack/<architecture>", data, eps=…)``. Each batch is attacked by the network as
    it is at that moment; what is kept is the epoch of the highest accuracy under PGD on the validation pictures.

    Parameters
    ----------
    architecture
        Any classifier of ``sightline.classify``, or ``striding_cnn``.
    data
        Folder, file, name or opened set.
    eps
        Radius of the ball, in 0–1, in units of pixel value.
    norm
        ``inf`` bounds the change of each pixel by ``eps``, ``l2`` the root of the sum of all squared changes.
    attack_steps
        Steps of PGD, ≥ 1, each of 2.5 ε / steps from a random start.
    fast_epochs
        First epochs in which one step of 1.25 ε from a random start stands in for PGD, ≥ 0.
    eps_warmup
        Epochs over which the radius grows from nothing, ≥ 0.
    sigma
        Standard deviation of the Gaussian noise that each picture gets after the attack, ≥ 0, in units of pixel value;
        with an ``eps`` of 0, how a network learns that :func:`certify` is to vouch for (Cohen 2019, section 3.3).
    out
        Folder of the run; None makes ``runs/<data>-<n>``.
    **settings
        Everything else that :func:`sightline.train.train` takes.

    Returns
    -------
    Run
        Its report has a section on how far the network resists.

    Raises
    ------
    InputError
        For an unknown architecture or setting, or an option out of its range.

    References
    ----------
    Madry, Makelov, Schmidt, Tsipras, Vladu, "Towards Deep Learning Models Resistant to Adversarial Attacks", ICLR 2018.
    """
    foe = Adversary(
        eps=eps,
        norm=norm,
        attack_steps=attack_steps,
        fast_epochs=fast_epochs,
        eps_warmup=eps_warmup,
        sigma=sigma,
    )
    return train(f"attack/{architecture}", data, out=out, **vars(foe), **settings)

"""Learning-rate schedules as pure functions of the step, so that a resumed run needs no scheduler state.

Warm-up and one-cycle: Smith & Topin 2018, "Super-Convergence"; cosine: Loshchilov & Hutter 2017, "SGDR".
"""

from __future__ import annotations

from sightline.learn.schedules import half_wave

RISE = 0.3  # share of one-cycle that rises, unless a warm-up says otherwise
START, FINISH = 25.0, 1e4  # one-cycle starts at peak/25 and ends 10,000 times lower than that


def warmup_steps(epochs: float, steps_per_epoch: int, total: int) -> int:
    """Return the steps of the warm-up: two thirds of all at most, so that a short training does not end at its peak.

    Parameters
    ----------
    epochs
        Length that was asked for, ≥ 0.
    steps_per_epoch, total
        Steps of an epoch and of the whole training.
    """
    return min(round(epochs * steps_per_epoch), 2 * total // 3)


def factor(schedule: str, step: int, total: int, warmup: int) -> float:
    """Return the share of the peak learning rate for one step.

    Parameters
    ----------
    schedule
        ``cosine``, ``linear``, ``one_cycle`` or ``constant``.
    step
        Number of steps taken before this one, 0 to ``total - 1``.
    total
        Steps of the whole training.
    warmup
        Steps of the rise; 0 for none (one-cycle then rises for 30 % of all steps).
    """
    if schedule == "one_cycle":
        return _one_cycle(step, total, warmup / total if warmup else RISE)
    if step < warmup:
        return (step + 1) / warmup
    if schedule == "constant":
        return 1.0
    done = (step - warmup) / max(1, total - warmup)
    return 1.0 - done if schedule == "linear" else half_wave(1.0, 0.0, done)


def _one_cycle(step: int, total: int, rise: float) -> float:
    top, last = max(rise * total - 1, 1e-9), max(total - 1, 1)
    low = 1 / START
    if step <= top:
        return half_wave(low, 1.0, step / top)
    return half_wave(1.0, low / FINISH, min(1.0, (step - top) / max(last - top, 1e-9)))

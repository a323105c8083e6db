"""What is about to be trained, found by a rehearsal on a copy of the model: parameters, FLOPs, time."""

from __future__ import annotations

import copy
import time
from typing import Any, NamedTuple

import torch
from torch.utils.flop_counter import FlopCounterMode

from sightline.train.engine import Engine
from sightline.train.progress import Outline, clock, short

REHEARSALS = 2  # timed batches, after one that warms up and is counted


class Rehearsal(NamedTuple):
    """The FLOPs of one sample's forward pass; the seconds in which one process loads a batch, and it is learnt."""

    flops: int
    loading: float
    learning: float

    def seconds(self, workers: int) -> float:
        """Return the seconds that a batch takes where so many processes load beside the learning; 0 load in turn."""
        return max(self.learning, self.loading / workers) if workers else self.learning + self.loading


def rehearse(engine: Engine) -> Rehearsal:
    """Learn from one batch a few times, in a copy of the model: samples, forward, backward.

    Parameters
    ----------
    engine
        About to run; it is left as it was.
    """
    model = copy.deepcopy(engine.model).train()
    engine.training.peek()  # opens files, compiles kernels
    started = time.perf_counter()
    batch = engine.training.peek()
    loading = time.perf_counter() - started
    counter = FlopCounterMode(display=False)
    inside: list[int] = []  # the model's own, without those of a teacher
    enter = model.register_forward_pre_hook(lambda *_: inside.append(-counter.get_total_flops()))
    leave = model.register_forward_hook(lambda *_: inside.append(counter.get_total_flops()))
    with counter, engine.autocast():
        engine.phases[0].losses(model, batch)
    enter.remove()
    leave.remove()
    flops = sum(inside) or counter.get_total_flops()  # some recipes call a model's parts
    seconds: list[float] = []
    for _ in range(1 + REHEARSALS):
        started = time.perf_counter()
        for phase in engine.phases:
            with engine.autocast():
                loss = phase.losses(model, batch)["loss"]
            loss.backward()
        if engine.device.type == "cuda":
            torch.cuda.synchronize(engine.device)
        seconds.append(time.perf_counter() - started)
    return Rehearsal(int(flops / engine.order.share), loading, min(seconds[1:]))


def outline(engine: Engine) -> Outline:
    """Return what to show before the start, and to keep in ``environment.json``."""
    plan, settings = engine.recipe.plan(), engine.settings
    parameters = sum(p.numel() for p in engine.model.parameters())
    trained = sum(p.numel() for p in engine.model.parameters() if p.requires_grad)
    rehearsal = rehearse(engine)
    flops, seconds = rehearsal.flops, rehearsal.seconds(settings.workers)
    loaded, learnt = (engine.order.share / max(each, 1e-9) for each in (rehearsal.loading, rehearsal.learning))
    left = engine.total_batches - engine.position.epoch * engine.batches_per_epoch - engine.position.batch
    batch = engine.order.share * engine.group.size
    frozen = f", {short(trained)} trained" if trained < parameters else ""
    per_epoch = f"{engine.batches_per_epoch} batches of {batch} an epoch"
    facts = {
        "images": f"{plan.images} of {'×'.join(map(str, plan.shape))}, {per_epoch}",
        **plan.facts,
        "parameters": f"{short(parameters)}{frozen}",
        "FLOPs": f"{short(flops)} for one image, forward" if flops else "not counted: they are not torch's",
        "device": f"{engine.device}, {settings.precision}"
        + (f", {engine.group.size} processes" if engine.group.size > 1 else ""),
        "pace": f"{loaded:,.0f} images/s loaded by one process, {learnt:,.0f} learnt",
        "time": f"about {clock(left * seconds)} for {settings.epochs} epoch{'s' if settings.epochs > 1 else ''}",
    }
    values: dict[str, Any] = {
        "images": plan.images,
        "shape": list(plan.shape),
        "facts": dict(plan.facts),
        "warnings": list(plan.warnings),
        "parameters": parameters,
        "trained_parameters": trained,
        "flops": flops,
        "loaded_per_second": loaded,
        "learnt_per_second": learnt,
        "batch_size": batch,
        "steps": engine.total_steps,
    }
    return Outline(engine.recipe.name, facts, plan.warnings, values)

"""The lab's routes for trainings: what can be trained, start, watch, stop, resume."""

from __future__ import annotations

import asyncio
import dataclasses
import importlib
import inspect
import json
from collections.abc import AsyncIterator, Container
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from sightline.apply.plain import plain
from sightline.core.errors import require
from sightline.core.parameters import documented_parameters
from sightline.lab.asks import TrainingAsk
from sightline.lab.lab import Lab
from sightline.lab.trainings import named_offline

_LOOK_SECONDS = 0.25
_BEAT_SECONDS = 10.0
_PACKAGE = Path(__file__).parents[1]


def training_routes(lab: Lab) -> APIRouter:
    """Return the routes of trainings."""
    routes = APIRouter(prefix="/api", tags=["trainings"])

    @routes.get("/recipes", summary="What can be trained, on which data, with which settings")
    async def recipes() -> dict[str, Any]:
        return await lab.workers.run(lambda _: told_recipes(lab))

    @routes.get("/trainings", summary="All trainings")
    def listed() -> list[dict[str, Any]]:
        return plain(lab.trainings.listed())

    @routes.post("/trainings", summary="Start a training", status_code=201)
    def start(ask: TrainingAsk) -> dict[str, str]:
        require("torch")
        return {"name": lab.trainings.start(ask.recipe, ask.data, ask.epochs, ask.settings)}

    @routes.get("/trainings/{name}", summary="One training: state, metrics so far, tail of the log")
    def told(name: str) -> dict[str, Any]:
        return plain(lab.trainings.told(name))

    @routes.post("/trainings/{name}/stop", summary="Save and stop a training", status_code=202)
    def stop(name: str) -> dict[str, str]:
        lab.trainings.stop(name)
        return {"name": name}

    @routes.post("/trainings/{name}/resume", summary="Go on with a training", status_code=202)
    def resume(name: str) -> dict[str, str]:
        require("torch")
        lab.trainings.resume(name)
        return {"name": name}

    @routes.get("/trainings/{name}/events", summary="A training's metrics as server-sent events")
    async def events(name: str) -> StreamingResponse:
        await asyncio.to_thread(lab.trainings.told, name)
        headers = {"cache-control": "no-cache", "x-accel-buffering": "no"}
        return StreamingResponse(_events(lab, name), media_type="text/event-stream", headers=headers)

    return routes


async def _events(lab: Lab, name: str) -> AsyncIterator[str]:
    """Yield one event for each new row of metrics, one for each change of state, and one at the end."""
    seen, state, waited = 0, "", 0.0
    while not lab.closing.is_set():
        told = plain(await asyncio.to_thread(lab.trainings.told, name))
        rows = told["metrics"]
        seen = min(seen, len(rows))
        for row in rows[seen:]:
            yield f"event: row\ndata: {json.dumps(row)}\n\n"
        changed = told["state"] != state
        if changed:
            state = told["state"]
            yield f"event: state\ndata: {json.dumps({'state': state, 'error': told.get('error')})}\n\n"
        if state in ("finished", "stopped", "failed", "broken"):
            yield f"event: end\ndata: {json.dumps({'state': state})}\n\n"
            return
        waited = 0.0 if changed or len(rows) > seen else waited + _LOOK_SECONDS
        seen = len(rows)
        if waited >= _BEAT_SECONDS:  # so that a client that went away is noticed
            waited = 0.0
            yield ": still there\n\n"
        await asyncio.sleep(_LOOK_SECONDS)


def told_recipes(lab: Lab) -> dict[str, Any]:
    """Return what can be trained: recipes, sets that are on this machine, settings with their kinds and defaults."""
    missing = "" if find_spec("torch") else "Training needs torch: pip install 'sightline[deep]'"
    rows = lab.listing.rows(whole=True).values()
    found = [
        {"name": name, "summary": row["summary"], "paper": row["paper"]} for row in rows if (name := _recipe_of(row))
    ]
    return {
        "needs": missing,
        "recipes": found,
        "data": [_set(name) for name in named_offline()],
        "settings": [*_engine(), *_classifier(), *_detector()],
    }


def _recipe_of(row: dict[str, Any]) -> str:
    """Return the name by which a method is trained; empty for the others."""
    from sightline.learn.networks import TRAINED  # with its kernels: not before somebody asks

    if row["field"] == "learn":  # of what NumPy learns, two networks go through the engine
        return next((f"learn/{name}" for name, builder in TRAINED.items() if builder == row["name"]), "")
    return f"{row['field']}/{row['name']}" if row["name"] in _trained(row["field"]) else ""


@lru_cache
def _trained(field: str) -> Container[str]:
    """Return the methods of a field that its recipe trains; none where torch is missing or the field has no recipe."""
    if not (_PACKAGE / field / "recipe.py").is_file() or not find_spec("torch"):
        return ()
    return importlib.import_module(f"sightline.{field}.recipe").METHODS


def _set(name: str) -> dict[str, Any]:
    from sightline.data.named import named_sets

    known = named_sets()[name]
    return {"name": name, "title": known.title, "images": known.train, "classes": len(known.classes)}


def _engine() -> list[dict[str, Any]]:
    from sightline.train import settings

    choices: dict[str, tuple[str, ...]] = {
        "optimizer": settings.OPTIMIZERS,
        "schedule": settings.SCHEDULES,
        "precision": settings.PRECISIONS,
    }
    return _fields(settings.Settings, choices, "engine", leave_out=("device", "log", "workers"))


def _classifier() -> list[dict[str, Any]]:
    from sightline.classify import options

    return _fields(options.Options, {"augment": options.AUGMENTATIONS}, "classify")


def _detector() -> list[dict[str, Any]]:
    from sightline.detect import options

    return _fields(options.Options, {}, "detect")


def _fields(
    record: Any, choices: dict[str, tuple[str, ...]], group: str, leave_out: tuple[str, ...] = ()
) -> list[dict[str, Any]]:
    texts = documented_parameters(inspect.getdoc(record) or "")
    return [
        {
            "name": item.name,
            "kind": "choice" if item.name in choices else type(item.default).__name__,
            "default": list(item.default) if isinstance(item.default, tuple) else item.default,
            "choices": list(choices.get(item.name, ())),
            "text": texts.get(item.name, "").replace("`", ""),
            "group": group,
        }
        for item in dataclasses.fields(record)
        if item.name not in leave_out
    ]

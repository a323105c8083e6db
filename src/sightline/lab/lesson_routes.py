"""The lab's routes for lessons."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from fastapi import APIRouter

from sightline.lab import grading, lessons
from sightline.lab.lab import Lab

_SPARE_SECONDS = 10.0  # beyond the limit of the process that runs a lesson
PLACE = "learn"  # under the root: the reader's own files


def lesson_routes(lab: Lab) -> APIRouter:
    """Return the routes of lessons."""
    routes = APIRouter(prefix="/api", tags=["lessons"])

    @routes.get("/lessons", summary="The path: weeks and days")
    def listed() -> dict[str, Any]:
        done = grading.progress(lab.root / PLACE)
        taught: dict[str, list[str]] = {}
        for name, row in lab.listing.rows().items():
            taught.setdefault(row["lesson"], []).append(name)
        return {"weeks": [_week(week, done, taught) for week in lessons.path()]}

    @routes.get("/lessons/{lesson}", summary="One lesson in cells")
    def described(lesson: str) -> dict[str, Any]:
        return _described(lessons.find(lesson), lab.root / PLACE)

    @routes.post("/lessons/{lesson}/run", summary="Run a lesson, and give its cells with what they gave")
    async def run(lesson: str) -> dict[str, Any]:
        day = lessons.find(lesson)
        limit = lessons.LIMIT + _SPARE_SECONDS
        return (await lab.workers.run(lambda _: lessons.run(day.id), seconds=limit)).to_json()

    @routes.post("/lessons/{lesson}/begin", summary="Write the exercise's file under the root")
    def begin(lesson: str) -> dict[str, str]:
        file = grading.write_exercise(lesson, lab.root / PLACE)
        return {"file": file.relative_to(lab.root).as_posix()}

    @routes.post("/lessons/{lesson}/check", summary="Grade the exercise's file under the root")
    async def check(lesson: str) -> dict[str, Any]:
        day = lessons.find(lesson)
        limit = grading.LIMIT + _SPARE_SECONDS
        grade = await lab.workers.run(lambda _: grading.check(day.id, lab.root / PLACE), seconds=limit)
        return grade.to_json()

    return routes


def _described(day: lessons.Day, place: Path) -> dict[str, Any]:
    task, code = grading.exercise(day.id)
    begun = (place / f"{day.id}.py").is_file()
    return {
        **asdict(day),
        "cells": [asdict(cell) for cell in lessons.cells(day.id)],
        "exercise": {"text": task, "code": code, "file": f"{PLACE}/{day.id}.py", "begun": begun},
        "done": grading.progress(place).get(day.id, False),
    }


def _week(week: lessons.Week, done: dict[str, bool], taught: dict[str, list[str]]) -> dict[str, Any]:
    days = [{**asdict(day), "done": done.get(day.id, False), "methods": taught.get(day.id, [])} for day in week.days]
    return {"number": week.number, "title": week.title, "days": days}

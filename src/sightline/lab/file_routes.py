"""The lab's routes for what lies under its root: pictures, videos, runs, folders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import APIRouter, Query

from sightline.core.errors import MissingFileError
from sightline.data.naming import is_image_name
from sightline.lab.lab import Lab
from sightline.lab.places import under
from sightline.train.folder import is_run

VIDEOS = (".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v", ".mpg", ".mpeg", ".gif")
_MOST = 1000


def file_routes(lab: Lab) -> APIRouter:
    """Return the routes of files."""
    routes = APIRouter(prefix="/api", tags=["pictures"])

    @routes.get("/files", summary="Pictures, videos, runs and folders under the root")
    def listed(folder: str = Query("", max_length=1000)) -> dict[str, Any]:
        place = under(lab.root, folder)
        if not place.is_dir():
            raise MissingFileError(f"files: '{folder}' is no folder under the lab's root.")
        rows = [row for item in sorted(place.iterdir(), key=_order) if (row := _row(lab.root, item)) is not None]
        return {"folder": folder.strip("/"), "entries": rows[:_MOST], "left_out": max(0, len(rows) - _MOST)}

    @routes.get("/video", summary="A video's frames, size and rate")
    async def video(ref: str = Query(max_length=1000)) -> dict[str, Any]:
        path = under(lab.root, ref.removeprefix("file:"))
        return await lab.workers.run(lambda _: _about(path, ref))

    return routes


def _order(item: Path) -> tuple[bool, str]:
    return (not item.is_dir(), item.name.lower())


def _row(root: Path, item: Path) -> dict[str, Any] | None:
    """Return an entry of a folder, None for what the lab cannot show."""
    if item.name.startswith(".") or (item.is_symlink() and not item.resolve().is_relative_to(root)):
        return None
    relative = item.relative_to(root).as_posix()
    if item.is_dir():
        return {"name": item.name, "kind": "run" if is_run(item) else "folder", "path": relative}
    kind = "picture" if is_image_name(item.name) else "video" if item.suffix.lower() in VIDEOS else ""
    if not kind:
        return None
    return {"name": item.name, "kind": kind, "ref": f"file:{relative}", "bytes": item.stat().st_size}


def _about(path: Path, reference: str) -> dict[str, Any]:
    from sightline.image.frames import frames

    if not path.is_file():
        raise MissingFileError(f"files: '{reference}' does not exist.")
    with frames(str(path)) as clip:
        first = next(iter(clip), None)
        height, width = (0, 0) if first is None else first.shape[:2]
        return {"ref": reference, "frames": clip.count, "fps": clip.fps, "width": width, "height": height}

"""The one way from a name that a page says to a path: never outside the root, never what is hidden."""

from __future__ import annotations

from pathlib import Path

from sightline.core.errors import InputError


def under(root: Path, name: str) -> Path:
    """Return the path ``name`` within ``root``.

    Raises :class:`InputError` for absolute paths, for ``..``, for hidden files, and for links that lead out.

    Parameters
    ----------
    root
        The folder that a page may look into.
    name
        Path relative to it, with ``/`` between its parts.
    """
    parts = name.split("/")
    odd = any(part in ("..", "~") or part.startswith(".") for part in parts if part) or not name.isprintable()
    refusal = InputError(f"path: must be a file or folder under the lab's root; got {name!r}.")
    if odd or name.startswith("/") or "\\" in name or ":" in name or len(name) > 1000:
        raise refusal
    path = root.joinpath(*[part for part in parts if part])
    try:
        inside = path.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError) as error:
        raise refusal from error
    if not inside:
        raise refusal
    return path

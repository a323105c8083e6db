"""The runs under the lab's root: found, told, and used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sightline.core.errors import MissingFileError, SightlineError, suggest
from sightline.lab.places import under
from sightline.train import folder as files


class Runs:
    """The folders of runs below ``root``: in ``runs/``, or beside the pictures.

    Parameters
    ----------
    root
        The lab's root.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def folders(self) -> dict[str, Path]:
        """Return the folders by name, the newest first."""
        places = [*(self.root / "runs").glob("*"), *self.root.glob("*")]
        found = [place for place in places if files.is_run(place)]
        found.sort(key=lambda place: (place / files.CONFIG).stat().st_mtime, reverse=True)
        named: dict[str, Path] = {}
        for place in found:
            named.setdefault(place.name, place)
        return named

    def find(self, name: str) -> Path:
        """Return the folder of a run by its name."""
        under(self.root, name)
        known = self.folders()
        if name not in known:
            raise MissingFileError(f"runs: no run is named '{name}' under the lab's root.{suggest(name, known)}")
        return known[name]

    def listed(self) -> list[dict[str, Any]]:
        """Return each run in a few words; one whose files are broken says so."""
        return [self.brief(name, place) for name, place in self.folders().items()]

    def brief(self, name: str, place: Path) -> dict[str, Any]:
        """Return a run's name, recipe, data, epochs and newest metrics."""
        try:
            config = files.read_config(place)
            rows = files.read_metrics(place)
        except (SightlineError, OSError, ValueError) as error:
            return {"name": name, "error": str(error)}
        return {
            "name": name,
            "recipe": config["recipe"],
            "data": config.get("data", ""),
            "epochs": len(rows),
            "of": config["settings"].get("epochs"),
            "last": rows[-1] if rows else None,
            "report": (place / "report.html").is_file(),
            "weights": any((place / files.CHECKPOINTS).glob("*.safetensors")),
        }

    def told(self, name: str) -> dict[str, Any]:
        """Return all that is known of a run: configuration, metrics, classes."""
        place = self.find(name)
        config = files.read_config(place)
        model = config["model"] if isinstance(config["model"], dict) else {}
        return {
            **self.brief(name, place),
            "config": config,
            "metrics": files.read_metrics(place),
            "classes": list(model.get("classes", ())),
            "report": f"/api/runs/{name}/report" if (place / "report.html").is_file() else None,
        }

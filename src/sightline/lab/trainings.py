"""Trainings that are started from a page: each a process of its own, one at a time, stopped and resumed at will."""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sightline.core.errors import InputError, SightlineError
from sightline.lab.places import under
from sightline.lab.process import Process
from sightline.lab.runs import Runs
from sightline.serve.failures import RequestError
from sightline.train import folder as files


class Trainings:
    """The trainings of a lab.

    Parameters
    ----------
    root
        The lab's root: data and runs lie below it.
    runs
        Its runs.
    """

    def __init__(self, root: Path, runs: Runs) -> None:
        self.root, self.runs = root, runs
        self._processes: dict[str, Process] = {}
        self._lock = threading.Lock()

    def start(self, recipe: str, data: str, epochs: int, settings: Mapping[str, Any]) -> str:
        """Start a training and return its name.

        Raises :class:`RequestError` 409 while another one runs.

        Parameters
        ----------
        recipe
            ``field/method``.
        data
            Name of a set, or ``file:folder`` under the root.
        epochs, settings
            As for ``sightline train``.
        """
        source, stem = self._data(data)
        words = [f"{name}={_word(name, value)}" for name, value in settings.items()]
        with self._lock:
            self._refuse_second()
            folder = files.claim(stem, self.root / "runs")
            command = [sys.executable, "-m", "sightline", "train", _recipe(recipe), source, *words]
            command += ["--epochs", str(epochs), "--out", str(folder)]
            self._processes[folder.name] = Process(command, self.root)
        return folder.name

    def resume(self, name: str) -> None:
        """Go on with a training that was stopped."""
        folder = self.runs.find(name)
        config = files.read_config(folder)
        with self._lock:
            self._refuse_second()
            command = [sys.executable, "-m", "sightline", "train", config["recipe"], config["data"]]
            command += ["--out", str(folder), "--resume"]
            self._processes[name] = Process(command, self.root)

    def stop(self, name: str) -> None:
        """Ask a running training to save and end."""
        process = self._processes.get(name)
        if process is None or process.code is not None:
            self.told(name)  # refuses a name that is none
            raise RequestError(409, f"trainings: '{name}' is not running.")
        process.stop()

    def told(self, name: str) -> dict[str, Any]:
        """Return a training's state, its metrics so far, and the tail of its log."""
        process = self._processes.get(name)
        folder = self.root / "runs" / name
        if process is None or files.is_run(folder):
            folder = self.runs.find(name) if process is None else folder
        row: dict[str, Any] = {"name": name, "state": "starting", "metrics": [], "log": []}
        try:
            if files.is_run(folder):
                config = files.read_config(folder)
                row |= {"recipe": config["recipe"], "data": config.get("data", "")}
                row |= {"of": config["settings"].get("epochs"), "metrics": files.read_metrics(folder)}
        except (SightlineError, OSError, ValueError) as error:
            row |= {"state": "broken", "error": str(error)}
            return row
        row["state"] = _state(process, row, (folder / "report.html").is_file())
        if process is not None:
            row["log"] = list(process.lines)
            if row["state"] == "failed":
                row["error"] = next((line for line in reversed(process.lines) if line.strip()), "It ended at once.")
        return row

    def listed(self) -> list[dict[str, Any]]:
        """Return all trainings in a few words: those of this lab first, then the runs that are there."""
        names = dict.fromkeys([*reversed(self._processes), *self.runs.folders()])
        rows = []
        for name in names:
            told = self.told(name)
            epochs = told.pop("metrics")
            told.pop("log")
            rows.append({**told, "epochs": len(epochs), "last": epochs[-1] if epochs else None})
        return rows

    @property
    def running(self) -> str | None:
        """The training that runs, None when none does."""
        return next((name for name, process in self._processes.items() if process.code is None), None)

    def close(self) -> None:
        """Stop what runs; it is saved and can be resumed."""
        for process in self._processes.values():
            process.stop()
        for process in self._processes.values():
            process.finish()

    def _refuse_second(self) -> None:
        name = self.running
        if name is not None:
            raise RequestError(409, f"trainings: '{name}' is running, and one runs at a time. Stop it, or wait for it.")

    def _data(self, data: str) -> tuple[str, str]:
        """Return what ``sightline train`` calls the data, and the stem of the run's name."""
        if data.startswith("file:"):
            path = under(self.root, data.removeprefix("file:"))
            if not path.exists():
                raise InputError(f"trainings: data '{data}' does not exist under the lab's root.")
            return str(path), path.stem
        if data not in named_offline():
            known = ", ".join(named_offline())
            raise InputError(
                f"trainings: data must be a folder of the root (file:…) or a set that is on this machine ({known}); "
                f"got {data!r}."
            )
        return data, data


def named_offline() -> list[str]:
    """Return the named sets that need no network: those that come with the package or lie in a data folder."""
    from sightline.data.named import data_folders, named_sets

    places = data_folders()
    return [name for name, known in named_sets().items() if not known.files or any((p / name).is_dir() for p in places)]


def _state(process: Process | None, row: Mapping[str, Any], report: bool) -> str:
    done = bool(row["metrics"]) and len(row["metrics"]) >= (row.get("of") or 1)
    if process is None:
        return "finished" if done or report else "stopped"
    if process.code is None:
        return "stopping" if process.stopping else "running" if row["metrics"] else "starting"
    if process.code == 0:
        return "finished"
    return "stopped" if process.stopping else "failed"


def _recipe(name: str) -> str:
    if not all(part.isidentifier() for part in name.split("/")) or name.count("/") != 1:
        raise InputError(f"trainings: recipe must be like classify/resnet18; got {name!r}.")
    return name


def _word(name: str, value: Any) -> str:
    """Return a setting's value as a word of the command line; names that would be options are refused."""
    if not name.isidentifier() or name in ("out", "resume", "config", "json", "device", "recipe", "data"):
        raise InputError(f"trainings: settings has no '{name}'.")
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    if not text.isprintable() or len(text) > 200:
        raise InputError(f"trainings: settings.{name} must be a short word or a number.")
    return text

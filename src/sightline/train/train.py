"""``sightline.train(…)``: from a recipe's name and data to a finished run."""

from __future__ import annotations

import contextlib
import difflib
import signal
import threading
import tomllib
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

import sightline
from sightline.core.errors import InputError
from sightline.core.types import PathLike
from sightline.train import folder as files
from sightline.train.checkpoint import BEST, Checkpoints, CheckpointWarning
from sightline.train.engine import Diverged, Engine, Stopped
from sightline.train.outline import outline
from sightline.train.processes import Group, join, pick_device
from sightline.train.progress import Board, Silent, make_progress
from sightline.train.recipe import Recipe, find_recipe
from sightline.train.run import Run
from sightline.train.settings import RESUMABLE, Settings, split, unknown_sentence
from sightline.train.tensors import load_tensors, load_weights, save_tensors
from sightline.train.toml import to_toml

_NEAR = 0.8  # so alike that an unknown name is a slip of an engine's setting and no option of the recipe


class Interrupted(KeyboardInterrupt):
    """A training was stopped by Ctrl-C or SIGTERM; it is saved, and the sentence says how to go on.

    Parameters
    ----------
    sentence
        What happened and how to resume.
    folder
        The run.
    """

    def __init__(self, sentence: str, folder: Path) -> None:
        super().__init__(sentence)
        self.folder = folder


@dataclass(frozen=True)
class _Request:
    """What was asked for, made complete: by the recipe's defaults, or by the run that is resumed."""

    recipe: Recipe
    name: str
    data: str
    settings: Settings
    options: dict[str, Any]

    def config(self) -> dict[str, Any]:
        return {
            "recipe": self.name,
            "data": self.data,
            "sightline": sightline.__version__,
            "settings": self.settings.to_dict(),
            "options": self.options,
            "model": self.recipe.config(),
        }


def train(
    recipe: str,
    data: Any,
    *,
    out: PathLike | None = None,
    resume: bool = False,
    progress: bool = True,
    report: bool = True,
    **settings: Any,
) -> Run:
    """Train a recipe on data and return the run.

    Parameters
    ----------
    recipe
        ``field/method``, for example ``classify/resnet18``.
    data
        Folder, file, name or opened set.
    out
        Folder of the run; None makes ``runs/<data>-<n>``. A folder that holds a run is refused unless ``resume``.
    resume
        Go on with the run in ``out`` (None: with the newest one of this data and recipe); start when there is none.
        On a CPU with the same number of threads the result is bit for bit that of a run that was never stopped.
    progress
        Show what is about to happen and how it goes (on stderr).
    report
        Write ``report.html`` at the end.
    **settings
        Fields of :class:`~sightline.train.settings.Settings` and options of the recipe.

    Returns
    -------
    Run
        The run's folder, metrics and model.

    Raises
    ------
    InputError
        For an unknown recipe or setting, or a folder that is in use.
    Interrupted
        After Ctrl-C or SIGTERM, when everything is saved.
    """
    known, options = split(settings)
    for name in options:
        if difflib.get_close_matches(name, Settings.__dataclass_fields__, n=1, cutoff=_NEAR):
            raise InputError(unknown_sentence(name, ()))
    Settings(**known)  # refuses bad values before any data is opened
    group = join(known.get("device", "auto"))
    shown = make_progress(progress and group.leads)
    begun = _find_begun(recipe, data, out, resume) if group.leads else None
    begun = group.share(begun)
    request = _open(recipe, data, known, options, begun)
    folder = group.share(_place(data, out, begun) if group.leads else Path())
    try:
        with files.locked(folder) if group.leads else contextlib.nullcontext():
            return _Training(request, folder, group, shown).run(report, fresh=begun is None)
    except BaseException:
        if group.leads and begun is None and out is None:
            files.give_up(folder)
        raise


# --- what to train, and where ---


def _find_begun(recipe: str, data: Any, out: PathLike | None, resume: bool) -> Path | None:
    """Return the run to resume, None for a new one; refuse to write over one."""
    if out is None:
        return files.newest(_name(data), Path("runs"), recipe) if resume else None
    folder = Path(out)
    if not files.is_run(folder):
        return None
    if not resume:
        raise InputError(f"train: '{folder}' holds a run. Resume it (resume=True, --resume) or choose another folder.")
    return folder


def _place(data: Any, out: PathLike | None, begun: Path | None) -> Path:
    if begun is not None:
        return begun
    if out is None:
        return files.claim(_name(data), Path("runs"))
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _name(data: Any) -> str:
    if isinstance(data, (str, Path)):
        path = Path(data)
        return (path.resolve().name if path.is_dir() else path.stem) or "run"
    return str(getattr(data, "name", "") or "run")


def _open(name: str, data: Any, known: dict[str, Any], options: dict[str, Any], begun: Path | None) -> _Request:
    kind, method = find_recipe(name)
    if begun is None:
        recipe = kind.open(method, data, known.get("seed", 0), options)
        settings = Settings.from_dict({**recipe.defaults, **known})
        return _Request(recipe, name, _source(data), settings, options)
    config = files.read_config(begun)
    if config["recipe"] != name:
        raise InputError(f"resume: '{begun}' is a run of {config['recipe']}, not of {name}.")
    _refuse_changes({**config["settings"], **config["options"]}, {**known, **options})
    settings = Settings.from_dict({**config["settings"], **known})
    recipe = kind.open(method, data, settings.seed, config["options"])
    if tomllib.loads(to_toml(recipe.config())) != config["model"]:
        raise InputError(
            f"resume: the data is not what '{begun}' was begun with (other classes, images or sizes). Start a new run."
        )
    return _Request(recipe, name, config["data"], settings, config["options"])


def _refuse_changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    for name, value in now.items():
        was = before.get(name)
        plain = list(value) if isinstance(value, tuple) else value
        if plain != was and name not in RESUMABLE:
            said = "not set" if was is None else repr(was)
            raise InputError(
                f"resume: {name} was {said} when the run began; got {value!r}. Leave it out, or start a new run."
            )


def _source(data: Any) -> str:
    if isinstance(data, (str, Path)):
        return str(Path(data).resolve()) if Path(data).exists() else str(data)
    return str(getattr(data, "source", "") or type(data).__name__)


# --- the training of one run ---


class _Training:
    """One process's part in training one run: the engine, and around it files, signals and what is shown."""

    def __init__(self, request: _Request, folder: Path, group: Group, shown: Silent) -> None:
        self.request, self.folder, self.group, self.shown = request, folder, group, shown
        self.checkpoints = Checkpoints(folder / files.CHECKPOINTS)

    def run(self, report: bool, fresh: bool) -> Run:
        settings = self.request.settings
        device = pick_device(settings.device)
        devices = [device] if device.type == "cuda" else []
        snapshot = None if fresh else self.checkpoints.load() if self.group.leads else None
        snapshot = self.group.share(snapshot)
        before = snapshot.progress["machine"] if snapshot else {}
        with _threads(settings.threads or before.get("threads", 0)), torch.random.fork_rng(devices), _asked() as asked:
            self.machine = {"device": device.type, "threads": torch.get_num_threads(), "processes": self.group.size}
            _warn_of_changes(before, self.machine)
            self.engine = Engine(
                self.request.recipe,
                settings,
                device=device,
                group=self.group,
                progress=self.shown,
                save=self._save,
                stop=lambda: bool(asked),
            )
            if snapshot is not None:
                position = {key: value for key, value in snapshot.progress.items() if key != "machine"}
                self.engine.restore(type(snapshot)(snapshot.step, snapshot.weights, snapshot.tensors, position))
            self._begin(snapshot is not None)
            self._train()
            run = Run(self.folder)
            if self.group.leads and report:
                self._report(run)
            return run

    def _begin(self, resumed: bool) -> None:
        engine, settings = self.engine, self.request.settings
        if self.group.leads:
            self.checkpoints.clean()
            said = outline(engine) if not resumed or type(self.shown) is not Silent else None
            if said is not None:
                self.shown.begin(said)
            if said is not None and not resumed:
                files.write_environment(self.folder, said.values, self.machine)
                self._save(False)  # there is always a checkpoint to fall back on
            files.write_config(self.folder, self.request.config())
            files.write_metrics(self.folder, engine.position.history)
            if resumed:
                self.shown.say(
                    f"resuming {self.folder} after epoch {engine.position.epoch}, step {engine.position.step}"
                )
            if "tensorboard" in settings.log:
                engine.progress = Board(self.shown, self.folder / "tensorboard", engine.position.step)

    def _train(self) -> None:
        engine = self.engine
        try:
            engine.run()
        except Stopped:
            if self.group.leads:
                self._save(False)
            here = engine.position
            name, data = self.request.name, self.request.data
            sentence = (
                f"train: stopped in epoch {here.epoch + 1} of {engine.settings.epochs} (step {here.step}) and saved. "
                f"Go on with: sightline train {name} {data} --out {self.folder} --resume"
            )
            raise Interrupted(sentence, self.folder) from None
        except Diverged as error:
            if error.batch is None:
                raise
            place = self.folder / files.DIVERGED
            save_tensors(place, dict(_tensors_of(error.batch)), {"step": engine.position.step})
            raise Diverged(f"{error} The batch is kept in '{place}'.", error.batch) from None
        finally:
            engine.progress.end()

    def _save(self, best: bool) -> None:
        if not self.group.leads:
            return
        snapshot = self.engine.snapshot()
        position = {**snapshot.progress, "machine": self.machine}
        here, row = self.engine.position, (self.engine.position.history or [{}])[-1]
        about = {"recipe": self.request.name, "epoch": here.epoch}
        about |= {name: value for name, value in row.items() if name.startswith("val_")}
        self.checkpoints.save(type(snapshot)(here.step, snapshot.weights, snapshot.tensors, position), about, best)
        if here.epoch:
            files.write_metrics(self.folder, here.history)

    def _report(self, run: Run) -> None:
        from sightline.train.report import write_report

        best = self.folder / files.CHECKPOINTS / BEST
        model = self.engine.evaluated.eval()
        if best.exists():
            load_weights(model, load_tensors(best)[0], f"'{best}'")
        write_report(run, self.request.recipe, model)


def _tensors_of(value: Any, name: str = "") -> Iterator[tuple[str, torch.Tensor]]:
    """Yield the tensors of a batch, named by where they are in it: ``image``, ``targets.0.boxes``."""
    parts = (
        value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, (list, tuple)) else ()
    )
    for key, part in parts:
        yield from _tensors_of(part, f"{name}.{key}" if name else str(key))
    if isinstance(value, torch.Tensor):
        yield name, value.detach().cpu().contiguous()


def _warn_of_changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    changed = [f"{name} ({before[name]} then, {now[name]} now)" for name in before if before[name] != now[name]]
    if changed:
        warnings.warn(
            f"resume: {', '.join(changed)} changed since: the result will not be bit for bit the same.",
            CheckpointWarning,
            stacklevel=2,
        )


@contextlib.contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextlib.contextmanager
def _asked() -> Iterator[list[int]]:
    """Collect Ctrl-C and SIGTERM in a list instead of dying of them; a second Ctrl-C interrupts at once."""
    asked: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield asked  # only the main thread may set signal handlers
        return

    def handle(number: int, frame: object) -> None:
        if asked and number == signal.SIGINT:
            raise KeyboardInterrupt
        asked.append(number)

    before: dict[signal.Signals, Callable[..., Any] | int | None] = {}
    for number in (signal.SIGINT, signal.SIGTERM):
        before[number] = signal.signal(number, handle)
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

"""The report of a run: one page that says what was trained on what, how well, how fast, and how to do it again."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from statistics import median
from typing import Any

from torch import nn

from sightline.core.errors import InputError
from sightline.core.files import read_json, write_json, write_text
from sightline.train.charts import Series, line_chart
from sightline.train.folder import ENVIRONMENT, read_config, read_metrics
from sightline.train.page import chart, commands, facts, figures, page, percent
from sightline.train.progress import clock, short
from sightline.train.recipe import Recipe, Section
from sightline.train.settings import Settings

REPORT, EVALUATION = "report.html", "evaluation.json"
_SHARES = ("accuracy", "top5", "f1", "precision", "recall", "iou")  # measures that are written in percent


def write_report(run: Any, recipe: Recipe, model: nn.Module, *, extra_sections: Sequence[Section] = ()) -> Path:
    """Write ``report.html`` into a run's folder, and ``evaluation.json`` where the recipe can be evaluated.

    Parameters
    ----------
    run
        A run (anything with ``folder``), or its folder.
    recipe
        On its data.
    model
        The best model; it is put in eval mode.
    extra_sections
        Sections that come before the report's own.

    Notes
    -----
    A recipe's first section is about its data and stands before the curves; the others follow them.

    Returns
    -------
    The file's path.
    """
    folder = Path(getattr(run, "folder", run))
    model.eval()
    found = evaluate(recipe, model)
    if found:
        write_json(folder / EVALUATION, found)
    story = _Story(folder, recipe, found)
    data, *own = recipe.sections(model) or [Section("What it learnt from", story.outline_table())]
    sections = [
        *extra_sections,
        data,
        Section("How it learnt", story.curves()),
        *own,
        Section("How fast", story.speed()),
        Section("With what", story.environment()),
        Section("How to do it again", story.commands()),
    ]
    foot = f"Written by Sightline {story.version} on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC."
    text = page(story.title, sections, kicker="Sightline · report of a run", head=story.head(), foot=foot)
    write_text(folder / REPORT, text)
    return folder / REPORT


def evaluate(recipe: Recipe, model: nn.Module) -> dict[str, Any]:
    """Return the recipe's evaluation on its own data; empty where it has none.

    Parameters
    ----------
    recipe
        On its data.
    model
        In eval mode.
    """
    try:
        return recipe.evaluate(model, None, None)
    except InputError:
        return {}


class _Story:
    """What the files of a run tell."""

    def __init__(self, folder: Path, recipe: Recipe, found: Mapping[str, Any]) -> None:
        self.folder, self.recipe, self.found = folder, recipe, found
        self.config = read_config(folder)
        self.history = read_metrics(folder)
        path = folder / ENVIRONMENT
        self.machine: dict[str, Any] = read_json(path) if path.exists() else {}
        self.outline: dict[str, Any] = self.machine.get("plan", {})
        self.version = self.machine.get("versions", {}).get("sightline", "")
        self.data = str(self.config.get("data") or self.config["model"].get("data", {}).get("source", ""))
        self.title = f"{recipe.name} on {Path(self.data).name or self.data or 'its data'}"

    # --- the head ---

    def head(self) -> str:
        """Return the first paragraph and the figures below it."""
        return f'<p class="lead">{self._lead()}</p>{figures(self._figures())}'

    def _lead(self) -> str:
        seconds, images = self._seconds(), self.outline.get("images")
        learnt = f"<b>{escape(self.recipe.name)}</b> learnt"
        learnt += f" from {images:,} images" if images else ""
        learnt += f" for {len(self.history)} epochs" if len(self.history) != 1 else " for 1 epoch"
        learnt += f", in {clock(seconds)}." if seconds else "."
        value = self.found.get(self.recipe.metric)
        if value is None:
            return learnt
        said = (
            f" Its {escape(self.recipe.metric)} on {self.found['images']:,} images of the {escape(self.found['split'])}"
        )
        said += f" split is {_said(self.recipe.metric, value)}"
        span = self.found.get(f"{self.recipe.metric}_interval")
        if span:
            low, high = (_said(self.recipe.metric, bound) for bound in span)
            said += f"; with 95 % confidence it lies between {low} and {high}"
        return f"{learnt}{said}."

    def _figures(self) -> list[tuple[str, str, str]]:
        metric, rows = self.recipe.metric, []
        value, span = self.found.get(metric), self.found.get(f"{metric}_interval")
        if value is not None:
            note = f"95 %: {_said(metric, span[0])} to {_said(metric, span[1])}" if span else ""
            rows.append((f"{metric} ({self.found['split']})", _said(metric, value), note))
        best = self._best()
        if best:
            rows.append((f"best {metric} (val)", _said(metric, best[1]), f"epoch {best[0]:g} of {len(self.history)}"))
        if self._seconds():
            rows.append(("training took", clock(self._seconds()), f"{self._rate():,.0f} images/s"))
        if "parameters" in self.outline:
            note = f"{short(self.outline['flops'])}FLOPs an image" if self.outline.get("flops") else ""
            rows.append(("parameters", short(self.outline["parameters"]), note))
        return rows

    def _best(self) -> tuple[float, float] | None:
        """Return the epoch that the recipe's metric calls the best, and its value."""
        x, y = self._column(f"val_{self.recipe.metric}")
        if not y:
            return None
        value = max(y) if self.recipe.higher_is_better else min(y)
        return x[y.index(value)], value

    # --- sections ---

    def outline_table(self) -> str:
        """Return what was said before the training started."""
        return facts([(name, str(text)) for name, text in self.outline.get("facts", {}).items()])

    def curves(self) -> str:
        """Return losses, metrics and the learning rate over the epochs."""
        if not self.history:
            return '<p class="quiet">No epoch was finished.</p>'
        best = self._best()
        mark: dict[str, Any] = {"mark": best[0], "mark_label": "best"} if best and len(self.history) > 1 else {}
        names = [name for name in self.history[-1] if name.startswith(("train_", "val_"))]
        losses = [name for name in names if name.endswith("loss")]
        metrics = [name for name in names if name not in losses]
        shares = [name for name in metrics if name.removeprefix("val_").endswith(_SHARES)]
        parts = []
        for title, chosen in (("Loss", losses), ("Metric", [name for name in metrics if name not in shares])):
            if chosen:
                parts.append(chart(line_chart(self._lines(chosen), title=title, x_label="epoch", **mark), title))
        if shares:
            title = shares[0].removeprefix("val_").capitalize() if len(shares) == 1 else "Right answers"
            drawn = line_chart(self._lines(shares), title=title, x_label="epoch", percent=True, **mark)
            parts.insert(1, chart(drawn, f"{title} on the validation images"))
        rate = line_chart(self._lines(["learning_rate"]), title="Learning rate", x_label="epoch")
        parts.append(chart(rate, "Learning rate"))
        settings = Settings.from_dict(self.config["settings"])
        schedule = settings.schedule.replace("_", "-")
        text = (
            f"{settings.optimizer} with batches of {settings.batch_size}, a {schedule} schedule from a peak rate of "
            f"{settings.learning_rate:g}, seed {settings.seed}."
        )
        kept = f" The weights of epoch {best[0]:g} were kept." if best else ""
        return f'<p>{escape(text)}{kept}</p><div class="charts">{"".join(parts)}</div>'

    def speed(self) -> str:
        """Return how fast it trained."""
        seconds, rate = self._seconds(), self._rate()
        flops, loaded = self.outline.get("flops"), self.outline.get("loaded_per_second")
        rows = [
            ("training", f"{clock(seconds)} for {len(self.history)} epochs" if seconds else ""),
            ("images", f"{rate:,.0f} a second, median of the epochs" if rate else ""),
            ("loading", f"{loaded:,.0f} images a second by one process, before it began" if loaded else ""),
            ("one image", f"{short(flops)}FLOPs forward" if flops else ""),
            # A backward pass costs about twice the forward pass.
            ("sustained", f"about {short(3 * flops * rate)}FLOP/s, forward and backward" if flops and rate else ""),
            ("device", str(self.machine.get("device", ""))),
        ]
        return facts(rows)

    def environment(self) -> str:
        """Return versions, machine, and every setting."""
        versions = ", ".join(f"{name} {found}" for name, found in self.machine.get("versions", {}).items())
        rows = [
            ("versions", versions),
            ("Python", str(self.machine.get("python", ""))),
            ("system", str(self.machine.get("system", ""))),
            ("processors", str(self.machine.get("processors", ""))),
            ("commit", str(self.machine.get("commit") or "")),
            ("settings", self._all_settings()),
        ]
        return facts(rows)

    def _all_settings(self) -> str:
        shown = {**self.config["settings"], **self._options()}
        return ", ".join(f"{name} {_plain(value)}" for name, value in shown.items() if value not in ("", [], ()))

    def commands(self) -> str:
        """Return what to type to train, resume, evaluate and predict."""
        defaults = {**Settings().to_dict(), **self.recipe.defaults}
        special = {k: v for k, v in self.config["settings"].items() if v != Settings().to_dict().get(k)}
        special |= {k: v for k, v in self.config["settings"].items() if v != defaults.get(k)}
        options = self._options()
        words = [f"{name}={shlex.quote(_plain(value))}" for name, value in {**special, **options}.items()]
        data, folder = shlex.quote(self.data), shlex.quote(str(self.folder))
        train = " ".join(["sightline train", self.recipe.name, data, *words])
        lines = [
            ("Train it again: the same seed and machine give the same weights.", train),
            ("Go on with this run, should it have been stopped.", f"{train} --out {folder} --resume"),
            ("Measure it, on its own data or any other with these classes.", f"sightline evaluate {folder}"),
            ("Use it.", f"sightline predict {folder} photo.jpg"),
        ]
        return commands(lines)

    # --- reading ---

    def _options(self) -> dict[str, Any]:
        """Return the recipe's options that the user chose, in the order in which they are stored."""
        found = self.config.get("options")
        return dict(found) if isinstance(found, Mapping) else {}

    def _lines(self, names: Sequence[str]) -> list[Series]:
        return [Series(_spoken(name), *self._column(name)) for name in names]

    def _column(self, name: str) -> tuple[list[float], list[float]]:
        rows = [(row["epoch"], row[name]) for row in self.history if row.get(name) is not None]
        finite = [(float(x), float(y)) for x, y in rows if math.isfinite(y)]
        return [x for x, _ in finite], [y for _, y in finite]

    def _seconds(self) -> float:
        return sum(self._column("seconds")[1])

    def _rate(self) -> float:
        rates = self._column("images_per_second")[1]
        return median(rates) if rates else 0.0


def _spoken(name: str) -> str:
    """Return a column's name in words: ``train_loss`` is "training loss"."""
    where, _, what = name.partition("_")
    return f"{ {'train': 'training', 'val': 'validation'}.get(where, where) } {what.replace('_', ' ')}".strip()


def _said(metric: str, value: float) -> str:
    return percent(value) if metric.endswith(_SHARES) else f"{value:.4g}"


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)

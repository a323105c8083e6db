"""The detector's part of a report: its data, precision against recall, what it confuses, sizes, its worst misses."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import nn

from sightline.core.box_overlap import pairwise_iou
from sightline.core.canvas import Canvas
from sightline.core.results import Detections
from sightline.detect.evaluate import Examination, curve, match, summarise
from sightline.detect.prepare import CONFIDENCE, labelled
from sightline.detect.samples import Training
from sightline.metrics.box_set import BoxSet
from sightline.train.charts import Series, line_chart, matrix_chart
from sightline.train.page import chart, facts, figure, picture
from sightline.train.recipe import Section

if TYPE_CHECKING:
    from sightline.detect.recipe import DetectRecipe

_PICTURES = 12
_NAMED = 40  # classes that are listed one by one
_LINES = 8  # curves in one chart
_TRUE, _WRONG = (46, 160, 67), (214, 69, 65)  # colours of what is there, and of what was said wrongly
_NOTHING = "nothing"


def sections(recipe: DetectRecipe, model: nn.Module) -> list[Section]:
    """Return the sections for the best model, on the data of the recipe.

    Parameters
    ----------
    recipe
        With its data.
    model
        In eval mode.
    """
    seen = recipe.examine(model)
    summary = summarise(seen, recipe.classes)
    return [
        Section("What it learnt from", _data(recipe)),
        Section("Precision against recall", _curves(seen, summary)),
        Section("What it confuses", _confusions(seen, recipe.classes)),
        Section("Class by class", _classes(summary)),
        Section("Small things and large ones", _sizes(summary)),
        Section("Its worst misses", _misses(recipe, seen)),
    ]


def _data(recipe: DetectRecipe) -> str:
    data, plan = recipe.data, recipe.plan()
    if data is None:
        return '<p class="quiet">The data is not at hand.</p>'
    warnings = "".join(f'<p class="warning">{escape(text)}</p>' for text in plan.warnings)
    rows = []
    for name, split in data.splits.items():
        counts = split.counts(len(recipe.classes))
        empty = sum(not len(item) for item in split.annotations)
        rows.append((name, len(split), int(counts.sum()), empty))
    body = "".join(
        f'<tr><th scope="row">{escape(a)}</th><td>{b}</td><td>{c}</td><td>{d}</td></tr>' for a, b, c, d in rows
    )
    splits = _table(("split", "images", "boxes", "without a box"), body)
    said = facts([(name, text) for name, text in plan.facts.items() if name != "data"])
    notes = "".join(f"<p>{escape(note)}</p>" for note in data.notes)
    source = f'<p class="quiet">Source: {escape(str(data.source))} · SHA-256 {escape(data.digest[:16])}…</p>'
    return f"{warnings}{_samples(recipe)}{splits}{said}{notes}{source}"


def _samples(recipe: DetectRecipe) -> str:
    """Return a few training pictures with their boxes, as the model sees them: the first with mosaics, then without."""
    images = recipe.split("train")
    items = []
    for mosaics, count in ((1, 4), (0, 4)):
        made = Training(images, recipe.options, 0, recipe.options.mirror, mosaics)
        for index in range(min(count, len(images))):
            sample = made.sample(index, 0)
            canvas = Canvas(sample["image"])
            for box in sample["boxes"]:
                canvas.box(box, _TRUE, "")
            items.append(f"<li><figure>{picture(canvas.image(), 'a training picture with its boxes')}</figure></li>")
    return f'<ul class="samples">{"".join(items)}</ul>'


def _curves(seen: Examination, summary: dict[str, Any]) -> str:
    names = summary["classes"]
    order = sorted(range(len(names)), key=lambda k: -summary["per_class"][k]["things"])[:_LINES]
    lines = []
    for label in order:
        line = curve(seen.found, seen.truths, label, 0.5)
        if line.things and len(line.scores):
            best = np.maximum.accumulate(line.precision[::-1])[::-1]
            lines.append(Series(names[label], [0.0, *(100 * line.recall).tolist()], [float(best[0]), *best.tolist()]))
    text = (
        f"Of all things, how many are found, and of what is found, how much is right, as the least score falls. The "
        f"area below is the average precision; over all classes it is {summary['map50']:.3f} at an overlap of 0.5 and "
        f"{summary['map']:.3f} on average over overlaps of 0.5 to 0.95."
    )
    if not lines:
        return f"<p>{escape(text)}</p><p>Nothing was found.</p>"
    drawn = line_chart(lines, title="Precision against recall", x_label="recall, %", percent=True)
    return f'<p>{escape(text)}</p><div class="charts">{chart(drawn, "Precision, at an overlap of 0.5")}</div>'


def confusions(seen: Examination, classes: int, confidence: float = CONFIDENCE) -> np.ndarray:
    """Return (classes + 1)² counts: what is there by row, what was said by column, nothing last in both.

    Parameters
    ----------
    seen
        The answers.
    classes
        Number of classes.
    confidence
        Lowest score that counts as said.
    """
    counts = np.zeros((classes + 1, classes + 1), np.int64)
    for found, truth in zip(seen.found, seen.truths, strict=True):
        some = found[found.scores >= confidence]
        anything = Detections(some.boxes, some.scores, np.zeros(len(some)))  # whatever its class
        answer = match(anything, BoxSet(truth.boxes, 0 * truth.labels, ignore=truth.ignore), 0.5)
        for said, thing in zip(some.labels, answer, strict=True):
            if thing != -2:
                counts[truth.labels[thing] if thing >= 0 else classes, said] += 1
        missed = np.setdiff1d(np.flatnonzero(~truth.ignore), answer[answer >= 0])
        np.add.at(counts[:, classes], truth.labels[missed], 1)
    return counts


def _confusions(seen: Examination, classes: tuple[str, ...]) -> str:
    counts = confusions(seen, len(classes))
    there, invented, missed = counts[:-1].sum(), counts[-1].sum(), counts[:-1, -1].sum()
    right = np.trace(counts[:-1, :-1])
    text = (
        f"Of {there} things {right} are found and named rightly, {there - right - missed} are named wrongly and "
        f"{missed} are missed, at a score of {CONFIDENCE:g} or more; {invented} times it sees something where nothing "
        "is marked."
    )
    return f"<p>{escape(text)}</p>" + figure(
        matrix_chart(counts, [*classes, _NOTHING]),
        "Rows are what is there, columns what was said; the diagonal is right. Darker is a larger share of the row.",
    )


def _classes(summary: dict[str, Any]) -> str:
    rows = sorted(summary["per_class"], key=lambda row: -1 if row["ap50"] is None else row["ap50"])[:_NAMED]
    body = "".join(
        f'<tr><th scope="row">{escape(row["class"])}</th>'
        f'<td><span class="meter" style="--v:{row["ap50"] or 0:.3f}" aria-hidden="true"></span>'
        f"{_said(row['ap50'])}</td>"
        f"<td>{_said(row['ap'])}</td><td>{_said(row['precision'])}</td><td>{_said(row['recall'])}</td>"
        f"<td>{_said(row['score'])}</td><td>{row['things']}</td></tr>"
        for row in rows
    )
    note = "" if len(rows) == len(summary["per_class"]) else f'<p class="quiet">The {_NAMED} of lowest precision.</p>'
    never = [row["class"] for row in rows if not row["things"]]
    missing = (
        f"<p>No picture of this split shows {escape(', '.join(never))}: nothing is known of it.</p>" if never else ""
    )
    columns = ("class", "AP at 0.5", "AP at 0.5–0.95", "precision", "recall", "at score", "things")
    return (
        "<p>Precision and recall stand at the score where their harmonic mean is best: a good least score for this "
        f"model.</p>{note}{missing}" + _table(columns, body)
    )


def _sizes(summary: dict[str, Any]) -> str:
    spans = (("small", "below 32² pixels"), ("medium", "32² to 96² pixels"), ("large", "above 96² pixels"))
    rows = [(f"{name}, {span}", _said(summary[f"map_{name}"])) for name, span in spans]
    return (
        "<p>Mean average precision over overlaps of 0.5 to 0.95, of things of one size in the pictures as they came. "
        "Small things gain from a larger image_size, and from predicting in tiles.</p>" + facts(rows)
    )


def _misses(recipe: DetectRecipe, seen: Examination) -> str:
    """Return the pictures with the most to regret: things that were missed, and what was surely said and is not so."""
    regrets = []
    for index, (found, truth) in enumerate(zip(seen.found, seen.truths, strict=True)):
        some = found[found.scores >= CONFIDENCE]
        answer = match(some, truth, 0.5)
        missed = np.setdiff1d(np.flatnonzero(~truth.ignore), answer[answer >= 0])
        regrets.append((len(missed) + float(some.scores[answer == -1].sum()), index, some, answer, missed))
    worst = [item for item in sorted(regrets, key=lambda item: -item[0]) if item[0] > 0][:_PICTURES]
    if not worst:
        return f"<p>Nothing was missed and nothing invented on {len(seen.truths)} pictures.</p>"
    items = []
    part = recipe.split(seen.split).split
    for _, index, some, answer, missed in worst:
        drawn = _drawn(labelled(part, index).image, some, answer, seen.truths[index])
        invented = int((answer == -1).sum())
        doubled = _doubled(some, answer, seen.truths[index])
        said = f"{len(missed)} missed, {invented} wrong" + (f", {doubled} of them twice" if doubled else "")
        items.append(
            f"<li><figure>{picture(drawn, said)}<figcaption>{said}"
            f'<span class="file">{escape(_tail(seen.keys[index]))}</span></figcaption></figure></li>'
        )
    text = (
        f"Green is what is there, red what was said and is not so, at a score of {CONFIDENCE:g} or more; right answers "
        "are not drawn."
    )
    return f'<p>{text}</p><ul class="mistakes">{"".join(items)}</ul>'


def _drawn(image: np.ndarray, found: Detections, answer: np.ndarray, truth: BoxSet) -> np.ndarray:
    canvas = Canvas(image)
    for box in truth.boxes[~truth.ignore]:
        canvas.box(box, _TRUE, "")
    for i in np.flatnonzero(answer == -1):
        canvas.box(found.boxes[i], _WRONG, f"{found.name(int(i))} {found.scores[i]:.0%}")
    return canvas.image()


def _doubled(found: Detections, answer: np.ndarray, truth: BoxSet) -> int:
    """Return how many wrong answers are second boxes of a thing that is found already."""
    wrong = found.boxes[answer == -1]
    return int((pairwise_iou(wrong, truth.boxes[answer[answer >= 0]]) >= 0.5).any(axis=1).sum())


def _table(columns: tuple[str, ...], body: str) -> str:
    head = "".join(f'<th scope="col">{name}</th>' for name in columns)
    return (
        f'<div class="scroll" tabindex="0"><table class="full"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _said(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _tail(key: str) -> str:
    return "/".join(key.replace("\\", "/").split("/")[-2:])

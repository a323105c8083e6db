"""The classifier's part of a report: its data, what it confuses, how sure it is, and its worst mistakes."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from sightline.classify.evaluate import Examination, summarise
from sightline.core.canvas import Canvas
from sightline.core.catalogue import find
from sightline.core.errors import InputError
from sightline.metrics import calibration_error
from sightline.train.charts import calibration_chart, matrix_chart
from sightline.train.page import facts, figure, percent, picture
from sightline.train.recipe import Section

if TYPE_CHECKING:
    from sightline.classify.recipe import ClassifyRecipe

_MISTAKES = 12
_NAMED = 40  # classes that are listed one by one


def sections(recipe: ClassifyRecipe, model: nn.Module) -> list[Section]:
    """Return the sections for the best model, on the data of the recipe.

    Parameters
    ----------
    recipe
        With its data.
    model
        In eval mode.
    """
    found = recipe.examine(model)
    summary = summarise(found, recipe.classes)
    return [
        Section("What it learnt from", _data(recipe)),
        Section("What it confuses", _confusions(summary, recipe.classes)),
        Section("Class by class", _classes(summary)),
        Section("How far to trust its confidence", _calibration(found, summary)),
        Section("Its worst mistakes", _mistakes(recipe, model, found)),
    ]


def _data(recipe: ClassifyRecipe) -> str:
    data, plan = recipe.data, recipe.plan()
    if data is None:
        return '<p class="quiet">The data is not at hand.</p>'
    warnings = "".join(f'<p class="warning">{escape(text)}</p>' for text in plan.warnings)
    counts = {name: split.counts(len(recipe.classes)) for name, split in data.splits.items()}
    rows = [
        (name, str(int(count.sum())), f"{int(count.min())} to {int(count.max())}") for name, count in counts.items()
    ]
    table = "".join(f'<tr><th scope="row">{escape(a)}</th><td>{b}</td><td>{c}</td></tr>' for a, b, c in rows)
    splits = (
        '<div class="scroll" tabindex="0"><table><thead><tr><th scope="col">split</th><th scope="col">images</th>'
        f'<th scope="col">a class has</th></tr></thead><tbody>{table}</tbody></table></div>'
    )
    said = facts([(name, text) for name, text in plan.facts.items() if name != "data"])
    notes = "".join(f"<p>{escape(note)}</p>" for note in data.notes)
    source = f'<p class="quiet">Source: {escape(str(data.source))} · SHA-256 {escape(data.digest[:16])}…</p>'
    return f"{warnings}{_samples(recipe)}{splits}{said}{notes}{source}"


def _samples(recipe: ClassifyRecipe) -> str:
    """Return a few training pictures of each class, as the model sees them."""
    images = recipe.split("train")
    each = max(1, min(4, 24 // len(recipe.classes)))
    items = []
    for label, name in enumerate(recipe.classes[:_NAMED]):
        for index in np.flatnonzero(images.labels == label)[:each]:
            items.append(
                f"<li><figure>{picture(_shown(images[int(index)]), f'training image of {name}')}"
                f"<figcaption>{escape(name)}</figcaption></figure></li>"
            )
    return f'<ul class="samples">{"".join(items)}</ul>'


def _confusions(summary: dict[str, Any], classes: tuple[str, ...]) -> str:
    matrix = np.array(summary["confusion_matrix"])
    wrong = matrix.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:3]
    pairs = [divmod(int(place), len(classes)) for place in order if wrong.flat[place]]
    said = "; ".join(
        f"<b>{escape(classes[i])}</b> for <b>{escape(classes[j])}</b> ({wrong[i, j]} of {matrix[i].sum()})"
        for i, j in pairs
    )
    text = f"It most often takes {said}." if said else "Not one image was taken for another class."
    return f"<p>{text}</p>" + figure(
        matrix_chart(matrix, classes),
        "Rows are true classes, columns predictions; the diagonal is right. Depth of colour is the share of the row.",
    )


def _classes(summary: dict[str, Any]) -> str:
    rows = summary["per_class"]
    note = ""
    if len(rows) > _NAMED:
        rows = sorted(rows, key=lambda row: row["f1"])[:_NAMED]
        note = f'<p class="quiet">The {_NAMED} classes of lowest F1, of {len(summary["per_class"])}.</p>'
    body = "".join(
        f'<tr><th scope="row">{escape(row["class"])}</th>'
        f'<td><span class="meter" style="--v:{row["f1"]:.3f}" aria-hidden="true"></span>{row["f1"]:.3f}</td>'
        f"<td>{row['precision']:.3f}</td><td>{row['recall']:.3f}</td><td>{row['images']}</td></tr>"
        for row in rows
    )
    head = "".join(f'<th scope="col">{name}</th>' for name in ("class", "F1", "precision", "recall", "images"))
    return (
        "<p>Precision: how many of its answers for the class are right. Recall: how many of the class's images it "
        f"finds. F1 is their harmonic mean; over all classes it is {summary['macro_f1']:.3f}.</p>{note}"
        f'<div class="scroll" tabindex="0"><table class="full"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _calibration(found: Examination, summary: dict[str, Any]) -> str:
    bins = calibration_error(found.labels, found.probabilities, bins=10)
    confidence = float(found.probabilities.max(axis=1).mean())
    gap = confidence - summary["accuracy"]
    manner = "about as sure as it may be" if abs(gap) < 0.01 else "too sure" if gap > 0 else "too modest"
    text = (
        f"On average it states {percent(confidence)} and is right {percent(summary['accuracy'])} of the time: "
        f"it is {manner}. "
        f"The expected calibration error is {summary['calibration_error']:.3f}."
    )
    return f"<p>{text}</p>" + figure(
        calibration_chart(bins.confidence, bins.accuracy, bins.counts),
        "Share of right answers among those given with the stated confidence; on the dashed line the two agree. "
        "Darker bars hold more images.",
    )


def _mistakes(recipe: ClassifyRecipe, model: nn.Module, found: Examination) -> str:
    predicted = found.predicted
    stated = found.probabilities.max(axis=1)
    wrong = np.flatnonzero(predicted != found.labels)
    if len(wrong):
        shown = wrong[np.argsort(-stated[wrong], kind="stable")][:_MISTAKES]
        text = f"{len(wrong)} of {len(found.labels)} images were taken for another class"
        text += "." if len(shown) == len(wrong) else f"; here are the {len(shown)} that it was surest of."
    else:
        shown = np.argsort(stated, kind="stable")[:_MISTAKES]
        text = (
            f"It made no mistake on {len(found.labels)} images. These are the {len(shown)} that it was least sure of."
        )
    images = recipe.split(found.split)
    pictures = [images[int(index)] for index in shown]
    maps, how = _explain(model, pictures, predicted[shown])
    items = []
    for place, index in enumerate(shown):
        seen = _shown(pictures[place])
        true, said = recipe.classes[found.labels[index]], recipe.classes[predicted[index]]
        pair = picture(seen, f"{true}, taken for {said}")
        if maps is not None:
            canvas = Canvas(seen)
            canvas.heat(maps[place], 0.55)
            pair += picture(canvas.image(), f"what spoke for {said}")
        tone = "right" if true == said else "wrong"
        items.append(
            f'<li><figure><div class="pair">{pair}</div><figcaption>is <b>{escape(true)}</b>, said '
            f'<b class="{tone}">{escape(said)}</b> at {percent(float(stated[index]))}'
            f'<span class="file">{escape(_tail(found.keys[index]))}</span></figcaption></figure></li>'
        )
    return f'<p>{escape(text)} {escape(how)}</p><ul class="mistakes">{"".join(items)}</ul>'


def _explain(model: nn.Module, pictures: list[np.ndarray], labels: np.ndarray) -> tuple[np.ndarray | None, str]:
    """Return heat maps in 0–1 for the predicted classes and what they are; the methods are asked for by name."""
    batch = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).to(torch.float32).div(255)
    try:
        maps = _method("explain.grad_cam")(model, batch, labels)
    except LookupError:
        return None, "The explanations are not installed, so that the pictures stand alone."
    except InputError:  # no feature map with places: a multilayer perceptron
        maps = _method("explain.saliency")(model, batch, labels)
        peak = maps.max(axis=(1, 2), keepdims=True)
        return maps / np.where(peak > 0, peak, 1), "Beside each stands its saliency: the pixels that would change most."
    return maps, "Beside each stands its Grad-CAM: bright is what spoke for the answer that it gave."


def _method(name: str) -> Callable[..., np.ndarray]:
    try:
        return find(name).function
    except InputError as error:
        raise LookupError(name) from error


def _shown(image: np.ndarray) -> np.ndarray:
    return image[..., 0] if image.shape[2] == 1 else image


def _tail(key: str) -> str:
    """Return the last two parts of a path: the class's folder and the file."""
    return "/".join(key.replace("\\", "/").split("/")[-2:])

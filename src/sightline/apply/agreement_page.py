"""The page beside an exported file: how far it agrees with its network, how fast it is, and what it was asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from sightline import __version__
from sightline.train.page import commands, facts, figures, page, percent, picture
from sightline.train.recipe import Section

if TYPE_CHECKING:
    from sightline.classify.exported import ExportedClassifier
    from sightline.train.run import Predictor

_SHOWN = 12
_COLUMNS = ("what went in", "pictures", "at once", "difference", "same best", "torch ms", "ONNX ms", "ratio")


def agreement_page(
    found: Mapping[str, Any], predictor: Predictor, exported: ExportedClassifier, images: Sequence[np.ndarray]
) -> str:
    """Return the HTML page.

    Parameters
    ----------
    found
        What :func:`~sightline.apply.agreement.compare` returned, and ``pictures``.
    predictor, exported
        What was compared.
    images
        The pictures that both were asked.
    """
    sections = [
        Section("Where they agree, and how fast they are", _cases(found)),
        Section("What they were asked", _pictures(predictor, exported, images)),
        Section("What is in the file", _contents(found, exported)),
        Section("How to use it", _use(found)),
    ]
    return whole_page(found, sections, _head(found))


def whole_page(found: Mapping[str, Any], sections: Sequence[Section], head: str) -> str:
    """Return the page under its title.

    Parameters
    ----------
    found
        From :func:`~sightline.apply.agreement.facts_of`.
    sections
        In order.
    head
        Trusted HTML before them.
    """
    foot = f"Written by Sightline {__version__} on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC."
    title = f"{found['file']}: {found['recipe']} in ONNX"
    return page(title, sections, kicker="Sightline · report of an export", head=head, foot=foot)


def _head(found: Mapping[str, Any]) -> str:
    alone = found["cases"][0]
    kind = "eight bits" if found["int8"] else "float32"
    lead = (
        f"<b>{escape(found['file'])}</b> holds {escape(found['recipe'])} of {escape(found['made_from'])} in {kind}. "
        f"On {alone['images']} pictures ({escape(found['pictures'])}), prepared alike, its probabilities differ from "
        f"PyTorch's by at most {small(alone['max_difference'])}"
    )
    lead += "." if found["agrees"] else f", more than the {found['tolerance']:g} that is allowed."
    same = sum(case["top1_agreement"] * case["images"] for case in found["cases"])
    rows = [
        ("largest difference", small(alone["max_difference"]), "of a probability, same pixels"),
        ("same best class", percent(same / sum(case["images"] for case in found["cases"])), "over all four ways"),
    ]
    return head_of(found, lead, rows)


def head_of(found: Mapping[str, Any], lead: str, rows: Sequence[tuple[str, str, str]]) -> str:
    """Return what a page begins with: a sentence, and figures in large, the last ones of time and size.

    Parameters
    ----------
    found
        From :func:`~sightline.apply.agreement.facts_of`, and ``cases``, the second of one picture at a time and the
        third of a batch.
    lead
        Trusted HTML.
    rows
        Name, figure and remark of what goes before time and size.
    """
    one, batch = found["cases"][1:3]
    rows = [
        *rows,
        ("one picture", f"{one['onnx_ms']:.1f} ms", f"PyTorch takes {one['torch_ms']:.1f}"),
        (f"each of {batch['batch']}", f"{batch['onnx_ms']:.1f} ms", f"PyTorch takes {batch['torch_ms']:.1f}"),
        ("size", f"{found['bytes'] / 1e6:.1f} MB", ""),
    ]
    return f'<p class="lead">{lead}</p>{figures(rows)}'


def _cases(found: Mapping[str, Any]) -> str:
    rows = [
        (
            case["name"],
            str(case["images"]),
            str(case["batch"]),
            small(case["max_difference"]),
            percent(case["top1_agreement"]),
            *speeds(case),
        )
        for case in found["cases"]
    ]
    text = (
        "Milliseconds are for one picture, from decoded pixels to probabilities, the better of three turns, "
        f"{found['threads']} threads on both sides. The file shrinks pictures inside the graph: where a mean falls "
        "between two levels of brightness it may round to the other one, which the last three rows show."
    )
    return cases_table(_COLUMNS, rows, text)


def speeds(case: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return a case's milliseconds with PyTorch and with ONNX Runtime, and their ratio."""
    return f"{case['torch_ms']:.2f}", f"{case['onnx_ms']:.2f}", f"{case['torch_ms'] / case['onnx_ms']:.2f}"


def cases_table(columns: Sequence[str], rows: Sequence[Sequence[str]], text: str) -> str:
    """Return what was asked in which way, a row each, below a sentence.

    Parameters
    ----------
    columns
        Heads of the columns.
    rows
        Their cells; the first names the row.
    text
        Plain text.
    """
    body = "".join(
        f'<tr><th scope="row">{escape(first)}</th>{"".join(f"<td>{cell}</td>" for cell in rest)}</tr>'
        for first, *rest in rows
    )
    head = "".join(f'<th scope="col">{name}</th>' for name in columns)
    return (
        f'<p>{escape(text)}</p><div class="scroll" tabindex="0"><table class="full">'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _pictures(predictor: Predictor, exported: ExportedClassifier, images: Sequence[np.ndarray]) -> str:
    recipe: Any = predictor.recipe
    theirs = recipe.scores(predictor.model, [recipe.form.prepare(image) for image in images])
    ours = exported.probabilities(images)
    apart = np.abs(theirs - ours).max(axis=1)
    order = np.argsort(-apart, kind="stable")[:_SHOWN]
    items = "".join(_answer(images[i], theirs[i], ours[i], exported.classes) for i in order)
    return f'<p>Those on which they differ most come first.</p><ul class="mistakes">{items}</ul>'


def _answer(image: np.ndarray, theirs: np.ndarray, ours: np.ndarray, classes: Sequence[str]) -> str:
    said = [(classes[int(row.argmax())], float(row.max())) for row in (theirs, ours)]
    tone = "right" if said[0][0] == said[1][0] else "wrong"
    (name, share), (other, part) = said
    return (
        f'<li><figure><div class="pair">{picture(image, f"taken for {other}")}</div><figcaption>'
        f'PyTorch: <b>{escape(name)}</b> {share:.4f}<br>ONNX: <b class="{tone}">{escape(other)}</b> {part:.4f}'
        "</figcaption></figure></li>"
    )


def _contents(found: Mapping[str, Any], exported: ExportedClassifier) -> str:
    height, width = found["size"]
    colours = "grey" if found["channels"] == 1 else "RGB"
    share = exported.form.share
    part = "" if share == 1 else f", of which the middle {percent(share)} by its sides"
    rows = [
        ("input", f"images: N×H×W×{found['channels']} uint8, {colours}, any N, H and W"),
        ("becomes", f"the largest centred window of {height}:{width}{part}"),
        ("network sees", f"{height}×{width} pixels, resized with antialiasing"),
        ("output", f"probabilities: N×{len(exported.classes)} float32"),
        *file_facts(found, exported.classes),
    ]
    return facts(rows)


def file_facts(found: Mapping[str, Any], classes: Sequence[str]) -> list[tuple[str, str]]:
    """Return rows on a file's classes, weights and bytes.

    Parameters
    ----------
    found
        From :func:`~sightline.apply.agreement.facts_of`.
    classes
        Their names.
    """
    more = f" and {len(classes) - 12} more" if len(classes) > 12 else ""
    return [
        ("classes", ", ".join(classes[:12]) + more),
        ("weights", "eight bits, activations too" if found["int8"] else "float32"),
        ("file", f"{found['bytes']:,} bytes, SHA-256 {found['sha256']}"),
        ("compared with", ", ".join(f"{name} {version}" for name, version in found["versions"].items())),
    ]


def _use(found: Mapping[str, Any]) -> str:
    return how_to_use(found["file"], 'probabilities = session.run(["probabilities"], {"images": pictures})[0]')


def how_to_use(name: str, call: str) -> str:
    """Return the commands and programs that use a file.

    Parameters
    ----------
    name
        Of the file.
    call
        Line of Python that runs a ``session`` on ``pictures``.
    """
    python = f'import onnxruntime\nsession = onnxruntime.InferenceSession("{name}")\n{call}'
    return commands(
        [
            ("Use it.", f"sightline predict {name} photo.jpg"),
            ("From Python, with Sightline.", f'sl.load("{name}").predict("photo.jpg")'),
            ("From any program with ONNX Runtime; pictures are N×H×W×C bytes.", python),
        ]
    )


def small(value: float) -> str:
    """Return a difference in two digits."""
    return "0" if value == 0 else f"{value:.1e}"

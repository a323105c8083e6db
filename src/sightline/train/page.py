"""The page that reports are written on: one self-contained HTML file that needs no script and asks for no address.

Everything here escapes what it is given, except where a parameter is called ``html`` or ``body``.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Sequence
from html import escape
from importlib import resources

import numpy as np
from PIL import Image as PillowImage

from sightline.core.conversions import to_uint8
from sightline.train.recipe import Section

# Nothing may run and nothing may be fetched, whatever a class or a file is called.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_SMALL = 96  # pixels; up to here a picture is shown pixel by pixel and kept losslessly


def page(title: str, sections: Sequence[Section], *, kicker: str = "Sightline", head: str = "", foot: str = "") -> str:
    """Return a whole HTML page with numbered sections and their contents.

    Parameters
    ----------
    title
        Headline and window title.
    sections
        Sections in order; their HTML is trusted, their titles are escaped.
    kicker
        A few words above the headline.
    head
        Trusted HTML between the headline and the contents: a lead, figures.
    foot
        Last line of the page.
    """
    names = _anchors(sections)
    entries = "".join(
        f'<li><a href="#{name}">{escape(section.title)}</a></li>' for name, section in zip(names, sections, strict=True)
    )
    body = "".join(
        f'<section id="{name}" aria-labelledby="{name}-title"><h2 id="{name}-title">{escape(section.title)}</h2>'
        f"{section.html}</section>\n"
        for name, section in zip(names, sections, strict=True)
    )
    contents = f'<nav class="contents" aria-label="Contents"><ol>{entries}</ol></nav>' if len(sections) > 1 else ""
    style = resources.files("sightline.train").joinpath("report.css").read_text("utf-8")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{escape(title)}</title>\n<style>\n{style}</style></head>\n<body>\n"
        f'<header class="top"><p class="kicker">{escape(kicker)}</p><h1>{escape(title)}</h1>{head}{contents}</header>\n'
        f"<main>\n{body}</main>\n<footer>{escape(foot)}</footer>\n</body></html>\n"
    )


def picture(image: np.ndarray, alt: str) -> str:
    """Return an ``<img>`` with the picture inside it: PNG and hard pixels when small, JPEG otherwise.

    Parameters
    ----------
    image
        H×W or H×W×3; uint8, uint16 or float32.
    alt
        What a screen reader says.
    """
    pixels = PillowImage.fromarray(to_uint8(image))
    small = max(pixels.size) <= _SMALL
    if not small:
        pixels.thumbnail((480, 480))
    stream = io.BytesIO()
    if small:
        pixels.save(stream, "png", optimize=True)
    else:
        pixels.save(stream, "jpeg", quality=90)
    kind = "png" if small else "jpeg"
    data = base64.b64encode(stream.getvalue()).decode()
    shape = ' class="pixels"' if small else ""
    return f'<img{shape} alt="{escape(alt)}" src="data:image/{kind};base64,{data}">'


def percent(value: float) -> str:
    """Return a share as text, its sign kept on the same line.

    Parameters
    ----------
    value
        In 0–1.

    Examples
    --------
    >>> percent(0.9861).replace(chr(160), " ")
    '98.6 %'
    """
    return f"{100 * value:.1f}\u00a0%"


def facts(rows: Sequence[tuple[str, str]]) -> str:
    """Return a table of names and values, both escaped; rows without a value are left out.

    Parameters
    ----------
    rows
        ``(name, value)`` pairs.
    """
    lines = "".join(f'<tr><th scope="row">{escape(k)}</th><td>{escape(v)}</td></tr>' for k, v in rows if v)
    return f'<table class="facts"><tbody>{lines}</tbody></table>'


def figures(rows: Sequence[tuple[str, str, str]]) -> str:
    """Return the figures at the head of a report, the first of them stressed.

    Parameters
    ----------
    rows
        ``(name, value, note)``.
    """
    items = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}<small>{escape(note)}</small></dd></div>"
        for name, value, note in rows
    )
    return f'<dl class="figures">{items}</dl>'


def figure(body: str, caption: str) -> str:
    """Return a figure with its caption; ``body`` is trusted HTML.

    Parameters
    ----------
    body
        Chart or picture.
    caption
        One line below it, escaped.
    """
    return f"<figure>{body}<figcaption>{escape(caption)}</figcaption></figure>"


def chart(body: str, title: str) -> str:
    """Return a chart under its title, for a row of charts; ``body`` is trusted HTML.

    Parameters
    ----------
    body
        SVG.
    title
        Heading above it, escaped.
    """
    return f"<figure><figcaption>{escape(title)}</figcaption>{body}</figure>"


def commands(lines: Sequence[tuple[str, str]]) -> str:
    """Return commands to copy, each under what it does.

    Parameters
    ----------
    lines
        ``(what it does, command)``.
    """
    return "".join(
        f'<p class="caption">{escape(what)}</p><pre><code>{escape(line)}</code></pre>' for what, line in lines
    )


def _anchors(sections: Sequence[Section]) -> list[str]:
    names: list[str] = []
    for index, section in enumerate(sections):
        name = re.sub(r"[^a-z0-9]+", "-", section.title.lower()).strip("-") or "section"
        names.append(name if name not in names else f"{name}-{index}")
    return names

"""The page of the programming interface: every route of the OpenAPI description, with a line to try it."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator
from typing import Any

_STYLE = """
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
code, pre { font: 14px/1.45 ui-monospace, monospace } pre { overflow: auto; padding: .6rem; border: 1px solid #8886 }
h2 { margin-top: 2rem } summary { cursor: pointer; padding: .3rem 0 } table { border-collapse: collapse }
td, th { text-align: left; padding: .2rem 1rem .2rem 0; vertical-align: top }
"""
_TRY = """curl -F image=@photo.jpg -F low=40 '{address}api/run/image.canny?as=picture' -o edges.png
curl -F file=@photo.jpg {address}api/uploads
curl {address}api/methods/image.canny"""


def api_page(description: dict[str, Any], address: str) -> str:
    """Return the page as HTML; it loads nothing.

    Parameters
    ----------
    description
        The OpenAPI description.
    address
        Where the server is, for the lines to try.
    """
    title = html.escape(description["info"]["title"])
    groups: dict[str, list[str]] = {}
    for path, routes in description["paths"].items():
        for verb, route in routes.items():
            groups.setdefault((route.get("tags") or ["other"])[0], []).append("".join(_route(verb, path, route)))
    body = "".join(f"<h2>{html.escape(name.capitalize())}</h2>{''.join(rows)}" for name, rows in groups.items())
    lines = html.escape(_TRY.format(address=address))
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{title}: programming interface</title><style>{_STYLE}</style>"
        f'<main><p><a href="/">{title}</a></p><h1>Programming interface</h1>'
        f'<p>The description for machines: <a href="/openapi.json">openapi.json</a>. Errors are '
        f'<code>{{"error": {{"kind", "message"}}}}</code> with a fitting status.</p><pre tabindex="0">{lines}</pre>'
        f"{body}</main></html>"
    )


def _route(verb: str, path: str, route: dict[str, Any]) -> Iterator[str]:
    yield f"<details><summary><code>{verb.upper()} {html.escape(path)}</code> {html.escape(route['summary'])}</summary>"
    rows = [
        f"<tr><td><code>{html.escape(item['name'])}</code></td><td>{html.escape(item['in'])}</td>"
        f"<td><code>{html.escape(_kind(item.get('schema', {})))}</code></td></tr>"
        for item in route.get("parameters", ())
    ]
    if rows:
        yield f"<table><tr><th>name</th><th>where</th><th>kind</th></tr>{''.join(rows)}</table>"
    for media, content in route.get("requestBody", {}).get("content", {}).items():
        text = json.dumps(content.get("schema", {}), indent=1)
        yield f'<p>Body: <code>{html.escape(media)}</code></p><pre tabindex="0">{html.escape(text)}</pre>'
    yield "</details>"


def _kind(schema: dict[str, Any]) -> str:
    options = schema.get("anyOf", [schema])
    return " or ".join(str(option.get("type", "any")) for option in options)

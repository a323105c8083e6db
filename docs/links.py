"""Check the built site: every address on every page leads to a file and a place that are there.

``python docs/links.py docs/_build`` exits with 1 and names what is broken. What a page loads (scripts, styles,
pictures) must lie in the site, so that it works from a disk; links for people may lead anywhere.
"""

from __future__ import annotations

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

_LOADED = {("script", "src"), ("img", "src"), ("link", "href"), ("source", "src"), ("iframe", "src")}


class Page(HTMLParser):
    """The addresses and the named places of one page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.places: set[str] = set()
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a tag leads to and what it is called."""
        for name, value in attrs:
            if value and name in ("id", "name"):
                self.places.add(value)
            elif value and (tag, name) in _LOADED:
                self.loaded.append(value)
            elif value and (tag, name) == ("a", "href"):
                self.links.append(value)


def broken(site: Path) -> list[str]:
    """Return one line for each address that leads nowhere."""
    files = [path for path in sorted(site.rglob("*.html")) if "_static" not in path.parts]  # the theme's templates
    pages = {path.resolve(): Page(path) for path in files}
    found = []
    for path, page in pages.items():
        where = path.relative_to(site.resolve())
        for address in page.loaded:
            if urlsplit(address).scheme not in ("", "data"):
                found.append(f"{where} loads {address}")
        for address in (*page.links, *page.loaded):
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.exists():
                found.append(f"{where} leads to {address}, which is not there")
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].places:
                found.append(f"{where} leads to {address}, a place that the page does not have")
    return found


if __name__ == "__main__":
    lines = broken(Path(sys.argv[1]))
    sys.stderr.write("".join(f"{line}\n" for line in lines[:50]))
    sys.exit(f"{len(lines)} broken links" if lines else 0)

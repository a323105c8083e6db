"""The site: Markdown pages, and tables made from the catalogue, the ledger and the benchmark's last table."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import days
import floors
import gallery
import hero
import map
import playing
import reproduced
import scenes
import tables

import sightline

project = "Sightline"
author = "The Sightline authors"
copyright = "2026, the Sightline authors"
release = version = sightline.__version__
extensions = ["myst_nb", "mathml"]
html_math_renderer = "mathml"
nb_execution_mode = "off"
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 2
exclude_patterns = ["_build", "generated/floors.md"]
html_theme = "pydata_sphinx_theme"
html_title = "Sightline"
html_static_path = ["_static", "generated/pictures"]
html_css_files = ["site.css"]
html_js_files = [(name, {"defer": "defer"}) for name in ("map.js", "player.js", "traces.js")]
html_theme_options = {"show_prev_next": False, "navigation_with_keys": True, "secondary_sidebar_items": ["page-toc"]}
html_sidebars = {"**": []}
html_copy_source = False
html_context = {"default_mode": "auto"}

generated = Path(__file__).parent / "generated"
tables.write(generated)
gallery.write(generated / "gallery", generated / "pictures")
map.write(generated / "map.md", generated / "gallery")
playing.write(generated / "pictures")
days.write(generated / "lessons")
reproduced.write(generated / "reproduced.md")
floors.write(generated / "floors.md")
hero.write(generated / "pictures" / "hero.webp", sightline.read(scenes.PACKAGED))

"""``sightline detect NAME SOURCE``: one command for each method of the field, generated from the catalogue."""

from sightline.cli.image import build

app = build("detect")

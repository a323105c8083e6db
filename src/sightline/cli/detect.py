"""``sightline detect NAME SOURCE``: one command for each method of the field, generated from the catalogue."""

from sightline.cli.grounding import grounding_dino
from sightline.cli.image import build

app = build("detect")
app.command(grounding_dino, name="grounding_dino")

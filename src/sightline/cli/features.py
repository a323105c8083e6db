"""``sightline features NAME SOURCE``: one command for each method of the field, generated from the catalogue.

Matching takes two photos and has a command of its own.
"""

from sightline.cli.image import build
from sightline.cli.match import match

app = build("features")
app.command(match, name="match")

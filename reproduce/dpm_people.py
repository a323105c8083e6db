"""Parts that move find people: every second picture of Penn-Fudan teaches them, the others are asked.

No figure is published for parts on these pictures: the one beside ours is that of one window of gradients, taught and
asked on the same ones (``hog_people``), and that of OpenCV's detector of people stands in the note there. Felzenszwalb
and others (2010, table 1) gain 4 to 10 points of average precision by parts on most classes of PASCAL VOC.
"""

from __future__ import annotations

import time
from typing import Any

from sightline.cli.folders import load_file
from sightline.core import evidence
from sightline.core.types import Array
from sightline.detect import DeformableParts

FIGURE = {
    "figure": "average precision of people at IoU ≥ 0.5, Penn-Fudan (%)",
    "published": 59.2,
    "source": "one window of gradients on the same pictures: sightline reproduce hog_people",
    "data": "penn_fudan: 85 pictures teach, 85 are asked",
}
BORDER = 16  # laid around a picture that is asked, in pixels


@evidence.reaches("detect.DeformableParts", **FIGURE)
def reproduce() -> dict[str, Any]:
    """Teach and ask; return the average precision, and the recall at one false box for each picture in the note."""
    start = time.perf_counter()
    people = load_file("reproduce", "hog_people")
    every = people.pictures()
    taught, asked = every[::2], every[1::2]
    high = [boxes[boxes[:, 3] - boxes[:, 1] >= people.LEAST] for _, boxes in taught]
    detector = DeformableParts.train(
        [gray for gray, _ in taught], high, people.grounds(taught), parts=6, rounds=2, cost=0.01, negatives=1000
    )

    def find(picture: Array) -> tuple[Any, Any]:
        found = detector.detect(picture, -1.0)
        return found.boxes, found.scores

    ours, recall = people.percent(people.ask(find, asked, None, BORDER), len(asked))
    return {
        "figure": FIGURE["figure"],
        "published": FIGURE["published"],
        "ours": round(ours, 1),
        "seconds": round(time.perf_counter() - start, 1),
        "holds": ours >= FIGURE["published"],
        "note": f"6 parts; at 1 false box for each picture, {recall:.1f} % are found.",
    }

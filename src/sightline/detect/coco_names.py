"""The 80 classes that the public detectors were trained on, and which of them other classes begin as.

Lin et al. 2014, "Microsoft COCO: Common Objects in Context", ECCV; the order is that of the challenge's annotations.
"""

from __future__ import annotations

from collections.abc import Sequence

from sightline.core.errors import InputError, suggest

_LISTED = (
    "person, bicycle, car, motorcycle, airplane, bus, train, truck, boat, traffic light, fire hydrant, "
    "stop sign, parking meter, bench, bird, cat, dog, horse, sheep, cow, elephant, bear, zebra, giraffe, "
    "backpack, umbrella, handbag, tie, suitcase, frisbee, skis, snowboard, sports ball, kite, baseball bat, "
    "baseball glove, skateboard, surfboard, tennis racket, bottle, wine glass, cup, fork, knife, spoon, bowl, "
    "banana, apple, sandwich, orange, broccoli, carrot, hot dog, pizza, donut, cake, chair, couch, "
    "potted plant, bed, dining table, toilet, tv, laptop, mouse, remote, keyboard, cell phone, "
    "microwave, oven, toaster, sink, refrigerator, book, clock, vase, scissors, teddy bear, hair drier, "
    "toothbrush"
)
COCO_NAMES = tuple(_LISTED.split(", "))
_NO_CLASS = (12, 26, 29, 30, 45, 66, 68, 69, 71, 83)  # numbers of the annotations' 1–90 that no class has


def public_names(count: int) -> list[str]:
    """Return what the outputs of a public detector are called; one that stands for no class, by its number.

    Parameters
    ----------
    count
        Outputs: 80, a class each; 90, the annotations' numbers less one; 91, the annotations' numbers. Others are
        called by their number.

    Examples
    --------
    >>> public_names(80)[16], public_names(90)[17], public_names(91)[18], public_names(91)[12]
    ('dog', 'dog', 'dog', '12')
    """
    if count == len(COCO_NAMES):
        return list(COCO_NAMES)
    names = [str(index) for index in range(count)]
    if count in (90, 91):
        numbers = [number for number in range(1, 91) if number not in _NO_CLASS]
        for number, name in zip(numbers, COCO_NAMES, strict=True):
            names[number - (count == 90)] = name
    return names


def alike(classes: Sequence[str], like: str = "") -> list[int]:
    """Return the number of COCO's class that each class begins as, −1 for none.

    Parameters
    ----------
    classes
        Names.
    like
        Names of COCO's classes in the order of ``classes``, parted by commas, nothing for none; where it is empty, a
        class begins as the one of its own name.

    Raises
    ------
    InputError
        When there are not as many names as classes, or one is not COCO's.

    Examples
    --------
    >>> alike(("raccoon", "dog")), alike(("raccoon", "dog"), "bear,")
    ([-1, 16], [21, -1])
    """
    wanted = [name.strip() for name in (like or ",".join(n if n in COCO_NAMES else "" for n in classes)).split(",")]
    if len(wanted) != len(classes):
        raise InputError(
            f"train: like must name one of COCO's classes, or nothing, for each of the {len(classes)} classes; got "
            f"{len(wanted)}: '{like}'. Part them by commas: like='person,,dog'."
        )
    for name in wanted:
        if name and name not in COCO_NAMES:
            raise InputError(f"train: like must name COCO's classes; got '{name}'.{suggest(name, COCO_NAMES)}")
    return [COCO_NAMES.index(name) if name else -1 for name in wanted]

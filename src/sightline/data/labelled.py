"""A picture with all that is known about it: boxes, classes, masks, a label map, keypoints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sightline.core.canvas import Canvas, colour_of
from sightline.core.checks import as_image, describe
from sightline.core.errors import InputError
from sightline.data.move import Move


@dataclass(frozen=True, eq=False)
class LabelledImage:
    """A picture with labels that move along when it is augmented.

    Row i of boxes, classes, masks, keypoints and rows tells of one thing. What is not known is None.

    Parameters
    ----------
    image
        H×W or H×W×3, uint8.
    boxes
        N×4 xyxy, continuous edges (the top-left pixel is 0, 0, 1, 1); kept as float32.
    classes
        N class numbers; kept as int64.
    masks
        N×H×W bool.
    segmentation
        H×W int32, a class for each pixel.
    keypoints
        N×K×2 points (x, y), the centre of the top-left pixel is (0, 0); kept as float32.
    visible
        N×K bool: which keypoints can be seen; None takes all of them.
    pairs
        Keypoints that swap their names in a mirror, ``((left eye, right eye), …)`` by number.
    ignore
        What ``segmentation`` says where there is no picture.
    rows
        N: which row of the picture that one began with each row is; None numbers them.

    Examples
    --------
    >>> import numpy as np
    >>> from sightline.data import Augment, LabelledImage
    >>> cat = LabelledImage(np.zeros((20, 30, 3), np.uint8), boxes=[[2, 4, 12, 14]], classes=[3])
    >>> mirrored = Augment([("mirror", {"probability": 1.0})])(cat, seed=0)
    >>> mirrored.boxes.tolist(), mirrored.classes.tolist()
    ([[18.0, 4.0, 28.0, 14.0]], [3])
    """

    image: np.ndarray
    boxes: Any = None
    classes: Any = None
    masks: np.ndarray | None = None
    segmentation: np.ndarray | None = None
    keypoints: Any = None
    visible: Any = None
    pairs: tuple[tuple[int, int], ...] = ()
    ignore: int = 255
    rows: Any = None

    def __post_init__(self) -> None:
        image = as_image("LabelledImage", self.image, dtypes=("uint8",))
        kept: dict[str, Any] = {"image": image}
        if self.boxes is not None:
            kept["boxes"] = _numbers("boxes", self.boxes, np.float32, (None, 4))
        if self.keypoints is not None:
            points = kept["keypoints"] = _numbers("keypoints", self.keypoints, np.float32, (None, None, 2))
            seen = np.ones(points.shape[:2], np.bool_) if self.visible is None else np.asarray(self.visible)
            if seen.shape != points.shape[:2]:
                raise InputError(
                    f"LabelledImage: visible must be {len(points)}×{points.shape[1]}; got {describe(seen)}."
                )
            kept["visible"] = seen.astype(np.bool_)
            numbers = [index for pair in self.pairs for index in pair]
            if any(not 0 <= index < points.shape[1] for index in numbers) or len(set(numbers)) != len(numbers):
                raise InputError(f"LabelledImage: pairs must be numbers of keypoints, each once; got {self.pairs!r}.")
        frame = image.shape[:2]
        if self.masks is not None and (_plain(self.masks, np.bool_) != 3 or self.masks.shape[1:] != frame):
            raise InputError(f"LabelledImage: masks must be N×{_by(frame)} bool; got {describe(self.masks)}.")
        if self.segmentation is not None and (
            _plain(self.segmentation, np.int32) != 2 or self.segmentation.shape != frame
        ):
            raise InputError(
                f"LabelledImage: segmentation must be {_by(frame)} int32; got {describe(self.segmentation)}."
            )
        known = [kept.get("boxes"), self.masks, kept.get("keypoints")]
        count = next((len(value) for value in (*known, self.classes) if value is not None), 0)
        kept["rows"] = np.arange(count) if self.rows is None else np.asarray(self.rows, np.int64)
        if self.classes is not None:
            kept["classes"] = _numbers("classes", self.classes, np.int64, (None,))
        for name, value in [*kept.items(), ("masks", self.masks)]:
            if name not in ("image", "visible") and value is not None and len(value) != count:
                raise InputError(f"LabelledImage: {name} must have {count} rows, one a thing; got {len(value)}.")
        for name, value in kept.items():
            object.__setattr__(self, name, value)

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, chosen: np.ndarray) -> LabelledImage:
        """Return the same picture with some of its things.

        Parameters
        ----------
        chosen
            N bool, or row numbers.
        """
        names = ("boxes", "classes", "masks", "keypoints", "visible", "rows")
        values = {name: getattr(self, name) for name in names}
        return self._with({name: None if value is None else value[chosen] for name, value in values.items()})

    def with_image(self, image: np.ndarray) -> LabelledImage:
        """Return the same labels on a picture of the same size.

        Parameters
        ----------
        image
            H×W or H×W×3, uint8.
        """
        image = as_image("LabelledImage", image, dtypes=("uint8",))
        if image.shape[:2] != self.image.shape[:2]:
            raise InputError(
                f"LabelledImage: image must be {_by(self.image.shape[:2])}, as the labels are; got {describe(image)}."
            )
        return self._with({"image": image})

    def moved(self, move: Move, keep: float = 0.1) -> LabelledImage:
        """Return picture and labels in another frame.

        Boxes become the smallest ones around what is left inside; keypoints outside are no longer visible, and those
        of a pair swap in a mirror.

        Parameters
        ----------
        move
            Where points go.
        keep
            A thing is dropped when less than this share of its box (or of its mask, where it has no box) is left.
        """
        changed: dict[str, Any] = {"image": move.image(self.image)}
        left = np.ones(len(self), np.float64)
        if self.masks is not None:
            changed["masks"] = move.masks(self.masks, False)
        if self.boxes is None and self.masks is not None:
            scale = max(1e-12, abs(np.linalg.det(move.matrix[:, :2])))
            pixels = np.maximum(self.masks.sum(axis=(1, 2)), 1) * scale
            left = changed["masks"].sum(axis=(1, 2)) / pixels
        if self.boxes is not None:
            boxes, left = move.boxes(self.boxes)
            changed["boxes"] = boxes.astype(np.float32)
        if self.segmentation is not None:
            changed["segmentation"] = move.masks(self.segmentation, self.ignore)
        if self.keypoints is not None:
            points = move.points(self.keypoints)
            seen = self.visible & move.inside(points)
            if move.is_mirrored and self.pairs:
                order = np.arange(points.shape[1])
                for one, other in self.pairs:
                    order[[one, other]] = other, one
                points, seen = points[:, order], seen[:, order]
            changed["keypoints"], changed["visible"] = points.astype(np.float32), seen
        found = self._with(changed)
        chosen = left >= max(keep, 1e-9)
        return found if chosen.all() else found.take(chosen)

    def _with(self, changed: dict[str, Any]) -> LabelledImage:
        """Return the same with some values that are known to be right, and are not looked at again."""
        found = object.__new__(LabelledImage)
        found.__dict__.update(self.__dict__, **changed)
        return found

    def draw(self) -> np.ndarray:
        """Return the picture with its label map, masks, boxes and visible keypoints on it, H×W×3 uint8."""
        canvas = Canvas(self.image, function="LabelledImage")
        for label in np.unique(self.segmentation) if self.segmentation is not None else ():
            if label not in (0, self.ignore):
                canvas.mask(self.segmentation == label, colour_of(int(label)))
        for i in range(len(self)):
            name = "" if self.classes is None else str(self.classes[i])
            colour = colour_of(int(self.rows[i]) if self.classes is None else int(self.classes[i]))
            if self.masks is not None:
                canvas.mask(self.masks[i], colour)
            if self.boxes is not None:
                canvas.box(self.boxes[i], colour, name)
            if self.keypoints is not None:
                canvas.dots(self.keypoints[i][self.visible[i]], colour)
        return canvas.image()


def _numbers(name: str, value: Any, dtype: type, shape: tuple[int | None, ...]) -> np.ndarray:
    array = np.asarray(value)
    if array.size == 0 and array.ndim < len(shape):  # an empty list has one axis
        array = array.reshape(0, *(size or 0 for size in shape[1:]))
    fits = array.ndim == len(shape) and all(want in (None, got) for want, got in zip(shape, array.shape, strict=True))
    if not fits or (array.dtype.kind not in ("iu" if dtype is np.int64 else "iuf") and array.size):
        wanted = "×".join(letter if size is None else str(size) for letter, size in zip("NKM", shape, strict=False))
        raise InputError(f"LabelledImage: {name} must be {wanted} numbers; got {describe(array)}.")
    if dtype is np.float32 and not np.isfinite(array).all():
        raise InputError(f"LabelledImage: {name} must be finite; got {array[~np.isfinite(array)][0]}.")
    return array.astype(dtype)


def _plain(value: object, dtype: type) -> int:
    """Return the number of axes of an array of a dtype, else −1."""
    return value.ndim if isinstance(value, np.ndarray) and value.dtype == dtype else -1


def _by(frame: tuple[int, int]) -> str:
    return f"{frame[0]}×{frame[1]}"

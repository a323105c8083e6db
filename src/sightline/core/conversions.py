"""Named conversions between the conventions of other libraries and Sightline's: nothing is converted silently."""

from __future__ import annotations

import numpy as np

from sightline.core.checks import as_image, contiguous, describe
from sightline.core.errors import InputError


def channels_last(image: np.ndarray) -> np.ndarray:
    """Return a C×H×W array as H×W×C (1×H×W as H×W), C-contiguous.

    Parameters
    ----------
    image
        C×H×W with 1, 3 or 4 channels, any dtype.
    """
    if not isinstance(image, np.ndarray) or image.ndim != 3 or image.shape[0] not in (1, 3, 4):
        raise InputError(f"channels_last: image must be C×H×W with 1, 3 or 4 channels; got {describe(image)}.")
    return contiguous(image[0] if image.shape[0] == 1 else np.moveaxis(image, 0, -1))


def channels_first(image: np.ndarray) -> np.ndarray:
    """Return an H×W or H×W×C image as C×H×W, C-contiguous.

    Parameters
    ----------
    image
        H×W or H×W×C, any dtype.
    """
    if not isinstance(image, np.ndarray) or image.ndim not in (2, 3):
        raise InputError(f"channels_first: image must be H×W or H×W×C; got {describe(image)}.")
    return contiguous(image[None] if image.ndim == 2 else np.moveaxis(image, -1, 0))


def swap_red_blue(image: np.ndarray) -> np.ndarray:
    """Return a BGR(A) image as RGB(A), or the other way round.

    Parameters
    ----------
    image
        H×W×3 or H×W×4.
    """
    if not isinstance(image, np.ndarray) or image.ndim != 3 or image.shape[2] not in (3, 4):
        raise InputError(f"swap_red_blue: image must be H×W×3 or H×W×4; got {describe(image)}.")
    return contiguous(image[..., [2, 1, 0, 3][: image.shape[2]]])


def to_float(image: np.ndarray) -> np.ndarray:
    """Return an image as float32 0–1 (uint8 divided by 255, uint16 by 65535); float32 comes back as it is.

    Parameters
    ----------
    image
        H×W or H×W×C; uint8, uint16, float32 or bool (a mask becomes 0 and 1).
    """
    image = as_image("to_float", image, channels=(), dtypes=("uint8", "uint16", "float32", "bool"))
    if image.dtype == np.float32:
        return image
    if image.dtype == np.bool_:
        return image.astype(np.float32)
    return image.astype(np.float32) / np.float32(np.iinfo(image.dtype).max)


def to_uint8(image: np.ndarray) -> np.ndarray:
    """Return an image as uint8 0–255, rounded to nearest and clipped; NaN becomes 0; uint8 comes back as it is.

    Parameters
    ----------
    image
        H×W or H×W×C; uint8, uint16, float32 or bool (a mask becomes 0 and 255).
    """
    image = as_image("to_uint8", image, channels=(), dtypes=("uint8", "uint16", "float32", "bool"))
    if image.dtype == np.uint8:
        return image
    if image.dtype == np.bool_:
        return image.astype(np.uint8) * np.uint8(255)
    if image.dtype == np.uint16:
        return ((image.astype(np.uint32) + 128) // 257).astype(np.uint8)
    scaled = np.clip(np.nan_to_num(image, nan=0.0), 0, 1) * np.float32(255)
    return np.rint(scaled).astype(np.uint8)


def boxes_xywh_to_xyxy(boxes: np.ndarray) -> np.ndarray:
    """Return N×4 boxes ``(x, y, width, height)`` as ``(x1, y1, x2, y2)``.

    Parameters
    ----------
    boxes
        N×4, top-left corner and size (COCO's form).
    """
    boxes = _boxes("boxes_xywh_to_xyxy", boxes)
    return np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)


def boxes_xyxy_to_xywh(boxes: np.ndarray) -> np.ndarray:
    """Return N×4 boxes ``(x1, y1, x2, y2)`` as ``(x, y, width, height)``.

    Parameters
    ----------
    boxes
        N×4 xyxy.
    """
    boxes = _boxes("boxes_xyxy_to_xywh", boxes)
    return np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)


def boxes_cxcywh_to_xyxy(boxes: np.ndarray) -> np.ndarray:
    """Return N×4 boxes ``(centre x, centre y, width, height)`` as ``(x1, y1, x2, y2)``.

    Parameters
    ----------
    boxes
        N×4, centre and size (YOLO's and DETR's form, here in pixels).
    """
    boxes = _boxes("boxes_cxcywh_to_xyxy", boxes)
    return np.concatenate([boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2], axis=1)


def boxes_xyxy_to_cxcywh(boxes: np.ndarray) -> np.ndarray:
    """Return N×4 boxes ``(x1, y1, x2, y2)`` as ``(centre x, centre y, width, height)``.

    Parameters
    ----------
    boxes
        N×4 xyxy.
    """
    boxes = _boxes("boxes_xyxy_to_cxcywh", boxes)
    return np.concatenate([(boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]], axis=1)


def box_edges_to_points(boxes: np.ndarray) -> np.ndarray:
    """Return boxes in point coordinates: the pixel box ``(0, 0, 1, 1)`` becomes ``(-0.5, -0.5, 0.5, 0.5)``.

    Parameters
    ----------
    boxes
        N×4 xyxy with continuous edges.
    """
    return _boxes("box_edges_to_points", boxes) - np.float32(0.5)


def _boxes(function: str, boxes: np.ndarray) -> np.ndarray:
    array = np.asarray(boxes)
    if array.ndim != 2 or array.shape[1] != 4 or array.dtype.kind not in "iuf":
        raise InputError(f"{function}: boxes must be N×4 numbers; got {describe(array)}.")
    return array if array.dtype in (np.float32, np.float64) else array.astype(np.float64)

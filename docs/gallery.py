"""Write the gallery: for every method that takes a picture what goes in, what comes out, and its steps, by running it.

Photos come from the folder of real data where it is there, else from the one photo that travels with the package.
"""

from __future__ import annotations

import html
import json
import os
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tables
from PIL import Image
from playing import player

import sightline as sl
from sightline.apply.inputs import first_argument
from sightline.apply.outputs import as_picture, drawn, parts_of
from sightline.core.catalogue import Method, methods
from sightline.core.conversions import to_uint8
from sightline.core.trace import trace
from sightline.detect.coco_names import COCO_NAMES

FIELDS = ("image", "features", "geometry", "motion", "faces", "detect")
WIDTH = 480  # pixels that a photo is shrunk to
SPEED = Path(__file__).parent / "speed.json"
PACKAGED = sl.data.SAMPLES["cat"].path

# Where the usual photo shows little: another one, and what to do to it first.
PHOTOS: dict[str, str] = {
    **dict.fromkeys(("hough_lines", "hough_segments", "scan_document"), "opencv_samples/sudoku.png"),
    **dict.fromkeys(("hough_circles", "blobs_log", "blobs_dog", "blobs_doh"), "opencv_samples/smarties.png"),
    **dict.fromkeys(
        ("mean_shift_segment", "mean_shift_filter", "normalized_cut", "agglomerative_segment", "felzenszwalb"),
        "skimage_samples/coffee.png",
    ),
    **dict.fromkeys(("hysteresis_threshold", "region_grow"), "skimage_samples/coins.png"),
    **dict.fromkeys(
        ("label", "regions", "distance_transform", "watershed", "fill_holes", "moving_boxes"),
        "skimage_samples/coins.png",
    ),
    **dict.fromkeys(("otsu_threshold", "multi_otsu", "triangle_threshold", "threshold"), "skimage_samples/coins.png"),
    **dict.fromkeys(("adaptive_threshold", "sauvola_threshold"), "skimage_samples/page.png"),
    **dict.fromkeys(("skeletonize", "find_contours", "moments", "hu_moments"), "skimage_samples/horse.png"),
    "simple_blobs": "opencv_samples/detect_blob.png",
    "scan_codes": "barcodes/qrcode-6/1.png",
    "seam_carve": "skimage_samples/rocket.jpg",
    "grab_cut": "opencv_samples/messi5.jpg",
    "clahe": "skimage_samples/moon.png",
    "equalize": "skimage_samples/moon.png",
    "stitch": "opencv_samples/graf1.png",
    "register": "opencv_samples/graf1.png",
    "find_chessboard": "opencv_samples/left01.jpg",
    **dict.fromkeys(("sgm", "block_match"), "middlebury_stereo/cones/im2.png"),
    **dict.fromkeys(("sift", "orb", "harris", "shi_tomasi", "fast"), "opencv_samples/graf1.png"),
}


def _coin_seeds(image: np.ndarray) -> np.ndarray:
    """Return a marker for the ground and one in the middle of each coin; ``image`` is the relief."""
    gray = sl.image.convert(picture_for("watershed"), "rgb", "gray")
    bright = sl.image.fill_holes(gray > sl.image.sauvola_threshold(gray, 71, -0.1))
    middles, _ = sl.image.label(sl.image.distance_transform(sl.image.opening(bright, 9)) > 8)
    ground = ~sl.image.dilate(bright, 9)
    return np.where(ground, 1, np.where(middles > 0, middles + 1, 0)).astype(np.int32)[: image.shape[0]]


def _other_eye(image: np.ndarray) -> np.ndarray:
    """Return the right picture of the pair, where the folder of real data is there; else everything moved."""
    path = next((f / "middlebury_stereo/cones/im6.png" for f in folders() if (f / "middlebury_stereo").is_dir()), None)
    if path is None:
        return np.roll(image, -4, axis=1)
    other = sl.read(path)
    return other if image.ndim == 3 else sl.image.convert(other, "rgb", "gray")


def _person(image: np.ndarray) -> np.ndarray:
    points = [(0.5, 0.2), (0.5, 0.35), (0.35, 0.5), (0.65, 0.5), (0.5, 0.6), (0.42, 0.85), (0.58, 0.85)]
    return np.array([points]) * (image.shape[1], image.shape[0])


def _shrunk(image: np.ndarray) -> tuple[int, int]:
    return image.shape[0], image.shape[1] * 2 // 3


# Classes that find things in a picture: what is asked, and the sample that it is asked about.
FINDERS: dict[str, tuple[str, str]] = {"HaarCascade": ("frontal_face", "astronaut")}

# Detectors with public weights: their file in the folder of real data, the longer side that they read, and a photo.
PUBLIC: dict[str, tuple[str, int, str]] = {
    "nanodet": ("weights/nanodet_m.npz", 320, "opencv_samples/messi5.jpg"),
    "fastestdet": ("weights/FastestDet.onnx", 352, "opencv_samples/messi5.jpg"),
    "yolo_fastest_v2": ("weights/yolo_fastestv2_coco.npz", 352, "opencv_samples/messi5.jpg"),
}

# Where the example that the tests use shows little.
OPTIONS: dict[str, dict[str, Any]] = {
    "watershed": {"markers": _coin_seeds},
    "sgm": {"right": _other_eye},
    "block_match": {"right": _other_eye},
    **{name: {"footprint": 9} for name in ("dilate", "erode", "opening", "closing", "top_hat", "black_hat")},
    "morphological_gradient": {"footprint": 9},
    **{name: {"size": 9} for name in ("min_filter", "max_filter")},
    "rank_filter": {"rank": None, "percentile": 90.0, "size": 9},
    "adaptive_threshold": {"size": 31, "offset": 12},
    "hysteresis_threshold": {"low": 100, "high": 170},
    "region_grow": {"seeds": np.array([[100.0, 57], [216, 54], [154, 54]]), "tolerance": 45},
    "match_histogram": {"reference": lambda _: sl.data.sample("rocket")},
    "phase_correlation": {"b": lambda a: np.roll(a, (24, -40), (0, 1))},
    "normalized_cut": {"segments": 8, "superpixels": 300},
    "mean_shift_segment": {"radius": 10, "colour_radius": 8.0, "min_size": 200},
    "mean_shift_filter": {"radius": 10, "colour_radius": 30.0},
    "agglomerative_segment": {"segments": 12},
    "simple_blobs": {"color": "bright", "area": (100.0, 20000.0)},
    "grab_cut": {"box": np.array([40.0, 34, 425, 285])},
    "hough_ellipses": {"min_size": 20.0, "max_size": 120.0, "threshold": 60},
    **{name: {"min_sigma": 8.0, "max_sigma": 30.0} for name in ("blobs_log", "blobs_doh")},
    "blobs_dog": {"threshold": 0.15, "min_sigma": 8.0, "max_sigma": 30.0},
    "warp_affine": {"shape": None, "matrix": np.array([[0.8, -0.35, 100], [0.35, 0.8, -30]])},
    "warp_perspective": {"shape": None, "matrix": np.array([[1, 0.2, -20], [0.1, 1, 0], [0.0008, 0.0006, 1]])},
    "unsharp_mask": {"sigma": 2.0, "amount": 2.0},
    "sharpen": {"amount": 1.5},
    "non_local_means": {"sigma": 20.0},
    "median_blur": {"size": 5},
    "bilateral_filter": {"size": 11, "sigma_color": 60.0, "sigma_space": 4.0},
    "wiener_deconvolve": {"psf": lambda _: DEFOCUS, "balance": 0.001},
    "gaussian_blur": {"sigma": 4.0},
    "box_blur": {"size": 15},
    "seam_carve": {"shape": _shrunk},
    "resize": {"shape": (60, 80)},
    "boxes": {"boxes": np.array([[60.0, 60, 220, 180], [250, 90, 400, 240]]), "labels": ["left eye", "right eye"]},
    "keypoints": {"points": np.array([[150.0, 120], [310, 120], [240, 230]]), "links": [(0, 2), (1, 2)]},
    "skeletons": {
        "keypoints": _person,
        "links": [(0, 1), (1, 2), (1, 3), (1, 4), (4, 5), (4, 6)],
    },
    "tracks": {"paths": [np.array([[20.0, 280], [90, 200], [200, 180], [330, 90]])], "ids": [7]},
    "contours": {"contours": [np.array([[100.0, 60], [380, 80], [300, 280], [140, 250]])]},
    "circles": {"circles": np.array([[150.0, 120, 34], [310, 120, 34]])},
    "ellipses": {"ellipses": np.array([[235.0, 160, 170, 120, 0.1]])},
    "lines": {"lines": np.array([[20.0, 20, 440, 280], [30, 300, 450, 60]])},
    "matches": {
        "second": lambda first: first[:, ::-1].copy(),
        "matches": np.array([[150.0, 120, 330, 120], [310, 120, 170, 120], [240, 230, 240, 230]]),
    },
}
SAMPLES = {"hough_ellipses": "shapes", "find_lanes": "road", "find_page": "sheet"}  # photos of the package
DEFOCUS = (np.hypot(*np.mgrid[-5:6, -5:6]) <= 4.5) / 69.0  # what a lens out of focus makes of a point: 69 pixels
INVERTED = {"horse.png"}  # dark things on a light ground
BRIGHT = {"blobs_log", "blobs_dog", "blobs_doh"}  # methods that look for what is bright
NOISY = {"non_local_means", "wavelet_denoise", "bilateral_filter", "guided_filter", "median_blur"}
EDGES = {"hough_lines", "hough_segments", "hough_ellipses"}  # masks of edges, not of things


def write(folder: Path, pictures: Path) -> None:
    """Write one page a method and the page of cards into ``folder``, the pictures into ``pictures``."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures.mkdir(parents=True, exist_ok=True)
    for old in (*folder.glob("*.md"), *pictures.glob("*.jpg")):
        old.unlink()
    speed = json.loads(SPEED.read_text("utf-8"))["rows"] if SPEED.exists() else []
    cards: dict[str, list[tuple[str, str, str]]] = {}
    for entry in [entry for field in FIELDS for entry in methods(field)]:
        rows = [row for row in speed if row["name"].split()[0] == f"{entry.field}.{entry.name}"]
        shown = page(entry, pictures, rows)
        if shown is None:
            continue
        text, thumbnail = shown
        (folder / f"{entry.name}.md").write_text(text, "utf-8")
        cards.setdefault(entry.task, []).append((entry.name, entry.summary, thumbnail))
    (folder / "index.md").write_text(index(cards), "utf-8")


def index(cards: dict[str, list[tuple[str, str, str]]]) -> str:
    """Return the page of cards, by task."""
    count = sum(len(group) for group in cards.values())
    parts = [f"# Gallery\n\n{count} methods that take a picture, each shown by running it.\n"]
    for task in sorted(cards):
        parts.append(f"## {task.capitalize()}\n\n```{{raw}} html\n<div class='gallery'>")
        for name, summary, thumbnail in cards[task]:
            parts.append(
                f"<a href='{name}.html' title='{html.escape(summary)}'>"
                f"<img loading='lazy' alt='{html.escape(name)}' src='../../_static/{thumbnail}'>"
                f"<b>{html.escape(name)}</b></a>"
            )
        parts.append("</div>\n```\n")
    names = "\n".join(name for group in cards.values() for name, *_ in group)
    return "\n".join([*parts, f"```{{toctree}}\n:hidden:\n\n{names}\n```\n"])


def page(entry: Method, pictures: Path, speed: list[dict[str, Any]]) -> tuple[str, str] | None:
    """Return a method's page and its thumbnail, None where there is nothing to see."""
    if entry.name in FINDERS:
        return finder_page(entry, pictures, speed)
    if entry.name in PUBLIC:
        return detector_page(entry, pictures, speed)
    if entry.parameters[0].kind not in ("image", "mask", "labels") or entry.name in ("write", "show"):
        return None
    photo = picture_for(entry.name)
    image = scene(entry, photo)
    options = options_for(entry, image)
    before = sheet(np.ascontiguousarray(image) if entry.parameters[0].kind == "image" else as_picture(image))
    result = entry.function(image, **options)
    found, others = parts_of(entry, result, image)
    after = sheet(as_picture(visible(next(iter(found.values()))))) if found else drawn(entry, result, image, options)
    parts = [f"# {entry.name}\n\n{tables.code(entry.summary)} ({entry.paper})\n"]
    figures = [figure("in", before, save(before, pictures, f"{entry.name}-in"))]
    thumbnail = f"{entry.name}-in.jpg"
    if after is not None:
        thumbnail = save(after, pictures, f"{entry.name}-out")
        figures.append(figure("out", after, thumbnail))
    parts.append(strip(figures))
    if others:
        told = "\n".join(f"{name or 'result'}: {brief(value)}" for name, value in others.items())
        parts.append(f"```text\n{told}\n```\n")
    parts.append(usage(entry, options))
    if entry.steps is not None:
        parts.append(f"## Steps\n\n```{{raw}} html\n{player(trace(entry.function, image, **options))}\n```\n")
    parts += ["## Reference\n", *tables.described(entry)]
    parts.append(proof(entry, speed))
    return "\n".join(parts), thumbnail


def detector_page(entry: Method, pictures: Path, speed: list[dict[str, Any]]) -> tuple[str, str] | None:
    """Return the page and the thumbnail of a detector with its public weights; None where they are not there."""
    weights, size, where = PUBLIC[entry.name]
    data = next((folder for folder in folders() if (folder / weights).exists() and (folder / where).exists()), None)
    if data is None:
        return None
    photo, model = sl.read(data / where), entry.function().eval()
    model.begin(str(data / weights))
    square = entry.name == "fastestdet"
    (found,) = sl.detect.Search(model, COCO_NAMES, size, square=square).find([photo], confidence=0.4)
    after = sheet(found.draw(photo))
    thumbnail = save(after, pictures, f"{entry.name}-out")
    figures = [figure("in", sheet(photo), save(sheet(photo), pictures, f"{entry.name}-in"))]
    strips = strip([*figures, figure("out", after, thumbnail)])
    name, more = f"sl.{entry.field}.{entry.name}", ", square=True" if square else ""
    lines = (
        "import sightline as sl\nfrom sightline.detect.coco_names import COCO_NAMES\n",
        f"model = {name}().eval()",
        f'model.begin("{Path(weights).name}")  # its author\'s weights for the 80 classes of COCO',
        f'(found,) = sl.detect.Search(model, COCO_NAMES, {size}{more}).find([sl.read("photo.jpg")], confidence=0.4)',
    )
    parts = [f"# {entry.name}\n\n{tables.code(entry.summary)} ({entry.paper})\n", strips]
    parts.append("```python\n" + "\n".join(lines) + "\n```\n")
    parts += ["## Reference\n", *tables.described(entry), proof(entry, speed)]
    return "\n".join(parts), thumbnail


def finder_page(entry: Method, pictures: Path, speed: list[dict[str, Any]]) -> tuple[str, str]:
    """Return the page and the thumbnail of a class that finds things in a picture."""
    make, sample = FINDERS[entry.name]
    photo = sl.data.sample(sample)
    photo = sl.image.resize(photo, (round(photo.shape[0] * WIDTH / photo.shape[1]), WIDTH))
    finder = getattr(entry.function, make)()
    after = finder.detect(photo).draw(photo)
    thumbnail = save(after, pictures, f"{entry.name}-out")
    figures = [figure("in", photo, save(photo, pictures, f"{entry.name}-in")), figure("out", after, thumbnail)]
    name = f"sl.{entry.field}.{entry.name}"
    call = f'found = {name}.{make}().detect(sl.data.sample("{sample}"))'
    parts = [f"# {entry.name}\n\n{tables.code(entry.summary)} ({entry.paper})\n", strip(figures)]
    parts.append(f"```python\nimport sightline as sl\n\n{call}\n```\n")
    parts.append(f"## Steps\n\n```{{raw}} html\n{player(trace(entry.function, finder, photo))}\n```\n")
    parts += ["## Reference\n", *tables.described(entry), proof(entry, speed)]
    return "\n".join(parts), thumbnail


def options_for(entry: Method, image: np.ndarray) -> dict[str, Any]:
    """Return the arguments besides the first."""
    chosen = {**entry.example, **OPTIONS.get(entry.name, {})}
    return {name: value(image) if callable(value) else value for name, value in chosen.items() if value is not None}


def usage(entry: Method, options: dict[str, Any]) -> str:
    """Return the call that made the picture, and where its parameters stand."""
    words = [entry.parameters[0].name]
    for name, value in options.items():
        plain = isinstance(value, (bool, int, float, str, tuple))
        words.append(f"{name}={value!r}" if plain else f"{name}={name}")
    call = f"found = {entry.path.replace('sightline', 'sl', 1)}({', '.join(words)})"
    return f"```python\nimport sightline as sl\n\n{call}\n```\n"


def proof(entry: Method, speed: list[dict[str, Any]]) -> str:
    """Return what the ledger and the kept benchmark say of a method."""
    lines = [
        f"- {'equals' if e.kind == 'equals' else 'reaches'} {e.peer or e.figure}: {e.tolerance or e.published}"
        + ("" if e.measured is None else f", measured {e.measured:.4g}")
        for e in entry.evidence
        if e.holds
    ]
    lines += [f"- {row['name'].partition('.')[2]}: {row['ratio']:.2f}× {row['peer']}" for row in speed]
    return "## Evidence and speed\n\n" + "\n".join(lines) + "\n" if lines else ""


def picture_for(name: str) -> np.ndarray:
    """Return the photo that shows a method best."""
    wanted = PHOTOS.get(name, "")
    path = next((f / wanted for f in folders() if wanted and (f / wanted).is_file()), PACKAGED)
    if name in SAMPLES:
        path = sl.data.SAMPLES[SAMPLES[name]].path
    photo = sl.read(path)
    if path.name in INVERTED:
        photo = 255 - photo
    height = round(photo.shape[0] * WIDTH / photo.shape[1])
    if name == "scan_codes":
        return photo
    return spoilt(name, sl.image.resize(photo, (height, WIDTH)) if photo.shape[1] > WIDTH else photo)


def spoilt(name: str, photo: np.ndarray) -> np.ndarray:
    """Return the photo with what a method is there to mend: noise, specks or a blur; or its negative."""
    random = np.random.default_rng(0)
    if name == "median_blur":
        return np.where(
            random.random(photo.shape[:2])[..., None] < 0.1, random.choice([0, 255], photo.shape), photo
        ).astype(np.uint8)
    if name in NOISY:
        return np.clip(np.rint(photo + random.normal(0, 20, photo.shape)), 0, 255).astype(np.uint8)
    if name == "wiener_deconvolve":
        return sl.image.convolve(photo, DEFOCUS, border="wrap")
    return 255 - photo if name in BRIGHT else photo


def folders() -> list[Path]:
    """Return where real data may lie."""
    data = os.environ.get("SIGHTLINE_DATA", "")
    return [*([Path(data)] if data else []), Path(__file__).resolve().parents[2] / "shared" / "data"]


def scene(entry: Method, photo: np.ndarray) -> np.ndarray:
    """Return the photo as the method's first argument; grey where it takes no colour."""
    kind = entry.parameters[0].kind
    gray = sl.image.convert(photo, "rgb", "gray")
    if kind == "mask":
        return sl.image.canny(gray) if entry.name in EDGES else gray > sl.image.otsu_threshold(gray)
    if kind == "labels":
        labels: Callable[..., Any] = sl.image.label
        return labels(gray > sl.image.otsu_threshold(gray))[0]
    if entry.name == "watershed":
        slope = sl.image.sobel(sl.image.gaussian_blur(gray, 1.0))
        return np.minimum(slope, 255).astype(np.uint8)
    image = first_argument(entry, photo)
    try:
        entry.function(image, **options_for(entry, image))
    except sl.InputError:
        return gray
    return image


def sheet(picture: np.ndarray) -> np.ndarray:
    """Return a picture as H×W×3 uint8."""
    eight = to_uint8(picture)
    return np.repeat(eight[..., None], 3, axis=2) if eight.ndim == 2 else np.ascontiguousarray(eight[..., :3])


def visible(values: np.ndarray) -> np.ndarray:
    """Return a response that would be black in a picture as bright as it can be, by its roots; all else as it is."""
    if values.dtype != np.float32 or not values.size or values.min() < 0 or not 0 < values.max() < 1 / 16:
        return values
    return np.sqrt(values / values.max())


def save(picture: np.ndarray, folder: Path, name: str) -> str:
    """Write a picture for the page; small ones are enlarged without smoothing."""
    made = Image.fromarray(sheet(picture))
    if made.width < 160:
        times = -(-160 // made.width)
        made = made.resize((made.width * times, made.height * times), Image.Resampling.NEAREST)
    made.thumbnail((WIDTH, 2 * WIDTH))
    made.save(folder / f"{name}.jpg", quality=85)
    return f"{name}.jpg"


def figure(caption: str, picture: np.ndarray, file: str, note: str = "") -> str:
    """Return one figure of a strip."""
    size = f"{picture.shape[1]}×{picture.shape[0]}"
    text = f"<b>{html.escape(caption)}</b> <small>{size}{'. ' + html.escape(note) if note else ''}</small>"
    return (
        f"<figure><img loading='lazy' alt='{html.escape(caption)}' src='../../_static/{file}'>"
        f"<figcaption>{text}</figcaption></figure>"
    )


def brief(value: Any) -> str:
    """Return a value in one line."""
    if isinstance(value, bytes):
        return f"{len(value):,} bytes"
    if is_dataclass(value) and not isinstance(value, type):
        told = (f"{field.name}={brief(getattr(value, field.name))}" for field in fields(value) if field.repr)
        return f"{type(value).__name__}({', '.join(told)})"
    if isinstance(value, (list, tuple)) and len(value) > 3:
        return f"{len(value)} found; the first: {brief(value[0])}"
    if isinstance(value, np.ndarray) and value.size > 24:
        return f"{'×'.join(map(str, value.shape))} {value.dtype.name}"
    text = " ".join(str(value).split())
    return text if len(text) < 300 else text[:297] + " …"


def strip(figures: list[str]) -> str:
    """Return figures beside each other."""
    return "```{raw} html\n<div class='strip'>" + "\n".join(figures) + "</div>\n```\n"

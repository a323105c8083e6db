import hashlib
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import sightline as sl
from sightline.core import evidence

RANDOM = np.random.default_rng(4)


def picture(dtype: str, channels: int) -> np.ndarray:
    shape = (23, 31) if channels == 1 else (23, 31, channels)
    if dtype == "bool":
        return RANDOM.random(shape) > 0.5
    if dtype == "float32":
        return RANDOM.normal(0, 100, shape).astype(np.float32)
    return RANDOM.integers(0, np.iinfo(dtype).max + 1, shape).astype(dtype)


LOSSLESS = [
    *[("png", dtype, c) for dtype in ("uint8", "uint16") for c in (1, 2, 3, 4)],
    *[("tiff", "uint8", c) for c in (1, 2, 3, 4)],
    *[("tiff", "uint16", c) for c in (1, 3, 4)],
    *[("tiff", "float32", c) for c in (1, 2, 3, 4)],
    ("bmp", "uint8", 1),
    ("bmp", "uint8", 3),
    ("ppm", "uint8", 3),
    ("pgm", "uint8", 1),
    ("pgm", "uint16", 1),
]


@pytest.mark.parametrize(("suffix", "dtype", "channels"), LOSSLESS)
def test_lossless_formats_give_back_every_value(tmp_path, suffix, dtype, channels):
    image = picture(dtype, channels)
    sl.write(tmp_path / f"a.{suffix}", image)
    back = sl.read(tmp_path / f"a.{suffix}", mode="unchanged")
    assert back.dtype == image.dtype
    np.testing.assert_array_equal(back, image)


@pytest.mark.parametrize("suffix", ["png", "tiff", "bmp"])
def test_masks_come_back(tmp_path, suffix):
    mask = picture("bool", 1)
    sl.write(tmp_path / f"a.{suffix}", mask)
    np.testing.assert_array_equal(sl.read(tmp_path / f"a.{suffix}", mode="gray") > 127, mask)
    with Image.open(tmp_path / f"a.{suffix}") as file:
        assert file.mode == "1"


@evidence.equals(
    "image.write", peer="pillow", tolerance="every pixel after decoding", data="real photos; PNG, JPEG, WebP"
)
def test_write_equals_pillow_on_photos(tmp_path, photos, measured):
    worst = 0
    for name in photos.keys() & {"rings", "noise", "row", "camera", "chelsea", "coins"}:
        image = photos[name]
        for suffix, form, options in (
            ("png", "PNG", {}),
            ("jpg", "JPEG", {"quality": 77}),
            ("webp", "WEBP", {"quality": 60}),
        ):
            if form == "WEBP" and image.ndim == 2:
                continue
            path = tmp_path / f"{name}.{suffix}"
            sl.write(path, image, **options)
            stream = io.BytesIO()
            Image.fromarray(image).save(stream, form, **options)
            theirs = np.asarray(Image.open(stream)).astype(int)
            worst = max(
                worst, int(np.abs(np.asarray(Image.open(io.BytesIO(path.read_bytes()))).astype(int) - theirs).max())
            )
    measured(worst)
    assert worst == 0


@evidence.equals("image.write", peer="opencv", tolerance="every pixel", data="16-bit PNG, grey, RGB and RGBA")
def test_sixteen_bit_png_is_what_opencv_reads(tmp_path, measured):
    cv2 = pytest.importorskip("cv2")
    differ = 0
    for channels in (1, 3, 4):
        image = picture("uint16", channels)
        sl.write(tmp_path / "a.png", image)
        theirs = cv2.imread(str(tmp_path / "a.png"), cv2.IMREAD_UNCHANGED)
        theirs = theirs if channels == 1 else theirs[..., [2, 1, 0, 3][:channels]]
        differ += np.count_nonzero(theirs != image)
    measured(differ)
    assert differ == 0


@evidence.equals("image.write", peer="opencv", tolerance="every number", data="TIFF of 16 bits and floats, RGB, RGBA")
@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_deep_tiff_is_what_opencv_reads(tmp_path, dtype, measured):
    cv2 = pytest.importorskip("cv2")
    differ = 0
    for shape in ((23, 31, 3), (23, 31, 4), (1, 1, 3), (300, 400, 3)):  # the last one in several strips
        image = RANDOM.normal(30000, 9000, shape).clip(0, 65535).astype(dtype)
        sl.write(tmp_path / "a.tiff", image)
        theirs = cv2.imread(str(tmp_path / "a.tiff"), cv2.IMREAD_UNCHANGED)[..., [2, 1, 0, 3][: shape[2]]]
        differ += np.count_nonzero(theirs != image)
        differ += np.count_nonzero(sl.read(tmp_path / "a.tiff", mode="unchanged") != image)
    measured(differ)
    assert differ == 0


def test_nan_and_infinity_are_kept_by_floating_point_tiff(tmp_path):
    image = picture("float32", 3)
    image[0, 0], image[1, 1] = np.nan, np.inf
    sl.write(tmp_path / "a.tiff", image)
    np.testing.assert_array_equal(sl.read(tmp_path / "a.tiff", mode="unchanged"), image)


@pytest.mark.parametrize("suffix", ["jpg", "webp", "avif"])
def test_quality_buys_fidelity(tmp_path, suffix, photos):
    image = sl.channels_last(np.stack([photos["rings"]] * 3))
    errors = []
    for quality in (10, 50, 95):
        sl.write(tmp_path / f"a.{suffix}", image, quality=quality)
        errors.append(np.abs(sl.read(tmp_path / f"a.{suffix}").astype(int) - image).mean())
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 4


REFUSED = [
    ("jpg", "uint16", 3, "Use sightline.to_uint8(image) or write a .png"),
    ("jpg", "bool", 1, "write a .png"),
    ("jpg", "uint8", 4, "Drop the alpha channel"),
    ("png", "float32", 1, "write a .tiff"),
    ("webp", "uint8", 1, 'convert(image, "gray", "rgb")'),
    ("tiff", "uint16", 2, "Write a .png."),
    ("pgm", "uint8", 3, "Write a .png"),
    ("png", "uint8", 7, "Write 1 to 4 of its channels"),
    ("png", "float32", 3, "or write a .tiff"),
]


@pytest.mark.parametrize(("suffix", "dtype", "channels", "fix"), REFUSED)
def test_what_a_format_cannot_hold_is_refused_with_a_fix(tmp_path, suffix, dtype, channels, fix):
    with pytest.raises(sl.InputError, match="write: image must be") as caught:
        sl.write(tmp_path / f"a.{suffix}", picture(dtype, channels))
    assert fix in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "says"),
    [("a", "none"), ("a.pmg", "Did you mean"), ("a.gif", "written by sightline.image.write_frames"), (".png", "none")],
)
def test_unknown_suffixes_are_refused(tmp_path, name, says):
    with pytest.raises(sl.InputError, match="write: path must end in one of") as caught:
        sl.write(tmp_path / name, picture("uint8", 1))
    assert says in str(caught.value)


def test_quality_of_a_lossless_format_is_refused(tmp_path):
    with pytest.raises(sl.InputError, match="lossless"):
        sl.write(tmp_path / "a.png", picture("uint8", 1), quality=50)
    with pytest.raises(sl.InputError, match="1–100"):
        sl.write(tmp_path / "a.jpg", picture("uint8", 1), quality=101)


def test_the_digest_is_that_of_the_file(tmp_path):
    digest = sl.write(tmp_path / "A.PNG", picture("uint8", 3))
    assert digest == hashlib.sha256((tmp_path / "A.PNG").read_bytes()).hexdigest()


def test_a_file_can_be_read_and_written_to_the_same_path(tmp_path):
    path = tmp_path / "a.tiff"
    image = picture("float32", 1)
    sl.write(path, image)
    for _ in range(3):
        sl.write(path, sl.read(path, mode="unchanged"))
    np.testing.assert_array_equal(sl.read(path, mode="unchanged"), image)
    assert [item.name for item in tmp_path.iterdir()] == ["a.tiff"]


def test_strided_and_big_endian_images_are_written_as_they_look(tmp_path):
    image = picture("uint16", 3)
    for other in (image[::-1, ::-1].copy()[::-1, ::-1], np.asfortranarray(image), image.astype(">u2")):
        sl.write(tmp_path / "a.png", other)
        np.testing.assert_array_equal(sl.read(tmp_path / "a.png", mode="unchanged"), image)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs RLIMIT_FSIZE")
def test_a_full_disk_leaves_the_old_file(tmp_path):
    import resource
    import signal

    path = tmp_path / "a.png"
    sl.write(path, picture("uint8", 1))
    before = path.read_bytes()
    limits, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (3000, limits[1]))
        with pytest.raises(sl.SightlineError, match=r"write: '.*a\.png' cannot be written: file too large"):
            sl.write(path, RANDOM.integers(0, 256, (200, 200, 3), dtype=np.uint8))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert path.read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == ["a.png"]


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"folder '.*gone' does not exist"):
        sl.write(tmp_path / "gone" / "a.png", picture("uint8", 1))

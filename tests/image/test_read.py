import io
import json
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

import sightline as sl
from sightline.core import evidence
from sightline.image.decode import MAX_PIXELS
from sightline.image.write import _deep_png

CORPUS = Path(__file__).parent / "corpus.py"


def png(pixels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


@evidence.equals("image.read", peer="pillow", tolerance="every pixel", data="photos of the shared data folder")
def test_read_equals_pillow_on_real_photos(shared_data, measured):
    folders = (
        "skimage_samples",
        "opencv_samples",
        "style_images",
        "ocr",
        "restoration",
        "middlebury_stereo",
        "raccoon",
    )
    paths = [p for f in folders for p in sorted((shared_data / f).rglob("*"))[:24] if p.suffix in (".png", ".jpg")]
    worst = 0
    for path in paths:
        picture = ImageOps.exif_transpose(Image.open(io.BytesIO(path.read_bytes())))
        if picture.mode in ("I;16", "I", "F") or picture.has_transparency_data:
            continue
        ours, theirs = sl.read(path), np.array(picture.convert("RGB"))
        assert ours.shape == theirs.shape, path
        worst = max(worst, int(np.abs(ours.astype(int) - theirs).max()))
    measured(worst)
    assert len(paths) > 60
    assert worst == 0


@evidence.equals(
    "image.read", peer="opencv", tolerance="every pixel", data="16-bit depth maps of the shared data folder"
)
def test_sixteen_bit_depth_maps_equal_opencv(shared_data, measured):
    cv2 = pytest.importorskip("cv2")
    paths = sorted((shared_data / "rgbd_slambook").rglob("*depth*/*.p?m")) or sorted(
        (shared_data / "rgbd_slambook").rglob("*.p?[mg]")
    )
    deep = [path for path in paths if cv2.imread(str(path), -1).dtype == np.uint16]
    assert deep
    differ = [np.count_nonzero(sl.read(path, mode="unchanged") != cv2.imread(str(path), -1)) for path in deep]
    measured(max(differ))
    assert max(differ) == 0


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus")
    command = [sys.executable, "-W", "error", str(CORPUS), str(folder)]
    done = subprocess.run(command, capture_output=True, timeout=150, text=True, check=False)
    assert done.returncode == 0, f"the reader crashed: {done.stderr[-2000:]}"
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def test_every_hostile_file_loads_right_or_is_refused_by_name(corpus):
    rows, _ = corpus
    assert len(rows) > 900
    assert [row for row in rows if row["problem"]] == []
    assert sum(row["outcome"] == "loaded" for row in rows) > 300


def test_hostile_files_leave_no_noise_and_no_growth(corpus):
    rows, noise = corpus
    assert noise == ""
    assert sum(row["grown"] for row in rows) < 1_000_000  # kB


def test_bombs_are_refused_small(corpus):
    rows, _ = corpus
    bombs = [row for row in rows if row["bomb"] and row["outcome"] == "refused"]
    assert len(bombs) > 15
    assert max(row["grown"] for row in bombs) < 20_000  # kB


def test_the_limit_can_be_moved():
    gray = np.zeros((20, 30), np.uint8)
    assert sl.read(png(gray), max_pixels=600, mode="gray").shape == (20, 30)
    with pytest.raises(sl.FormatError, match=r"30×20 pixels, more than the limit of 599"):
        sl.read(png(gray), max_pixels=599)
    assert MAX_PIXELS > 101_900_000  # a 100-megapixel camera


def test_scans_times_pixels_are_limited(monkeypatch):
    monkeypatch.setattr(sys.modules["sightline.image.decode"], "_MAX_SCANNED", 10_000)
    stream = io.BytesIO()
    Image.new("L", (20, 20)).save(stream, "JPEG", progressive=True)
    data = stream.getvalue()
    assert sl.read(data, max_pixels=400).shape == (20, 20, 3)
    last = data[data.rindex(b"\xff\xda") : -2]
    with pytest.raises(sl.FormatError, match="scans of 20×20 pixels"):
        sl.read(data[:-2] + last * 60 + b"\xff\xd9", max_pixels=400)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "BMP", "PPM"])
def test_a_cut_off_file_gives_its_real_rows_when_asked(form):
    y, x = np.mgrid[0:200, 0:160]
    rgb = np.stack([x, y, (x + y) // 2], axis=2).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(rgb).save(stream, form)
    whole, data = sl.read(stream.getvalue()), stream.getvalue()
    cut = data[: len(data) // 2]
    with pytest.raises(sl.FormatError, match=r"the data .* is cut off: .*truncated=True"):
        sl.read(cut)
    with pytest.warns(UserWarning, match="cut off") as caught:
        part = sl.read(cut, truncated=True)
    assert caught[0].filename == __file__
    real = int(str(caught[0].message).split("cut off: ")[1].split()[0])
    assert 40 < real < 160
    kept = slice(200 - real, None) if form == "BMP" else slice(real)  # BMP is stored from the bottom up
    np.testing.assert_array_equal(part[kept], whole[kept])
    assert np.count_nonzero(part.any(axis=(1, 2))) <= real


def test_nothing_is_salvaged_where_nothing_is():
    data = png(np.zeros((9, 9), np.uint8))
    for kept in (data[:45], b"II*\0\x08\0\0\0"):
        with pytest.raises(sl.FormatError, match="the data"):
            sl.read(kept, truncated=True)


@pytest.mark.parametrize("form", ["WEBP", "GIF", "AVIF"])
def test_no_advice_is_given_that_would_not_help(form):
    stream = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)).save(stream, form)
    with pytest.raises(sl.FormatError) as caught:
        sl.read(stream.getvalue()[: len(stream.getvalue()) // 2])
    assert "truncated=True" not in str(caught.value)


def test_truncated_changes_nothing_for_a_whole_file():
    rgb = np.arange(60, dtype=np.uint8).reshape(4, 5, 3)
    np.testing.assert_array_equal(sl.read(png(rgb), truncated=True), rgb)


def test_paths_bytes_and_file_objects_are_the_same(tmp_path):
    rgb = np.arange(60, dtype=np.uint8).reshape(4, 5, 3)
    path = tmp_path / "a.png"
    path.write_bytes(png(rgb))
    with path.open("rb") as stream:
        sources = [path, str(path), path.read_bytes(), bytearray(path.read_bytes()), stream, io.BytesIO(png(rgb))]
        for source in sources:
            np.testing.assert_array_equal(sl.read(source), rgb)


def test_a_stream_that_cannot_seek_is_read():
    rgb = np.arange(60, dtype=np.uint8).reshape(4, 5, 3)
    reader, writer = os.pipe()
    thread = threading.Thread(target=lambda: (os.write(writer, png(rgb)), os.close(writer)))
    thread.start()
    with os.fdopen(reader, "rb") as stream:
        np.testing.assert_array_equal(sl.read(stream), rgb)
    thread.join()


@pytest.mark.parametrize("source", [3, None, np.zeros((2, 2), np.uint8), ["a.png"]])
def test_other_sources_are_refused(source):
    with pytest.raises(sl.InputError, match="read: path must be"):
        sl.read(source)


def test_a_text_stream_is_refused():
    with pytest.raises(sl.InputError, match="binary"):
        sl.read(io.StringIO("P2 1 1 255 0"))


def test_unknown_mode_is_refused_with_the_nearest():
    with pytest.raises(sl.InputError, match="Did you mean 'gray'"):
        sl.read(b"", mode="grey")


def test_modes_agree_with_the_conversions():
    rgb = np.random.default_rng(1).integers(0, 256, (30, 20, 3), dtype=np.uint8)
    np.testing.assert_array_equal(sl.read(png(rgb), mode="gray"), sl.image.convert(rgb, "rgb", "gray"))
    np.testing.assert_array_equal(sl.read(png(rgb[..., 0])), np.dstack([rgb[..., 0]] * 3))


def test_sixteen_bit_alpha_lies_on_white():
    deep = np.random.default_rng(2).integers(0, 65536, (9, 8, 4), dtype=np.uint16)
    deep[0, 0], deep[0, 1] = (1, 2, 3, 65535), (1, 2, 3, 0)
    stream = io.BytesIO()
    stream.write(_deep_png(deep))
    got = sl.read(stream.getvalue())
    assert got[0, 0].tolist() == [1, 2, 3]
    assert got[0, 1].tolist() == [65535] * 3
    alpha = deep[..., 3:] / 65535
    assert np.abs(got - (deep[..., :3] * alpha + 65535 * (1 - alpha))).max() <= 0.5 + 1e-6


def test_the_result_is_writeable_and_contiguous():
    for mode in ("rgb", "gray", "unchanged"):
        image = sl.read(png(np.zeros((5, 6), np.uint8)), mode=mode)
        assert image.flags.c_contiguous
        assert image.flags.writeable
        assert image.flags.aligned


def test_eight_threads_read_what_one_reads(tmp_path):
    random = np.random.default_rng(3)
    images = [random.integers(0, 256, (60, 50, 3), dtype=np.uint8) for _ in range(8)]
    data = [png(image) for image in images]
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(sl.read, data * 10))
    for index, result in enumerate(results):
        np.testing.assert_array_equal(result, images[index % 8])

import io
import itertools

import cv2
import numpy as np
import pytest

import sightline as sl
from image.made_files import tiff
from sightline.core import evidence
from sightline.data.image_size import image_size

RNG = np.random.default_rng(0)
COLOUR = RNG.random((70, 90, 3)).astype(np.float32)
COLOUR[::7] = COLOUR[0]  # something for LZW to find
COLOUR[3, 4] = np.nan, np.inf, -2.5


def by_cv2(pixels: np.ndarray, compression: int, predictor: int) -> bytes:
    options = [cv2.IMWRITE_TIFF_COMPRESSION, compression, cv2.IMWRITE_TIFF_PREDICTOR, predictor]
    return cv2.imencode(".tiff", np.ascontiguousarray(pixels[..., ::-1]), options)[1].tobytes()


@evidence.equals("image.read", peer="opencv", tolerance="identical", data="floating-point TIFF files of OpenCV")
def test_colour_of_opencv_is_read_whatever_its_compression_and_differences(measured):
    worst = 0
    for compression, predictor in itertools.product((1, 5, 8), (1, 2, 3)):
        data = by_cv2(COLOUR, compression, predictor)
        peer = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)[..., ::-1]
        got = sl.read(data)
        assert got.dtype == np.float32
        np.testing.assert_array_equal(got, COLOUR)
        worst = max(worst, int(np.count_nonzero(got.view(np.uint32) != np.ascontiguousarray(peer).view(np.uint32))))
    measured(worst)
    assert worst == 0


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("f4", {"photometric": "rgb", "byteorder": ">"}),
        ("f4", {"photometric": "rgb", "bigtiff": True, "rowsperstrip": 16}),
        ("f4", {"photometric": "rgb", "tile": (32, 48), "compression": "zlib"}),
        ("f2", {"photometric": "rgb", "compression": "zlib", "rowsperstrip": 9}),
        ("f8", {"photometric": "rgb", "byteorder": ">"}),
    ],
)
def test_layouts_of_tifffile_are_read(kind, options):
    pixels = COLOUR.astype(kind)
    data = tiff(pixels, **options)
    np.testing.assert_array_equal(sl.read(data), pixels.astype(np.float32))
    np.testing.assert_array_equal(sl.read(data, mode="gray"), sl.image.convert(sl.read(data), "rgb", "gray"))


@pytest.mark.parametrize("options", [{}, {"tile": (32, 32)}, {"rowsperstrip": 11, "byteorder": ">"}])
def test_planes_are_put_together(options):
    planes = np.ascontiguousarray(np.moveaxis(COLOUR, 2, 0))
    np.testing.assert_array_equal(sl.read(tiff(planes, photometric="rgb", planarconfig="separate", **options)), COLOUR)


@pytest.mark.parametrize("kind", ["f2", "f8"])
def test_grey_of_other_precisions_is_read(kind):
    grey = COLOUR[..., 0].astype(kind)
    np.testing.assert_array_equal(sl.read(tiff(grey), mode="unchanged"), grey.astype(np.float32))


def test_alpha_is_kept_or_lies_on_white():
    pixels = RNG.random((5, 6, 4)).astype(np.float32)
    pixels[0, 0, 3], pixels[0, 1, 3] = 0, 1
    alpha, on_white = pixels[..., 3:], pixels[..., :3] * pixels[..., 3:] + 1 - pixels[..., 3:]
    apart = tiff(pixels, photometric="rgb", extrasamples=["unassalpha"])
    np.testing.assert_array_equal(sl.read(apart, mode="unchanged"), pixels)
    np.testing.assert_allclose(sl.read(apart), on_white, atol=1e-6)
    merged = tiff(np.concatenate([pixels[..., :3] * alpha, alpha], 2), photometric="rgb", extrasamples=["assocalpha"])
    np.testing.assert_allclose(sl.read(merged), on_white, atol=1e-6)
    other = tiff(pixels, photometric="rgb", extrasamples=["unspecified"])
    np.testing.assert_array_equal(sl.read(other), pixels[..., :3])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_it_is_turned_upright_as_eight_bit_pictures_are(orientation, tmp_path):
    tag = [(274, "H", 1, orientation, True)]
    eight = RNG.integers(0, 256, (8, 12, 3), dtype=np.uint8)
    data = tiff(eight.astype(np.float32), photometric="rgb", extratags=tag)
    np.testing.assert_array_equal(sl.read(data), sl.read(tiff(eight, photometric="rgb", extratags=tag)))
    (tmp_path / "a.tiff").write_bytes(data)
    assert image_size(tmp_path / "a.tiff") == sl.read(data).shape[:2]


@pytest.mark.parametrize("options", [{}, {"compression": "zlib"}, {"tile": (16, 32)}])
def test_a_cut_off_one_gives_its_whole_rows_when_asked(options):
    data = tiff(COLOUR, photometric="rgb", **({"rowsperstrip": 8} | options))
    cut = data[: int(len(data) * 0.6)]
    with pytest.raises(sl.FormatError, match=r"is cut off: .*truncated=True"):
        sl.read(cut)
    with pytest.warns(UserWarning, match="cut off") as caught:
        part = sl.read(cut, truncated=True)
    assert caught[0].filename == __file__
    real = int(str(caught[0].message).split("cut off: ")[1].split()[0])
    assert 30 < real < 50
    np.testing.assert_array_equal(part[:real], COLOUR[:real])
    assert not part[-8:].any()


@pytest.mark.parametrize(
    ("pixels", "options", "words"),
    [
        (np.zeros((4, 5, 3), np.uint32), {}, r"3 channels of 32 bits, whole numbers \(photometric 2\).* Save it as"),
        (np.full((4, 5, 3), 1e300), {}, "numbers beyond what float32 can keep"),
        (np.zeros((4, 5, 3), np.float32), {"max_pixels": 59}, "5×4 pixels of more than 8 bits"),
    ],
)
def test_what_cannot_be_kept_is_refused(pixels, options, words):
    with pytest.raises(sl.FormatError, match=words):
        sl.read(tiff(pixels, photometric="rgb"), **options)


def test_other_compressions_are_refused_by_name():
    data = bytearray(tiff(COLOUR, photometric="rgb"))
    place = data.index((259).to_bytes(2, "little") + b"\x03\0\x01\0\0\0\x01\0") + 8
    data[place : place + 2] = (50000).to_bytes(2, "little")
    with pytest.raises(sl.FormatError, match="compression 50000"):
        sl.read(bytes(data))


def test_several_pages_are_not_left_out_in_silence(tmp_path):
    import tifffile

    with tifffile.TiffWriter(tmp_path / "a.tiff") as file:
        for _ in range(2):
            file.write(COLOUR, photometric="rgb", contiguous=False)
    np.testing.assert_array_equal(sl.read(tmp_path / "a.tiff"), COLOUR)
    with pytest.raises(sl.FormatError, match="several pages"):
        list(sl.image.frames(tmp_path / "a.tiff"))


def test_damage_is_refused_or_read_and_never_anything_else():
    whole = [by_cv2(COLOUR[:12, :9], 5, 3), tiff(COLOUR[:40], photometric="rgb", tile=(16, 16), compression="zlib")]
    outcomes = set()
    for data, seed in itertools.product(whole, range(150)):
        rng = np.random.default_rng(seed)
        bad = bytearray(data)
        for place in rng.integers(4, len(bad), 6):
            bad[place] = rng.integers(256)
        head = io.BytesIO(bad)
        try:
            outcomes.add(sl.read(head).dtype.name)
        except sl.FormatError as error:
            outcomes.add("refused" if "the stream" in str(error) else str(error))
    assert outcomes <= {"float32", "uint8", "uint16", "refused"}
    assert {"float32", "refused"} <= outcomes

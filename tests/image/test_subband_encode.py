"""The sub-band codec: round trips, rates beside JPEG 2000 and JPEG, and damaged streams."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import FormatError, InputError
from sightline.image import coefficients as coefficients_module
from sightline.image.band_coder import decode_plane, encode_plane
from sightline.image.coefficients import Coefficients
from sightline.image.lifting import join_rows, lift, rows_of, split_rows, unlift

encode, decode = sl.image.subband_encode, sl.image.subband_decode


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / np.square(a.astype(np.float64) - b).mean()))


def jpeg_2000(image: np.ndarray, bits: float) -> np.ndarray:
    stream = io.BytesIO()
    rate = 8 * (3 if image.ndim == 3 else 1) / bits
    Image.fromarray(image).save(
        stream,
        "JPEG2000",
        mct=1 if image.ndim == 3 else 0,
        irreversible=True,
        quality_mode="rates",
        quality_layers=[rate],
    )
    return np.array(Image.open(stream))


@evidence.equals(
    "image.subband_encode",
    peer="pillow",
    tolerance="PSNR ≥ JPEG 2000's at the same rate",
    data="camera, chelsea, coffee",
)
def test_at_least_as_good_as_jpeg_2000(
    photos: dict[str, np.ndarray], shared_data: object, measured: Callable[[float], None]
) -> None:
    margins = []
    for name in ("camera", "chelsea", "coffee"):
        for bits in (0.5, 2.0):
            stream = encode(photos[name], bits_per_pixel=bits)
            assert 8 * len(stream) <= bits * photos[name].shape[0] * photos[name].shape[1]
            margins.append(psnr(decode(stream), photos[name]) - psnr(jpeg_2000(photos[name], bits), photos[name]))
    measured(min(margins))
    assert min(margins) >= 0


@evidence.equals("image.subband_decode", peer="numpy", tolerance="identical (lossless)", data="photos")
def test_lossless_streams_give_every_pixel_back(
    photos: dict[str, np.ndarray], measured: Callable[[float], None]
) -> None:
    worst = 0
    for name, image in photos.items():
        deep = [image.astype(np.uint16) * np.uint16(251)] if name in ("noise", "rings", "camera") else []
        for kind in (image, *deep, image[:1, :1], image[:2, :3]):
            back = decode(encode(kind, lossless=True))
            assert back.dtype == kind.dtype
            worst = max(worst, int(np.abs(back.astype(int) - kind).max()))
    measured(worst)
    assert worst == 0


def test_lossless_is_smaller_than_png(photos: dict[str, np.ndarray], shared_data: object) -> None:
    for name in ("camera", "chelsea"):
        png = io.BytesIO()
        Image.fromarray(photos[name]).save(png, "PNG", optimize=True)
        assert len(encode(photos[name], lossless=True)) < 0.92 * len(png.getvalue())


def test_quality_goes_up_with_size(photos: dict[str, np.ndarray]) -> None:
    image = photos["rings"]
    streams = [encode(image, quality=quality) for quality in (1, 25, 50, 75, 90, 100)]
    lengths = [len(stream) for stream in streams]
    errors = [np.square(decode(stream).astype(int) - image).mean() for stream in streams]
    assert lengths == sorted(lengths)
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.6


def test_a_rate_too_small_gives_the_coarsest_stream() -> None:
    noise = np.random.default_rng(2).integers(0, 256, (16, 16), dtype=np.uint8)
    assert len(encode(noise, bits_per_pixel=0.01)) < 60


def laid_out(sheet: np.ndarray, levels: int) -> Coefficients:
    found = Coefficients(sheet.shape, levels)
    for number, (top, bottom, left, right) in enumerate(found.places[:, :4].tolist()):
        found.put(number, 0, sheet[top:bottom, left:right])
    return found


@settings(max_examples=40, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 33), st.integers(1, 33)),
    scale=st.sampled_from([0, 1, 3, 40, 3000, 2**27]),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_coefficients_come_back(shape: tuple[int, int], scale: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    sheet = (
        np.rint(random.laplace(0, scale, shape) if scale else np.zeros(shape)).clip(-(2**28), 2**28).astype(np.int32)
    )
    levels = int(np.log2(min(shape)))
    data = encode_plane(laid_out(sheet, levels))
    assert np.array_equal(decode_plane(data, shape, levels).sheet(), sheet)
    with pytest.MonkeyPatch.context() as patch:  # strips of two rows: the same bytes, and back from them
        patch.setattr(coefficients_module, "_STRIP", 2)
        assert encode_plane(laid_out(sheet, levels)) == data
        assert np.array_equal(decode_plane(data, shape, levels).sheet(), sheet)


@settings(max_examples=40, deadline=None)
@given(shape=st.tuples(st.integers(1, 40), st.integers(1, 40)), seed=st.integers(0, 2**32 - 1))
def test_lifting_is_undone(shape: tuple[int, int], seed: int) -> None:
    plane = np.random.default_rng(seed).integers(-70000, 70000, shape).astype(np.int32)
    levels = int(np.log2(min(shape)))
    assert np.array_equal(unlift(lift(plane, levels), levels), plane)
    real = plane.astype(np.float32)
    assert np.abs(unlift(lift(real, levels), levels) - real).max() < 0.5


def test_strips_are_lifted_as_the_whole_is() -> None:
    random = np.random.default_rng(6)
    for height, width in ((1, 9), (2, 1), (7, 6), (40, 13), (41, 8)):
        for kind in (np.int32, np.float32):
            plane = random.integers(-999, 999, (height, width)).astype(kind)
            half = -(-height // 2)
            whole = lift(plane, 1)
            for y in range(0, half, 3):
                stop = min(y + 3, half)
                low, high = split_rows(rows_of(plane), height, y, stop)
                assert np.array_equal(low, whole[y:stop])
                assert np.array_equal(high, whole[half + y : half + stop])
                back = join_rows(rows_of(whole[:half]), rows_of(whole[half:]), height, y, stop)
                assert np.array_equal(back, unlift(whole, 1)[2 * y : 2 * stop])


def test_the_9_7_wavelet_nearly_keeps_energy(photos: dict[str, np.ndarray]) -> None:
    plane = photos["noise"][..., 0].astype(np.float32) - 128
    assert np.square(lift(plane, 4)).sum() == pytest.approx(np.square(plane).sum(), rel=0.12)


def test_every_damage_is_refused() -> None:
    stream = encode(np.random.default_rng(4).integers(0, 256, (24, 20, 3), dtype=np.uint8), quality=60)
    random = np.random.default_rng(9)
    for at in random.integers(0, len(stream), 150):
        damaged = bytearray(stream)
        damaged[at] ^= int(random.integers(1, 256))
        with pytest.raises(FormatError, match="subband_decode: data is"):
            decode(bytes(damaged))
    for length in range(0, len(stream), 7):
        with pytest.raises(FormatError, match="subband_decode: data is"):
            decode(stream[:length])
    with pytest.raises(FormatError, match="damaged or cut off"):
        decode(stream + b"\0")


def sealed(body: bytes) -> bytes:
    return body + struct.pack("<I", zlib.crc32(body))


def test_a_well_sealed_lie_is_refused_or_harmless() -> None:
    stream = encode(np.zeros((9, 7), np.uint8), quality=60)
    cases = {
        "height 2³²": stream[:6] + struct.pack("<I", 2**32 - 1) + stream[10:-4],
        "no rows": stream[:6] + struct.pack("<I", 0) + stream[10:-4],
        "step NaN": stream[:14] + struct.pack("<f", float("nan")) + stream[18:-4],
        "two channels": stream[:5] + b"\x02" + stream[6:-4],
        "length": stream[:18] + struct.pack("<I", 10**9) + stream[22:-4],
    }
    for body in cases.values():
        with pytest.raises(FormatError, match="has a header that does not fit"):
            decode(sealed(body))
    random = np.random.default_rng(8)
    for _ in range(60):  # any coefficients are some picture
        body = stream[:22] + random.integers(0, 256, len(stream) - 26, dtype=np.uint8).tobytes()
        assert decode(sealed(body)).shape == (9, 7)


def test_refusals() -> None:
    image = np.zeros((4, 4), np.uint8)
    for options, words in (
        ({"quality": 0}, "quality must be"),
        ({"bits_per_pixel": 0}, "bits_per_pixel must be"),
        ({"bits_per_pixel": float("nan")}, "bits_per_pixel must be"),
    ):
        with pytest.raises(InputError, match=f"subband_encode: {words}"):
            encode(image, **options)
    with pytest.raises(InputError, match=r"subband_encode: image must be .*got 4×4 float32"):
        encode(image.astype(np.float32))
    with pytest.raises(InputError, match="subband_decode: data must be bytes; got str"):
        decode("text")

"""Wavelet filters and transforms against PyWavelets, and exact reconstruction."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import pywt

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.image.dwt import reconstructed
from sightline.image.wavelets import NAMES, filters_of

dwt, idwt = sl.image.dwt, sl.image.idwt
BORDERS = {"symmetric": "symmetric", "reflect": "reflect", "edge": "constant", "wrap": "periodic"}


def peers_transform(image: np.ndarray, wavelet: str, levels: int, border: str) -> list:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # more levels than the filter's length suggests
        return pywt.wavedec2(image.astype(np.float64), wavelet, mode=BORDERS[border], level=levels, axes=(0, 1))


def levels_of(image: np.ndarray) -> int:
    return min(3, max(1, int(np.log2(min(image.shape[:2])))))


@pytest.mark.parametrize("name", NAMES)
def test_filters_equal_pywavelets(name: str) -> None:
    ours, peer = filters_of("dwt", name), pywt.Wavelet(name)
    for a, b in ((ours.low, peer.dec_lo), (ours.high, peer.dec_hi)):
        assert np.abs(a - b).max() < 2e-11
    for a, b in ((ours.synthesis_low, peer.rec_lo), (ours.synthesis_high, peer.rec_hi)):
        assert np.abs(a - b).max() < 2e-11


@evidence.equals("image.dwt", peer="pywavelets", tolerance="1e-8 (values 0–255)", data="photos")
def test_equals_pywavelets(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0.0
    wavelets = ("haar", "db2", "db7", "sym5", "bior2.2", "bior4.4", "rbio3.5", "db20")
    for index, image in enumerate(photos.values()):
        for wavelet in (wavelets[index % 8], wavelets[(index + 3) % 8]):
            for border in list(BORDERS)[index % 2 :: 2]:
                if border == "reflect" and min(image.shape[:2]) == 1:
                    continue  # the peer refuses
                ours = dwt(image, wavelet, levels_of(image), border=border)
                theirs = peers_transform(image, wavelet, levels_of(image), border)
                assert len(ours) == len(theirs)
                worst = max(worst, np.abs(ours[0] - theirs[0]).max())
                for a, b in zip(ours.details, theirs[1:], strict=True):
                    worst = max(worst, *(np.abs(x - y).max() for x, y in zip(a, b, strict=True)))
    measured(worst)
    assert worst <= 1e-8


@evidence.equals("image.idwt", peer="pywavelets", tolerance="1e-8 (values 0–255)", data="camera, noise")
def test_idwt_equals_pywavelets(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0.0
    random = np.random.default_rng(5)
    for wavelet in ("haar", "db3", "sym8", "bior6.8"):
        found = dwt(photos["noise"][..., 0], wavelet, 2)
        changed = replace(
            found,
            approximation=found.approximation + random.normal(0, 9, found.approximation.shape),
            details=tuple(tuple(band * random.random(band.shape) for band in bands) for bands in found.details),
        )
        theirs = pywt.waverec2([changed[0], *[tuple(bands) for bands in changed.details]], wavelet)
        ours = reconstructed(changed)
        worst = max(worst, np.abs(ours - theirs[: ours.shape[0], : ours.shape[1]]).max())
    measured(worst)
    assert worst <= 1e-8


@pytest.mark.parametrize("name", ["haar", "db2", "db10", "sym19", "bior3.9", "rbio6.8"])
@pytest.mark.parametrize("border", list(BORDERS))
def test_reconstruction_is_perfect(name: str, border: str, photos: dict[str, np.ndarray]) -> None:
    for image in (photos["noise"], photos["rings"], photos["column"], photos["row"]):
        found = dwt(image, name, levels_of(image), border=border)
        assert np.abs(reconstructed(found) - image).max() < 1e-8
        assert np.array_equal(idwt(found), image)
    deep = photos["noise"].astype(np.uint16) * 257
    real = photos["noise"].astype(np.float32) / 255
    assert np.array_equal(idwt(dwt(deep, name, 2, border=border)), deep)
    assert np.abs(idwt(dwt(real, name, 2, border=border)) - real).max() < 1e-8


def test_orthonormal_wavelets_keep_energy(photos: dict[str, np.ndarray]) -> None:
    image = photos["noise"][:64, :48, 0]
    for name in ("haar", "db1"):
        found = dwt(image, name, 4)
        energy = np.square(found[0]).sum() + sum(np.square(b).sum() for bands in found.details for b in bands)
        assert energy == pytest.approx(np.square(image.astype(np.float64)).sum(), rel=1e-12)


def test_a_polynomial_has_no_details() -> None:
    y, x = np.mgrid[0:64, 0:64].astype(np.float32)
    ramp = (0.3 * x + 0.2 * y) / 64
    inner = dwt(ramp, "db2", 1)[1]  # two vanishing moments
    assert all(np.abs(band[2:-2, 2:-2]).max() < 1e-6 for band in inner)


def test_mosaic_shows_all_bands() -> None:
    sheet = dwt(np.random.default_rng(1).integers(0, 256, (40, 56, 3), dtype=np.uint8), "haar", 2).mosaic()
    assert sheet.shape == (40, 56, 3)
    assert 0 <= sheet.min() <= sheet.max() <= 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"wavelet": "db21"}, r"dwt: wavelet must be haar, db1–db20.*got 'db21'. Did you mean"),
        ({"levels": 0}, "dwt: levels must be"),
        ({"levels": 9}, r"dwt: levels must be ≤ 5 for 50×64 uint8; got 9"),
        ({"border": "zero"}, "dwt: border must be"),
    ],
)
def test_refusals(options: dict, words: str) -> None:
    with pytest.raises(InputError, match=words):
        dwt(np.zeros((50, 64), np.uint8), **options)


def test_idwt_refuses_what_does_not_fit() -> None:
    found = dwt(np.zeros((16, 16), np.uint8), "db2", 2)
    with pytest.raises(InputError, match="idwt: coefficients must be what dwt returned; got list"):
        idwt([found[0]])
    with pytest.raises(InputError, match=r"idwt: a band must be 6×6 numbers; got 3×3"):
        idwt(replace(found, approximation=np.zeros((3, 3))))
    with pytest.raises(InputError, match="idwt: coefficients must be finite for a uint8 image"):
        idwt(replace(found, approximation=np.full((6, 6), np.nan)))
    with pytest.raises(InputError, match="idwt: coefficients must have details of at least one level; got none"):
        idwt(replace(found, details=()))

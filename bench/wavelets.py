"""The wavelet transform against PyWavelets, shrinkage against scikit-image, the codec against Pillow's JPEG 2000."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pywt
from PIL import Image
from skimage.restoration import denoise_wavelet

from sightline import image

from . import scenes
from .timing import Case

HEIGHT, WIDTH = 1080, 1920
PIXELS = HEIGHT * WIDTH


def cases() -> list[Case]:
    """Return the cases."""
    rgb = scenes.rgb(HEIGHT, WIDTH)
    gray = np.ascontiguousarray(rgb[..., 1])
    doubles = gray.astype(np.float64)
    rows = []
    for wavelet in ("haar", "db2", "bior4.4"):
        ours, theirs = image.dwt(gray, wavelet, 3), pywt.wavedec2(doubles, wavelet, level=3)
        rows += [
            Case(
                f"image.dwt {wavelet}, 3 levels",
                "pywavelets",
                lambda w=wavelet: image.dwt(gray, w, 3)[0],
                lambda w=wavelet: pywt.wavedec2(doubles, w, level=3)[0],
                bytes=17 * PIXELS,
                within=1e-8,
            ),
            Case(
                f"image.idwt {wavelet}, 3 levels",
                "pywavelets",
                lambda c=ours: image.idwt(c),
                lambda c=theirs, w=wavelet: pywt.waverec2(c, w),
                bytes=17 * PIXELS,
                within=1e-4,
            ),
        ]
    small = cv2.resize(gray, (960, 540))
    floats = small.astype(np.float32) / 255
    rows.append(
        Case(
            "image.wavelet_denoise 960×540",
            "scikit-image",
            lambda: image.wavelet_denoise(floats, 0.1),
            lambda: denoise_wavelet(floats, 0.1, wavelet="db2", method="BayesShrink", rescale_sigma=False),
            bytes=8 * floats.size,
            within=1e-4,
        )
    )
    picture = Image.fromarray(small)
    stream = image.subband_encode(small)
    peer = io.BytesIO()
    picture.save(peer, "JPEG2000", irreversible=True, quality_mode="rates", quality_layers=[8])
    rows += [
        Case(
            "image.subband_encode 960×540",
            "pillow",
            lambda: image.subband_encode(small),
            lambda: picture.save(io.BytesIO(), "JPEG2000", irreversible=True, quality_mode="rates", quality_layers=[8]),
            bytes=small.size,
            within=None,
        ),
        Case(
            "image.subband_decode 960×540",
            "pillow",
            lambda: image.subband_decode(stream),
            lambda: Image.open(io.BytesIO(peer.getvalue())).load(),
            bytes=small.size,
            within=None,
        ),
    ]
    return rows

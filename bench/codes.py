"""Codes in VGA photos against OpenCV's detectors, and zxing-cpp for information; texts, not numbers, are compared."""

from __future__ import annotations

import cv2
import numpy as np

from sightline import image

from .timing import Case

HEIGHT, WIDTH = 480, 640


def cases() -> list[Case]:
    """Return the cases: a QR code and an EAN-13 in a scene, found and read, and a scene without a code."""
    qr = scene(image.make_code("MEBKM:URL:http\\://en.wikipedia.org/wiki/Main_Page;;", version=4, scale=5))
    bars = scene(image.make_code("841300006550", "ean13", scale=3))
    empty = scene(None)
    symbols, linear = cv2.QRCodeDetector(), cv2.barcode.BarcodeDetector()
    peers = [
        ("image.scan_codes QR 640×480", qr, ["qr"], symbols),
        ("image.scan_codes EAN-13 640×480", bars, ["ean13"], linear),
        ("image.scan_codes QR, none there", empty, ["qr"], symbols),
        ("image.scan_codes EAN-13, none there", empty, ["ean13"], linear),
    ]
    rows = [
        Case(
            name,
            "opencv",
            lambda picture=picture, kinds=kinds: image.scan_codes(picture, kinds=kinds, effort="quick"),
            lambda picture=picture, detector=detector: detector.detectAndDecodeMulti(picture),
            bytes=HEIGHT * WIDTH,
            within=None,
        )
        for name, picture, kinds, detector in peers
    ]
    return [*rows, *_against_zxing(qr, bars, empty)]


def _against_zxing(qr: np.ndarray, bars: np.ndarray, empty: np.ndarray) -> list[Case]:
    try:
        import zxingcpp
    except ImportError:
        return []
    formats = zxingcpp.BarcodeFormat.QRCode | zxingcpp.BarcodeFormat.EAN13 | zxingcpp.BarcodeFormat.Code128
    return [
        Case(
            f"image.scan_codes all kinds, {name}",
            "zxing-cpp",
            lambda picture=picture: image.scan_codes(picture),
            lambda picture=picture: zxingcpp.read_barcodes(picture, formats=formats),
            bytes=HEIGHT * WIDTH,
            within=None,
        )
        for name, picture in (("QR", qr), ("EAN-13", bars), ("none there", empty))
    ]


def scene(code: np.ndarray | None) -> np.ndarray:
    """Return a noisy, unevenly lit desk with printed lines, and a code on it, tilted and turned by 12°."""
    random = np.random.default_rng(5)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    desk = 150 + 50 * np.sin(x / 210) * np.cos(y / 160)
    for row in range(20, 120, 14):  # text
        words = random.random(WIDTH // 6).repeat(6)[: WIDTH - 40]
        desk[row : row + 7, 20 : 20 + len(words)] -= 90 * (words > 0.45)
    if code is not None:
        height, width = code.shape
        corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
        a = np.deg2rad(12)
        turned = (corners - (width / 2, height / 2)) @ np.array([(np.cos(a), np.sin(a)), (-np.sin(a), np.cos(a))])
        turned = turned / (1 + turned[:, 1:] / 2500) + (WIDTH / 2, HEIGHT * 0.6)
        matrix = cv2.getPerspectiveTransform(corners, turned.astype(np.float32))
        light = cv2.warpPerspective(code, matrix, (WIDTH, HEIGHT), borderValue=255)
        desk = desk * (0.25 + 0.75 * light / 255)
    noisy = cv2.GaussianBlur(desk, (0, 0), 0.8) + random.normal(0, 4, desk.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8)

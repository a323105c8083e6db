"""Intact image files of every kind, with the pixels that must come out."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from made_files import DEEP, FLOAT, GRAY, RGB, RGBA, Case, X, by_pillow, encode, gif, png, tiff
from PIL import Image


def whole() -> Iterator[Case]:
    """Intact files of every kind, with their pixels."""
    for form in ("PNG", "TIFF", "BMP"):
        yield Case(f"{form} gray", encode(GRAY, form), GRAY)
        yield Case(f"{form} rgb", encode(RGB, form), RGB)
        yield Case(f"{form} one pixel", encode(RGB[:1, :1], form), RGB[:1, :1])
        yield Case(f"{form} one row", encode(GRAY[:1], form), GRAY[:1])
        bits = GRAY > 127
        yield Case(f"{form} 1 bit", encode(bits, form), bits.astype(np.uint8) * 255)
        palette = Image.fromarray(RGB).quantize(17)
        yield Case(f"{form} palette", encode(palette, form), np.array(palette.convert("RGB")))
    for form in ("PNG", "TIFF"):
        yield Case(f"{form} rgba", encode(RGBA, form), RGBA)
        yield Case(f"{form} gray alpha", encode(RGBA[..., ::3].copy(), form), RGBA[..., ::3])
        yield Case(f"{form} 16 bit gray", encode(DEEP, form), DEEP)
        yield Case(f"{form} 16 bit gray as rgb", encode(DEEP, form), np.dstack([DEEP] * 3), mode="rgb")
        white = Image.alpha_composite(Image.new("RGBA", (53, 37), "white"), Image.fromarray(RGBA))
        yield Case(f"{form} rgba on white", encode(RGBA, form), np.array(white.convert("RGB")), mode="rgb")
    for count in (2, 4, 16):
        palette = Image.fromarray(RGB).quantize(count)
        bits = {2: 1, 4: 2, 16: 4}[count]
        yield Case(f"PNG palette {bits} bits", encode(palette, "PNG", bits=bits), np.array(palette.convert("RGB")))
    see_through = encode(Image.fromarray(RGB).quantize(9), "PNG", transparency=2)
    yield Case("PNG palette transparent", see_through, by_pillow(see_through, "RGBA"))
    keyed = encode(GRAY, "PNG", transparency=int(GRAY[3, 3]))
    key = np.where(GRAY[3, 3] == GRAY, 0, 255).astype(np.uint8)
    yield Case("PNG gray colour key", keyed, np.dstack([GRAY, key]))
    yield Case("PNG rgb colour key", encode(RGB, "PNG", transparency=tuple(map(int, RGB[3, 3]))), by_key())
    for depth in (1, 2, 4):
        values = (X % (1 << depth)).astype(np.uint8)
        rows = b"".join(b"\0" + pack(row, depth) for row in values)
        full = (values.astype(int) * 255 // ((1 << depth) - 1)).astype(np.uint8)
        yield Case(f"PNG gray {depth} bits", png(53, 37, depth, 0, rows=rows), full)
    yield from deep_colour()
    yield from portable()
    yield from lossy()
    yield from tiffs()
    frames = [Image.fromarray(GRAY), Image.fromarray(255 - GRAY)]
    for form in ("GIF", "TIFF", "PNG"):
        data = encode(frames[0], form, save_all=True, append_images=frames[1:])
        yield Case(f"{form} first of two frames", data, GRAY, mode="gray")
    yield Case("GIF palette", encode(Image.fromarray(RGB).quantize(31), "GIF"), by_pillow(gif(), "RGB"))
    data = encode(frames[0].convert("RGB"), "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    yield Case("WEBP first of two frames", data, np.dstack([GRAY] * 3), mode="rgb")


def by_key() -> np.ndarray:
    key = (RGB[3, 3] == RGB).all(axis=2)
    return np.dstack([RGB, np.where(key, 0, 255).astype(np.uint8)])


def pack(row: np.ndarray, depth: int) -> bytes:
    bits = np.unpackbits(row[:, None], axis=1)[:, 8 - depth :]
    return np.packbits(bits.ravel()).tobytes()


def deep_colour() -> Iterator[Case]:
    """16 bits a channel, every value with its own low byte; PNG rows unfiltered, written by hand."""
    deep = np.dstack([DEEP, DEEP[::-1], DEEP[:, ::-1], 65535 - DEEP])
    for channels, colour in ((deep[..., :3], 2), (deep, 6), (deep[..., [0, 3]], 4)):
        rows = np.ascontiguousarray(channels, ">u2").view(np.uint8).reshape(37, -1)
        filtered = b"".join(b"\0" + row.tobytes() for row in rows)
        yield Case(f"PNG 16 bit colour type {colour}", png(53, 37, 16, colour, rows=filtered), channels)
    rgb = np.ascontiguousarray(deep[..., :3])
    for order in "<>":
        yield Case(f"TIFF 16 bit rgb {order}", tiff(rgb, byteorder=order, photometric="rgb"), rgb)
    packed = tiff(rgb, photometric="rgb", compression="zlib")
    yield Case("TIFF 16 bit rgb deflate", packed, rgb)
    planar = tiff(np.ascontiguousarray(np.moveaxis(rgb, 2, 0)), photometric="rgb", planarconfig="separate")
    yield Case("TIFF 16 bit rgb planar", planar, "refused")


def portable() -> Iterator[Case]:
    """PNM in all its spellings, and PFM."""
    yield Case("PGM", b"P5 53 37 255\n" + GRAY.tobytes(), GRAY)
    yield Case("PGM plain", b"P2\n# note\n53 37\n255\n" + " ".join(map(str, GRAY.ravel())).encode(), GRAY)
    yield Case("PGM 16 bit", b"P5 53 37 65535\n" + DEEP.astype(">u2").tobytes(), DEEP)
    yield Case("PPM", b"P6 53 37 255\n" + RGB.tobytes(), RGB)
    yield Case("PPM plain", b"P3 53 37 255\n" + " ".join(map(str, RGB.ravel())).encode(), RGB)
    yield Case("PPM 16 bit", b"P6 53 37 65535\n" + np.dstack([DEEP] * 3).astype(">u2").tobytes(), "refused")
    bits = GRAY > 127
    yield Case("PBM", b"P4 53 37\n" + np.packbits(~bits, axis=1).tobytes(), bits.astype(np.uint8) * 255)
    yield Case("PFM", b"Pf\n53 37\n-1.0\n" + FLOAT[::-1].astype("<f4").tobytes(), FLOAT)
    for text in (
        b"P5 -3 4 255\n",
        b"P5 3 4\n",
        b"P5 3 4 0\n",
        b"P5 3 4 99999\n1",
        b"P2 2 2 255 1 2 x 4",
        b"P5 0 4 255\n",
    ):
        yield Case(f"PNM bad header {text!r}", text, "refused")


def lossy() -> Iterator[Case]:
    """JPEG, WebP and AVIF, compared with Pillow; orientations 1–8; CMYK."""
    for form in ("JPEG", "WEBP", "AVIF"):
        data = encode(RGB, form, quality=80)
        yield Case(f"{form} rgb", data, by_pillow(data, "RGB"))
    for options in ({"progressive": True}, {"subsampling": 0}, {"optimize": True}, {"restart_marker_rows": 1}):
        data = encode(RGB, "JPEG", **options)
        yield Case(f"JPEG {options}", data, by_pillow(data, "RGB"))
    data = encode(GRAY, "JPEG")
    yield Case("JPEG gray", data, by_pillow(data, "L"))
    for form in ("WEBP", "TIFF"):
        data = encode(RGBA, form, **({"lossless": True, "exact": True} if form == "WEBP" else {}))
        yield Case(f"{form} rgba lossless", data, RGBA)
    cmyk = Image.fromarray(RGB).convert("CMYK")
    for form in ("JPEG", "TIFF"):
        data = encode(cmyk, form)
        yield Case(f"{form} cmyk", data, by_pillow(data, "RGB"))
    for value in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = value
        for form in ("JPEG", "PNG", "TIFF", "WEBP"):
            options = {"lossless": True} if form == "WEBP" else {}
            data = encode(RGB, form, exif=exif, **options)
            yield Case(f"{form} orientation {value}", data, by_pillow(data, "RGB"))
    for value in (0, 9, 60000):
        exif = Image.Exif()
        exif[0x0112] = value
        yield Case(f"PNG orientation {value}", encode(RGB, "PNG", exif=exif), RGB)
    exif = Image.Exif()
    exif[0x0112] = 6
    blob = exif.tobytes()
    for cut in range(6, len(blob), 2):
        yield Case(f"PNG EXIF cut at {cut}", encode(RGB, "PNG", exif=blob[:cut]), "any")
        yield Case(f"JPEG EXIF cut at {cut}", encode(RGB, "JPEG", exif=blob[:cut]), "any")


def tiffs() -> Iterator[Case]:
    """TIFF in the layouts that other programs write."""
    yield Case("TIFF float", encode(FLOAT, "TIFF"), FLOAT)
    special = FLOAT.copy()
    special[0, :3] = np.nan, np.inf, -np.inf
    yield Case("TIFF float NaN", tiff(special), special)
    yield Case("TIFF float big-endian", tiff(FLOAT, byteorder=">"), FLOAT)
    for compression in ("tiff_lzw", "tiff_deflate", "packbits", "tiff_adobe_deflate", "zstd", "lzma"):
        yield Case(f"TIFF {compression}", encode(RGB, "TIFF", compression=compression), RGB)
    yield Case("TIFF fax", encode(GRAY > 127, "TIFF", compression="group4"), (GRAY > 127).astype(np.uint8) * 255)
    yield Case("TIFF tiled", tiff(RGB, tile=(16, 16), photometric="rgb"), RGB)
    yield Case("TIFF big", tiff(RGB, bigtiff=True, photometric="rgb"), RGB)
    yield Case("TIFF strips", tiff(RGB, rowsperstrip=5, photometric="rgb", compression="zlib"), RGB)
    planes = np.ascontiguousarray(np.moveaxis(RGB, 2, 0))
    yield Case("TIFF planar", tiff(planes, photometric="rgb", planarconfig="separate"), RGB)
    yield Case("TIFF planar deflate", tiff(planes, photometric="rgb", planarconfig="separate", compression="zlib"), RGB)
    yield Case("TIFF inverted", tiff(GRAY, photometric="miniswhite"), 255 - GRAY)
    yield Case("TIFF int16", tiff(DEEP.astype(np.int16)), DEEP.astype(np.int16).astype(np.float32))
    yield Case("TIFF int32", tiff(DEEP.astype(np.int32) - 999), (DEEP.astype(np.int32) - 999).astype(np.float32))
    yield Case("TIFF int32 too large", tiff(np.full((4, 5), 2**30 + 1, np.int32)), "refused")
    yield Case("TIFF float rgb", tiff(np.dstack([FLOAT] * 3), photometric="rgb"), np.dstack([FLOAT] * 3))
    yield Case("TIFF complex", tiff(FLOAT.astype(np.complex64)), "refused")
    yield Case("TIFF double", tiff(FLOAT.astype(np.float64)), FLOAT)

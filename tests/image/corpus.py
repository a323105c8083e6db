"""Hostile and odd image files, made on the spot, each with what must happen when it is read.

``python corpus.py FOLDER`` writes them to FOLDER, reads each one, and prints one JSON line a case: the test reads that,
so that a crash, a hang or noise on stderr is seen from outside.
"""

from __future__ import annotations

import io
import json
import os
import resource
import socket
import struct
import sys
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

RANDOM = np.random.default_rng(5)
Y, X = np.mgrid[0:37, 0:53]
GRAY = ((X * 5 + Y * 3) % 256).astype(np.uint8)
RGB = np.stack([GRAY, (X * 4 % 256).astype(np.uint8), (Y * 6 % 256).astype(np.uint8)], axis=2)
ALPHA = np.where((X + Y) % 7 < 3, X * 4 % 256, 255).astype(np.uint8)
RGBA = np.dstack([RGB, ALPHA])
DEEP = (GRAY.astype(np.uint16) * 251 + X.astype(np.uint16)).astype(np.uint16)
FLOAT = (np.sin(X / 3.0) * 1000 + Y).astype(np.float32)


@dataclass
class Case:
    """One file. ``expect``: an array that must come out, "refused", "whole or refused", or "any" (either, no crash)."""

    name: str
    data: bytes | None
    expect: Any
    mode: str = "unchanged"
    says: str = ""
    path: Path | None = None
    bomb: bool = False


def encode(pixels: np.ndarray | Image.Image, form: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    picture = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    picture.save(stream, form, **options)
    return stream.getvalue()


def by_pillow(data: bytes, mode: str) -> np.ndarray:
    return np.array(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert(mode))


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(
    width: int, height: int, depth: int = 8, colour: int = 2, extra: bytes = b"", rows: bytes = b"\0" * 99
) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + extra + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def tiff(pixels: np.ndarray, **options: Any) -> bytes:
    import tifffile

    stream = io.BytesIO()
    tifffile.imwrite(stream, pixels, **options)
    return stream.getvalue()


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


def gif() -> bytes:
    return encode(Image.fromarray(RGB).quantize(31), "GIF")


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
    yield Case("TIFF float rgb", tiff(np.dstack([FLOAT] * 3), photometric="rgb"), "refused")
    yield Case("TIFF complex", tiff(FLOAT.astype(np.complex64)), "refused")
    yield Case("TIFF double", tiff(FLOAT.astype(np.float64)), "any")


def damaged() -> Iterator[Case]:
    """Cut at every sixteenth, and with bits flipped: right, or refused."""
    intact = {
        "PNG": (encode(RGB, "PNG"), RGB),
        "PNG 16": (encode(DEEP, "PNG"), DEEP),
        "PNG palette": (encode(Image.fromarray(GRAY).convert("P"), "PNG"), None),
        "JPEG": (encode(RGB, "JPEG", quality=90), None),
        "JPEG progressive": (encode(RGB, "JPEG", progressive=True), None),
        "GIF": (gif(), None),
        "BMP": (encode(RGB, "BMP"), RGB),
        "TIFF": (encode(RGB, "TIFF"), RGB),
        "TIFF lzw": (encode(RGB, "TIFF", compression="tiff_lzw"), RGB),
        "TIFF float": (encode(FLOAT, "TIFF"), FLOAT),
        "WEBP": (encode(RGB, "WEBP"), None),
        "WEBP lossless": (encode(RGB, "WEBP", lossless=True), RGB),
        "AVIF": (encode(RGB, "AVIF"), None),
        "PPM": (b"P6 53 37 255\n" + RGB.tobytes(), RGB),
        "PGM plain": (b"P2 53 37 255\n" + b" ".join(b"%d" % v for v in GRAY.ravel()) + b"\n", GRAY),
    }
    for name, (data, pixels) in intact.items():
        truth = by_pillow(data, "RGB") if pixels is None else pixels
        mode = "rgb" if pixels is None else "unchanged"
        for sixteenth in range(16):
            kept = data[: len(data) * sixteenth // 16]
            yield Case(f"{name} cut at {sixteenth}/16", kept, ("whole or refused", truth), mode=mode)
        for last in (1, 2, 3) if name != "PGM plain" else (1,):  # there "255" cut to "25" is as good a number
            yield Case(f"{name} without its last {last}", data[:-last], ("whole or refused", truth), mode=mode)
        for flip in range(24):
            broken = bytearray(data)
            for _ in range(1 + flip % 3):
                broken[int(RANDOM.integers(0, len(data) if flip % 2 else min(len(data), 64)))] ^= 1 << flip % 8
            yield Case(f"{name} flip {flip}", bytes(broken), "any")
        yield Case(f"{name} twice", data + data, ("whole or refused", truth), mode=mode)
        yield Case(f"{name} zeroed body", data[:32] + bytes(len(data) - 32), "any")


def strangers() -> Iterator[Case]:
    """Files that are something else."""
    named = {
        b"": "empty",
        b"\x00" * 200: "zero bytes",
        b"%PDF-1.7\n": "PDF",
        b"PK\x03\x04rest": "ZIP",
        b"\x1f\x8b\x08rest": "gzip",
        b"<?xml version='1.0'?><svg xmlns='x'/>": "SVG",
        b"<!DOCTYPE html><html>": "HTML",
        b"\x93NUMPY\x01\x00": "numpy.load",
        b"version https://git-lfs.github.com/spec/v1\n": "LFS",
        b"\x00\x00\x00\x18ftypheic\x00\x00": "HEIC",
        b"\x00\x00\x00\x18ftypisom\x00\x00": "video",
        b"\x00\x00\x00\x0cJXL \r\n\x87\n": "JPEG XL",
        b"hello, I am a text\n": "text",
        b"8BPS\x00\x01": "Photoshop",
        b"%!PS-Adobe-3.0 EPSF-3.0\n": "PostScript",
        b"\x89PNG": "",
        b"\x89PNG\r\n\x1a\n": "",
        b"\xff\xd8\xff": "",
        b"GIF89a": "",
        b"BM": "",
        b"II*\x00": "",
        b"II*\x00\xff\xff\xff\xff": "",
        b"MM\x00+" + b"\xff" * 12: "",
        b"RIFF\x04\x00\x00\x00WEBP": "",
        b"\x00\x00\x00\x18ftypavif\x00\x00\x00\x00avif": "",
        b"P6\n": "",
    }
    for data, says in named.items():
        yield Case(f"stranger {data[:24]!r}", data, "refused", says=says)
    for index in range(40):
        yield Case(f"noise {index}", RANDOM.bytes(300), "refused")


def bombs() -> Iterator[Case]:
    """Small files that would cost much."""
    for size in ((20000, 20000), (2**31 - 1, 2**31 - 1), (1, 2**31 - 1), (200_000_000, 1)):
        yield Case(f"PNG {size}", png(*size), "refused", says="pixels", bomb=True)
    yield Case("PNG no size", png(0, 0), "refused", bomb=True)
    gif_bomb = bytearray(gif())
    gif_bomb[6:10] = b"\xff\xff\xff\xff"
    yield Case("GIF screen", bytes(gif_bomb), "refused", says="pixels", bomb=True)
    bmp = bytearray(encode(RGB, "BMP"))
    bmp[18:26] = struct.pack("<ii", 30000, 30000)
    yield Case("BMP", bytes(bmp), "refused", says="pixels", bomb=True)
    jpeg = bytearray(encode(RGB, "JPEG"))
    at = jpeg.index(b"\xff\xc0")
    jpeg[at + 5 : at + 9] = b"\xff\xff\xff\xff"
    yield Case("JPEG", bytes(jpeg), "refused", says="pixels", bomb=True)
    webp = b"RIFF\x1e\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + b"\xfe\xff\xff" * 2
    yield Case("WEBP extended", webp, "refused", says="pixels", bomb=True)
    lossless = b"RIFF\x1e\0\0\0WEBPVP8L\x0a\0\0\0\x2f\xff\xff\xff\x0f" + bytes(12)
    yield Case("WEBP lossless", lossless, "refused", says="pixels", bomb=True)
    huge = bytearray(encode(GRAY, "TIFF"))
    for tag in (256, 257):
        at = huge.index(struct.pack("<H", tag) + struct.pack("<H", 4)) if struct.pack("<HH", tag, 4) in huge else None
        at = at if at is not None else huge.index(struct.pack("<HH", tag, 3))
        huge[at + 2 : at + 12] = struct.pack("<HII", 4, 1, 60000)
    yield Case("TIFF", bytes(huge), "refused", says="pixels", bomb=True)
    yield Case("PPM", b"P6 30000 30000 255\n", "refused", says="pixels", bomb=True)
    big_text = zlib.compress(b"a" * (1 << 20) * 8, 9)
    yield Case("PNG text", png(9, 9, extra=chunk(b"zTXt", b"a\0\0" + big_text)), "refused", bomb=True)
    one = chunk(b"zTXt", b"a\0\0" + zlib.compress(b"a" * 1_000_000, 9))
    yield Case("PNG texts", png(9, 9, extra=one * 60), "refused", says="texts", bomb=True)
    profile = zlib.compress(bytes(1 << 25), 9)
    yield Case("PNG profile", png(9, 9, rows=b"\0" * 252, extra=chunk(b"iCCP", b"a\0\0" + profile)), "any", bomb=True)
    yield Case("PNG more rows than declared", png(9, 9, rows=bytes(1 << 24)), "any", bomb=True)
    scan = encode(GRAY, "JPEG", progressive=True)
    first = scan.index(b"\xff\xda")
    yield Case("JPEG scans", scan[:-2] + scan[first:-2] * 900 + b"\xff\xd9", "refused", says="scans", bomb=True)
    entry = struct.pack("<HHII", 700, 1, 1 << 20, 8)
    many = b"".join(struct.pack("<HHII", 1000 + i, 1, 1 << 20, 8) for i in range(3000))
    tags = b"II*\0\x08\0\0\0" + struct.pack("<H", 3001) + entry + many + bytes(4)
    yield Case("TIFF tags", tags + bytes(1 << 20), "refused", says="tags", bomb=True)
    comment = b"!\xfe" + (b"\xff" + b"a" * 255) * 30000 + b"\0"
    data = gif()
    at = 13 + 3 * (2 << (data[10] & 7))
    yield Case("GIF comment", data[:at] + comment + data[at:], "any", bomb=True)
    exif = b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", 2700)
    exif += b"".join(struct.pack("<HHII", 1000 + i, 1, 32000, 32768) for i in range(2700))
    exif += bytes(65500 - len(exif))
    yield Case("JPEG EXIF tags", encode(RGB, "JPEG", exif=exif), "any", bomb=True)
    wide = b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", 5000)
    wide += b"".join(struct.pack("<HHII", 1000 + i, 1, 2_500_000, 100) for i in range(5000))
    segments = (b"\xff\xe1" + struct.pack(">H", 65535) + b"Exif\0\0" + bytes(65527)) * 40
    first_part = b"\xff\xe1" + struct.pack(">H", len(wide) + 2) + wide
    jpeg = encode(RGB, "JPEG")
    start = jpeg.index(b"\xff\xdb")
    yield Case(
        "JPEG EXIF in parts", b"\xff\xd8" + first_part + segments + jpeg[start:], "refused", says="tags", bomb=True
    )


def odd_paths(folder: Path) -> Iterator[Case]:
    """Things in the file system that are no files, and odd names."""
    os.mkfifo(folder / "pipe.png")
    yield Case("pipe", None, "refused", says="pipe", path=folder / "pipe.png")
    yield Case("folder", None, "refused", says="folder", path=folder)
    with socket.socket(socket.AF_UNIX) as plug:
        plug.bind(os.path.relpath(folder / "s.png"))
    yield Case("socket", None, "refused", says="socket", path=folder / "s.png")
    for device in ("/dev/zero", "/dev/null", "/dev/tty"):
        yield Case(device, None, "refused", path=Path(device))
    yield Case("missing", None, "refused", says="exist", path=folder / "none.png")
    yield Case("under a file", None, "refused", path=folder / "pipe.png" / "x.png")
    (folder / "link.png").symlink_to(folder / "nowhere.png")
    yield Case("dangling link", None, "refused", path=folder / "link.png")
    (folder / "loop.png").symlink_to(folder / "loop.png")
    yield Case("link to itself", None, "refused", path=folder / "loop.png")
    yield Case("long name", None, "refused", path=folder / ("x" * 5000))
    yield Case("proc", None, "any", path=Path("/proc/self/mem"))
    foreign = Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9 \xff.png"))
    foreign.write_bytes(encode(RGB, "PNG"))
    yield Case("not UTF-8", None, RGB, path=foreign)
    broken = Path(os.fsdecode(os.fsencode(folder) + b"/br\xfcken.png"))
    broken.write_bytes(b"\x89PNG\r\n\x1a\nxx")
    yield Case("not UTF-8, damaged", None, "refused", path=broken)


def all_cases(folder: Path) -> Iterator[Case]:
    yield from bombs()  # first, so that each one's growth shows in the peak
    yield from odd_paths(folder)
    yield from strangers()
    yield from whole()
    yield from damaged()


def judge(case: Case, path: Path) -> dict[str, Any]:
    """Read one case; say what happened and whether it may."""
    import sightline
    from sightline.core.errors import FormatError, MissingFileError

    before, start, problem, outcome = peak(), time.perf_counter(), "", "loaded"
    pixels = None
    try:
        pixels = sightline.read(path, mode=case.mode)
    except (FormatError, MissingFileError) as error:
        outcome, text = "refused", str(error)
        name = os.fsencode(path).decode("utf-8", "backslashreplace")
        if name not in text or not text.startswith("read: ") or "\n" in text or not text.endswith("."):
            problem = f"the sentence is not one that names the file: {text}"
        elif case.says not in text:
            problem = f"the sentence does not say {case.says!r}: {text}"
    except BaseException as error:
        outcome, problem = "crashed", f"{type(error).__name__}: {error}"
    seconds, grown = time.perf_counter() - start, peak() - before
    expect = case.expect
    if isinstance(expect, tuple):
        expect = expect[1] if outcome == "loaded" else "any"
    if isinstance(expect, np.ndarray):
        if outcome == "refused":
            problem = problem or f"refused: {text}"
        elif pixels is not None and not same(pixels, expect):
            problem = f"other pixels: {pixels.shape} {pixels.dtype} for {expect.shape} {expect.dtype}"
    elif expect == "refused" and outcome == "loaded":
        problem = f"loaded as {pixels.shape} {pixels.dtype}"
    return {
        "name": case.name,
        "outcome": outcome,
        "problem": problem,
        "seconds": seconds,
        "grown": grown,
        "bomb": case.bomb,
    }


def same(a: np.ndarray, b: np.ndarray) -> bool:
    return a.shape == b.shape and a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main(folder: Path) -> None:
    import sightline

    sightline.read(b"P2 1 1 255 7")  # imports are not part of any case
    for index, case in enumerate(all_cases(folder)):
        path = case.path
        if path is None:
            path = folder / f"{index}.img"
            path.write_bytes(case.data or b"")
        print(json.dumps(judge(case, path)), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

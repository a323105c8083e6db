"""Image files that are damaged, small and costly, or something else: right, or refused by name."""

from __future__ import annotations

import os
import socket
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from made_files import DEEP, FLOAT, GRAY, RANDOM, RGB, Case, by_pillow, chunk, encode, gif, png
from PIL import Image


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

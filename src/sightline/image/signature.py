"""What a file is by its first bytes, and how large it says it is: all that is known before anything is decoded."""

from __future__ import annotations

import struct
from typing import IO

HEAD_BYTES = 4096

# What `decode` opens: name in Pillow, first bytes.
_KNOWN: tuple[tuple[str, bytes], ...] = (
    ("PNG", b"\x89PNG\r\n\x1a\n"),
    ("JPEG", b"\xff\xd8\xff"),
    ("GIF", b"GIF87a"),
    ("GIF", b"GIF89a"),
    ("BMP", b"BM"),
    ("TIFF", b"II*\x00"),
    ("TIFF", b"MM\x00*"),
    ("TIFF", b"II+\x00"),
    ("TIFF", b"MM\x00+"),
)
_PORTABLE = (b"P1", b"P2", b"P3", b"P4", b"P5", b"P6", b"Pf")

# What people pass by mistake, so that the error can say so: first bytes, name.
_OTHER: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"8BPS", "a Photoshop document"),
    (b"\x00\x00\x00\x0cJXL ", "a JPEG XL image"),
    (b"\xff\x0a", "a JPEG XL image"),
    (b"\x00\x00\x00\x0cjP  ", "a JPEG 2000 image"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 image"),
    (b"\x93NUMPY", "a NumPy array; open it with numpy.load"),
    (b"v/1\x01", "an OpenEXR image"),
    (b"#?RADIANCE", "a Radiance HDR image"),
    (b"\x00\x00\x01\x00", "an icon"),
    (b"SIMPLE  =", "a FITS image"),
    (b"\x89HDF", "an HDF5 file"),
    (b"%!PS", "a PostScript document"),
    (b"PF", "a colour PFM image"),
    (b"P7\n", "a PAM image"),
    (b"version https://git-lfs", "a Git LFS pointer; fetch the file itself with 'git lfs pull'"),
)
_MARKUP = ((b"<svg", "an SVG drawing"), (b"<!doctype html", "an HTML page"), (b"<html", "an HTML page"))


def format_of(head: bytes) -> str:
    """Return Pillow's name of the format that starts with ``head``; empty when it is none that we open."""
    for name, magic in _KNOWN:
        if head.startswith(magic):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    if head[4:8] == b"ftyp" and (b"avif" in head[8:64] or b"avis" in head[8:64]):
        return "AVIF"
    if head[:2] in _PORTABLE and head[2:3].isspace():
        return "PPM"
    return ""


def describe_head(head: bytes) -> str:
    """Say what a file that we do not open seems to be, for the error's sentence."""
    for magic, name in _OTHER:
        if head.startswith(magic):
            return name
    if head[4:8] == b"ftyp":
        return "a HEIC image" if head[8:11] in (b"hei", b"hev", b"mif", b"msf") else "a video"
    if head[:4] == b"RIFF":
        return "a video or sound file"
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for tag, name in _MARKUP:
        if start.startswith(tag) or (start.startswith(b"<?xml") and tag in start):
            return name
    if not head.strip(b"\x00"):
        return "nothing but zero bytes"
    printable = sum(byte in b"\t\r\n" or 32 <= byte < 127 for byte in head)
    return "text" if printable > 0.95 * len(head) else f"of an unknown type (it starts with {head[:4].hex(' ')})"


def declared_size(name: str, head: bytes) -> tuple[int, int] | None:
    """Return (width, height) from the header of a format whose decoder allocates its canvas when opened; else None."""
    if name == "GIF" and len(head) >= 10:
        return struct.unpack_from("<HH", head, 6)
    if name == "WEBP" and len(head) >= 30:
        if head[12:16] == b"VP8X":
            return int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1
        if head[12:16] == b"VP8L":
            bits = int.from_bytes(head[21:25], "little")
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        width, height = struct.unpack_from("<HH", head, 26)
        return width & 0x3FFF, height & 0x3FFF
    return None


def count_scans(stream: IO[bytes], enough: int) -> int:
    """Return at most how many scans a JPEG file has, counting no further than just above ``enough``."""
    # Inside coded data every 0xFF is followed by 0x00 or a restart marker, so a plain count can only be too high.
    stream.seek(0)
    count, last = 0, b""
    while count <= enough and (block := stream.read(1 << 20)):
        count += (last + block).count(b"\xff\xda")
        last = block[-1:]
    return count


def count_chunks(stream: IO[bytes], enough: int) -> tuple[int, int]:
    """Return how many chunks a PNG file has, up to ``enough``, and how many of them are compressed texts."""
    position, chunks, texts = 8, 0, 0
    while chunks < enough:
        stream.seek(position)
        header = stream.read(8)
        if len(header) < 8:
            break
        length, kind = struct.unpack(">I4s", header)
        chunks += 1
        texts += kind in (b"zTXt", b"iTXt", b"tEXt")
        position += 12 + length
    return chunks, texts


def jpeg_exif(stream: IO[bytes]) -> bytes:
    """Return the EXIF block of a JPEG file, its parts joined as decoders join them; empty when there is none."""
    position, parts = 2, []
    while True:
        stream.seek(position)
        marker = stream.read(10)
        if len(marker) < 10 or marker[0] != 0xFF or marker[1] == 0xDA:
            return b"".join(parts)
        length = int.from_bytes(marker[2:4], "big")
        if marker[1] == 0xE1 and marker[4:10] == b"Exif\x00\x00":
            parts.append(stream.read(max(0, length - 8)))
        position += 1 if marker[1] == 0xFF else 2 + length


_TIFF_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}


def tag_bytes(stream: IO[bytes]) -> int:
    """Return how many bytes the tags of the first directory of a TIFF stream (or EXIF block) claim together."""
    stream.seek(0)
    head = stream.read(16)
    order = "<" if head[:2] == b"II" else ">"
    big = head[2:4] in (b"+\x00", b"\x00+")
    if len(head) < (16 if big else 8):
        return 0
    stream.seek(struct.unpack_from(f"{order}Q" if big else f"{order}I", head, 8 if big else 4)[0] & (1 << 62) - 1)
    counted = stream.read(8 if big else 2)
    if len(counted) < (8 if big else 2):
        return 0
    count = min(struct.unpack(f"{order}Q" if big else f"{order}H", counted)[0], 1 << 16)
    row = struct.Struct(f"{order}HHQQ" if big else f"{order}HHII")
    rows = stream.read(count * row.size)
    entries = row.iter_unpack(rows[: len(rows) // row.size * row.size])
    return sum(_TIFF_BYTES.get(kind, 1) * number for _, kind, number, _ in entries)

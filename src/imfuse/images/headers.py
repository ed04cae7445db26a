"""What the head of a picture file says before anything is decoded: its size, its orientation, and its flaws.

Decoders make a grey area out of what is missing and reserve whatever memory a header promises, so both are asked here.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from imfuse.images.tiff_tags import exif_orientation


@dataclass(frozen=True)
class Header:
    """What a file says of itself.

    Attributes:
        height: in pixels, as stored.
        width: in pixels, as stored.
        orientation: the EXIF orientation, 1 to 8; 1 is upright.
        grey: whether the file holds one channel, besides an alpha channel.
        flaw: why it must not be decoded (`is truncated: ...`), or None.
    """

    height: int
    width: int
    orientation: int = 1
    grey: bool = False
    flaw: str | None = None


def png_header(data: bytes) -> Header:
    """Header of a PNG file; every chunk that matters is checked against its checksum."""
    width, height, _, colour_type = struct.unpack_from(">IIBB", data, 16)
    orientation, flaw, kind = 1, None, b""
    for kind, body, checksum in _png_chunks(data):
        if kind == b"eXIf":
            orientation = exif_orientation(bytes(body))
        if kind == b"acTL":
            flaw = flaw or "is an animation, and one picture was expected; save one frame of it"
        if kind[:1].isupper() and zlib.crc32(body, zlib.crc32(kind)) != checksum:
            flaw = flaw or f"is damaged: the checksum of a {kind.decode('latin-1')} chunk is wrong"
    if kind != b"IEND":
        flaw = flaw or "is truncated: it ends before its last chunk"
    return Header(height, width, orientation, colour_type in (0, 4), flaw)


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, memoryview, int]]:
    position, view = 8, memoryview(data)
    while position + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        end = position + 8 + length
        if end + 4 > len(data):
            return
        yield kind, view[position + 8 : end], struct.unpack_from(">I", data, end)[0]
        position = len(data) if kind == b"IEND" else end + 4


_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
# Inside the coded data 0xFF stands before 0 (a plain 0xFF), before 0xD0-0xD7 (restarts) or before another 0xFF.
_JPEG_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")


def jpeg_header(data: bytes) -> Header:
    """Header of a JPEG file; every segment is walked, so that only the end of the picture itself counts as its end."""
    height = width = channels = 0
    orientation, flaw = 1, "is truncated: it ends before the end marker of the picture"
    for marker, body in _jpeg_segments(data):
        if marker in _JPEG_FRAMES and not width:
            height, width, channels = struct.unpack_from(">HHB", body, 1)
        if marker == 0xE1 and body[:6] == b"Exif\0\0":
            orientation = exif_orientation(body[6:])
        if marker == 0xD9:
            flaw = None
    return Header(height, width, orientation, channels == 1, flaw)


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    position = 2
    while found := _JPEG_MARKER.search(data, position):
        marker, position = data[found.end() - 1], found.end()
        if marker in (0x01, 0xD8):
            continue
        if marker == 0xD9:
            yield marker, b""
            return
        length = int.from_bytes(data[position : position + 2], "big")
        yield marker, data[position + 2 : position + length]
        position += max(length, 2)


def webp_header(data: bytes) -> Header:
    """Header of a WebP file: lossy, lossless or extended."""
    (length,) = struct.unpack_from("<I", data, 4)
    kind = data[12:16]
    if kind == b"VP8X":
        width, height = (1 + int.from_bytes(data[i : i + 3], "little") for i in (24, 27))
    elif kind == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    else:
        width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", data, 26))
    flaw = "is truncated: it is shorter than its header says" if len(data) < length + 8 else None
    if kind == b"VP8X" and data[20] & 0x02:
        flaw = flaw or "is an animation, and one picture was expected; save one frame of it"
    return Header(height, width, _webp_orientation(data), False, flaw)


def _webp_orientation(data: bytes) -> int:
    position = 12
    while position + 8 <= len(data):
        kind, length = struct.unpack_from("<4sI", data, position)
        if kind == b"EXIF":
            return exif_orientation(data[position + 8 : position + 8 + length].removeprefix(b"Exif\0\0"))
        position += 8 + length + length % 2
    return 1


def bmp_header(data: bytes) -> Header:
    """Header of a BMP file of Windows 3 or later."""
    start, size, width, height, _, bits, compression = struct.unpack_from("<IIiiHHI", data, 10)
    if size < 40:
        width, height, _, bits = struct.unpack_from("<HHHH", data, 18)
        compression = 0
    height = abs(height)  # negative: the top row comes first
    row = (width * bits + 31) // 32 * 4
    short = compression in (0, 3) and len(data) < start + row * height
    return Header(height, width, flaw="is truncated: rows are missing at its end" if short else None)

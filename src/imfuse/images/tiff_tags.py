"""The tags of a TIFF stream, which is also what EXIF data are (TIFF 6.0, BigTIFF, CIPA DC-008)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

SUBFILE, WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC = 254, 256, 257, 258, 259, 262
STRIP_OFFSETS, ORIENTATION, SAMPLES, STRIP_BYTES, PLANAR, PREDICTOR = 273, 274, 277, 279, 284, 317
TILE_WIDTH, TILE_OFFSETS, TILE_BYTES, EXTRA_SAMPLES, SAMPLE_FORMAT, DNG_VERSION = 322, 324, 325, 338, 339, 50706

LONG = 4

_INTEGERS = {1: "B", 3: "H", 4: "I", 7: "B", 13: "I", 16: "Q"}
_PAGE_LIMIT = 65_536


@dataclass(frozen=True)
class Tag:
    """Where a tag stands.

    Attributes:
        kind: the number of its type (3 is a 16-bit, 4 a 32-bit integer).
        count: how many values it has.
        entry: position of its entry in the stream, in bytes.
        position: position of its first value, in bytes.
    """

    kind: int
    count: int
    entry: int
    position: int


@dataclass(frozen=True)
class Directory:
    """The tags of one page.

    Attributes:
        data: the whole stream.
        order: `<` little-endian or `>` big-endian.
        big: whether the stream is BigTIFF, with 64-bit positions.
        tags: by tag number.
    """

    data: bytes
    order: str
    big: bool
    tags: dict[int, Tag]

    def values(self, number: int) -> tuple[int, ...]:
        """The integers of a tag, empty where the page does not have it.

        Raises:
            struct.error: they lie outside the stream.
        """
        tag = self.tags.get(number)
        if tag is None or tag.kind not in _INTEGERS:
            return ()
        return struct.unpack_from(f"{self.order}{tag.count}{_INTEGERS[tag.kind]}", self.data, tag.position)

    def value(self, number: int, default: int) -> int:
        """The first integer of a tag, or `default` where the page does not have it."""
        return next(iter(self.values(number)), default)


def read_directories(data: bytes) -> list[Directory]:
    """All pages of a TIFF stream in their order.

    Raises:
        ValueError: the data do not begin as a TIFF stream does.
        struct.error: a directory lies outside the stream.
    """
    order = {b"II": "<", b"MM": ">"}.get(data[:2], "")
    if not order or (version := struct.unpack_from(order + "H", data, 2)[0]) not in (42, 43):
        raise ValueError("is no TIFF stream")
    big = version == 43
    start = struct.unpack_from(order + ("Q" if big else "I"), data, 8 if big else 4)[0]
    pages: list[Directory] = []
    seen: set[int] = set()
    while start and start not in seen and len(pages) < _PAGE_LIMIT:
        seen.add(start)  # a damaged file may point back at itself
        page, start = _read_directory(data, start, order, big)
        pages.append(page)
    return pages


def _read_directory(data: bytes, start: int, order: str, big: bool) -> tuple[Directory, int]:
    count_code, entry_code, offset_code = ("Q", "HHQQ", "Q") if big else ("H", "HHII", "I")
    (entries,) = struct.unpack_from(order + count_code, data, start)
    first, size = start + struct.calcsize(order + count_code), struct.calcsize(order + entry_code)
    inline = struct.calcsize(order + offset_code)
    tags = {}
    for entry in range(first, first + size * min(entries, 4096), size):
        number, kind, count, offset = struct.unpack_from(order + entry_code, data, entry)
        fits = count * struct.calcsize(order + _INTEGERS.get(kind, "Q")) <= inline
        tags[number] = Tag(kind, count, entry, entry + size - inline if fits else offset)
    (following,) = struct.unpack_from(order + offset_code, data, first + size * entries)
    return Directory(data, order, big, tags), following


def exif_orientation(data: bytes) -> int:
    """The orientation, 1 to 8, that EXIF data give; 1 where they give none or are damaged.

    >>> exif_orientation(b"MM" + struct.pack(">HIHHHIHHI", 42, 8, 1, ORIENTATION, 3, 1, 6, 0, 0))
    6
    """
    try:
        pages = read_directories(data)
        orientation = pages[0].value(ORIENTATION, 1) if pages else 1
    except (ValueError, struct.error, OverflowError):
        return 1
    return orientation if orientation in range(1, 9) else 1

"""TIFF files, in the form in which OpenCV decodes them without changing their values.

OpenCV turns pixels by the orientation tag at some depths only, multiplies 8-bit colours by their alpha, leaves 16-bit
"white is zero" as it is, cannot read grey with alpha, and mixes up the planes of a planar file. So the tags that cause
this are rewritten before it sees them, and what they asked for is done here.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from imfuse.images import tiff_tags as tags
from imfuse.images.headers import Header
from imfuse.images.tiff_tags import Directory, read_directories

_PREVIEW_OR_MASK = 0b101
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _CMYK = 0, 1, 2, 3, 5
_PRIVATE = 65_000


def tiff_header(data: bytes) -> Header:
    """Header of a TIFF file with one full page; previews and masks on further pages are passed over."""
    pages = read_directories(data)
    page = pages[0]
    height, width = page.value(tags.HEIGHT, 0), page.value(tags.WIDTH, 0)
    orientation = page.value(tags.ORIENTATION, 1)
    grey = page.value(tags.SAMPLES, 1) <= 2 and page.value(tags.PHOTOMETRIC, 1) != _PALETTE
    return Header(height, width, orientation if 1 <= orientation <= 8 else 1, grey, _flaw(pages))


def _flaw(pages: list[Directory]) -> str | None:
    page = pages[0]
    if tags.DNG_VERSION in page.tags or page.value(tags.SUBFILE, 0) & _PREVIEW_OR_MASK:
        return "begins with a preview, as raw camera files do; develop it to an ordinary TIFF file"
    if (count := sum(_is_full_page(each, page) for each in pages)) > 1:
        return f"holds {count} pages, and one picture was expected; save each page as a file of its own"
    if _is_short(page):
        return "is truncated: parts of the picture lie behind its end"
    return _unknown_layout(page)


def _unknown_layout(page: Directory) -> str | None:
    bits, samples = page.value(tags.BITS, 1), page.value(tags.SAMPLES, 1)
    photometric = page.value(tags.PHOTOMETRIC, 1)
    if samples > 4 or (samples == 2 and photometric > _BLACK_IS_ZERO):
        return f"holds {samples} channels, and grey or RGB was expected, with or without alpha"
    if bits == 16 and page.value(tags.SAMPLE_FORMAT, 1) == 3:
        return "holds 16-bit floats; save them as 32-bit floats"
    if bits > 8 and photometric > _RGB:
        return f"has {bits}-bit colours that are not RGB (photometric {photometric}); convert it to RGB"
    if page.value(tags.PLANAR, 1) == 2 and samples > 1 and (bits > 8 or samples == 2):
        return f"holds {bits}-bit channels in separate planes; save it with interleaved channels"
    if samples == 2 and page.value(tags.PREDICTOR, 1) != 1:
        return "holds grey with alpha behind a predictor; save it without one, or as PNG"
    return None


def _is_full_page(page: Directory, first: Directory) -> bool:
    same = all(page.value(side, 0) == first.value(side, 0) for side in (tags.WIDTH, tags.HEIGHT))
    return same and not page.value(tags.SUBFILE, 0) & _PREVIEW_OR_MASK


def _is_short(page: Directory) -> bool:
    for offsets, lengths in ((tags.STRIP_OFFSETS, tags.STRIP_BYTES), (tags.TILE_OFFSETS, tags.TILE_BYTES)):
        ends = map(sum, zip(page.values(offsets), page.values(lengths), strict=False))
        if max(ends, default=0) > len(page.data):
            return True
    return False


@dataclass(frozen=True)
class PlainTiff:
    """A TIFF file that OpenCV decodes as it is stored.

    Attributes:
        data: the file, rewritten where it was needed.
        inverted: whether zero means white.
        paired: whether two neighbours in a row are grey and alpha.
        opaque: whether a fourth channel is no alpha.
    """

    data: bytes | bytearray
    inverted: bool
    paired: bool
    opaque: bool


def plain_tiff(data: bytes) -> PlainTiff:
    """Rewrite the tags of the first page that OpenCV would act on."""
    page = read_directories(data)[0]
    photometric, paired = page.value(tags.PHOTOMETRIC, 1), page.value(tags.SAMPLES, 1) == 2
    inverted = photometric == _WHITE_IS_ZERO
    wanted = {tags.ORIENTATION: 1, tags.EXTRA_SAMPLES: 0}
    if inverted:
        wanted[tags.PHOTOMETRIC] = _BLACK_IS_ZERO
    if paired:  # two interleaved samples in w pixels lie as one sample in 2 w pixels does
        wanted |= {side: 2 * page.value(side, 0) for side in (tags.WIDTH, tags.TILE_WIDTH)}
        wanted |= {number: page.value(number, 1) for number in (tags.BITS, tags.SAMPLE_FORMAT)}
        wanted[tags.SAMPLES] = 1
    changed = {number: value for number, value in wanted.items() if page.value(number, value) != value or paired}
    return PlainTiff(_edited(data, page, changed), inverted, paired, photometric == _CMYK)


def _edited(data: bytes, page: Directory, values: dict[int, int]) -> bytes | bytearray:
    """The file, with these tags of a page, where it has them, set to one value."""
    if not values:
        return data  # no copy of a large file
    edited = bytearray(data)
    for number, value in values.items():
        if (tag := page.tags.get(number)) is not None:
            entry = _entry(page, number, value)
            edited[tag.entry : tag.entry + len(entry)] = entry
    return edited


def _entry(page: Directory, number: int, value: int) -> bytes:
    if number == tags.EXTRA_SAMPLES and page.value(tags.SAMPLES, 1) == 2:
        number = _PRIVATE  # no sample is extra any more
    if page.big:
        return struct.pack(page.order + "HHQI4x", number, tags.LONG, 1, value)
    return struct.pack(page.order + "HHII", number, tags.LONG, 1, value)

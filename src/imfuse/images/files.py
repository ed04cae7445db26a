"""Picture files: read one with all that it says of itself, write one all or nothing, list those of a folder."""

from __future__ import annotations

import re
from pathlib import Path

from imfuse.errors import ImageReadError, ImageWriteError
from imfuse.images.decoding import MAX_PIXELS, decode_image
from imfuse.images.encoding import FORMATS, encode_image
from imfuse.images.image import Image, Pixels
from imfuse.images.medical import DICOM_SUFFIXES, is_dicom, is_volume, read_dicom
from imfuse.images.storage import read_file, write_file

WRITE_SUFFIXES = frozenset(FORMATS)
"""Suffixes, in small letters, of the formats that `write_image` writes."""

READ_SUFFIXES = WRITE_SUFFIXES | DICOM_SUFFIXES
"""Suffixes, in small letters, of the files that `list_images` lists."""


def read_image(path: str | Path, *, max_pixels: int = MAX_PIXELS) -> Image:
    """Read a picture: PNG, JPEG, TIFF, BMP or WebP by its content, or a DICOM slice.

    Depth and channels are kept: uint8, uint16 or float32, grey or RGB, the alpha channel apart. Bits and palettes
    become uint8, signed and 32-bit integers float32 of the same value. The picture is turned as its EXIF orientation
    says. WebP knows no grey, so it always gives RGB. Of a TIFF file with previews the first page is read; a file
    with several full pages, or an animation, is an error, since one picture is wanted.

    Args:
        path: the file, under any name.
        max_pixels: a header that promises more is an error, before any memory is taken.

    Raises:
        ImageReadError: the file is missing, unreadable, empty, truncated, damaged, too large, of another kind, or
            holds NaN or infinite values.
        MissingExtraError: it is DICOM and the extra `medical` is not installed.
    """
    path = Path(path)
    if is_volume(path):
        raise ImageReadError(f"{path} is a volume, and a picture was expected; fuse volumes with volumes")
    if is_dicom(path):
        return read_dicom(path, max_pixels=max_pixels)
    try:
        pixels, alpha = decode_image(read_file(path), max_pixels)
    except ValueError as error:
        raise ImageReadError(f"{path} {error}") from error
    return Image(pixels, alpha, path)


def write_image(path: str | Path, pixels: Pixels, *, alpha: Pixels | None = None, quality: int = 95) -> None:
    """Write a picture in the format of its suffix; the file appears whole or not at all.

    Missing parent folders are made. PNG and TIFF hold 8 and 16 bits, TIFF also float32; JPEG, BMP and WebP hold
    8 bits. JPEG and BMP hold no transparency: an alpha channel that is opaque everywhere is left out, any other is
    an error.

    Args:
        path: the file, with a suffix of `WRITE_SUFFIXES`.
        pixels: `(h, w)` grey or `(h, w, 3)` RGB; uint8, uint16 or float32.
        alpha: `(h, w)` of the same type as `pixels`. Grey with alpha is stored as RGB with alpha.
        quality: of JPEG and WebP, 1 to 100.

    Raises:
        ImageWriteError: the format cannot hold this picture, or the file cannot be written.
    """
    path = Path(path)
    try:
        data = encode_image(pixels, alpha, path.suffix, quality)
    except ValueError as error:
        raise ImageWriteError(f"{path} {error}") from error
    write_file(path, data)


def list_images(folder: str | Path, *, volumes: bool = False) -> list[Path]:
    """The pictures of a folder in natural order (`2.png` before `10.png`), hidden and other files left out.

    Args:
        folder: where they are. DICOM slices without a suffix are told by their first bytes.
        volumes: list NIfTI volumes too.

    Raises:
        ImageReadError: it is missing, no folder, or may not be read.
    """
    folder = Path(folder)
    try:
        files = [path for path in folder.iterdir() if _is_listed(path, volumes)]
    except OSError as error:
        raise ImageReadError(
            f"{folder} cannot be read as a folder: {(error.strerror or str(error)).lower()}"
        ) from error
    return sorted(files, key=lambda path: natural_key(path.name))


def _is_listed(path: Path, volumes: bool) -> bool:
    if path.name.startswith(".") or not path.is_file():
        return False
    if path.suffix.lower() in READ_SUFFIXES or (volumes and is_volume(path)):
        return True
    # A suffix of digits is the end of an identifier, as in 1.2.840.10008.7.
    return (not path.suffix or path.suffix[1:].isdecimal()) and is_dicom(path)


def natural_key(name: str) -> tuple[tuple[str | int, ...], str]:
    """Sort key under which numbers in names count as numbers.

    >>> sorted(["b1", "a10", "a9"], key=natural_key)
    ['a9', 'a10', 'b1']
    """
    parts = re.split(r"(\d+)", name.casefold())
    return tuple(int(part) if part.isdecimal() else part for part in parts), name

"""Bytes of a picture file into RGB pixels and alpha."""

from __future__ import annotations

import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from imfuse.images.headers import Header, bmp_header, jpeg_header, png_header, webp_header
from imfuse.images.image import Pixels
from imfuse.images.orientation import upright
from imfuse.images.tiff import plain_tiff, tiff_header

_Parsed = TypeVar("_Parsed")

MAX_PIXELS = 2**28
"""What is decoded unless told otherwise; 12,000 x 9,000 is well below."""

_HEADERS: dict[bytes, Callable[[bytes], Header]] = {
    b"\x89PNG\r\n\x1a\n": png_header,
    b"\xff\xd8\xff": jpeg_header,
    b"II*\0": tiff_header,
    b"MM\0*": tiff_header,
    b"II+\0": tiff_header,
    b"MM\0+": tiff_header,
    b"BM": bmp_header,
    b"RIFF": webp_header,
}


def decode_image(data: bytes, max_pixels: int) -> tuple[Pixels, Pixels | None]:
    """Decode a PNG, JPEG, TIFF, BMP or WebP file, whatever it is called.

    uint8, uint16 and float32 are kept; signed, 32-bit and 64-bit values become float32 of the same value.

    Args:
        data: the whole file.
        max_pixels: how many pixels the header may promise.

    Returns:
        The pixels, grey or RGB, turned upright, and the alpha channel of the same type or None.

    Raises:
        ValueError: with what is wrong, to follow the name of the file.
    """
    header = read_header(data)
    if min(header.height, header.width) < 1:
        raise ValueError("is damaged: its header gives no size")
    if header.height * header.width > max_pixels:
        size = f"{header.width} x {header.height}"
        raise ValueError(
            f"promises {size} pixels, and at most {max_pixels} are read; crop or scale it with another tool first, or "
            "call read_image with a larger max_pixels"
        )
    if header.flaw:
        raise ValueError(header.flaw)
    array = _decode_tiff(data) if data[:2] in (b"II", b"MM") else _decode(data)
    pixels, alpha = _split(_supported(array), header)
    return upright(pixels, header.orientation), None if alpha is None else upright(alpha, header.orientation)


def read_header(data: bytes) -> Header:
    """The header of a picture file.

    Raises:
        ValueError: it is no PNG, JPEG, TIFF, BMP or WebP file, or ends within its header.
    """
    for magic, parse in _HEADERS.items():
        if data.startswith(magic) and (magic != b"RIFF" or data[8:12] == b"WEBP"):
            return _parse(parse, data)
    raise ValueError(f"is not a PNG, JPEG, TIFF, BMP or WebP image (it begins with {data[:8]!r})")


def _parse(parse: Callable[[bytes], _Parsed], data: bytes) -> _Parsed:
    try:
        return parse(data)
    except (struct.error, IndexError, OverflowError) as error:
        raise ValueError("is damaged: its header is cut off or points outside the file") from error


def _decode(data: bytes | bytearray) -> NDArray[Any]:
    import cv2

    with quiet_opencv():
        try:
            # UNCHANGED, since the other flags drop alpha and depth; it leaves the orientation to us.
            array = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        except cv2.error as error:
            raise ValueError(f"cannot be decoded: {error.err or error}") from error
    if array is None:
        raise ValueError("cannot be decoded: it is damaged, or of a kind that OpenCV does not read")
    return array


def _decode_tiff(data: bytes) -> NDArray[Any]:
    plain = _parse(plain_tiff, data)
    array = _decode(plain.data)
    if plain.paired:
        array = array.reshape(array.shape[0], -1, 2)
    if plain.opaque:
        array = array[..., :3]
    if plain.inverted and array.dtype.kind == "u":
        grey = array[..., 0] if array.ndim == 3 else array
        np.subtract(np.iinfo(array.dtype).max, grey, out=grey)
    return array


def _supported(array: NDArray[Any]) -> NDArray[Any]:
    if array.dtype not in (np.uint8, np.uint16):
        array = array.astype(np.float32, copy=False)
        if not np.isfinite(array).all():
            raise ValueError(
                f"holds {np.count_nonzero(~np.isfinite(array))} NaN or infinite values; replace them first"
            )
    return array


def _split(array: NDArray[Any], header: Header) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """OpenCV's channels (grey, grey-alpha, BGR, BGRA) as pixels and alpha."""
    import cv2

    if array.ndim == 2:
        return array, None
    channels = array.shape[2]
    alpha = np.ascontiguousarray(array[..., -1]) if channels in (2, 4) else None
    if header.grey:
        return np.ascontiguousarray(array[..., 0]), alpha
    return cv2.cvtColor(array, cv2.COLOR_BGR2RGB if channels == 3 else cv2.COLOR_BGRA2RGB), alpha


_quiet_lock = threading.Lock()
_quiet_depth = 0
_level_before = 0


@contextmanager
def quiet_opencv() -> Iterator[None]:
    """Keep OpenCV's own log lines off standard error; the reason is given in the exception."""
    import cv2

    global _quiet_depth, _level_before  # noqa: PLW0603  threads overlap: the first sets, the last restores
    log = cast(Any, getattr(cv2.utils, "logging", cv2))
    with _quiet_lock:
        if _quiet_depth == 0:
            _level_before = log.getLogLevel()
            log.setLogLevel(0)
        _quiet_depth += 1
    try:
        yield
    finally:
        with _quiet_lock:
            _quiet_depth -= 1
            if _quiet_depth == 0:
                log.setLogLevel(_level_before)

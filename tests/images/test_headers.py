"""Damaged files: a clear error, without a word of a decoder and without the memory that they ask for."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as PilImage

from imfuse.errors import ImageReadError
from imfuse.images.decoding import decode_image
from imfuse.images.files import read_image

PIXELS = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, (33, 29, 3), dtype=np.uint8), (0, 0), 3)


def pil_bytes(kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    PilImage.fromarray(PIXELS).save(buffer, kind, **options)
    return buffer.getvalue()


def tiff_bytes(**options: Any) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, PIXELS, photometric="rgb", **options)
    return buffer.getvalue()


EXIF = PilImage.Exif()
EXIF[274] = 6
FILES = {
    "png": pil_bytes("PNG", exif=EXIF),
    "jpeg": pil_bytes("JPEG", exif=EXIF),
    "progressive": pil_bytes("JPEG", progressive=True),
    "webp": pil_bytes("WEBP", exif=EXIF),
    "lossless": pil_bytes("WEBP", lossless=True),
    "bmp": pil_bytes("BMP"),
    "tiff": tiff_bytes(),
    "tiled": tiff_bytes(tile=(32, 32)),
    "big": tiff_bytes(bigtiff=True, byteorder=">"),
    "lzw": cv2.imencode(".tif", PIXELS)[1].tobytes(),
}


@pytest.mark.parametrize("kind", sorted(FILES))
def test_the_whole_file_is_read_and_no_beginning_of_it_is(kind: str, capfd: pytest.CaptureFixture[str]) -> None:
    data = FILES[kind]
    assert decode_image(data, 10_000)[0].shape in ((33, 29, 3), (29, 33, 3))
    for length in {*range(0, len(data), 37), *range(len(data) - 20, len(data))}:
        with pytest.raises(ValueError, match=r"is truncated|is damaged|is not a PNG"):
            decode_image(data[:length], 10_000)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp", "bmp", "tiff"])
def test_a_truncated_file_is_called_so(kind: str, tmp_path: Path) -> None:
    (tmp_path / "half.png").write_bytes(FILES[kind][: -len(FILES[kind]) // 3])
    with pytest.raises(ImageReadError, match=r"half\.png is truncated"):
        read_image(tmp_path / "half.png")


@settings(max_examples=300, deadline=None)
@given(kind=st.sampled_from(sorted(FILES)), edits=st.lists(st.tuples(st.integers(0), st.integers(0, 255)), max_size=6))
def test_bytes_changed_at_random_never_end_in_another_error(kind: str, edits: list[tuple[int, int]]) -> None:
    data = bytearray(FILES[kind])
    for position, value in edits:
        data[position % len(data)] = value
    try:
        pixels, alpha = decode_image(bytes(data), 10_000)
    except ValueError:
        return
    assert pixels.shape[0] * pixels.shape[1] <= 10_000
    assert alpha is None or alpha.shape == pixels.shape[:2]


@given(tail=st.binary(max_size=64), kind=st.sampled_from(sorted(FILES)))
@settings(max_examples=200, deadline=None)
def test_garbage_after_a_true_beginning_is_an_error(tail: bytes, kind: str) -> None:
    with pytest.raises(ValueError, match=r"^(is|promises|has|holds|cannot|begins) "):
        decode_image(FILES[kind][:12] + tail, 10_000)


def bomb_png() -> bytes:
    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + b"IHDR" + head + struct.pack(">I", zlib.crc32(b"IHDR" + head))
    return FILES["png"][:8] + chunk + FILES["png"][33:]


def bomb_jpeg() -> bytes:
    data = bytearray(FILES["jpeg"])
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = struct.pack(">HH", 60_000, 60_000)
    return bytes(data)


def bomb_bmp() -> bytes:
    return FILES["bmp"][:18] + struct.pack("<ii", 60_000, -60_000) + FILES["bmp"][26:]


def bomb_webp() -> bytes:
    data = bytearray(FILES["webp"])
    assert data[12:16] == b"VP8X"
    data[24:30] = (59_999).to_bytes(3, "little") * 2
    return bytes(data)


def bomb_tiff() -> bytes:
    with tifffile.TiffFile(io.BytesIO(FILES["tiff"])) as file:
        places = [file.pages[0].tags[number].valueoffset for number in (256, 257)]
    data = bytearray(FILES["tiff"])
    for place in places:
        data[place : place + 2] = struct.pack("<H", 60_000)
    return bytes(data)


@pytest.mark.parametrize("bomb", [bomb_png, bomb_jpeg, bomb_bmp, bomb_webp, bomb_tiff])
def test_a_header_that_promises_too_much_is_refused_before_anything_is_decoded(bomb: Any, tmp_path: Path) -> None:
    (tmp_path / "bomb").write_bytes(bomb())
    with pytest.raises(ImageReadError, match=r"bomb promises 60000 x 60000 pixels, and at most 268435456 are read"):
        read_image(tmp_path / "bomb")


def test_the_limit_is_the_callers_and_counts_pixels(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(FILES["png"])
    assert read_image(tmp_path / "a.png", max_pixels=33 * 29).size == (29, 33)
    with pytest.raises(ImageReadError, match="promises 29 x 33 pixels, and at most 956 are read"):
        read_image(tmp_path / "a.png", max_pixels=33 * 29 - 1)


def test_more_than_opencv_itself_takes_is_an_error_too(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bomb").write_bytes(bomb_png())
    with pytest.raises(ImageReadError, match="bomb cannot be decoded"):
        read_image(tmp_path / "bomb", max_pixels=2**40)
    assert capfd.readouterr() == ("", "")


def test_the_largest_promised_size_is_admitted_by_default(tmp_path: Path) -> None:
    PilImage.fromarray(np.zeros((9_000, 12_000), np.uint8)).save(tmp_path / "a.png", compress_level=1)
    assert read_image(tmp_path / "a.png").size == (9_000, 12_000)


def test_a_changed_byte_in_a_png_file_is_found(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    data = bytearray(FILES["png"])
    data[data.index(b"IDAT") + 40] ^= 0xFF
    (tmp_path / "a.png").write_bytes(data)
    with pytest.raises(ImageReadError, match=r"a\.png is damaged: the checksum of a IDAT chunk is wrong"):
        read_image(tmp_path / "a.png")
    assert capfd.readouterr() == ("", "")


def test_a_jpeg_without_a_frame_gives_no_size() -> None:
    with pytest.raises(ValueError, match="its header gives no size"):
        decode_image(b"\xff\xd8\xff\xd9", 100)

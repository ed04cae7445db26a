"""Depths, channels and palettes of the formats, against what other libraries wrote."""

from __future__ import annotations

import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import skimage.io
from PIL import Image as PilImage

from imfuse.errors import ImageReadError
from imfuse.images.decoding import quiet_opencv
from imfuse.images.files import read_image

RAMP = np.arange(48, dtype=np.uint8).reshape(6, 8) * 5
RGB = np.dstack([RAMP, 255 - RAMP, np.roll(RAMP, 3)])


def png(width: int, height: int, depth: int, colour_type: int, rows: bytes) -> bytes:
    """A PNG file by its specification (ISO 15948)."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def test_golden_16_bit_grey_with_alpha(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(2, 1, 16, 4, b"\0" + struct.pack(">4H", 1000, 2000, 30000, 65535)))
    image = read_image(tmp_path / "a.png")
    np.testing.assert_array_equal(image.pixels, np.array([[1000, 30000]], np.uint16))
    np.testing.assert_array_equal(image.alpha, np.array([[2000, 65535]], np.uint16))


def test_golden_16_bit_colour(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(1, 1, 16, 2, b"\0" + struct.pack(">3H", 1, 256, 65535)))
    np.testing.assert_array_equal(read_image(tmp_path / "a.png").pixels, np.array([[[1, 256, 65535]]], np.uint16))


def test_golden_bits_become_black_and_white(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(4, 1, 1, 0, b"\0\xa0"))
    np.testing.assert_array_equal(read_image(tmp_path / "a.png").pixels, np.array([[255, 0, 255, 0]], np.uint8))


@pytest.mark.parametrize("depth", [2, 4])
def test_few_bits_are_spread_over_the_whole_range(depth: int, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(2, 1, depth, 0, b"\0" + bytes([((1 << depth) - 1) << (8 - depth)])))
    np.testing.assert_array_equal(read_image(tmp_path / "a.png").pixels, np.array([[255, 0]], np.uint8))


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif"])
@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB"])
def test_modes_are_read_as_another_library_wrote_them(mode: str, suffix: str, tmp_path: Path) -> None:
    image = PilImage.fromarray(RGB).convert(mode)
    image.save(tmp_path / f"a{suffix}")
    expected = np.asarray(image.convert("RGB" if mode in ("P", "RGB") else "L"))
    np.testing.assert_array_equal(read_image(tmp_path / f"a{suffix}").pixels, expected)


@pytest.mark.parametrize("suffix", [".png", ".webp"])
def test_alpha_is_split_off(suffix: str, tmp_path: Path) -> None:
    PilImage.fromarray(np.dstack([RGB, RAMP])).save(tmp_path / f"a{suffix}", lossless=True, exact=True)
    image = read_image(tmp_path / f"a{suffix}")
    np.testing.assert_array_equal(image.pixels, RGB)
    np.testing.assert_array_equal(image.alpha, RAMP)


def test_a_palette_with_a_transparent_entry_has_alpha(tmp_path: Path) -> None:
    image = PilImage.fromarray(np.array([[0, 1]], np.uint8), "P")
    image.putpalette([9, 8, 7, 200, 100, 50])
    image.save(tmp_path / "a.png", transparency=1)
    read = read_image(tmp_path / "a.png")
    np.testing.assert_array_equal(read.pixels, np.array([[[9, 8, 7], [200, 100, 50]]], np.uint8))
    np.testing.assert_array_equal(read.alpha, np.array([[255, 0]], np.uint8))


def test_the_unused_byte_of_a_32_bit_bitmap_is_no_alpha(tmp_path: Path) -> None:
    head = struct.pack("<2sIHHIIiiHHIIiiII", b"BM", 62, 0, 0, 54, 40, 2, 1, 1, 32, 0, 8, 0, 0, 0, 0)
    (tmp_path / "a.bmp").write_bytes(head + bytes([30, 20, 10, 0, 3, 2, 1, 0]))
    image = read_image(tmp_path / "a.bmp")
    np.testing.assert_array_equal(image.pixels, np.array([[[10, 20, 30], [1, 2, 3]]], np.uint8))
    assert image.alpha is None


def test_bitmaps_are_read_from_either_end(tmp_path: Path) -> None:
    rows = [bytes([1, 1, 1, 0]), bytes([2, 2, 2, 0])]
    for name, height, data in (("up.bmp", 2, rows[::-1]), ("down.bmp", -2, rows)):
        head = struct.pack("<2sIHHIIiiHHIIiiII", b"BM", 62, 0, 0, 54, 40, 1, height, 1, 24, 0, 8, 0, 0, 0, 0)
        (tmp_path / name).write_bytes(head + b"".join(data))
        np.testing.assert_array_equal(read_image(tmp_path / name).pixels[:, 0, 0], [1, 2])


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}, {"restart_marker_rows": 1}])
def test_kinds_of_jpeg_are_read_as_another_library_reads_them(options: dict[str, Any], tmp_path: Path) -> None:
    PilImage.fromarray(np.kron(RGB, np.ones((8, 8, 1), np.uint8))).save(tmp_path / "a.jpg", quality=95, **options)
    expected = skimage.io.imread(tmp_path / "a.jpg")
    assert np.abs(read_image(tmp_path / "a.jpg").pixels.astype(int) - expected).max() <= 3


def test_a_grey_jpeg_stays_grey_and_cmyk_becomes_rgb(tmp_path: Path) -> None:
    PilImage.fromarray(RAMP).save(tmp_path / "grey.jpg")
    assert read_image(tmp_path / "grey.jpg").pixels.shape == (6, 8)
    PilImage.fromarray(RGB).convert("CMYK").save(tmp_path / "cmyk.jpg")
    assert read_image(tmp_path / "cmyk.jpg").pixels.shape == (6, 8, 3)


def test_a_thumbnail_and_bytes_after_the_picture_do_not_matter(tmp_path: Path) -> None:
    PilImage.fromarray(RAMP).save(tmp_path / "a.jpg")
    data = (tmp_path / "a.jpg").read_bytes()
    thumbnail = b"\xff\xe2" + struct.pack(">H", len(data) + 2) + data
    (tmp_path / "b.jpg").write_bytes(data[:2] + thumbnail + data[2:] + b"trailing bytes of a phone")
    np.testing.assert_array_equal(read_image(tmp_path / "b.jpg").pixels, read_image(tmp_path / "a.jpg").pixels)


@pytest.mark.parametrize("suffix", [".png", ".webp"])
def test_an_animation_is_refused(suffix: str, tmp_path: Path) -> None:
    frames = [PilImage.fromarray(RGB), PilImage.fromarray(255 - RGB)]
    frames[0].save(tmp_path / f"a{suffix}", save_all=True, append_images=frames[1:])
    with pytest.raises(ImageReadError, match="is an animation, and one picture was expected; save one frame"):
        read_image(tmp_path / f"a{suffix}")


def test_opencv_keeps_its_log_level_though_threads_read_at_once(tmp_path: Path) -> None:
    log: Any = getattr(cv2.utils, "logging", cv2)
    before = log.getLogLevel()
    PilImage.fromarray(RGB).save(tmp_path / "a.png")
    with ThreadPoolExecutor(8) as pool:
        images = list(pool.map(read_image, [tmp_path / "a.png"] * 100))
    assert all(np.array_equal(image.pixels, RGB) for image in images)
    assert log.getLogLevel() == before
    with quiet_opencv(), quiet_opencv():
        assert log.getLogLevel() == 0
    assert log.getLogLevel() == before

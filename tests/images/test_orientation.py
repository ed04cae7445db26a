"""EXIF orientation: every stored form of a picture is read as the same upright picture."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image as PilImage
from PIL import ImageOps

from imfuse.images.files import read_image
from imfuse.images.orientation import upright

UPRIGHT = np.array([[10, 20, 30], [40, 50, 60]], np.uint8)

STORED = {
    1: UPRIGHT,
    2: UPRIGHT[:, ::-1],
    3: UPRIGHT[::-1, ::-1],
    4: UPRIGHT[::-1],
    5: UPRIGHT.T,
    6: np.rot90(UPRIGHT, 1),  # to be turned clockwise
    7: UPRIGHT.T[::-1, ::-1],
    8: np.rot90(UPRIGHT, -1),
}
"""What a camera stores under each orientation (CIPA DC-008, table of tag 274)."""


def save(path: Path, stored: np.ndarray[Any, Any], orientation: int, **options: Any) -> None:
    exif = PilImage.Exif()
    exif[274] = orientation
    PilImage.fromarray(np.ascontiguousarray(stored)).save(path, exif=exif, **options)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_stored_picture_is_turned_upright(orientation: int) -> None:
    np.testing.assert_array_equal(upright(STORED[orientation], orientation), UPRIGHT)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp", ".jpg"])
def test_every_orientation_of_every_format_is_honoured(suffix: str, orientation: int, tmp_path: Path) -> None:
    blocks = np.kron(STORED[orientation], np.ones((16, 16), np.uint8))  # blocks survive a lossy format
    save(tmp_path / f"a{suffix}", blocks, orientation, **({"lossless": True} if suffix == ".webp" else {}))
    pixels = read_image(tmp_path / f"a{suffix}").pixels
    assert np.abs(pixels[8::16, 8::16].reshape(2, 3, -1).astype(int) - UPRIGHT[..., None]).max() <= 2
    other = ImageOps.exif_transpose(PilImage.open(io.BytesIO((tmp_path / f"a{suffix}").read_bytes())))
    assert other.size == pixels.shape[1::-1]


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_tiff_file_is_turned_at_every_depth(dtype: str, orientation: int, tmp_path: Path) -> None:
    stored = np.ascontiguousarray(STORED[orientation].astype(dtype))
    tifffile.imwrite(tmp_path / "a.tif", stored, extratags=[(274, "H", 1, orientation, True)])
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif").pixels, UPRIGHT)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_colour_and_alpha_are_turned_together(suffix: str, tmp_path: Path) -> None:
    rgba = np.dstack([STORED[6], STORED[6] + 1, STORED[6] + 2, STORED[6] + 3])
    save(tmp_path / f"a{suffix}", rgba, 6)
    image = read_image(tmp_path / f"a{suffix}")
    np.testing.assert_array_equal(image.pixels, np.dstack([UPRIGHT, UPRIGHT + 1, UPRIGHT + 2]))
    np.testing.assert_array_equal(image.alpha, UPRIGHT + 3)


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_is_passed_over(orientation: int, tmp_path: Path) -> None:
    save(tmp_path / "a.png", UPRIGHT, orientation)
    np.testing.assert_array_equal(read_image(tmp_path / "a.png").pixels, UPRIGHT)


def test_damaged_exif_data_are_passed_over(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    PilImage.fromarray(UPRIGHT).save(buffer, "JPEG", exif=b"Exif\0\0MM\0*\0\0\xff\xffgarbage", quality=100)
    (tmp_path / "a.jpg").write_bytes(buffer.getvalue())
    expected = cv2.imdecode(np.frombuffer(buffer.getvalue(), np.uint8), cv2.IMREAD_GRAYSCALE)
    np.testing.assert_array_equal(read_image(tmp_path / "a.jpg").pixels, expected)

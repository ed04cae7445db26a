"""TIFF files of every kind that another library writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as PilImage

from imfuse.errors import ImageReadError
from imfuse.images.files import read_image
from imfuse.images.tiff_tags import read_directories

RAMP = np.arange(63 * 65).reshape(63, 65) % 251


def stored(dtype: str) -> np.ndarray[Any, Any]:
    return RAMP.astype(dtype) * (1 if np.dtype(dtype).itemsize == 1 else 3)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize(
    "options", [{}, {"byteorder": ">"}, {"bigtiff": True}, {"tile": (32, 32)}, {"rowsperstrip": 7}]
)
def test_grey_is_read_whatever_the_layout(dtype: str, options: dict[str, Any], tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", stored(dtype), **options)
    pixels = read_image(tmp_path / "a.tif").pixels
    assert pixels.dtype == dtype
    np.testing.assert_array_equal(pixels, stored(dtype))


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("kind", ["unassalpha", "assocalpha", "unspecified", None])
@pytest.mark.parametrize("colour", [False, True])
def test_alpha_is_split_off_and_colours_keep_their_values(
    dtype: str, kind: str | None, colour: bool, tmp_path: Path
) -> None:
    channels = [stored(dtype), stored(dtype)[::-1], stored(dtype)[:, ::-1]] if colour else [stored(dtype)]
    alpha = [] if kind is None else [stored(dtype)[::-1, ::-1]]
    pixels = np.squeeze(np.dstack(channels + alpha))
    tifffile.imwrite(
        tmp_path / "a.tif",
        pixels,
        photometric="rgb" if colour else "minisblack",
        planarconfig="contig" if pixels.ndim == 3 else None,
        extrasamples=[kind] if kind else None,
    )
    image = read_image(tmp_path / "a.tif")
    np.testing.assert_array_equal(image.pixels, np.squeeze(np.dstack(channels)))
    assert image.pixels.dtype == dtype
    if kind is None:
        assert image.alpha is None
    else:
        np.testing.assert_array_equal(image.alpha, alpha[0])


@settings(max_examples=60, deadline=None)
@given(
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    dtype=st.sampled_from(["uint8", "uint16", "float32"]),
    big=st.booleans(),
    order=st.sampled_from("<>"),
)
def test_grey_with_alpha_is_read_at_every_size(
    size: tuple[int, int], dtype: str, big: bool, order: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    pair = np.random.default_rng(0).integers(0, 256, (*size, 2)).astype(dtype)
    path = tmp_path_factory.getbasetemp() / "pair.tif"
    options = {"photometric": "minisblack", "planarconfig": "contig", "extrasamples": ["unassalpha"]}
    tifffile.imwrite(path, pair, bigtiff=big, byteorder=order, rowsperstrip=7, **options)  # pyright: ignore
    image = read_image(path)
    np.testing.assert_array_equal(image.pixels, pair[..., 0])
    np.testing.assert_array_equal(image.alpha, pair[..., 1])


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "uint32", "float64"])
def test_other_numbers_become_float_of_the_same_value(dtype: str, tmp_path: Path) -> None:
    values = (RAMP - 125 if dtype.startswith("i") else RAMP).astype(dtype)
    tifffile.imwrite(tmp_path / "a.tif", values)
    pixels = read_image(tmp_path / "a.tif").pixels
    assert pixels.dtype == np.float32
    np.testing.assert_array_equal(pixels, values)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_white_is_zero_is_inverted(dtype: str, tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", stored(dtype), photometric="miniswhite")
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif").pixels, np.iinfo(dtype).max - stored(dtype))


@pytest.mark.parametrize("compression", [None, "group4", "tiff_lzw"])
@pytest.mark.parametrize("bits", [np.eye(9, dtype=bool), np.ones((3, 17), bool)])
def test_bits_are_read_as_another_library_reads_them(bits: Any, compression: str | None, tmp_path: Path) -> None:
    PilImage.fromarray(bits).save(tmp_path / "a.tif", compression=compression)
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif").pixels, bits * np.uint8(255))
    tifffile.imwrite(tmp_path / "b.tif", bits, photometric="miniswhite")
    np.testing.assert_array_equal(read_image(tmp_path / "b.tif").pixels, ~bits * np.uint8(255))


@pytest.mark.parametrize("compression", ["zlib", "tiff_lzw", "packbits", "tiff_adobe_deflate"])
def test_compressed_files_are_read(compression: str, tmp_path: Path) -> None:
    PilImage.fromarray(stored("uint8")).save(
        tmp_path / "a.tif", compression="tiff_adobe_deflate" if compression == "zlib" else compression
    )
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif").pixels, stored("uint8"))


def test_a_cmyk_file_becomes_rgb_without_alpha(tmp_path: Path) -> None:
    PilImage.fromarray(np.dstack([stored("uint8")] * 3)).convert("CMYK").save(tmp_path / "a.tif")
    image = read_image(tmp_path / "a.tif")
    np.testing.assert_array_equal(image.pixels, np.dstack([stored("uint8")] * 3))
    assert image.alpha is None


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_no_number_is_an_error_that_names_the_file(value: float, tmp_path: Path) -> None:
    pixels = stored("float32").copy()
    pixels[3, 4] = value
    tifffile.imwrite(tmp_path / "hot.tif", pixels)
    with pytest.raises(ImageReadError, match=r"hot\.tif holds 1 NaN or infinite values; replace them first"):
        read_image(tmp_path / "hot.tif")


def test_several_full_pages_are_an_error(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.stack([stored("uint16")] * 3), photometric="minisblack")
    with pytest.raises(ImageReadError, match=r"a\.tif holds 3 pages, and one picture was expected; save each page"):
        read_image(tmp_path / "a.tif")


def test_previews_after_the_picture_are_passed_over(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(stored("uint16"))
        file.write(stored("uint16")[::2, ::2])  # a preview that does not say so
        file.write(stored("uint16"), subfiletype=1)
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif").pixels, stored("uint16"))


@pytest.mark.parametrize("options", [{"subfiletype": 1}, {"extratags": [(50706, "B", 4, (1, 4, 0, 0), True)]}])
def test_the_preview_of_a_raw_file_is_not_taken_for_the_picture(options: dict[str, Any], tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.dng", stored("uint8"), **options)
    with pytest.raises(ImageReadError, match="begins with a preview, as raw camera files do; develop it"):
        read_image(tmp_path / "a.dng")


@pytest.mark.parametrize(
    ("channels", "dtype", "options", "message"),
    [
        (5, "uint8", {"photometric": "minisblack", "planarconfig": "contig"}, "holds 5 channels"),
        (3, "uint16", {"photometric": "rgb", "planarconfig": "separate"}, "16-bit channels in separate planes"),
        (2, "uint8", {"photometric": "minisblack", "planarconfig": "separate"}, "channels in separate planes"),
        (4, "uint16", {"photometric": "separated", "planarconfig": "contig"}, r"16-bit colours that are not RGB"),
    ],
)
def test_a_layout_that_would_be_read_wrongly_is_refused(
    channels: int, dtype: str, options: dict[str, Any], message: str, tmp_path: Path
) -> None:
    axis = 0 if options["planarconfig"] == "separate" else 2
    tifffile.imwrite(tmp_path / "a.tif", np.stack([stored(dtype)] * channels, axis), **options)
    with pytest.raises(ImageReadError, match=message):
        read_image(tmp_path / "a.tif")


def test_half_floats_are_an_error_not_a_crash(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    tifffile.imwrite(tmp_path / "a.tif", stored("float16"))
    with pytest.raises(ImageReadError, match=r"a\.tif holds 16-bit floats; save them as 32-bit"):
        read_image(tmp_path / "a.tif")
    assert capfd.readouterr() == ("", "")


def test_pages_that_point_at_each_other_end(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", stored("uint8"))
    data = bytearray((tmp_path / "a.tif").read_bytes())
    start = int.from_bytes(data[4:8], "little")
    entries = int.from_bytes(data[start : start + 2], "little")
    data[start + 2 + 12 * entries : start + 6 + 12 * entries] = data[4:8]
    assert len(read_directories(bytes(data))) == 1

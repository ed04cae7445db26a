"""DICOM slices are seen as the standard says: rescale, window, inversion, colour."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.pixels.processing import apply_windowing
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian, RLELossless, SecondaryCaptureImageStorage

from imfuse.errors import ImageReadError, SourceError
from imfuse.images.dicom import apply_window, read_dicom
from imfuse.images.files import list_images, read_image

STORED = np.array([[0, 1024], [1064, 4095]], np.uint16)


def make_dataset(
    pixels: np.ndarray[Any, Any] = STORED, syntax: str = ExplicitVRLittleEndian, **tags: Any
) -> FileDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = UID("1.2.3")
    meta.TransferSyntaxUID = UID(syntax)
    dataset = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    dataset.SOPClassUID, dataset.SOPInstanceUID = meta.MediaStorageSOPClassUID, "1.2.3"
    dataset.Rows, dataset.Columns = pixels.shape[:2]
    dataset.SamplesPerPixel = 3 if pixels.ndim == 3 else 1
    dataset.PhotometricInterpretation = "RGB" if pixels.ndim == 3 else "MONOCHROME2"
    if pixels.ndim == 3:
        dataset.PlanarConfiguration = 0
    dataset.BitsAllocated = dataset.BitsStored = 8 * pixels.dtype.itemsize
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
    dataset.PixelData = pixels.tobytes()
    for name, value in tags.items():
        setattr(dataset, name, value)
    return dataset


def save(path: Path, *args: Any, **tags: Any) -> Path:
    make_dataset(*args, **tags).save_as(path, enforce_file_format=True)
    return path


def test_slope_intercept_and_window_are_honoured(tmp_path: Path) -> None:
    tags = {"RescaleSlope": 1, "RescaleIntercept": -1024, "WindowCenter": 40, "WindowWidth": 400}
    image = read_image(save(tmp_path / "ct.dcm", **tags))
    assert image.pixels.dtype == np.uint16
    assert image.path == tmp_path / "ct.dcm"
    # -1024 is below, 3071 above; 0 and 40 by ((x - (c - 0.5)) / (w - 1) + 0.5) of PS3.3 C.11.2.1.2.1
    middle = [round(65_535 * ((x - 39.5) / 399 + 0.5)) for x in (0, 40)]
    np.testing.assert_array_equal(image.pixels, [[0, middle[0]], [middle[1], 65_535]])


def test_the_users_window_goes_before_that_of_the_file(tmp_path: Path) -> None:
    path = save(tmp_path / "a.dcm", WindowCenter=40, WindowWidth=400, VOILUTFunction="LINEAR_EXACT")
    np.testing.assert_array_equal(read_dicom(path, window=(1024, 80)).pixels, [[0, 32_768], [65_535, 65_535]])
    with pytest.raises(SourceError, match=r"window \(40, 0\) \(centre, width\), and a width above 0"):
        read_dicom(path, window=(40, 0))


def test_the_first_of_several_windows_counts(tmp_path: Path) -> None:
    one = read_dicom(save(tmp_path / "one.dcm", WindowCenter=1000, WindowWidth=500))
    many = read_dicom(save(tmp_path / "many.dcm", WindowCenter=[1000, 2], WindowWidth=[500, 3]))
    np.testing.assert_array_equal(one.pixels, many.pixels)


@pytest.mark.parametrize(
    "tags", [{}, {"WindowCenter": 0, "WindowWidth": 0}, {"WindowCenter": None, "WindowWidth": None}]
)
def test_without_a_window_the_values_span_the_full_range(tags: dict[str, Any], tmp_path: Path) -> None:
    image = read_dicom(save(tmp_path / "a.dcm", np.array([[-5, 0, 5]], np.int16), **tags))
    np.testing.assert_array_equal(image.pixels, [[0, 32_768, 65_535]])


def test_low_means_white_in_monochrome1(tmp_path: Path) -> None:
    tags = {"WindowCenter": 1024, "WindowWidth": 80, "VOILUTFunction": "LINEAR_EXACT"}
    low_white = read_dicom(save(tmp_path / "a.dcm", PhotometricInterpretation="MONOCHROME1", **tags))
    np.testing.assert_array_equal(low_white.pixels, [[65_535, 32_768], [0, 0]])


def test_padding_outside_the_circle_does_not_set_the_range(tmp_path: Path) -> None:
    pixels = np.array([[-2000, 0, 100]], np.int16)
    image = read_dicom(save(tmp_path / "a.dcm", pixels, PixelPaddingValue=-2000))
    np.testing.assert_array_equal(image.pixels, [[0, 0, 65_535]])


@pytest.mark.parametrize("pixels", [np.full((1, 1), 7, np.uint16), np.full((3, 2), -4, np.int16)])
def test_a_flat_slice_is_black_not_an_error(pixels: np.ndarray[Any, Any], tmp_path: Path) -> None:
    np.testing.assert_array_equal(read_dicom(save(tmp_path / "a.dcm", pixels)).pixels, np.zeros(pixels.shape))


@settings(max_examples=60, deadline=None)
@given(
    centre=st.floats(-500, 1500),
    width=st.floats(50, 3000),
    function=st.sampled_from(["LINEAR", "LINEAR_EXACT", "SIGMOID"]),
)
def test_windows_agree_with_another_library(centre: float, width: float, function: str) -> None:
    values = np.arange(0, 4096, 5, dtype=np.uint16)
    dataset = make_dataset(
        values[None], WindowCenter=f"{centre:.6g}", WindowWidth=f"{width:.6g}", VOILUTFunction=function
    )
    dataset.BitsStored = 12
    expected = apply_windowing(values[None], dataset)[0] / 4095
    found = apply_window(
        values.astype(float), float(dataset.WindowCenter), float(dataset.WindowWidth), function=function
    )
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_narrow_sigmoid_is_a_step_without_a_warning() -> None:
    assert apply_window(np.array([-1e6, 3, 1e6]), 3, 1e-3, function="SIGMOID").tolist() == [0, 0.5, 1]


def test_a_voi_table_is_honoured(tmp_path: Path) -> None:
    table = pydicom.Dataset()
    table.LUTDescriptor = [4, 10, 10]  # four entries from the value 10 on, of 10 bits
    table.LUTData = np.array([0, 341, 682, 1023], "<u2").tobytes()
    image = read_dicom(save(tmp_path / "a.dcm", np.array([[0, 11, 12, 99]], np.uint16), VOILUTSequence=[table]))
    np.testing.assert_array_equal(image.pixels, [[0, 21_845, 43_690, 65_535]])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_colour_slices_become_rgb_of_their_depth(dtype: type, tmp_path: Path) -> None:
    pixels = np.arange(18, dtype=dtype).reshape(2, 3, 3)
    image = read_dicom(save(tmp_path / "a.dcm", pixels))
    assert image.pixels.dtype == dtype
    np.testing.assert_array_equal(image.pixels, pixels)


def test_ybr_becomes_rgb(tmp_path: Path) -> None:
    ybr = np.full((2, 2, 3), (76, 85, 255), np.uint8)  # red by BT.601
    image = read_dicom(save(tmp_path / "a.dcm", ybr, PhotometricInterpretation="YBR_FULL"))
    assert np.abs(image.pixels.astype(int) - (255, 0, 0)).max() <= 2


def test_a_palette_becomes_rgb(tmp_path: Path) -> None:
    palette = {}
    for name, values in (("Red", (0, 65_535)), ("Green", (257, 0)), ("Blue", (0, 257))):
        palette[f"{name}PaletteColorLookupTableDescriptor"] = [2, 0, 16]
        palette[f"{name}PaletteColorLookupTableData"] = np.array(values, "<u2").tobytes()
    pixels = np.array([[0, 1]], np.uint8)
    image = read_dicom(save(tmp_path / "a.dcm", pixels, PhotometricInterpretation="PALETTE COLOR", **palette))
    np.testing.assert_array_equal(image.pixels, np.array([[[0, 257, 0], [65_535, 0, 257]]], np.uint16))


def test_compressed_and_implicit_slices_are_read(tmp_path: Path) -> None:
    plain = read_dicom(save(tmp_path / "a.dcm"))
    compressed = make_dataset()
    compressed.compress(RLELossless, generate_instance_uid=False)
    compressed.save_as(tmp_path / "rle.dcm", enforce_file_format=True)
    np.testing.assert_array_equal(read_dicom(tmp_path / "rle.dcm").pixels, plain.pixels)
    implicit = save(tmp_path / "implicit.dcm", syntax=ImplicitVRLittleEndian)
    np.testing.assert_array_equal(read_dicom(implicit).pixels, plain.pixels)


def test_slices_without_a_suffix_are_read_as_pictures_and_listed(tmp_path: Path) -> None:
    for name in ("IM0001", "1.2.840.7", "slice.old"):
        save(tmp_path / name)
    (tmp_path / "README").write_text("no slice")
    save(tmp_path / "a.DCM")
    assert read_image(tmp_path / "IM0001").size == (2, 2)
    assert [path.name for path in list_images(tmp_path)] == ["1.2.840.7", "a.DCM", "IM0001"]


def test_the_limit_of_pixels_counts_here_too(tmp_path: Path) -> None:
    bomb = save(tmp_path / "bomb.dcm", Rows=60_000, Columns=60_000)
    with pytest.raises(ImageReadError, match=r"bomb\.dcm .* promises 60000 x 60000 pixels"):
        read_image(bomb)
    with pytest.raises(ImageReadError, match=r"promises 2 x 2 pixels, and 1 to 3 are read"):
        read_image(save(tmp_path / "a.dcm"), max_pixels=3)


def test_what_holds_no_single_picture_is_refused(tmp_path: Path) -> None:
    frames = save(tmp_path / "frames.dcm", np.zeros((2, 2), np.uint8), NumberOfFrames=3, PixelData=bytes(12))
    with pytest.raises(ImageReadError, match=r"frames\.dcm cannot be read as DICOM: it holds 3 frames; export each"):
        read_dicom(frames)
    report = make_dataset()
    del report.PixelData, report.Rows
    report.save_as(tmp_path / "report.dcm", enforce_file_format=True)
    with pytest.raises(ImageReadError, match=r"report\.dcm cannot be read as DICOM: it holds no picture"):
        read_dicom(tmp_path / "report.dcm")


def test_no_beginning_of_a_file_is_read(tmp_path: Path) -> None:
    data = save(tmp_path / "a.dcm").read_bytes()
    for length in range(1, len(data), 29):
        (tmp_path / "cut.dcm").write_bytes(data[:length])
        with pytest.raises(ImageReadError, match=r"cut\.dcm cannot be read as DICOM"):
            read_image(tmp_path / "cut.dcm")


@pytest.mark.parametrize("content", [b"", b"no DICOM file at all", b"\x89PNG\r\n\x1a\n"])
def test_what_only_has_the_name_is_an_error(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.dcm").write_bytes(content)
    with pytest.raises(ImageReadError, match=r"a\.dcm (is empty|cannot be read as DICOM)"):
        read_image(tmp_path / "a.dcm")


def test_a_missing_slice_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImageReadError, match=r"gone\.dcm cannot be read: no such file"):
        read_image(tmp_path / "gone.dcm")

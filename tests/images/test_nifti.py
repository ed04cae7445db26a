"""NIfTI volumes come in as slices and go out in the same place in space."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

from imfuse.errors import ImageReadError, ImageWriteError, SourceError
from imfuse.images.nifti import read_volume, write_volume

load: Any = nibabel.load
AFFINE = np.array([[-0.8, 0.1, 0, 90], [0, 0.9, 0.2, -126], [0.05, 0, 2.5, -72], [0, 0, 0, 1.0]])
VOXELS = np.random.default_rng(0).integers(-1000, 2000, (5, 4, 3)).astype(np.int16)


def save(path: Path, voxels: np.ndarray[Any, Any] = VOXELS, kind: type = nibabel.Nifti1Image) -> Path:
    image = kind(voxels, AFFINE)
    image.header.set_xyzt_units("mm")
    image.header["descrip"] = b"a scan"
    image.header["cal_max"] = 1000
    nibabel.save(image, path)
    return path


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "A.NII.GZ"])
def test_slices_lie_along_the_last_axis(name: str, tmp_path: Path) -> None:
    volume = read_volume(save(tmp_path / name), value_range="minmax")
    assert volume.data.shape == (3, 4, 5)
    assert volume.data.dtype == np.float32
    low, high = int(VOXELS.min()), int(VOXELS.max())
    assert volume.data[2, 1, 4] == pytest.approx((int(VOXELS[4, 1, 2]) - low) / (high - low))
    assert (volume.data.min(), volume.data.max()) == (0, 1)
    np.testing.assert_array_equal(volume.affine, load(tmp_path / name).affine)


@pytest.mark.parametrize("kind", [nibabel.Nifti1Image, nibabel.Nifti2Image])
@pytest.mark.parametrize("name", ["out.nii", "out.nii.gz", "new/out.nii.gz"])
def test_what_is_written_lies_where_the_source_lay(name: str, kind: type, tmp_path: Path) -> None:
    volume = read_volume(save(tmp_path / "a.nii", kind=kind))
    fused = np.random.default_rng(1).random((3, 4, 5), np.float32)
    write_volume(tmp_path / name, fused, volume)
    source, back = load(tmp_path / "a.nii"), load(tmp_path / name)
    assert type(back) is kind
    np.testing.assert_array_equal(back.affine, source.affine)
    np.testing.assert_array_equal(back.get_fdata(dtype=np.float32), fused.T)
    assert back.get_data_dtype() == np.float32
    for field in ("sform_code", "qform_code", "pixdim", "xyzt_units", "descrip", "srow_x", "quatern_b"):
        np.testing.assert_array_equal(back.header[field], source.header[field])
    assert (back.header["cal_min"], back.header["cal_max"]) == (0, 1)
    assert [path.name for path in (tmp_path / name).parent.iterdir() if path.name.startswith(".")] == []


def test_a_source_that_is_written_unchanged_reads_the_same(tmp_path: Path) -> None:
    volume = read_volume(save(tmp_path / "a.nii"), value_range="minmax")
    write_volume(tmp_path / "b.nii.gz", volume.data, volume)
    np.testing.assert_array_equal(read_volume(tmp_path / "b.nii.gz", value_range="minmax").data, volume.data)


def test_the_percentiles_leave_an_outlier_out(tmp_path: Path) -> None:
    voxels = np.linspace(0, 100, 10_000, dtype=np.float32).reshape(100, 10, 10)
    voxels[0, 0, 0] = 1e6
    data = read_volume(save(tmp_path / "a.nii", voxels)).data
    low, high = np.percentile(voxels, (0.5, 99.5))
    np.testing.assert_allclose(data, np.clip((voxels.T - low) / (high - low), 0, 1), atol=1e-6)


def test_a_window_is_a_range_in_the_unit_of_the_file(tmp_path: Path) -> None:
    path = save(tmp_path / "a.nii", np.array([[[-160, 40, 140, 240, 999]]], np.int16))
    np.testing.assert_allclose(read_volume(path, window=(40, 400)).data.ravel(), [0, 0.5, 0.75, 1, 1])
    with pytest.raises(SourceError, match="a width above 0 was expected"):
        read_volume(path, window=(40, -1))


def test_slope_and_intercept_of_the_header_are_applied(tmp_path: Path) -> None:
    image = nibabel.Nifti1Image(np.array([[[0, 10, 20]]], np.int16), AFFINE)
    image.header.set_slope_inter(2, -100)
    (tmp_path / "a.nii").write_bytes(image.to_bytes())
    data = bytearray((tmp_path / "a.nii").read_bytes())
    data[112:120] = np.array([2, -100], "<f4").tobytes()
    (tmp_path / "a.nii").write_bytes(data)
    stored = load(tmp_path / "a.nii").get_fdata()
    low, high = stored.min(), stored.max()
    expected = (stored.ravel() - low) / (high - low)
    np.testing.assert_allclose(read_volume(tmp_path / "a.nii", value_range="minmax").data.ravel(), expected)


def test_what_is_no_number_is_dark(tmp_path: Path) -> None:
    voxels = np.array([[[np.nan, 1, 2, np.inf, -np.inf]]], np.float32)
    np.testing.assert_array_equal(read_volume(save(tmp_path / "a.nii", voxels)).data.ravel(), [0, 0.0, 1.0, 1, 0])
    with pytest.raises(ImageReadError, match=r"b\.nii cannot be read as NIfTI: it holds no finite value.* export"):
        read_volume(save(tmp_path / "b.nii", voxels * np.nan))


@pytest.mark.parametrize("shape", [(1, 1, 1), (4, 3), (4, 3, 2, 1, 1)])
def test_flat_volumes_of_every_admitted_shape_are_read(shape: tuple[int, ...], tmp_path: Path) -> None:
    data = read_volume(save(tmp_path / "a.nii", np.full(shape, 7, np.int16))).data
    assert data.shape == (*shape, 1)[:3][::-1]
    np.testing.assert_array_equal(data, 0)


@pytest.mark.parametrize(
    ("voxels", "message"),
    [
        (np.zeros((2, 2, 2, 5), np.int16), r"it has the shape \(2, 2, 2, 5\), and two or three axes .*one volume out"),
        (np.zeros((2, 2, 2), np.complex64), "type complex64, and one number a voxel"),
        (np.zeros((2, 2, 2), [("R", "u1"), ("G", "u1"), ("B", "u1")]), "one number a voxel"),
    ],
)
def test_what_is_no_volume_is_refused(voxels: np.ndarray[Any, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ImageReadError, match=rf"a\.nii cannot be read as NIfTI: .*{message}"):
        read_volume(save(tmp_path / "a.nii", voxels))


def test_a_header_that_promises_too_much_is_refused(tmp_path: Path) -> None:
    data = bytearray(save(tmp_path / "a.nii").read_bytes())
    data[40:48] = np.array([3, 30_000, 30_000, 30_000], "<i2").tobytes()
    (tmp_path / "bomb.nii.gz").write_bytes(gzip.compress(data))
    with pytest.raises(ImageReadError, match=r"bomb\.nii\.gz .* promises the shape \(30000, 30000, 30000\)"):
        read_volume(tmp_path / "bomb.nii.gz")
    with pytest.raises(ImageReadError, match="at most 59 voxels are read"):
        read_volume(tmp_path / "a.nii", max_voxels=59)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_no_beginning_of_a_file_is_read(name: str, tmp_path: Path) -> None:
    data = save(tmp_path / name).read_bytes()
    for length in (1, 10, len(data) // 2, len(data) - 30):
        (tmp_path / f"cut_{name}").write_bytes(data[:length])
        with pytest.raises(ImageReadError, match=rf"cut_{name} cannot be read as NIfTI"):
            read_volume(tmp_path / f"cut_{name}")


def test_missing_empty_and_foreign_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(ImageReadError, match=r"gone\.nii cannot be read: no such file"):
        read_volume(tmp_path / "gone.nii")
    (tmp_path / "empty.nii").touch()
    with pytest.raises(ImageReadError, match=r"empty\.nii is empty"):
        read_volume(tmp_path / "empty.nii")
    (tmp_path / "text.nii").write_text("no volume " * 100)
    with pytest.raises(ImageReadError, match=r"text\.nii cannot be read as NIfTI"):
        read_volume(tmp_path / "text.nii")


def test_another_shape_or_suffix_is_not_written(tmp_path: Path) -> None:
    volume = read_volume(save(tmp_path / "a.nii"))
    with pytest.raises(ImageWriteError, match=r"b\.nii was given slices of shape \(3, 4, 4\), and \(3, 4, 5\)"):
        write_volume(tmp_path / "b.nii", volume.data[..., 1:], volume)
    with pytest.raises(ImageWriteError, match=r"b\.png has the suffix '.png', and .nii or .nii.gz was expected"):
        write_volume(tmp_path / "b.png", volume.data, volume)
    with pytest.raises(ImageWriteError, match=r"c\.nii cannot be written"):
        write_volume(tmp_path / "a.nii" / "c.nii", volume.data, volume)
    assert [path.name for path in tmp_path.iterdir()] == ["a.nii"]

"""DICOM slices and NIfTI volumes are told apart from pictures, with and without the extra."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from imfuse.errors import MissingExtraError
from imfuse.images.files import read_image, write_image
from imfuse.images.medical import is_dicom, is_medical, is_volume, read_volume


@pytest.mark.parametrize(
    ("name", "dicom", "volume"),
    [
        ("a.dcm", True, False),
        ("A.DICOM", True, False),
        ("a.nii", False, True),
        ("a.b.NII.GZ", False, True),
        ("a.gz", False, False),
        ("a.png", False, False),
        ("nii", False, False),
    ],
)
def test_names_tell_what_a_file_is(name: str, dicom: bool, volume: bool) -> None:
    assert (is_dicom(name), is_volume(name), is_medical(Path("x", name))) == (dicom, volume, dicom or volume)


def test_a_dicom_file_without_a_suffix_is_known_by_its_first_bytes(tmp_path: Path) -> None:
    (tmp_path / "IM0001").write_bytes(bytes(128) + b"DICM")
    (tmp_path / "IM0002").write_bytes(bytes(128))
    assert is_medical(tmp_path / "IM0001")
    assert not is_medical(tmp_path / "IM0002")
    assert not is_medical(tmp_path)


@pytest.mark.parametrize(("package", "name"), [("pydicom", "a.dcm"), ("nibabel", "a.nii")])
def test_without_the_extra_the_error_names_it_and_pictures_are_read(
    package: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)  # as if it were not installed
    (tmp_path / name).write_bytes(bytes(200))
    with pytest.raises(MissingExtraError, match=rf"{name} is a .*pip install imfuse\[medical\]"):
        (read_image if package == "pydicom" else read_volume)(tmp_path / name)
    write_image(tmp_path / "a.png", np.zeros((2, 2), np.uint8))
    assert read_image(tmp_path / "a.png").size == (2, 2)


def test_nothing_medical_is_imported_before_it_is_needed() -> None:
    code = "import sys, imfuse.images.files; print({'pydicom', 'nibabel', 'cv2'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert found.strip() == "set()"

"""Medical files, told by their names and first bytes; DICOM slices and NIfTI volumes need the extra `medical`."""

from __future__ import annotations

from pathlib import Path

from imfuse.images.dicom import read_dicom
from imfuse.images.nifti import Volume, read_volume, write_volume

__all__ = [
    "DICOM_SUFFIXES",
    "VOLUME_SUFFIXES",
    "Volume",
    "file_stem",
    "is_dicom",
    "is_medical",
    "is_volume",
    "read_dicom",
    "read_volume",
    "write_volume",
]

DICOM_SUFFIXES = frozenset({".dcm", ".dicom"})
"""Suffixes, in small letters, that DICOM files have, where they have one."""

VOLUME_SUFFIXES = (".nii", ".nii.gz")
"""Endings, in small letters, of NIfTI volumes."""


def is_medical(path: str | Path) -> bool:
    """Whether a file is a DICOM slice or a NIfTI volume.

    >>> is_medical("brain.NII.gz"), is_medical("scene.png")
    (True, False)
    """
    return is_dicom(path) or is_volume(path)


def is_volume(path: str | Path) -> bool:
    """Whether a file is called as a NIfTI volume is."""
    return Path(path).name.lower().endswith(VOLUME_SUFFIXES)


def file_stem(path: str | Path) -> str:
    """The name of a file without its suffix: `.nii.gz` is one, and the digits that end a DICOM identifier are none.

    >>> file_stem("brain.nii.gz"), file_stem("v1.2.png"), file_stem("1.2.840.7")
    ('brain', 'v1.2', '1.2.840.7')
    """
    path = Path(path)
    for suffix in sorted(VOLUME_SUFFIXES, key=len, reverse=True):
        if path.name.lower().endswith(suffix) and len(path.name) > len(suffix):
            return path.name[: -len(suffix)]
    return path.name if path.suffix[1:].isdecimal() else path.stem


def is_dicom(path: str | Path) -> bool:
    """Whether a file is called as a DICOM slice is, or begins as one does: they often have no suffix."""
    path = Path(path)
    if path.suffix.lower() in DICOM_SUFFIXES:
        return True
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return file.read(132)[128:] == b"DICM"
    except (OSError, ValueError):  # whoever reads it says why it cannot be read
        return False

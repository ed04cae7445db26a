"""NIfTI volumes: slices in, slices out, with the place in space kept."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from imfuse.errors import ImageReadError, ImageWriteError, MissingExtraError, SourceError
from imfuse.images.storage import check_readable, first_line, write_file

MAX_VOXELS = 2**30
"""What `read_volume` reads unless told otherwise: 4 GB in memory."""

_SAMPLE = 2**22


@dataclass(frozen=True, eq=False)
class Volume:
    """A volume as slices.

    Attributes:
        data: `(slices, h, w)` float32 in [0, 1]. The slices lie along the last axis of the file, the rows along its
            second and the columns along its first, so `data[k, j, i]` is voxel `(i, j, k)`.
        affine: `(4, 4)`, voxel `(i, j, k)` to millimetres.
        header: the NIfTI header of the file.
        path: the file it came from.
    """

    data: NDArray[np.float32]
    affine: NDArray[np.float64]
    header: Any
    path: Path


def read_volume(
    path: str | Path,
    *,
    value_range: Literal["percentile", "minmax"] = "percentile",
    window: tuple[float, float] | None = None,
    max_voxels: int = MAX_VOXELS,
) -> Volume:
    """Read a NIfTI volume (`.nii`, `.nii.gz`).

    Args:
        path: the file, of three axes; a single slice is a volume of one.
        value_range: what becomes 0 and 1: the 0.5 and 99.5 percentiles of the whole volume, or its extremes. NaN,
            which often stands for what lies outside a mask, becomes 0.
        window: centre and width in the unit of the file instead, as `(40, 400)` Hounsfield units.
        max_voxels: a header that promises more is an error.

    Raises:
        ImageReadError: the file is missing, unreadable, damaged, of another shape or of colours.
        SourceError: a window whose width is not positive.
        MissingExtraError: the extra `medical` is not installed.
    """
    path = Path(path)
    if window is not None and not window[1] > 0:
        raise SourceError(f"found the window {window} (centre, width), and a width above 0 was expected")
    check_readable(path)
    nibabel = _nibabel(path)
    try:
        image = nibabel.load(path)
        _check(image, max_voxels)
        values = image.get_fdata(dtype=np.float32, caching="unchanged")
        values = values.reshape((*values.shape, 1, 1)[:3]).T
        low, high = _limits(values, value_range) if window is None else _window_limits(*window)
    except Exception as error:  # a damaged file makes nibabel raise whatever its readers raise
        raise ImageReadError(f"{path} cannot be read as NIfTI: {first_line(error)}") from error
    return Volume(_to_unit(values, low, high), np.array(image.affine), image.header.copy(), path)


def write_volume(path: str | Path, data: NDArray[np.float32], like: Volume) -> None:
    """Write slices as a float32 NIfTI volume that lies where another does; it appears whole or not at all.

    Args:
        path: the file, `.nii` or `.nii.gz`.
        data: `(slices, h, w)` in [0, 1], as `like.data`.
        like: the volume whose affine and header are kept.

    Raises:
        ImageWriteError: another suffix or shape, or the file cannot be written.
        MissingExtraError: the extra `medical` is not installed.
    """
    path = Path(path)
    if not path.name.lower().endswith((".nii", ".nii.gz")):
        raise ImageWriteError(f"{path} has the suffix {path.suffix!r}, and .nii or .nii.gz was expected for a volume")
    if data.shape != like.data.shape:
        raise ImageWriteError(f"{path} was given slices of shape {data.shape}, and {like.data.shape} was expected")
    nibabel = _nibabel(path)
    header = like.header.copy()
    header.set_data_dtype(np.float32)
    header["cal_min"], header["cal_max"] = 0, 1  # viewers would show the new values by the old ones' range
    kind = nibabel.Nifti2Image if isinstance(header, nibabel.Nifti2Header) else nibabel.Nifti1Image
    content = kind(np.asarray(data, np.float32).T, like.affine, header).to_bytes()
    packed = path.suffix.lower() == ".gz"
    write_file(path, gzip.compress(content, 1, mtime=0) if packed else content)


def _nibabel(path: Path) -> Any:
    try:
        import nibabel
    except ImportError as error:
        raise MissingExtraError(f"{path} is a NIfTI volume: for these, `pip install imfuse[medical]`") from error
    return nibabel


def _check(image: Any, max_voxels: int) -> None:
    shape, kind = image.shape, image.dataobj.dtype
    if any(side != 1 for side in shape[3:]) or len(shape) < 2 or 0 in shape:
        advice = "; take one volume out of the series first" if len(shape) > 3 else ""
        raise ValueError(f"it has the shape {shape}, and two or three axes were expected{advice}")
    if np.prod(shape, dtype=float) > max_voxels:
        raise ValueError(
            f"it promises the shape {shape}, and at most {max_voxels} voxels are read; crop or resample it with "
            "another tool first, or call read_volume with a larger max_voxels"
        )
    if kind.kind not in "iuf":
        raise ValueError(f"it holds values of type {kind}, and one number a voxel was expected")


def _limits(values: NDArray[np.float32], value_range: str) -> tuple[float, float]:
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        raise ValueError("it holds no finite value, so there is nothing to fuse; export it again, or check its mask")
    extremes = float(finite.min()), float(finite.max())
    if value_range == "minmax":
        return extremes
    low, high = np.percentile(finite[:: max(1, finite.size // _SAMPLE)], (0.5, 99.5))
    return (float(low), float(high)) if high > low else extremes


def _window_limits(centre: float, width: float) -> tuple[float, float]:
    return centre - width / 2, centre + width / 2


def _to_unit(values: NDArray[np.float32], low: float, high: float) -> NDArray[np.float32]:
    unit = np.clip((values - np.float32(low)) / np.float32((high - low) or 1.0), 0, 1)
    return np.ascontiguousarray(np.nan_to_num(unit, copy=False, nan=0.0), dtype=np.float32)

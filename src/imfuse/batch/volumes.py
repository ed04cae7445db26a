"""One job on medical volumes: slice by slice, written as a volume that lies where the second source does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from imfuse.batch.job import FuseOptions, Job, Product
from imfuse.batch.registration import REFERENCE
from imfuse.errors import SourceError
from imfuse.images.files import write_image
from imfuse.images.medical import Volume, is_volume, read_volume, write_volume
from imfuse.images.sheet import fusion_sheet
from imfuse.runtime.fuser import Fuser


def fuse_volume_job(
    fuser: Fuser, job: Job, names: Sequence[str], options: FuseOptions, approve: Callable[[Path], None]
) -> Product:
    """Do one job whose sources are NIfTI volumes.

    A contact sheet shows the middle slice.

    Raises:
        ImfuseError: a volume cannot be read or written, or the volumes do not lie in the same place.
    """
    _check_kinds(job.stack.paths)
    _check_options(options)
    ranges = options.value_range or ("percentile",) * len(job.stack.paths)
    windows = options.windows or (None,) * len(names)
    volumes = [
        read_volume(path, value_range="minmax" if r == "minmax" else "percentile", window=window)
        for path, r, window in zip(job.stack.paths, ranges, windows, strict=True)
    ]
    _check_space(volumes)
    output = job.target.folder / f"{job.target.stem}{job.target.suffix or '.nii.gz'}"
    if not is_volume(output):
        raise SourceError(f"{output}: fused volumes are written as .nii or .nii.gz; choose one of these")
    approve(output)
    slices = zip(*(volume.data for volume in volumes), strict=True)
    fused = np.stack([fuser(*sources) for sources in slices]).astype(np.float32)
    write_volume(output, fused, volumes[REFERENCE])
    return Product(output, _write_sheet(job, volumes, names, fused) if options.sheet else None)


def _check_kinds(paths: Sequence[Path]) -> None:
    volume = next(path for path in paths if is_volume(path))
    for path in paths:
        if not is_volume(path):
            raise SourceError(f"{volume} is a volume and {path} is not; fuse volumes with volumes")


def _check_options(options: FuseOptions) -> None:
    """Refuse what means nothing for a volume, rather than pass it over."""
    wrong = [name for name in ("resize", "align", "depth") if getattr(options, name) is not None]
    if wrong:
        raise SourceError(f"--{wrong[0]}: not for volumes; bring them onto one grid first, with your registration tool")
    if "dtype" in (options.value_range or ()):
        raise SourceError("--range dtype: volumes have no full range of their own; use minmax or percentile")


def _check_space(volumes: Sequence[Volume]) -> None:
    """Volumes that are fused have the same grid at the same place, to a hundredth of a voxel."""
    first = volumes[0]
    for volume in volumes[1:]:
        if volume.data.shape != first.data.shape:
            raise SourceError(
                f"{first.path} holds {first.data.shape} voxels (slices, rows, columns) and {volume.path} "
                f"{volume.data.shape}; resample them onto one grid first"
            )
        voxel = np.abs(first.affine[:3, :3]).max()
        if not np.allclose(volume.affine, first.affine, rtol=0, atol=0.01 * voxel):
            raise SourceError(
                f"{first.path} and {volume.path} lie at different places (their affines differ by up to "
                f"{np.abs(volume.affine - first.affine).max():.3g} mm); resample them onto one grid first"
            )


def _write_sheet(job: Job, volumes: Sequence[Volume], names: Sequence[str], fused: NDArray[np.float32]) -> Path:
    middle = len(fused) // 2
    path = job.target.folder / "sheets" / f"{job.target.stem}.png"
    write_image(path, fusion_sheet([volume.data[middle] for volume in volumes], names, fused[middle]))
    return path

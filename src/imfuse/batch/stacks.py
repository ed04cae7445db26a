"""One job from its files to its file: read, bring to one size, register, fuse, write."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from imfuse.batch.job import FuseOptions, Job, Product, Target, Window
from imfuse.batch.registration import REFERENCE, register_images
from imfuse.errors import ImageWriteError, SourceError
from imfuse.images.depth import deepest_dtype
from imfuse.images.encoding import FORMATS
from imfuse.images.files import read_image, write_image
from imfuse.images.image import Image
from imfuse.images.medical import is_dicom, is_volume, read_dicom
from imfuse.images.sizes import check_sizes, match_sizes, stretch_remarks
from imfuse.runtime.fuser import Fuser

TYPES = {"8": np.dtype(np.uint8), "16": np.dtype(np.uint16), "float": np.dtype(np.float32)}

Approve = Callable[[Path], None]
"""Called with the path before it is written; raises to refuse."""


def fuse_job(fuser: Fuser, job: Job, options: FuseOptions, approve: Approve) -> Product:
    """Do one job.

    Raises:
        ImfuseError: a source cannot be read, the sources do not go together, or the result cannot be written.
    """
    names = fuser.source_names(len(job.stack.paths))
    if any(is_volume(path) for path in job.stack.paths):
        from imfuse.batch.volumes import fuse_volume_job

        return fuse_volume_job(fuser, job, names, options, approve)
    windows = options.windows or (None,) * len(names)
    sources = [_read(path, window) for path, window in zip(job.stack.paths, windows, strict=True)]
    images, remarks = prepare(sources, names, options)
    dtype, suffix = choose_type(images, options, job.target)
    output = job.target.folder / f"{job.target.stem}{suffix}"
    approve(output)
    # A window has said what is black and white; 16 bits beside 8 would otherwise be stretched as raw infrared.
    value_range = options.value_range or ("dtype" if options.windows else None)
    fused = fuser.fuse_images(images, value_range=value_range, dtype=dtype)
    write_image(output, fused.pixels, alpha=fused.alpha)
    sheet = _write_sheet(job, images, names, fused) if options.sheet else None
    return Product(output, sheet, remarks)


def _read(path: Path, window: Window | None) -> Image:
    if window is None:
        return read_image(path)
    if not is_dicom(path):
        raise SourceError(f"{path}: no medical file, so --window means nothing for it; write `file` in its place")
    return read_dicom(path, window=window)


def prepare(images: Sequence[Image], names: Sequence[str], options: FuseOptions) -> tuple[list[Image], tuple[str, ...]]:
    """Images of one size that show the same place at the same pixel, and remarks on how they were brought there.

    Raises:
        SourceError: unequal sizes, and neither `resize` nor `align` says what to do.
        AlignmentError: the registration did not improve the match.
    """
    stretched: tuple[str, ...] = ()
    if options.resize is not None:
        stretched = stretch_remarks([image.size for image in images], options.resize, names)
        images = match_sizes(images, options.resize)
    if options.align is not None:
        registered, moved = register_images(images, names, options.align)
        return registered, (*stretched, *moved)
    check_sizes(images, names)
    return list(images), stretched


def choose_type(images: Sequence[Image], options: FuseOptions, target: Target) -> tuple[np.dtype[Any], str]:
    """Type and suffix of the result, so that the format can hold it.

    A depth that was asked for is kept or refused; the depth of the sources yields to a format that was asked for.

    Raises:
        ImageWriteError: the format that was asked for cannot hold the depth that was asked for.
    """
    dtype = TYPES[options.depth] if options.depth else deepest_dtype([image.pixels for image in images])
    if target.suffix is None:
        return dtype, _fitting_suffix(images, dtype)
    form = FORMATS.get(target.suffix.lower())
    if form is None or dtype.name in form.depths:
        return dtype, target.suffix
    if options.depth is None:
        return np.dtype(form.depths[-1]), target.suffix
    raise ImageWriteError(
        f"{target.stem}{target.suffix}: {form.name} holds {' and '.join(form.depths)}, and --depth {options.depth} was "
        "asked for; use .png for 16 bits, .tif for floats"
    )


def _fitting_suffix(images: Sequence[Image], dtype: np.dtype[Any]) -> str:
    """The second source's suffix if it can hold the type and the alpha, else PNG, or TIFF for floats."""
    path = images[REFERENCE].path
    form = FORMATS.get(path.suffix.lower()) if path is not None else None
    transparent = any(image.alpha is not None for image in images)
    if path is not None and form is not None and dtype.name in form.depths and (form.alpha or not transparent):
        return path.suffix.lower()
    return ".tif" if dtype == TYPES["float"] else ".png"


def _write_sheet(job: Job, images: Sequence[Image], names: Sequence[str], fused: Image) -> Path:
    """The contact sheet, in a folder of its own, so that the fused pictures stay among themselves."""
    from imfuse.images.sheet import fusion_sheet

    path = job.target.folder / "sheets" / f"{job.target.stem}.png"
    write_image(path, fusion_sheet([image.pixels for image in images], names, fused.pixels))
    return path

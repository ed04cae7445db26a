"""DICOM slices as pictures: modality rescale, then the window of the file or the user's (PS3.3 C.11)."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imfuse.errors import ImageReadError, MissingExtraError, SourceError
from imfuse.images.decoding import MAX_PIXELS
from imfuse.images.image import Image
from imfuse.images.storage import first_line, read_file


def read_dicom(path: str | Path, *, window: tuple[float, float] | None = None, max_pixels: int = MAX_PIXELS) -> Image:
    """Read one slice as it is meant to be seen.

    Grey slices become uint16 over the full range: after slope and intercept (or the modality table), the first
    window of the file, or its VOI table, or without either all of its values from lowest to highest, padding left
    out. `MONOCHROME1`, where low means white, is inverted. Colour slices become RGB of the depth that they have.

    Args:
        path: the file.
        window: centre and width, as Hounsfield units in CT, instead of the window of the file.
        max_pixels: a header that promises more is an error.

    Raises:
        ImageReadError: the file is missing, unreadable, damaged, without a picture or with several.
        SourceError: a window whose width is not positive.
        MissingExtraError: the extra `medical` is not installed.
    """
    path = Path(path)
    if window is not None and not window[1] > 0:
        raise SourceError(f"found the window {window} (centre, width), and a width above 0 was expected")
    data = read_file(path)
    try:
        import pydicom
    except ImportError as error:
        raise MissingExtraError(f"{path} is a DICOM file: to read it, `pip install imfuse[medical]`") from error
    try:
        dataset = pydicom.dcmread(BytesIO(data))
        _check(dataset, max_pixels)
        pixels = _colours(dataset) if dataset.get("SamplesPerPixel", 1) == 3 else _grey(dataset, window)
    except Exception as error:  # a damaged file makes pydicom raise whatever its decoders raise
        raise ImageReadError(f"{path} cannot be read as DICOM: {first_line(error)}") from error
    return Image(pixels, None, path)


def _check(dataset: Any, max_pixels: int) -> None:
    if not {"Rows", "Columns", "BitsAllocated"} <= set(dataset.dir()):
        raise ValueError("it holds no picture")
    if int(dataset.get("NumberOfFrames") or 1) > 1:
        raise ValueError(f"it holds {dataset.NumberOfFrames} frames; export each as a file, or the series as NIfTI")
    if not 0 < dataset.Rows * dataset.Columns <= max_pixels:
        size = f"{dataset.Columns} x {dataset.Rows}"
        raise ValueError(
            f"it promises {size} pixels, and 1 to {max_pixels} are read; crop or scale it with another tool first, or "
            "call read_dicom with a larger max_pixels"
        )


def _colours(dataset: Any) -> Any:
    pixels = dataset.pixel_array  # pydicom turns YBR into RGB
    return np.ascontiguousarray(pixels.astype(np.uint8 if dataset.BitsStored <= 8 else np.uint16))


def _grey(dataset: Any, window: tuple[float, float] | None) -> Any:
    from pydicom.pixels.processing import apply_color_lut, apply_modality_lut

    stored = dataset.pixel_array
    if dataset.PhotometricInterpretation == "PALETTE COLOR":
        colours = apply_color_lut(stored, dataset)
        return colours if colours.dtype == np.uint8 else colours.astype(np.uint16)
    unit = _to_unit(apply_modality_lut(stored, dataset).astype(np.float64), stored, dataset, window)
    if dataset.PhotometricInterpretation == "MONOCHROME1":
        unit = 1 - unit
    return np.rint(unit * 65_535).astype(np.uint16)


def _to_unit(
    values: NDArray[np.float64], stored: NDArray[Any], dataset: Any, window: tuple[float, float] | None
) -> NDArray[np.float64]:
    """Values into [0, 1] by the first of: the user's window, the file's window, its VOI table, all values."""
    found = window or _file_window(dataset)
    if found:
        return apply_window(values, *found, function=str(dataset.get("VOILUTFunction") or "LINEAR"))
    if dataset.get("VOILUTSequence"):
        from pydicom.pixels.processing import apply_voi

        bits = int(dataset.VOILUTSequence[0].LUTDescriptor[2])
        return np.clip(apply_voi(values.astype(np.int64), dataset) / (2.0**bits - 1), 0, 1)
    padding = dataset.get("PixelPaddingValue")
    seen = values[stored != padding] if padding is not None and (stored != padding).any() else values
    low, high = float(seen.min()), float(seen.max())
    return np.clip((values - low) / ((high - low) or 1.0), 0, 1)


def _file_window(dataset: Any) -> tuple[float, float] | None:
    """The first window of the file; some files hold a width of 0 for none."""
    centre, width = (np.atleast_1d(dataset.get(name) or 0) for name in ("WindowCenter", "WindowWidth"))
    return (float(centre[0]), float(width[0])) if float(width[0]) > 0 else None


def apply_window(
    values: NDArray[np.float64], centre: float, width: float, *, function: str = "LINEAR"
) -> NDArray[np.float64]:
    """Map a window to [0, 1] (PS3.3 C.11.2.1.2 and C.11.2.1.3).

    Args:
        values: in the unit of the window.
        centre: of the window.
        width: of the window, above 0.
        function: `LINEAR`, `LINEAR_EXACT` or `SIGMOID`.

    >>> apply_window(np.array([-160.0, 40.0, 240.0]), 40, 400, function="LINEAR_EXACT").tolist()
    [0.0, 0.5, 1.0]
    """
    if function == "SIGMOID":
        return 0.5 + 0.5 * np.tanh(2 * (values - centre) / width)  # 1 / (1 + exp(-4 ...)), which could overflow
    if function == "LINEAR" and width > 1:
        centre, width = centre - 0.5, width - 1  # the standard's window spans the whole numbers in it
    return np.clip((values - centre) / width + 0.5, 0, 1)

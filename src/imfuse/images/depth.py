"""Bit depth and value range: stored values to [0, 1] and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from imfuse.errors import SourceError
from imfuse.images.image import Pixels

ValueRange = Literal["dtype", "minmax", "percentile"]
"""What becomes 0 and 1: the limits of the type, of the values, or of all but the outermost values."""

VALUE_RANGES: tuple[str, ...] = get_args(ValueRange)
PERCENTILES = (0.5, 99.5)
THERMAL = frozenset({"infrared", "thermal"})
FLOAT_SLACK = 1e-2


def to_unit(
    pixels: Pixels, value_range: ValueRange = "dtype", percentiles: tuple[float, float] = PERCENTILES
) -> NDArray[np.float32]:
    """Bring stored values to [0, 1].

    Args:
        pixels: `(h, w)` or `(h, w, 3)`; uint8, uint16 or float. Floats are taken as [0, 1] under `dtype`.
        value_range: `dtype` (0..255, 0..65535 or 0..1), `minmax` or `percentile` of the values of all channels.
        percentiles: lower and upper percentile that become 0 and 1 under `percentile`.

    Raises:
        SourceError: an unknown value range.

    Example:
        >>> to_unit(np.array([[0, 255]], np.uint8))
        array([[0., 1.]], dtype=float32)
    """
    return scale_to_unit(pixels, value_limits(pixels, value_range, percentiles))


def scale_to_unit(pixels: Pixels, limits: tuple[float, float]) -> NDArray[np.float32]:
    """Bring stored values to [0, 1], where `limits` become 0 and 1; what lies outside is clipped."""
    low, high = limits
    if limits == (0, type_maximum(pixels.dtype)) and pixels.dtype.kind != "f":
        return np.multiply(pixels, np.float32(1 / high), dtype=np.float32)
    unit = (pixels.astype(np.float32) - np.float32(low)) * np.float32(1 / (high - low))
    return np.clip(unit, 0, 1, out=unit)


def value_limits(
    pixels: Pixels, value_range: ValueRange, percentiles: tuple[float, float] = PERCENTILES
) -> tuple[float, float]:
    """Values that become 0 and 1.

    Percentiles that coincide give way to the extremes, and those of a constant image to the limits of its type.

    Raises:
        SourceError: an unknown value range, or floats that lie outside [0, 1] under `dtype`.
    """
    if value_range not in VALUE_RANGES:
        raise SourceError(f"value range {value_range!r}: expected one of {', '.join(VALUE_RANGES)}")
    if value_range == "dtype":
        return _type_limits(pixels)
    low, high = _percentiles(pixels, percentiles) if value_range == "percentile" else (0.0, 0.0)
    if not high > low:
        low, high = float(pixels.min()), float(pixels.max())
    return (low, high) if high > low else (0.0, type_maximum(pixels.dtype))


def default_range(name: str, dtype: Any) -> ValueRange:
    """The value range of a source that nobody chose: `percentile` for 16-bit infrared, else `dtype`.

    >>> default_range("infrared", np.uint16), default_range("infrared", np.uint8), default_range("ct", np.uint16)
    ('percentile', 'dtype', 'dtype')
    """
    return "percentile" if name in THERMAL and np.dtype(dtype) == np.uint16 else "dtype"


def _type_limits(pixels: Pixels) -> tuple[float, float]:
    if pixels.dtype.kind == "f" and pixels.size:
        low, high = float(pixels.min()), float(pixels.max())
        if low < -FLOAT_SLACK or high > 1 + FLOAT_SLACK:
            raise SourceError(
                f"float pixels between {low:g} and {high:g}: expected [0, 1]; scale them, or choose what becomes black "
                "and white by the value range `minmax` or `percentile` (`--range` on the command line)"
            )
    return 0.0, type_maximum(pixels.dtype)


def from_unit(unit: Pixels, dtype: Any) -> Pixels:
    """Bring [0, 1] to the full range of `dtype` (uint8, uint16 or float32), clipped, rounded half up.

    Example:
        >>> from_unit(np.array([[0.5, 1.2]], np.float32), np.uint8)
        array([[128, 255]], dtype=uint8)
    """
    dtype = np.dtype(dtype)
    clipped = np.clip(unit, 0, 1)
    if dtype.kind == "f":
        return clipped.astype(dtype, copy=False)
    clipped *= type_maximum(dtype)
    clipped += 0.5
    return clipped.astype(dtype)


def type_maximum(dtype: Any) -> float:
    """Value that stands for white: 255, 65535, or 1 for floats.

    Raises:
        SourceError: a type that no source may have.
    """
    try:
        dtype = np.dtype(dtype)
    except TypeError as error:
        raise SourceError(f"pixel type {dtype!r}: expected uint8, uint16 or float32") from error
    if dtype in (np.uint8, np.uint16):
        return float(np.iinfo(dtype).max)
    if dtype.kind == "f":
        return 1.0
    raise SourceError(f"pixels of type {dtype}: expected uint8, uint16, or float in [0, 1]; convert the array first")


def deepest_dtype(arrays: Sequence[Pixels]) -> np.dtype:
    """The type among the arrays that holds most levels: floats over uint16 over uint8."""
    return max((a.dtype for a in arrays), key=type_rank)


def type_rank(dtype: Any) -> int:
    """Order of the pixel types by the levels that they hold."""
    dtype = np.dtype(dtype)
    return dtype.itemsize + (8 if dtype.kind == "f" else 0)


def _percentiles(pixels: Pixels, percentiles: tuple[float, float]) -> tuple[float, float]:
    """Percentiles by a histogram for integers, which is many times faster than by sorting."""
    if pixels.dtype.kind == "f":
        low, high = np.percentile(pixels, percentiles)
        return float(low), float(high)
    blocks = np.array_split(pixels, max(len(pixels) // 512, 1))  # bincount widens what it counts to 64 bits
    cumulative = np.cumsum(sum(np.bincount(b.ravel(), minlength=2**16) for b in blocks))
    ranks = np.asarray(percentiles) / 100 * (cumulative[-1] - 1)
    low, high = np.searchsorted(cumulative, ranks, side="right")
    return float(low), float(high)

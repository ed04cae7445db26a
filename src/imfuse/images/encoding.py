"""Pixels and alpha into the bytes of a picture file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imfuse.images.decoding import quiet_opencv
from imfuse.images.image import Pixels


@dataclass(frozen=True)
class Format:
    """What a file format can hold.

    Attributes:
        name: how people call it.
        depths: names of its data types.
        alpha: whether it has an alpha channel.
        longest_side: in pixels.
    """

    name: str
    depths: tuple[str, ...]
    alpha: bool
    longest_side: int


_PNG = Format("PNG", ("uint8", "uint16"), True, 1_000_000)
_JPEG = Format("JPEG", ("uint8",), False, 65_500)
_TIFF = Format("TIFF", ("uint8", "uint16", "float32"), True, 1_000_000)
_BMP = Format("BMP", ("uint8",), False, 1_000_000)
_WEBP = Format("WebP", ("uint8",), True, 16_383)

FORMATS: dict[str, Format] = {
    ".png": _PNG,
    ".jpg": _JPEG,
    ".jpeg": _JPEG,
    ".tif": _TIFF,
    ".tiff": _TIFF,
    ".bmp": _BMP,
    ".webp": _WEBP,
}
"""By suffix, in small letters."""


def encode_image(pixels: Pixels, alpha: Pixels | None, suffix: str, quality: int) -> bytes:
    """Encode a picture for a suffix, in the depth that it has.

    Args:
        pixels: `(h, w)` grey or `(h, w, 3)` RGB.
        alpha: `(h, w)` of the same type, or None. Grey with alpha is stored as RGB with alpha. An alpha that is
            opaque everywhere is left out where the format has none.
        suffix: as `.png`.
        quality: of JPEG and WebP, 1 to 100.

    Raises:
        ValueError: with what is wrong, to follow the name of the file.
    """
    form = FORMATS.get(suffix.lower())
    if form is None:
        raise ValueError(f"has the suffix {suffix!r}, and one of {' '.join(sorted(FORMATS))} was expected")
    if not 1 <= quality <= 100:
        raise ValueError(f"was to be written with quality {quality}, and 1 to 100 was expected")
    _check_array(pixels, alpha)
    _check_format(pixels, form)
    if alpha is not None and not form.alpha:
        _check_opaque(alpha, form)
        alpha = None
    return _encode(_to_opencv(pixels, alpha), suffix.lower(), quality)


def _check_array(pixels: Pixels, alpha: Pixels | None) -> None:
    if pixels.ndim not in (2, 3) or pixels.shape[2:] not in ((), (3,)) or pixels.size == 0:
        raise ValueError(f"was given an array of shape {pixels.shape}, and (h, w) or (h, w, 3) was expected")
    if alpha is not None and (alpha.shape != pixels.shape[:2] or alpha.dtype != pixels.dtype):
        found, wanted = f"{alpha.dtype} {alpha.shape}", f"{pixels.dtype} {pixels.shape[:2]}"
        raise ValueError(f"was given an alpha channel of {found}, and {wanted} was expected")
    if pixels.dtype.kind == "f" and not np.isfinite(pixels).all():
        raise ValueError("was given NaN or infinite values; replace them first")


def _check_format(pixels: Pixels, form: Format) -> None:
    if pixels.dtype.name not in form.depths:
        others = " or ".join(other.name for other in (_PNG, _TIFF) if pixels.dtype.name in other.depths)
        advice = f"choose {others} to keep them, or convert them to uint8" if others else "convert them to uint8"
        raise ValueError(f"is a {form.name} file, which cannot hold {pixels.dtype} values; {advice}")
    if max(pixels.shape[:2]) > form.longest_side:
        size = f"{pixels.shape[1]} x {pixels.shape[0]}"
        raise ValueError(f"is a {form.name} file, which cannot hold {size} pixels; choose PNG or TIFF")


def _check_opaque(alpha: Pixels, form: Format) -> None:
    opaque = 1 if alpha.dtype == np.float32 else np.iinfo(alpha.dtype.name).max
    if (alpha < opaque).any():
        raise ValueError(f"is a {form.name} file, which cannot hold transparency; choose PNG, TIFF or WebP")


def _to_opencv(pixels: NDArray[Any], alpha: NDArray[Any] | None) -> NDArray[Any]:
    import cv2

    if alpha is None:
        return pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    colour = cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGRA if pixels.ndim == 2 else cv2.COLOR_RGB2BGRA)
    colour[..., 3] = alpha
    return colour


def _encode(array: NDArray[Any], suffix: str, quality: int) -> bytes:
    import cv2

    settings = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_WEBP_QUALITY, quality]
    with quiet_opencv():
        try:
            done, data = cv2.imencode(suffix, array, settings)
        except cv2.error as error:
            raise ValueError(f"cannot be encoded: {error.err or error}") from error
    if not done:
        raise ValueError("cannot be encoded by OpenCV")
    return data.tobytes()

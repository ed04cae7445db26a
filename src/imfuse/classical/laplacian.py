"""Fusion in a Laplacian pyramid (Burt and Adelson 1983; Burt and Kolczynski 1993).

Each band takes the source whose detail is stronger there; the base, what is left below the bands, takes the
maximum or the average.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np

from imfuse.classical.method import Plane
from imfuse.classical.pixelwise import fuse_average, fuse_maximum

LEVELS = 5
"""Detail bands; a picture whose shorter side is under `2 ** LEVELS` pixels has fewer."""

SIZE_MULTIPLE = 2**LEVELS
"""Tiles must begin where the coarsest pyramid level has a pixel."""

MARGIN = 9 * 2 ** (LEVELS - 1) - 4
"""Reach of the coarsest band l = LEVELS - 1, in pixels of the picture, each step in steps of its own level:
2 (2^l - 1) down to level l, 2^(l+1) + 2^(l+1) down to l + 1 and up again, 2^l for the smoothed magnitude, and
2 (2^l - 1) up to the picture: 9 2^l - 4. The base reaches less, 4 (2^LEVELS - 1)."""

_SIGN_PREFERENCE = 1e-3


def fuse_laplacian(sources: Sequence[Plane]) -> Plane:
    """Pyramid fusion with the maximum as the base: bright things of any source stay bright."""
    return _fuse(sources, fuse_maximum)


def fuse_laplacian_average(sources: Sequence[Plane]) -> Plane:
    """Pyramid fusion with the average as the base: the brightness lies between those of the sources."""
    return _fuse(sources, fuse_average)


def _fuse(sources: Sequence[Plane], fuse_base: Callable[[Sequence[Plane]], Plane]) -> Plane:
    height, width = sources[0].shape
    levels = min(LEVELS, min(height, width).bit_length() - 1)
    pyramids = [_pyramid(source, levels) for source in sources]
    fused = fuse_base([pyramid[-1] for pyramid in pyramids])
    for level in reversed(range(levels)):
        band = _strongest([pyramid[level] for pyramid in pyramids])
        fused = np.add(_expand(fused, band), band, out=band)
    return np.clip(fused, 0, 1, out=fused)


def _pyramid(source: Plane, levels: int) -> list[Plane]:
    """Bands from the finest to the coarsest, then the base."""
    bands = []
    for _ in range(levels):
        coarser = np.asarray(cv2.pyrDown(source), np.float32)
        expanded = _expand(coarser, source)
        bands.append(np.subtract(source, expanded, out=expanded))
        source = coarser
    return [*bands, source]


def _expand(coarser: Plane, like: Plane) -> Plane:
    return np.asarray(cv2.pyrUp(coarser, dstsize=like.shape[::-1]), np.float32)


def _strongest(bands: Sequence[Plane]) -> Plane:
    """Pixel by pixel the band of larger smoothed magnitude; the first band is written over."""
    chosen, strength = bands[0], _strength(bands[0])
    for band in bands[1:]:
        other = _strength(band)
        cv2.copyTo(band, cv2.compare(other, strength, cv2.CMP_GT), chosen)
        np.maximum(strength, other, out=strength)
    return chosen


def _strength(band: Plane) -> Plane:
    """Smoothed magnitude, with a slight preference for bright detail.

    Without it an image and its negative tie everywhere, and rounding or the order of the sources would
    choose.
    """
    magnitude = np.abs(band)
    cv2.GaussianBlur(magnitude, (3, 3), 0, dst=magnitude)
    cv2.scaleAdd(band, _SIGN_PREFERENCE, magnitude, dst=magnitude)
    return magnitude

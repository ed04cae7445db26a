"""Multi-octave noise that tiles, sampled at any coordinates; smooth steps and colours."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from imfuse.scenes.arrays import Field

Colour = tuple[float, float, float]
"""Linear red, green, blue."""

TILE = 512
"""Samples along each side of a noise tile."""


@lru_cache(maxsize=12)
def noise_tile(roughness: Literal["cloud", "grain"], level: int = 0) -> Field:
    """A periodic field of mean 0 and deviation 1 whose spectrum falls with frequency, `(513, 513)`.

    The last row and column repeat the first, so that a sampler may interpolate past the seam.

    Args:
        roughness: `cloud` has soft large forms, `grain` is busy at every scale.
        level: each level halves the finest detail, for textures that are seen small.
    """
    spectrum, frequency = _spectrum(1.75 if roughness == "cloud" else 0.85)
    field = np.fft.irfft2(spectrum * np.exp(-((frequency / (0.5 * 0.5**level)) ** 4)), (TILE, TILE))
    return np.pad(field / field.std(), (0, 1), mode="wrap").astype(np.float32)


@lru_cache(maxsize=2)
def _spectrum(fall: float) -> tuple[NDArray[np.complex128], NDArray[np.float64]]:
    """White noise shaped to fall with this power of the frequency, and the frequencies in cycles a sample."""
    frequency = np.hypot(np.fft.fftfreq(TILE)[:, None], np.fft.rfftfreq(TILE)[None, :])
    white = np.fft.rfft2(np.random.default_rng(20240229).standard_normal((TILE, TILE)))
    spectrum = white / np.maximum(frequency, 1 / TILE) ** fall
    spectrum[0, 0] = 0
    return spectrum, frequency


def noise(
    across: Field,
    along: Field,
    roughness: Literal["cloud", "grain"] = "cloud",
    level: int = 0,
) -> Field:
    """Noise at coordinates in tiles (one tile repeats after 1.0), broadcast against each other.

    Example:
        >>> at = np.zeros((2, 3), np.float32)
        >>> bool((noise(at, at + 1) == noise(at + 1, at)).all())
        True
    """
    return _sample(noise_tile(roughness, _held(level)), across, along)


def noise_pair(across: Field, along: Field, level: int = 0) -> tuple[Field, Field]:
    """`grain` and `cloud` at the same coordinates, for the price of one."""
    both = _sample(_tile_pair(_held(level)), across, along)
    return both[..., 0], both[..., 1]


@lru_cache(maxsize=6)
def _tile_pair(level: int) -> Field:
    return np.stack([noise_tile("grain", level), noise_tile("cloud", level)], 2)


def _held(level: int) -> int:
    return min(max(level, 0), 5)


def _sample(tile: Field, across: Field, along: Field) -> Field:
    shape = np.broadcast_shapes(across.shape, along.shape)
    x, y = np.empty(shape, np.float32), np.empty(shape, np.float32)
    # x - floor(x) is many times faster than the modulus
    x[...] = (across - np.floor(across)) * TILE
    y[...] = (along - np.floor(along)) * TILE
    return cv2.remap(tile, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def smoothstep(low: float, high: float, value: Field) -> Field:
    """0 below `low`, 1 above `high`, a cubic between."""
    share = np.clip((value - low) / (high - low), 0, 1)
    return share * share * (3 - 2 * share)


def stripe(distance: Field, half: float, pixel: Field) -> Field:
    """Share of a pixel that a band `|distance| < half` covers, for pixels of the given width in metres."""
    covered = np.minimum(distance + pixel / 2, half) - np.maximum(distance - pixel / 2, -half)
    return np.clip(covered / pixel, 0, 1)


def rgb(code: str) -> Colour:
    """Linear colour of a hexadecimal sRGB code.

    Example:
        >>> rgb("ffffff")
        (1.0, 1.0, 1.0)
    """
    red, green, blue = (int(code[i : i + 2], 16) / 255 for i in (0, 2, 4))
    return red**2.2, green**2.2, blue**2.2


def scaled(colour: Colour, factor: float) -> Colour:
    """The colour made darker or lighter."""
    return colour[0] * factor, colour[1] * factor, colour[2] * factor


def mixed(colour: Colour, other: Colour, share: float) -> Colour:
    """The colour with a share of another one.

    Example:
        >>> mixed((0.0, 0.0, 0.0), (1.0, 0.5, 0.0), 0.5)
        (0.5, 0.25, 0.0)
    """
    red, green, blue = (float(a + share * (b - a)) for a, b in zip(colour, other, strict=True))
    return red, green, blue

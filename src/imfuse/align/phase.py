"""Phase correlation of oriented edges: the shift in one step, the rotation by trying angles.

The spectrum is whitened by half (the cross-spectrum over the square root of its magnitude): the full whitening of
Kuglin and Hines (1975) gives noise as much weight as edges, and across modalities fails several times as often.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from imfuse.align.edges import Edges, Level, warped
from imfuse.align.geometry import Matrix, rotation, shift

ANGLES = tuple(np.deg2rad(np.arange(-7.5, 7.6, 1.5)))
"""Rotations that are tried at the coarsest level, in radians."""


@dataclass(frozen=True)
class Peak:
    """The highest point of a correlation.

    Attributes:
        dx: how far the moving picture must go to the right, in pixels.
        dy: how far it must go down, in pixels.
        distinctness: height of the peak over the root mean square of the correlation. Unrelated pictures reach 6 to 9.
    """

    dx: float
    dy: float
    distinctness: float


def correlate(fixed: Edges, moving: Edges) -> Peak:
    """Shift that brings two fields of edges of one size together, to a fraction of a pixel."""
    window = _window(fixed.shape[0], fixed.shape[1])
    cross = cv2.mulSpectrums(_spectrum(fixed, window), _spectrum(moving, window), 0, conjB=True)
    magnitude = cv2.magnitude(cross[..., 0], cross[..., 1])
    cross /= np.sqrt(magnitude + 1e-4 * magnitude.mean() + 1e-20)[..., None]
    return _peak(cv2.dft(cross, flags=cv2.DFT_INVERSE | cv2.DFT_SCALE)[..., 0])


def search(level: Level, start: Matrix, angles: Sequence[float] = ANGLES) -> list[tuple[Peak, Matrix]]:
    """The best shift for each of some rotations about the centre, the most distinct first.

    Args:
        level: the resolution at which to search.
        start: map of the level from which the rotations and shifts depart.
        angles: in radians.
    """
    size = (level.fixed.shape[0], level.fixed.shape[1])
    found = []
    for angle in angles:
        turned = rotation(angle, size) @ start
        peak = correlate(level.fixed, warped(level.moving, turned, size))
        found.append((peak, shift(peak.dx, peak.dy) @ turned))
    return sorted(found, key=lambda candidate: -candidate[0].distinctness)


def refine_by_phase(level: Level, start: Matrix, step: float) -> Matrix:
    """Improve a rotation by the parabola through three angles, then the shift.

    Args:
        level: the resolution at which to refine.
        start: map of the level.
        step: distance of the angles in radians; 0 keeps the rotation.
    """
    size = (level.fixed.shape[0], level.fixed.shape[1])
    angle = 0.0
    if step:
        turns = [warped(level.moving, rotation(turn, size) @ start, size) for turn in (-step, 0, step)]
        angle = step * _vertex(*(correlate(level.fixed, turn).distinctness for turn in turns))
    [(_, matrix)] = search(level, start, [angle])
    return matrix


def _spectrum(edges: Edges, window: NDArray[np.float32]) -> NDArray[np.float32]:
    """Spectrum of the field as complex numbers, padded to a size that transforms fast."""
    height, width = edges.shape[:2]
    bottom, right = cv2.getOptimalDFTSize(height) - height, cv2.getOptimalDFTSize(width) - width
    padded = cv2.copyMakeBorder(edges * window, 0, bottom, 0, right, cv2.BORDER_CONSTANT)
    return np.asarray(cv2.dft(padded), np.float32)


def _window(height: int, width: int) -> NDArray[np.float32]:
    """Root of the Hann window: as both pictures have it, their product has the Hann window."""
    rows, columns = np.hanning(height + 2)[1:-1], np.hanning(width + 2)[1:-1]
    return np.sqrt(np.outer(rows, columns))[..., None].astype(np.float32)


def _peak(correlation: NDArray[np.float32]) -> Peak:
    height, width = correlation.shape
    y, x = (int(index) for index in np.unravel_index(np.argmax(correlation), correlation.shape))
    beside_x = correlation[y, [x - 1, x, (x + 1) % width]]
    beside_y = correlation[[y - 1, y, (y + 1) % height], x]
    rms = float(np.sqrt(np.mean(np.square(correlation))))
    return Peak(
        dx=(x - width if x > width // 2 else x) + _vertex(*beside_x),
        dy=(y - height if y > height // 2 else y) + _vertex(*beside_y),
        distinctness=float(correlation[y, x]) / (rms + 1e-20),
    )


def _vertex(before: float, here: float, after: float) -> float:
    """Where the parabola through the values at -1, 0 and 1 has its top, kept within [-1, 1]."""
    bend = before - 2 * here + after
    if bend >= 0:
        return float(np.sign(after - before))
    return float(np.clip(0.5 * (before - after) / bend, -1, 1))

"""Oriented edges, the features that an infrared and a visible picture of one scene have in common.

An edge between warm and cold may be bright to dark in one picture and dark to bright in the other, and strong in one
and weak in the other. Hence each pixel holds its gradient with the angle doubled, which forgets the sign, and with a
length relative to the neighbourhood, which forgets the contrast (normalised gradient fields, Haber and Modersitzki
2006). The correlation of two such fields is high where edges run alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from imfuse.align.geometry import Matrix, Size, angle_of, halving, inverse, resizing

Edges = NDArray[np.float32]
"""`(h, w, 2)`: strength times the cosine and the sine of twice the gradient's angle."""

NOISE_SIGMA, NEIGHBOURHOOD_SIGMA = 1.0, 8.0
"""Pixels; smoothing before the gradient, and the neighbourhood whose mean gradient is the unit of strength."""

FAINT = 0.003
"""Gradient, in the range of the picture a pixel, below which a neighbourhood counts as flat."""

STRONGEST = 1.5

SEARCH_SIDE = 320
"""Longest side, in pixels, of the coarsest level."""

WORKING_SIDE = 2048
"""Longest side of the finest level; larger pictures are registered at this size."""


@dataclass(frozen=True, eq=False)
class Level:
    """Both pictures at one resolution.

    Attributes:
        fixed: edges of the fixed picture.
        moving: edges of the moving picture, which has the scale of the fixed one here.
        fixed_scaling: full-size pixel coordinates of the fixed picture to those of this level.
        moving_scaling: the same for the moving picture.
    """

    fixed: Edges
    moving: Edges
    fixed_scaling: Matrix
    moving_scaling: Matrix

    def scaled(self, matrix: Matrix) -> Matrix:
        """A map between full-size pictures as one between the pictures of this level."""
        return self.fixed_scaling @ matrix @ inverse(self.moving_scaling)

    def full(self, matrix: Matrix) -> Matrix:
        """A map between the pictures of this level as one between the full-size pictures."""
        matrix = inverse(self.fixed_scaling) @ matrix @ self.moving_scaling
        return matrix / matrix[2, 2]


def oriented_edges(image: NDArray[np.float32]) -> Edges:
    """Edges of an image `(h, w)` in [0, 1]."""
    smooth = cv2.GaussianBlur(image, (0, 0), NOISE_SIGMA)
    x = cv2.Scharr(smooth, cv2.CV_32F, 1, 0, scale=1 / 32)
    y = cv2.Scharr(smooth, cv2.CV_32F, 0, 1, scale=1 / 32)
    length = np.asarray(cv2.magnitude(x, y), np.float32) + np.float32(1e-8)
    strength = np.minimum(length / (cv2.GaussianBlur(length, (0, 0), NEIGHBOURHOOD_SIGMA) + FAINT), STRONGEST)
    weight = strength / (length * length)
    return np.dstack([(x * x - y * y) * weight, 2 * x * y * weight]).astype(np.float32, copy=False)


def turned(edges: Edges, angle: float) -> Edges:
    """Edges as they are after the picture was turned by an angle in radians, each at its old place."""
    cosine, sine = float(np.cos(2 * angle)), float(np.sin(2 * angle))
    return np.asarray(cv2.transform(edges, np.array([[cosine, -sine], [sine, cosine]])), np.float32)


def warped(edges: Edges, matrix: Matrix, size: Size) -> Edges:
    """Edges as they are after the picture was warped; zero where it does not reach."""
    moved = cv2.warpPerspective(turned(edges, angle_of(matrix)), matrix, size[::-1], flags=cv2.INTER_LINEAR)
    return np.asarray(moved, np.float32)


def make_levels(moving: NDArray[np.float32], fixed: NDArray[np.float32], scale: float) -> list[Level]:
    """Edges of both pictures from the coarsest to the finest resolution.

    Args:
        moving: `(h, w)` in [0, 1].
        fixed: `(h, w)` in [0, 1], of any size.
        scale: pixels of the fixed picture to one of the moving picture. Nothing is enlarged: where the fixed picture
            is the finer one, it is reduced to the resolution of the moving one.
    """
    factor = min(1, 1 / scale, WORKING_SIDE / max(fixed.shape))
    fixed_image, moving_image = _reduced(fixed, factor), _reduced(moving, scale * factor)
    fixed_scaling = resizing(fixed.shape, fixed_image.shape)
    moving_scaling = resizing(moving.shape, moving_image.shape)
    levels: list[Level] = []
    while True:
        half = halving(len(levels))
        edges = oriented_edges(fixed_image), oriented_edges(moving_image)
        levels.insert(0, Level(*edges, half @ fixed_scaling, half @ moving_scaling))
        if max(fixed_image.shape) <= SEARCH_SIDE:
            return levels
        fixed_image, moving_image = _halved(fixed_image), _halved(moving_image)


def _halved(image: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(cv2.pyrDown(image), np.float32)


def _reduced(image: NDArray[np.float32], factor: float) -> NDArray[np.float32]:
    if factor == 1:
        return image
    height, width = (max(1, round(side * factor)) for side in image.shape)
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.float32)

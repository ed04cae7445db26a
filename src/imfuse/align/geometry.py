"""3x3 matrices on pixel coordinates (x, y, 1); pixel centres are whole numbers."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
"""`(3, 3)`, defined up to a factor; `[2, 2]` is kept at 1."""

Size = tuple[int, int]
"""Height and width in pixels."""


def resizing(size: Size, new_size: Size) -> Matrix:
    """Where the pixels of a picture go when it is resized as OpenCV does it, border onto border."""
    y, x = new_size[0] / size[0], new_size[1] / size[1]
    return np.array([[x, 0, 0.5 * x - 0.5], [0, y, 0.5 * y - 0.5], [0, 0, 1]])


def halving(times: int) -> Matrix:
    """Where pixels go under `cv2.pyrDown`, which keeps every second pixel from the first on."""
    return np.diag([0.5**times, 0.5**times, 1.0])


def shift(dx: float, dy: float) -> Matrix:
    """Translation in pixels."""
    return np.array([[1, 0, dx], [0, 1, dy], [0, 0, 1]], np.float64)


def rotation(angle: float, size: Size) -> Matrix:
    """Rotation about the centre of a picture, from x towards y (clockwise as seen), in radians."""
    cosine, sine = np.cos(angle), np.sin(angle)
    turn = np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]])
    y, x = (size[0] - 1) / 2, (size[1] - 1) / 2
    return shift(x, y) @ turn @ shift(-x, -y)


def inverse(matrix: Matrix) -> Matrix:
    """The map back."""
    inverted = np.linalg.inv(matrix)
    return np.asarray(inverted / inverted[2, 2], np.float64)


def angle_of(matrix: Matrix) -> float:
    """Angle in radians of the rotation that is nearest the linear part."""
    return float(np.arctan2(matrix[1, 0] - matrix[0, 1], matrix[0, 0] + matrix[1, 1]))


def corners(size: Size) -> NDArray[np.float64]:
    """`(4, 2)` x and y of the outer corners of the corner pixels, in order round the picture."""
    height, width = size
    return np.array([[0, 0], [width, 0], [width, height], [0, height]]) - 0.5


def transform(matrix: Matrix, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """`(n, 2)` points moved by a matrix; a point at infinity comes out as inf or nan."""
    moved = np.column_stack([points, np.ones(len(points))]) @ matrix.T
    with np.errstate(divide="ignore", invalid="ignore"):
        return moved[:, :2] / moved[:, 2:]


def overlap(matrix: Matrix, moving: Size, fixed: Size) -> float:
    """Area that both pictures show over the area of the smaller one, both as seen in the fixed picture."""
    moved = transform(matrix, corners(moving))
    in_front = np.column_stack([corners(moving), np.ones(4)]) @ matrix[2]
    if not np.isfinite(moved).all() or in_front.min() <= 0:
        return 0.0
    moved = moved.astype(np.float32)
    shared, _ = cv2.intersectConvexConvex(moved, corners(fixed).astype(np.float32))
    return float(shared / max(min(cv2.contourArea(moved), fixed[0] * fixed[1]), 1e-9))

"""ECC refinement of a map on oriented edges (Evangelidis and Psarakis, PAMI 2008).

The enhanced correlation coefficient is maximised over the strongest edge points of the fixed picture, so that the
time hardly depends on the size. OpenCV's own ECC takes one channel; on gradient magnitudes it ends further from the
truth, and in false places where the moving picture has a black frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from imfuse.align.edges import Edges, Level, turned
from imfuse.align.geometry import Matrix, angle_of, inverse, shift
from imfuse.errors import AlignmentError

Motion = Literal["translation", "euclidean", "affine", "homography"]

MOTIONS: tuple[str, ...] = get_args(Motion)

POINTS = 30_000
FEWEST_POINTS = 50
ITERATIONS = 20
ENOUGH = 0.02
"""A step that moves the rim by fewer pixels ends the refinement."""

_SHIFT_X, _SHIFT_Y = [[0, 0, 1], [0, 0, 0], [0, 0, 0]], [[0, 0, 0], [0, 0, 1], [0, 0, 0]]
_LINEAR = [np.eye(9)[index].reshape(3, 3).tolist() for index in (0, 1, 3, 4)]
_PERSPECTIVE = [np.eye(9)[index].reshape(3, 3).tolist() for index in (6, 7)]

GENERATORS: dict[str, NDArray[np.float64]] = {
    "translation": np.array([_SHIFT_X, _SHIFT_Y], np.float64),
    "euclidean": np.array([_SHIFT_X, _SHIFT_Y, [[0, -1, 0], [1, 0, 0], [0, 0, 0]]], np.float64),
    "affine": np.array([_SHIFT_X, _SHIFT_Y, *_LINEAR], np.float64),
    "homography": np.array([_SHIFT_X, _SHIFT_Y, *_LINEAR, *_PERSPECTIVE], np.float64),
}
"""`(k, 3, 3)` small motions of which a motion is made, on coordinates that reach from -1 to 1."""


@dataclass(frozen=True, eq=False)
class _Samples:
    """Both fields at those edge points that the moving picture reaches.

    Attributes:
        fixed: `(2 n,)`.
        moving: `(2 n,)`.
        position: `(3, n)` homogeneous place in the moving picture, in pixels.
        slope_x: `(n, 2)` derivative of the moving field, per pixel.
        slope_y: the same downwards.
    """

    fixed: NDArray[np.float32]
    moving: NDArray[np.float32]
    position: NDArray[np.float64]
    slope_x: NDArray[np.float32]
    slope_y: NDArray[np.float32]

    @property
    def correlation(self) -> float:
        """Normalised correlation of the two fields, -1 to 1."""
        energy = float(self.fixed @ self.fixed) * float(self.moving @ self.moving)
        return float(self.fixed @ self.moving) / float(np.sqrt(energy + 1e-12))


class EdgePoints:
    """The edge points of the fixed picture, and the moving field that is sampled at their counterparts."""

    def __init__(self, level: Level, start: Matrix) -> None:
        rows, columns = _strong_points(level.fixed)
        self.position = np.stack([columns, rows, np.ones(len(rows))]).astype(np.float64)
        self.values = level.fixed[rows, columns]
        moving = turned(level.moving, angle_of(start))
        self.size = moving.shape[0], moving.shape[1]
        slopes = (cv2.Sobel(moving, cv2.CV_32F, *order, ksize=3, scale=1 / 8) for order in ((1, 0), (0, 1)))
        self.fields = [moving, *slopes]

    def sample(self, to_moving: Matrix) -> _Samples:
        """Sample the moving field.

        Raises:
            AlignmentError: too few edge points lie within the moving picture.
        """
        position = to_moving @ self.position
        with np.errstate(all="ignore"):  # a homography may send points to infinity; they are not inside
            position = position / position[2]
            x, y = position[:2].astype(np.float32)
        inside = (x >= 0) & (x <= self.size[1] - 1) & (y >= 0) & (y <= self.size[0] - 1)
        if inside.sum() < FEWEST_POINTS:
            raise AlignmentError(
                f"only {int(inside.sum())} edge points are seen by both images, {FEWEST_POINTS} are needed: "
                "the images share too little to be aligned"
            )
        moving, slope_x, slope_y = (_interpolated(field, x[inside], y[inside]) for field in self.fields)
        return _Samples(self.values[inside].ravel(), moving.ravel(), position[:, inside], slope_x, slope_y)


def match_score(level: Level, matrix: Matrix) -> float:
    """Correlation, -1 to 1, of the edges at the edge points of the fixed picture under a map of the level.

    Raises:
        AlignmentError: too few edge points are seen by both pictures.
    """
    return EdgePoints(level, matrix).sample(inverse(matrix)).correlation


def refine_by_ecc(level: Level, start: Matrix, motion: Motion) -> tuple[float, Matrix]:
    """Climb from a map of the level to the nearest maximum of the correlation.

    Returns:
        The correlation and the map that reached it; never below those of the start.

    Raises:
        AlignmentError: too few edge points are seen by both pictures.
    """
    points = EdgePoints(level, start)
    centred = _centring(points.size)
    to_moving = inverse(start)
    samples = points.sample(to_moving)
    best = samples.correlation, to_moving
    for _ in range(ITERATIONS):
        step = _step(samples, centred, GENERATORS[motion])
        if np.abs(step).max() > 1:
            break
        to_moving = inverse(centred) @ _exponential(step, GENERATORS[motion]) @ centred @ to_moving
        to_moving = to_moving / to_moving[2, 2]
        samples = points.sample(to_moving)
        best = max(best, (samples.correlation, to_moving), key=lambda found: found[0])
        if np.abs(step).max() < ENOUGH * centred[0, 0]:
            break
    return best[0], inverse(best[1])


def _step(samples: _Samples, centred: Matrix, generators: NDArray[np.float64]) -> NDArray[np.float64]:
    """The paper's step; the means are not taken off, for doubled angles have none to speak of.

    Where the edges leave a motion open (stripes can slide along themselves) that motion is not made.
    """
    jacobian = _jacobian(samples, centred, generators)
    hessian = (jacobian @ jacobian.T).astype(np.float64)
    fixed = (jacobian @ samples.fixed).astype(np.float64)
    moving = (jacobian @ samples.moving).astype(np.float64)
    solved_fixed, solved_moving = np.linalg.lstsq(hessian, np.column_stack([fixed, moving]), rcond=1e-6)[0].T
    rise = float(samples.fixed @ samples.moving) - fixed @ solved_moving
    if rise > 0:
        gain = (float(samples.moving @ samples.moving) - moving @ solved_moving) / rise
    else:
        gain = np.sqrt(abs(moving @ solved_moving) / (abs(fixed @ solved_fixed) + 1e-12))
    return gain * solved_fixed - solved_moving


def _jacobian(samples: _Samples, centred: Matrix, generators: NDArray[np.float64]) -> NDArray[np.float32]:
    """`(k, 2 n)` change of the moving samples with each small motion of their places."""
    place = centred @ samples.position
    motion = generators @ place
    x = ((motion[:, 0] - place[0] * motion[:, 2]) / centred[0, 0]).astype(np.float32)
    y = ((motion[:, 1] - place[1] * motion[:, 2]) / centred[1, 1]).astype(np.float32)
    change = x[..., None] * samples.slope_x + y[..., None] * samples.slope_y
    return change.reshape(len(generators), -1)


def _exponential(step: NDArray[np.float64], generators: NDArray[np.float64]) -> Matrix:
    """Map that follows the small motion for one unit of time: a rotation stays a rotation."""
    exponent = np.tensordot(step, generators, axes=1)
    total = term = np.eye(3)
    for order in range(1, 12):
        term = term @ exponent / order
        total = total + term
    return total


def _centring(size: tuple[int, int]) -> Matrix:
    """Pixel coordinates to coordinates with the centre at 0 and the longer rim at 1."""
    height, width = size
    scale = 2 / max(height, width)
    return np.diag([scale, scale, 1.0]) @ shift(-(width - 1) / 2, -(height - 1) / 2)


def _strong_points(edges: Edges) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of pixels above 0.7 of the mean strength, evenly thinned where they are many."""
    strong = np.flatnonzero(np.einsum("hwc,hwc->hw", edges, edges) > 0.5)
    strong = strong[:: -(-len(strong) // POINTS) or 1]
    rows, columns = np.divmod(strong, edges.shape[1])
    return rows, columns


def _interpolated(field: Edges, x: NDArray[np.float32], y: NDArray[np.float32]) -> NDArray[np.float32]:
    """`(n, 2)` bilinear samples; OpenCV takes no map of more than 32,767 rows, hence the narrow table."""
    table = np.zeros((2, -(-len(x) // 256) * 256), np.float32)
    table[:, : len(x)] = x, y
    table_x, table_y = table.reshape(2, -1, 256)
    return np.asarray(cv2.remap(field, table_x, table_y, cv2.INTER_LINEAR), np.float32).reshape(-1, 2)[: len(x)]

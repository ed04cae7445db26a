"""A pinhole camera that stands on flat ground: world metres to pixels and back.

World axes: X to the right, Y up with the ground at 0, Z forward from the camera.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from imfuse.scenes.arrays import Field

Window = tuple[slice, slice]
"""Rows and columns of a part of the picture."""

FAR = 400.0
"""Depth in metres that stands for the sky."""

_NEAR = 0.4
_REACH = 20000.0


@dataclass(frozen=True)
class Camera:
    """Where the camera is and how it sees.

    Attributes:
        height: rows of the picture.
        width: columns of the picture.
        focal: focal length in pixels.
        centre: column and row of the vanishing point of the Z axis.
        altitude: metres above the ground.
    """

    height: int
    width: int
    focal: float
    centre: tuple[float, float]
    altitude: float

    def project(self, points: Field) -> Field:
        """Pixels `(n, 2)` as column, row of world points `(n, 3)`; what is behind is held at the near plane."""
        depth = np.maximum(points[:, 2], _NEAR)
        column = self.centre[0] + self.focal * points[:, 0] / depth
        row = self.centre[1] + self.focal * (self.altitude - points[:, 1]) / depth
        return np.clip(np.stack([column, row], 1), -_REACH, _REACH).astype(np.float32)

    def rays(self, window: Window) -> tuple[Field, Field]:
        """Slopes X/Z as `(1, w)` and Y/Z as `(h, 1)` of the view through each pixel centre of the window."""
        rows = np.arange(window[0].start, window[0].stop, dtype=np.float32)[:, None]
        columns = np.arange(window[1].start, window[1].stop, dtype=np.float32)[None, :]
        return (columns - self.centre[0]) / self.focal, (self.centre[1] - rows) / self.focal

    def whole(self) -> Window:
        """The window that is the picture."""
        return slice(0, self.height), slice(0, self.width)

    def ground_depth(self) -> Field:
        """Metres `(h, 1)` to the ground seen in each row; `FAR` from the horizon upwards."""
        _, slope = self.rays(self.whole())
        below = slope < -self.altitude / FAR
        return np.where(below, self.altitude / np.maximum(-slope, 1e-6), FAR).astype(np.float32)

    def metres_per_pixel(self, depth: Field) -> Field:
        """Width in metres of a pixel at a depth, across the view."""
        return depth / self.focal


@dataclass(frozen=True)
class View:
    """How the camera stands, whatever the size of its picture.

    Attributes:
        yaw: shift of the vanishing point to the right, as a share of the width.
        tilt: row of the horizon, as a share of the height.
        altitude: metres above the ground.
    """

    yaw: float
    tilt: float
    altitude: float


def stand_camera(height: int, width: int, margin: int, view: View) -> Camera:
    """A camera whose field of view does not depend on the size of the picture.

    Args:
        height: rows wanted.
        width: columns wanted.
        margin: rows and columns added at each side, outside the wanted picture.
        view: how the camera stands.
    """
    focal = 1.12 * max(height, 0.75 * width)
    centre = (margin + (0.5 + view.yaw) * width - 0.5, margin + 0.5 * height - 0.5 + (view.tilt - 0.5) * focal / 1.12)
    return Camera(height + 2 * margin, width + 2 * margin, focal, centre, view.altitude)

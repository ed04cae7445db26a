"""`Alignment`, the map that a registration found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from imfuse.align.geometry import Matrix, Size, inverse, resizing
from imfuse.errors import SourceError
from imfuse.images.image import Pixels

RIM = 2
"""Pixels along the edge of the moved picture that count as not covered, for cubics mix them with what is beyond."""


@dataclass(frozen=True, eq=False)
class Alignment:
    """A map of one picture onto another, and how well the two match.

    Attributes:
        matrix: `(3, 3)` from pixel coordinates (x, y, 1) of the moving picture to those of the fixed one.
        score_before: correlation, -1 to 1, of the edges before: centres on each other, scaled by the ratio of sizes.
        score_after: the same under the map.
        overlap: area that both pictures show over that of the smaller one, 0 to 1.
        moving_size: height and width of the moving picture.
        fixed_size: height and width of the fixed picture, and of what `warp` gives.
    """

    matrix: Matrix
    score_before: float
    score_after: float
    overlap: float
    moving_size: Size
    fixed_size: Size

    def warp(self, pixels: Pixels) -> Pixels:
        """Bring the moving picture, or another of its size such as its alpha, onto the fixed one.

        Cubic interpolation, over the mean of what falls on a pixel where the picture shrinks; values stay within
        those of the picture.

        Args:
            pixels: `(h, w)` or `(h, w, 3)`; uint8, uint16 or float.

        Returns:
            The picture in the size of the fixed one, of the same type. Where the moving picture does not reach, its
            edge is repeated; `covered` tells where that is.

        Raises:
            SourceError: another size than that of the moving picture.
        """
        if pixels.shape[:2] != self.moving_size:
            raise SourceError(
                f"picture of {pixels.shape[1]}x{pixels.shape[0]} pixels: the alignment was found for "
                f"{self.moving_size[1]}x{self.moving_size[0]}; warp a picture of that size"
            )
        is_float = pixels.dtype.kind == "f"
        reduced, matrix = self._reduced(pixels.astype(np.float32, copy=False) if is_float else pixels)
        height, width = self.fixed_size
        # Against a border of zeros, cubics would overshoot and draw a bright line along the edge.
        warped: Any = cv2.warpPerspective(
            reduced, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
        )
        return np.clip(warped, pixels.min(), pixels.max()).astype(pixels.dtype, copy=False)

    def covered(self) -> NDArray[np.bool_]:
        """`(h, w)` of the fixed picture, True where the moving picture reaches, but for a rim of two pixels."""
        mask, matrix = self._reduced(np.ones(self.moving_size, np.float32))
        height, width = self.fixed_size
        share: Any = cv2.warpPerspective(mask, matrix, (width, height), flags=cv2.INTER_LINEAR)
        inside = (share >= 1 - 1e-3).astype(np.uint8)
        return cv2.erode(inside, np.ones((2 * RIM + 1, 2 * RIM + 1), np.uint8)) > 0

    def _reduced(self, pixels: Pixels) -> tuple[Pixels, Matrix]:
        """The moving picture brought near the scale of the fixed one, so that no pixel of it is skipped."""
        scale = float(np.sqrt(abs(np.linalg.det(self.matrix[:2, :2]))))
        if scale > 0.75:
            return pixels, self.matrix
        height, width = (max(1, round(side * scale)) for side in self.moving_size)
        reduced: Any = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
        return reduced, self.matrix @ inverse(resizing(self.moving_size, (height, width)))

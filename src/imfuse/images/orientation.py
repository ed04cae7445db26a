"""EXIF orientation (CIPA DC-008, tag 274)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def upright(pixels: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Turn a stored picture upright.

    Args:
        pixels: `(h, w)` or `(h, w, c)`, as stored.
        orientation: 1 to 8, that is where the first row and the first column of the stored picture belong.

    Returns:
        The picture as it should be seen; with 5 to 8 its sides are exchanged.

    >>> upright(np.array([[1, 2], [3, 4]], np.uint8), 6).tolist()  # stored on its side: turn it clockwise
    [[3, 1], [4, 2]]
    """
    if orientation == 1:
        return pixels
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)

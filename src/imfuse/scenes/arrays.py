"""The one array type of the simulator: float32."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

# OpenCV's and NumPy's stubs do not carry float32 through arithmetic, so that the alias cannot ask for it
Field = NDArray[Any]
"""float32 numbers, one a pixel or one a coordinate."""


def floats(values: ArrayLike) -> Field:
    """The values as float32.

    Example:
        >>> floats([1, 2]).dtype
        dtype('float32')
    """
    return np.asarray(values, np.float32)

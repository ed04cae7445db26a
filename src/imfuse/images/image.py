"""`Image`, one picture as it was read, and `Stack`, the sources of one fused picture in order."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8 | np.uint16 | np.float32]
"""`(h, w)` grey or `(h, w, 3)` RGB; uint8, uint16, or float32 (in [0, 1] unless a value range is applied)."""


@dataclass(frozen=True, eq=False)
class Image:
    """One picture as it was read.

    Attributes:
        pixels: `(h, w)` grey or `(h, w, 3)` RGB.
        alpha: `(h, w)` of the same type as `pixels`, or None where the file has none.
        path: the file it came from, or None for an array.
    """

    pixels: Pixels
    alpha: Pixels | None = None
    path: Path | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.pixels.shape[0], self.pixels.shape[1]

    @property
    def is_colour(self) -> bool:
        """Whether the pixels hold three channels."""
        return self.pixels.ndim == 3


@dataclass(frozen=True)
class Stack:
    """The files of one fused picture, in the order in which the model wants its sources.

    Attributes:
        name: what the sources share, and the stem of the fused file.
        paths: one file a source.
    """

    name: str
    paths: tuple[Path, ...]

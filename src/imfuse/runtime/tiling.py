"""Padding and tiling: run an engine on sources of any size in bounded memory, with the result of the whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from imfuse.runtime.backends import Engine

BYTES_PER_PIXEL, BYTES_PER_SOURCE = 40, 60
"""Working memory of one call for each pixel of a tile, and for each pixel of each source, measured with the bundled
networks, with some to spare."""

Window = tuple[slice, slice]
"""Rows and columns."""


@dataclass(frozen=True)
class SizeRule:
    """What an engine asks of the size of its sources.

    Attributes:
        multiple: height and width must be multiples of this.
        margin: pixels beyond which a fused pixel does not depend on the sources; None where it depends on all of
            them, and the sources cannot be tiled.
        grid: tiles must start at multiples of this; at least `multiple`.
    """

    multiple: int = 1
    margin: int | None = 0
    grid: int = 1

    @property
    def step(self) -> int:
        """What tiles are aligned to."""
        return max(self.multiple, self.grid)


@dataclass(frozen=True)
class Tile:
    """A part of the image.

    Attributes:
        inner: the part that is kept; the inner parts of all tiles cover the image once.
        outer: the part that is run, which begins on the grid and holds the margin.
        cut: the inner part within the outer.
    """

    inner: Window
    outer: Window
    cut: Window


def run_padded(engine: Engine, sources: NDArray[np.float32], multiple: int) -> NDArray[np.float32]:
    """Pad `(n, h, w)` at the bottom and right to the multiple by reflection, fuse, and cut back to `(h, w)`."""
    height, width = sources.shape[1:]
    down, right = -height % multiple, -width % multiple
    if not (down or right):
        return engine.run(sources)
    border = cv2.BORDER_REFLECT_101 if down < height and right < width else cv2.BORDER_REPLICATE
    padded = [cv2.copyMakeBorder(source, 0, down, 0, right, border) for source in sources]
    return engine.run(np.stack(padded))[:height, :width]


def tiles(height: int, width: int, rule: SizeRule, sources: int, memory_mb: float) -> Iterator[Tile]:
    """The whole image as one tile when the memory budget admits it, else tiles that overlap by the margin.

    Outer parts start at multiples of the size rule, so that the grid of the network falls as in the whole image.
    """
    side = tile_side(rule, sources, memory_mb)
    if rule.margin is None or height * width <= side * side:
        whole = (slice(0, height), slice(0, width))
        yield Tile(whole, whole, whole)
        return
    for rows in _spans(height, side, rule):
        for columns in _spans(width, side, rule):
            yield Tile(*zip(rows, columns, strict=True))


def tile_side(rule: SizeRule, sources: int, memory_mb: float) -> int:
    """Side in pixels of the largest square tile, margin included, that the memory budget admits.

    It is never so small that the margin takes more than two thirds of it, whatever the budget.
    """
    side = int((memory_mb * 2**20 / (BYTES_PER_PIXEL + BYTES_PER_SOURCE * sources)) ** 0.5)
    smallest = 3 * -(-(rule.margin or 0) // rule.step) * rule.step + rule.step
    return max(side // rule.step * rule.step, smallest)


def _spans(length: int, side: int, rule: SizeRule) -> Iterator[tuple[slice, slice, slice]]:
    """Inner, outer and cut along one axis."""
    margin = -(-(rule.margin or 0) // rule.step) * rule.step
    step = (side - 2 * margin) // rule.step * rule.step
    for start in range(0, length, step):
        stop = min(start + step, length)
        first = max(start - margin, 0)
        yield slice(start, stop), slice(first, min(stop + margin, length)), slice(start - first, stop - first)

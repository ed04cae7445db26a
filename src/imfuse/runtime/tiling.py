"""Padding and tiling: run an engine on sources of any size in bounded memory, with the result of the whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from imfuse.runtime.backends import Engine

BYTES_PER_PIXEL = 400
"""Working memory of one engine call for each pixel of a tile and source pair, measured generously."""


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


def run_padded(engine: Engine, sources: NDArray[np.float32], rule: SizeRule) -> NDArray[np.float32]:
    """Pad `(n, h, w)` at the bottom and right to the size rule by reflection, fuse, and cut back to `(h, w)`."""
    height, width = sources.shape[1:]
    down, right = -height % rule.multiple, -width % rule.multiple
    if not (down or right):
        return engine.run(sources)
    padded = np.stack(
        [cv2.copyMakeBorder(source, 0, down, 0, right, _border(height, width, down, right)) for source in sources]
    )
    return engine.run(padded)[:height, :width]


def run_tiled(engine: Engine, sources: NDArray[np.float32], rule: SizeRule, memory_mb: float) -> NDArray[np.float32]:
    """Fuse `(n, h, w)` sources whole when the memory budget admits it, else in tiles that overlap by the margin."""
    height, width = sources.shape[1:]
    side = tile_side(rule, memory_mb)
    if rule.margin is None or height * width <= side * side:
        return run_padded(engine, sources, rule)
    fused = np.empty((height, width), np.float32)
    for inner, outer in tiles(height, width, side, rule):
        part = run_padded(engine, np.ascontiguousarray(sources[:, outer[0], outer[1]]), rule)
        rows = slice(inner[0].start - outer[0].start, inner[0].stop - outer[0].start)
        columns = slice(inner[1].start - outer[1].start, inner[1].stop - outer[1].start)
        fused[inner] = part[rows, columns]
    return fused


def tile_side(rule: SizeRule, memory_mb: float) -> int:
    """Side in pixels of the largest square tile, margin included, that the memory budget admits."""
    side = int((memory_mb * 2**20 / BYTES_PER_PIXEL) ** 0.5)
    smallest = 4 * ((rule.margin or 0) + rule.step)
    return max(side // rule.step * rule.step, -(-smallest // rule.step) * rule.step)


def tiles(
    height: int, width: int, side: int, rule: SizeRule
) -> Iterator[tuple[tuple[slice, slice], tuple[slice, slice]]]:
    """Inner parts that cover the image once, each with the outer part that must be run for it.

    Outer parts start at multiples of the size rule, so that the grid of the network falls as in the whole image.
    """
    for rows in _spans(height, side, rule):
        for columns in _spans(width, side, rule):
            yield (rows[0], columns[0]), (rows[1], columns[1])


def _spans(length: int, side: int, rule: SizeRule) -> Iterator[tuple[slice, slice]]:
    margin = -(-(rule.margin or 0) // rule.step) * rule.step
    step = side - 2 * margin
    for start in range(0, length, step):
        stop = min(start + step, length)
        yield slice(start, stop), slice(max(start - margin, 0), min(stop + margin, length))


def _border(height: int, width: int, down: int, right: int) -> int:
    """Reflection needs more pixels than it pads; smaller images repeat their edge."""
    fits = down < height and right < width
    return cv2.BORDER_REFLECT_101 if fits else cv2.BORDER_REPLICATE

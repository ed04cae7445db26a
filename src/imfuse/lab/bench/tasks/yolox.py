"""The layout of YOLOX (Ge et al. 2021, arXiv 2107.08430) as its project exports it to ONNX since version 0.1.1.

Input: BGR in 0..255, scaled by one ratio into the top left corner, the rest 114. Output: a row a cell, of x, y, w, h,
objectness and classes; the last two are activated. Cells run along rows, the finest stride first.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from imfuse.lab.bench.tasks.graph import Picture, Size

PADDING = 114
STRIDES = ((8, 16, 32), (8, 16, 32, 64))
"""Of the usual networks, and of those for large inputs."""

LARGEST_EXPONENT = 16.0
"""Beyond it a box is wider than any picture; larger ones would overflow."""


def fits(shape: tuple[int, ...], size: Size) -> bool:
    """Whether an output has a row for each cell."""
    return len(shape) == 3 and shape[0] == 1 and shape[2] > 5 and _strides(shape[1], size) is not None


def ratio(picture: Size, size: Size) -> float:
    """The scale of a picture within an input of `size`; both are height and width."""
    return min(size[0] / picture[0], size[1] / picture[1])


def prepare(picture: Picture, size: Size) -> NDArray[np.float32]:
    """RGB `(h, w, 3)` to BGR `(3, H, W)` in 0..255, in the top left corner of the padding."""
    height, width = picture.shape[:2]
    scale = ratio((height, width), size)
    inner = max(int(height * scale), 1), max(int(width * scale), 1)
    padded = np.full((*size, 3), PADDING, np.uint8)
    padded[: inner[0], : inner[1]] = cv2.resize(picture, inner[::-1], interpolation=cv2.INTER_LINEAR)
    return np.ascontiguousarray(padded[..., ::-1].transpose(2, 0, 1), np.float32)


def decode(output: NDArray[np.float32], size: Size, picture: Size) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Raw rows to boxes `(n, 4)` in pixels of the picture and scores `(n, classes)`."""
    strides = _strides(output.shape[1], size) or STRIDES[0]
    grid, stride = _cells(strides, size)
    decoded = output.copy()
    decoded[0, :, :2] = (output[0, :, :2] + grid) * stride
    decoded[0, :, 2:4] = np.exp(np.minimum(output[0, :, 2:4], LARGEST_EXPONENT)) * stride
    return read(decoded, size, picture)


def read(output: NDArray[np.float32], size: Size, picture: Size) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Rows whose x, y, w and h are pixels of the input already."""
    rows = output[0]
    centre, half = rows[:, :2], rows[:, 2:4] / 2
    boxes = np.concatenate([centre - half, centre + half], 1) / ratio(picture, size)
    return boxes.astype(np.float32, copy=False), rows[:, 4:5] * rows[:, 5:]


def is_decoded(output: NDArray[np.float32], size: Size) -> bool:
    """Whether x and y are pixels of the input.

    Raw ones are offsets from a cell in strides, a few at most; pixels lie beyond an eighth of the input for
    most cells.
    """
    return bool(np.median(output[0, :, 0]) > size[1] / 8)


def _strides(cells: int, size: Size) -> tuple[int, ...] | None:
    counts = {sum((size[0] // stride) * (size[1] // stride) for stride in strides): strides for strides in STRIDES}
    return counts.get(cells)


def _cells(strides: tuple[int, ...], size: Size) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Column and row of each cell `(n, 2)`, and its stride `(n, 1)`."""
    grids, steps = [], []
    for stride in strides:
        row, column = np.mgrid[: size[0] // stride, : size[1] // stride]
        grids.append(np.stack([column, row], -1).reshape(-1, 2))
        steps.append(np.full((row.size, 1), stride))
    return np.concatenate(grids).astype(np.float32), np.concatenate(steps).astype(np.float32)

"""The layout of FastestDet, a detector of one scale without anchors (github.com/dog-qiuqiu/FastestDet).

Input: BGR in [0, 1], the picture stretched to it. Output: a grid of cells with objectness, box and classes as channels;
objectness and classes are activated.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from imfuse.lab.bench.tasks.graph import Picture, Size

OBJECTNESS_POWER, CLASS_POWER = 0.6, 0.4


def fits(shape: tuple[int, ...], size: Size) -> bool:
    """Whether an output is a grid of cells, coarser than the input, with a box and classes each."""
    return len(shape) == 4 and shape[0] == 1 and shape[1] > 5 and 1 <= shape[2] < size[0] and 1 <= shape[3] < size[1]


def is_activated(output: NDArray[np.float32]) -> bool:
    """Whether channels hold an objectness in [0, 1] and, behind the box, shares of classes that add up to 1."""
    objectness, shares = output[:, 0], output[:, 5:]
    bounded = bool(((objectness >= 0) & (objectness <= 1)).all() and (shares >= 0).all())
    return bounded and shares.size > 0 and np.allclose(shares.sum(1), 1, atol=1e-2)


def prepare(picture: Picture, size: Size) -> NDArray[np.float32]:
    """RGB `(h, w, 3)` to BGR `(3, H, W)` in [0, 1]."""
    scaled = cv2.resize(picture, size[::-1], interpolation=cv2.INTER_LINEAR)
    planes = np.ascontiguousarray(scaled[..., ::-1].transpose(2, 0, 1))
    return np.multiply(planes, np.float32(1 / 255), dtype=np.float32)


def decode(
    output: NDArray[np.float32],
    size: Size,  # noqa: ARG001  boxes are fractions, and need no size of the input
    picture: Size,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Channels of the grid to boxes `(n, 4)` in pixels of the picture and scores `(n, classes)`."""
    _, channels, rows, columns = output.shape
    row, column = np.mgrid[:rows, :columns].reshape(2, -1)
    cells = output[0].reshape(channels, -1).T
    scores = cells[:, :1] ** OBJECTNESS_POWER * cells[:, 5:] ** CLASS_POWER
    x, y = (column + np.tanh(cells[:, 1])) / columns, (row + np.tanh(cells[:, 2])) / rows
    width, height = _sigmoid(cells[:, 3]), _sigmoid(cells[:, 4])
    boxes = np.stack([x - width / 2, y - height / 2, x + width / 2, y + height / 2], 1)
    return (boxes * np.array(picture[::-1] * 2)).astype(np.float32), scores


def _sigmoid(value: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray((1 + np.tanh(value / 2)) / 2, np.float32)

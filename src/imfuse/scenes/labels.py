"""What a pixel shows: the enumerated classes, the instances, and the boxes that enclose them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray


class Label(IntEnum):
    """Classes of a scene's label mask; the value is what the mask holds."""

    BACKGROUND = 0
    PERSON = 1
    CAR = 2
    BICYCLE = 3
    ANIMAL = 4
    LAMP = 5
    SIGN = 6
    BENCH = 7
    TREE = 8
    BUILDING = 9
    ROAD = 10
    PATH = 11
    GRASS = 12
    SKY = 13


COUNTED = frozenset({Label.PERSON, Label.CAR, Label.BICYCLE, Label.ANIMAL})
"""Classes whose members have an instance id and a box of their own."""


@dataclass(frozen=True)
class Box:
    """The tight box round the visible pixels of one instance.

    Attributes:
        label: its class.
        instance: its id in the instance mask (from 1).
        left: first column.
        top: first row.
        right: one past the last column.
        bottom: one past the last row.
    """

    label: Label
    instance: int
    left: int
    top: int
    right: int
    bottom: int

    @property
    def xyxy(self) -> tuple[int, int, int, int]:
        """The corners in the order of detection files."""
        return self.left, self.top, self.right, self.bottom


def find_boxes(labels: NDArray[np.uint8], instances: NDArray[np.uint16]) -> tuple[Box, ...]:
    """One box for each instance that has a pixel, in the order of the ids.

    Args:
        labels: `(h, w)` class of each pixel.
        instances: `(h, w)` instance of each pixel, 0 where there is none.

    Example:
        >>> mask = np.array([[0, 0, 0], [0, 1, 1]], np.uint8)
        >>> find_boxes(mask, mask.astype(np.uint16))[0].xyxy
        (1, 1, 3, 2)
    """
    rows, columns = np.nonzero(instances)
    found = instances[rows, columns]
    boxes = []
    for instance in np.unique(found):
        mine = found == instance
        y, x = rows[mine], columns[mine]
        label = Label(int(labels[y[0], x[0]]))
        edges = int(x.min()), int(y.min()), int(x.max()) + 1, int(y.max()) + 1
        boxes.append(Box(label, int(instance), *edges))
    return tuple(boxes)

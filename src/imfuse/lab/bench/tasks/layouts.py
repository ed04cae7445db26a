"""What a detector's graph wants to see and how its output is read, by the name of the layout."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imfuse.lab.bench.tasks import fastestdet, yolox
from imfuse.lab.bench.tasks.graph import Picture, Size


@dataclass(frozen=True)
class Layout:
    """A family of detectors that are fed and read alike.

    Attributes:
        name: as options give it.
        output: shape of the output, in words.
        size: of the input where the graph leaves it free.
        overlap: IoU above which the weaker of two boxes of a class is suppressed.
        fits: whether an output of this shape can be of this layout, for the size of the input.
        prepare: picture to input `(3, h, w)` of a size.
        decode: output, size of the input and size of the picture to boxes and scores.
    """

    name: str
    output: str
    size: Size
    overlap: float
    fits: Callable[[tuple[int, ...], Size], bool]
    prepare: Callable[[Picture, Size], NDArray[np.float32]]
    decode: Callable[[NDArray[np.float32], Size, Size], tuple[NDArray[np.float32], NDArray[np.float32]]]


_YOLOX_OUTPUT = "(1, N, 5 + classes) with a row for each cell of strides 8, 16, 32 (and 64)"
_ALL = (
    Layout("yolox", _YOLOX_OUTPUT, (640, 640), 0.45, yolox.fits, yolox.prepare, yolox.decode),
    Layout(
        "yolox-decoded", _YOLOX_OUTPUT + ", boxes in pixels", (640, 640), 0.45, yolox.fits, yolox.prepare, yolox.read
    ),
    Layout(
        "fastestdet",
        "(1, 5 + classes, h, w)",
        (352, 352),
        0.5,
        fastestdet.fits,
        fastestdet.prepare,
        fastestdet.decode,
    ),
)
LAYOUTS = {layout.name: layout for layout in _ALL}
"""Every layout by name."""


def describe_layouts() -> str:
    """Names and outputs, for messages."""
    return "; ".join(f"{layout.name}: {layout.output}" for layout in _ALL)

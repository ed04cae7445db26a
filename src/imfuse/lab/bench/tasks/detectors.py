"""A ready-made detector of an ONNX file: RGB picture in, boxes with classes and scores out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torchvision.ops import batched_nms

from imfuse.errors import EvaluationError
from imfuse.lab.bench.tasks import yolox
from imfuse.lab.bench.tasks.classes import COCO
from imfuse.lab.bench.tasks.graph import Graph, Picture, Size
from imfuse.lab.bench.tasks.layouts import LAYOUTS, Layout, describe_layouts

LOWEST_SCORE = 0.01
"""Of a detection that is kept; average precision wants the weak ones too."""

AUTO = "auto"
PROBED = (640, 640)
"""Size at which a graph of free size tells its layout."""


@dataclass(frozen=True, eq=False)
class Detections:
    """What was found in one picture, best first.

    Attributes:
        boxes: `(n, 4)` left, top, right, bottom in pixels; may reach over the border.
        scores: `(n,)` in [0, 1].
        labels: `(n,)` indices of the detector's classes.
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    labels: NDArray[np.int64]


class Detector:
    """Runs a detector on pictures of any size.

    Args:
        path: the `.onnx` file.
        layout: a name of `LAYOUTS`, or `auto` to tell it by the output. `yolox` is either form of YOLOX's own export,
            told by the output too; `yolox-decoded` is that form alone.
        classes: names of its classes.

    Attributes:
        layout: as given or told.
        size: height and width of the input.

    Raises:
        EvaluationError: the file cannot be run, the layout is unknown or does not fit the output, or the number of
            classes is another.
    """

    def __init__(self, path: Path, layout: str = AUTO, classes: Sequence[str] = COCO) -> None:
        if layout not in (AUTO, *LAYOUTS):
            raise EvaluationError(f"layout {layout!r} of {path}: expected {AUTO}, {', '.join(LAYOUTS)}")
        self.graph, self.classes = Graph(path), tuple(classes)
        wanted = PROBED if layout == AUTO else LAYOUTS[layout].size
        output = _probe(self.graph, _input_size(self.graph, wanted))
        allowed = tuple(LAYOUTS.values()) if layout == AUTO else (LAYOUTS[layout],)
        self.layout = _tell(output, _input_size(self.graph, wanted), allowed, path)
        self.size = _input_size(self.graph, self.layout.size)
        if self.size != _input_size(self.graph, wanted):
            output = _probe(self.graph, self.size)
        self._check(output)

    def __call__(self, picture: Picture) -> Detections:
        """What the detector finds in a picture.

        Raises:
            EvaluationError: the network fails.
        """
        output = self.graph(self.layout.prepare(picture, self.size))
        boxes, scores = self.layout.decode(output, self.size, (picture.shape[0], picture.shape[1]))
        return suppress(boxes, scores, self.layout.overlap)

    def _check(self, output: NDArray[np.float32]) -> None:
        if not self.layout.fits(output.shape, self.size):
            raise _misfit(output, self.size, self.graph.path)
        found = output.shape[2 if output.ndim == 3 else 1] - 5
        if found != len(self.classes):
            raise EvaluationError(
                f"{self.graph.path}: its output {output.shape} holds {found} classes, and {len(self.classes)} names "
                "were given; give the names of the detector's classes in its order"
            )


def suppress(boxes: NDArray[np.float32], scores: NDArray[np.float32], overlap: float) -> Detections:
    """One class a box, weak boxes dropped, then non-maximum suppression within each class.

    Args:
        boxes: `(n, 4)`.
        scores: `(n, classes)`.
        overlap: IoU above which the weaker box goes.
    """
    labels = scores.argmax(1)
    best = scores[np.arange(len(labels)), labels]
    kept = np.flatnonzero((best > LOWEST_SCORE) & np.isfinite(boxes).all(1))
    boxes, best, labels = boxes[kept], best[kept], labels[kept]
    order = batched_nms(torch.from_numpy(boxes), torch.from_numpy(best), torch.from_numpy(labels), overlap).numpy()
    return Detections(boxes[order], best[order], labels[order])


def _input_size(graph: Graph, free: Size) -> Size:
    return graph.height or free[0], graph.width or free[1]


def _probe(graph: Graph, size: Size) -> NDArray[np.float32]:
    return graph(np.full((3, *size), yolox.PADDING, np.float32))


def _tell(output: NDArray[np.float32], size: Size, allowed: Sequence[Layout], path: Path) -> Layout:
    """The first layout that fits; its users know both of YOLOX's forms by one name, so which it is shows the output."""
    layout = next((layout for layout in allowed if layout.fits(output.shape, size)), None)
    if layout is None:
        raise _misfit(output, size, path)
    if layout is LAYOUTS["yolox"] and yolox.is_decoded(output, size):
        return LAYOUTS["yolox-decoded"]
    return layout


def _misfit(output: NDArray[np.float32], size: Size, path: Path) -> EvaluationError:
    return EvaluationError(
        f"{path}: its first output has the shape {output.shape} for an input of {size[0]}x{size[1]} (height x width), "
        f"which is of no layout that is asked for; known layouts are {describe_layouts()}"
    )

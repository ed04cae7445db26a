"""Labels of objects: a text file an image in the YOLO form, a line an object of `class cx cy w h`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from imfuse.errors import EvaluationError
from imfuse.lab.bench.tasks.classes import read_lines

SLACK = 1e-2
"""How far a fraction may lie outside [0, 1] through rounding."""


@dataclass(frozen=True, eq=False)
class Objects:
    """The labelled objects of one image.

    Attributes:
        boxes: `(n, 4)` left, top, right, bottom as fractions of width and height.
        labels: `(n,)` class numbers.
    """

    boxes: NDArray[np.float32]
    labels: NDArray[np.int64]


def read_boxes(folder: Path, stems: Iterable[str], classes: Sequence[str]) -> dict[str, Objects]:
    """The objects of each stem that has a file in the folder; an empty file is an image without objects.

    Args:
        folder: of `<stem>.txt`.
        stems: of the images.
        classes: names of the class numbers, of which none may be beyond.

    Raises:
        EvaluationError: no folder, no file for any of the stems, or a bad line.
    """
    if not folder.is_dir():
        raise EvaluationError(f"{folder}: no such folder; expected text files of boxes, one an image")
    stems = tuple(stems)
    found = {stem: folder / f"{stem}.txt" for stem in stems if (folder / f"{stem}.txt").is_file()}
    if not found:
        example = f"{stems[0]}.txt" if stems else "<stem>.txt"
        raise EvaluationError(f"{folder}: holds no boxes for any of {len(stems)} images; expected files as {example}")
    return {stem: _read_file(path, classes) for stem, path in found.items()}


def _read_file(path: Path, classes: Sequence[str]) -> Objects:
    rows = [
        _parse(line, f"{path}, line {number}", classes)
        for number, line in enumerate(read_lines(path), 1)
        if line.strip()
    ]
    table = np.array(rows, np.float64).reshape(-1, 5)
    centre, half = table[:, 1:3], table[:, 3:] / 2
    boxes = np.concatenate([centre - half, centre + half], 1)
    return Objects(boxes.astype(np.float32), table[:, 0].astype(np.int64))


def _parse(line: str, place: str, classes: Sequence[str]) -> list[float]:
    expected = "expected `class cx cy w h`: a class number and fractions of width and height"
    try:
        values = [float(word) for word in line.split()]
    except ValueError:
        raise EvaluationError(f"{place}: found {line.strip()!r}; {expected}") from None
    if len(values) != 5:
        raise EvaluationError(f"{place}: found {len(values)} values; {expected}")
    label, *fractions = values
    if not all(-SLACK <= value <= 1 + SLACK for value in fractions) or min(fractions[2:]) <= 0:
        raise EvaluationError(f"{place}: found {line.strip()!r}; {expected} in [0, 1], w and h above 0")
    if label not in range(len(classes)):
        last = len(classes) - 1
        raise EvaluationError(
            f"{place}: found the class {label:g}; the {len(classes)} names of classes allow 0 to {last}; "
            "name all of the classes in their order"
        )
    return values

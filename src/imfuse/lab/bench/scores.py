"""What a task's ready-made network makes of fused images."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TaskRow:
    """What a task's network makes of one method's images.

    Attributes:
        name: of the method, or of a source alone, such as `infrared alone`.
        values: one a column.
        lower: ends of the 95 % bootstrap intervals over images, one a column.
        upper: as `lower`.
    """

    name: str
    values: tuple[float, ...]
    lower: tuple[float, ...]
    upper: tuple[float, ...]


@dataclass(frozen=True)
class TaskScores:
    """A table of task scores, higher is better in every column.

    Attributes:
        title: such as `Detection by FastestDet.onnx`.
        columns: such as `AP50`, `AP`, `AP50 person`.
        rows: the methods in their order, then each source alone.
        images: over which the scores are taken.
        remarks: what a reader must know to read the table, one sentence each.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[TaskRow, ...]
    images: int
    remarks: tuple[str, ...] = ()

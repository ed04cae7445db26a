"""What an evaluation is: scenes, methods, metrics, and one value for each of the three together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

AVERAGE, MAXIMUM = "Average", "Maximum"
REFERENCES = {AVERAGE: "average", MAXIMUM: "maximum"}
"""Rows that stand in every table, with the classical method that computes them on the lumas of the sources."""


@dataclass(frozen=True)
class Scene:
    """The sources of one fused image.

    Attributes:
        stem: the name that the sources and every method's fused image share.
        sources: files in the order of the sources.
    """

    stem: str
    sources: tuple[Path, ...]


@dataclass(frozen=True)
class Method:
    """A row of the tables.

    Attributes:
        name: as the tables give it; unique.
        kind: `folder` of fused images from elsewhere, `model` of imfuse that fused in this run, or `reference`.
        files: fused image of each stem; stems that are missing have none. Empty for a reference, which is computed.
        milliseconds: time of each stem's fusion in this run, for models.
    """

    name: str
    kind: Literal["folder", "model", "reference"]
    files: Mapping[str, Path] = field(default_factory=dict)
    milliseconds: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Evaluation:
    """Everything that was measured.

    Attributes:
        title: what was evaluated, for the head of the report.
        source_names: one a source, such as the names of their folders.
        scenes: in natural order of their stems.
        methods: in the order given, the references last.
        metrics: names of `METRICS`, in the order of the columns.
        ranked: those of them over which the mean rank is taken.
        conventions: the convention of each metric that is not measured by `imfuse`'s own.
        values: `(methods, metrics, scenes)`; NaN where nothing could be measured.
        problems: what was left out and why, one sentence each.
    """

    title: str
    source_names: tuple[str, ...]
    scenes: tuple[Scene, ...]
    methods: tuple[Method, ...]
    metrics: tuple[str, ...]
    ranked: tuple[str, ...]
    values: NDArray[np.float64]
    conventions: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


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


@dataclass(frozen=True)
class SpeedRow:
    """One model at one size on one engine.

    Attributes:
        model: its name.
        engine: such as `onnxruntime` or `torch`.
        width: of the sources in pixels.
        height: of the sources in pixels.
        threads: of the inference.
        milliseconds: median of the whole call.
        low: tenth percentile of the milliseconds.
        high: ninetieth percentile of the milliseconds.
        yardsticks: the median in units of the yardstick convolution; NaN where it was not measured.
        megabytes: peak memory of a process of its own; NaN where the system does not tell.
        parameters: trained values of the model; 0 for classical methods.
        macs: multiply-accumulates of one call.
        joules: energy of one call; NaN where the machine does not tell.
    """

    model: str
    engine: str
    width: int
    height: int
    threads: int
    milliseconds: float
    low: float
    high: float
    yardsticks: float
    megabytes: float
    parameters: int
    macs: float
    joules: float

    @property
    def fps(self) -> float:
        """Calls a second at the median time."""
        return 1e3 / self.milliseconds


@dataclass(frozen=True)
class SpeedTable:
    """Speeds measured side by side in one run.

    Attributes:
        machine: processor, cores and versions in words.
        yardstick: milliseconds of a convolution 64 -> 64, 3x3, on 1x64x480x640 on one thread; NaN if not measured.
        rows: in the order of the measurement.
    """

    machine: str
    yardstick: float
    rows: tuple[SpeedRow, ...]

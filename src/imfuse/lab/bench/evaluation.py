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
        milliseconds: time of each stem's fusion, taken on this machine when it was fused, for models.
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

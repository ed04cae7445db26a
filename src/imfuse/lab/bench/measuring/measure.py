"""Measure a scene: read sources and fused images, bring them to luma in [0, 1], and take the metrics of each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from imfuse.errors import ImfuseError, SourceError
from imfuse.images.colour import is_grey
from imfuse.images.depth import ValueRange, type_maximum
from imfuse.images.image import Pixels
from imfuse.images.storage import first_line
from imfuse.lab.bench.evaluation import Method, Scene
from imfuse.lab.bench.measuring.threads import one_thread
from imfuse.lab.bench.pictures import fused_picture, read_sources, scaled, source_ranges, unit_luma

if TYPE_CHECKING:
    from torch import Tensor

Column = tuple[str, str]
"""A metric and the convention by which it is measured."""


@dataclass(frozen=True)
class Task:
    """What is to be measured of a scene.

    Attributes:
        scene: whose sources are read once for all of its fused images.
        pictures: methods, with the file of this scene alone, and the columns that are wanted of each.
    """

    scene: Scene
    pictures: tuple[tuple[Method, tuple[Column, ...]], ...]


@dataclass(frozen=True)
class Measured:
    """What was measured of a scene.

    Attributes:
        scene: the scene.
        values: of each method by its name, as far as they could be taken. A metric of colour is NaN where the fused
            image or all sources are grey.
        stretched: positions of the sources that were taken for raw thermal images.
        problems: one sentence on each image or metric that could not be measured.
    """

    scene: Scene
    values: dict[str, dict[Column, float]]
    stretched: tuple[int, ...] = ()
    problems: tuple[str, ...] = ()


def measure_scene(task: Task) -> Measured:
    """All that is wanted of a scene; what cannot be read or measured is said in a sentence."""
    try:
        sources = read_sources(task.scene)
        lumas = unit_lumas(task.scene.sources, sources)
    except ImfuseError as error:
        return Measured(task.scene, {}, problems=(str(error),))
    values: dict[str, dict[Column, float]] = {}
    problems: list[str] = []
    with one_thread():
        for method, columns in task.pictures:
            try:
                fused = fused_picture(method, task.scene, sources)
                values[method.name], failed = measure_picture(fused, sources, lumas, columns)
            except ImfuseError as error:
                failed = (str(error),)
            problems += (f"{method.name}, {task.scene.stem}: {text}" for text in failed)
    stretched = tuple(i for i, r in enumerate(source_ranges(sources)) if r == "percentile")
    return Measured(task.scene, values, stretched, tuple(problems))


def unit_lumas(paths: Sequence[Path], sources: Sequence[Pixels]) -> list[NDArray[np.float64]]:
    """Lumas of sources in [0, 1], each by its own range.

    Raises:
        SourceError: floats outside [0, 1]; the file is named.
    """
    return [_named(*each) for each in zip(paths, sources, source_ranges(sources), strict=True)]


def _named(path: Path, source: Pixels, value_range: ValueRange) -> NDArray[np.float64]:
    try:
        return unit_luma(source, value_range)
    except SourceError as error:
        raise SourceError(f"{path} {error}") from error


def measure_picture(
    fused: Pixels, sources: Sequence[Pixels], lumas: Sequence[NDArray[np.float64]], columns: Sequence[Column]
) -> tuple[dict[Column, float], tuple[str, ...]]:
    """The columns of one fused image, and a sentence on each metric that failed.

    Args:
        fused: as its file holds it.
        sources: as their files hold them; the first that is in colour is the one of the metrics of colour.
        lumas: of the sources in [0, 1], from `unit_lumas`.
        columns: what is measured.

    Returns:
        Values by column; NaN for a metric of colour where the fused image or all sources are grey.

    Raises:
        SourceError: floats outside [0, 1].
    """
    import torch

    from imfuse.lab.metrics.functional import shared_work
    from imfuse.lab.metrics.registry import METRICS

    grey = (_tensor(unit_luma(fused)[None]), _tensor(np.stack(lumas)))
    values: dict[Column, float] = {}
    problems = []
    with torch.no_grad(), shared_work():
        for name, convention in columns:
            pair = _colours(fused, sources) if METRICS[name].inputs == "colour" else grey
            try:
                values[name, convention] = math.nan if pair is None else METRICS[name](*pair, convention).item()
            except Exception as error:
                problems.append(f"{name} cannot be measured: {first_line(error)}")
    return values, tuple(problems)


def _colours(fused: Pixels, sources: Sequence[Pixels]) -> tuple[Tensor, Tensor] | None:
    """The fused image and its colour source as `(1, 3, h, w)` in [0, 1], if both are in colour."""
    colour = next((source for source in sources if not is_grey(source)), None)
    if colour is None or is_grey(fused):
        return None
    planes = (scaled(pixels, (0.0, type_maximum(pixels.dtype))).transpose(2, 0, 1) for pixels in (fused, colour))
    first, second = (_tensor(np.ascontiguousarray(plane)) for plane in planes)
    return first, second


def _tensor(planes: NDArray[np.float64]) -> Tensor:
    import torch

    return torch.from_numpy(planes)[None]

"""Measure scenes: read sources and fused images, bring them to luma in [0, 1], and take the metrics of each.

Scenes are measured side by side in processes of their own, one thread each; what comes first is yielded first.
"""

from __future__ import annotations

import contextlib
import math
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import connection, get_context, parent_process
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from imfuse.errors import EvaluationError, ImfuseError, SourceError
from imfuse.images.colour import is_grey
from imfuse.images.depth import ValueRange, type_maximum
from imfuse.images.image import Pixels
from imfuse.images.storage import first_line
from imfuse.lab.bench.evaluation import Method, Scene
from imfuse.lab.bench.pictures import fused_picture, read_sources, scaled, source_ranges, unit_luma

if TYPE_CHECKING:
    from torch import Tensor

Column = tuple[str, str]
"""A metric and the convention by which it is measured."""

WORTH_A_PROCESS = 4
"""Scenes that take longer to measure than a process takes to begin."""


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


def measure(tasks: Sequence[Task], jobs: int) -> Iterator[Measured]:
    """Measure scenes, in the order in which they end.

    Args:
        tasks: one a scene.
        jobs: processes at a time; with one, or few tasks, this process does it.

    Raises:
        EvaluationError: a process was killed, most likely for want of memory.
    """
    workers = min(jobs, len(tasks) // WORTH_A_PROCESS)
    if workers < 2:
        yield from map(measure_scene, tasks)
        return
    # Spawned, since a fork of a process that has used PyTorch may hang.
    pool = ProcessPoolExecutor(workers, get_context("spawn"), initializer=_start_worker)
    try:
        with _deaf():
            futures = [pool.submit(measure_scene, task) for task in tasks]
        for future in as_completed(futures):
            yield future.result()
    except BrokenProcessPool as error:
        raise EvaluationError(
            "a process that measured was killed, most likely for want of memory; use fewer --jobs. What is measured "
            "is kept; the same command goes on from there"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextlib.contextmanager
def _deaf() -> Iterator[None]:
    """Ignore interrupts, as do processes that begin meanwhile: the parent alone is to answer them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _start_worker() -> None:
    """One thread a process, whose end is that of its parent."""
    import cv2

    for library in ("OMP", "MKL", "OPENBLAS"):
        os.environ[f"{library}_NUM_THREADS"] = "1"
    cv2.setNumThreads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # where it is not inherited
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A parent that is killed tells nobody, and its workers would wait for work for ever."""
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


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

    from imfuse.lab.metrics.registry import METRICS

    grey = (_tensor(unit_luma(fused)[None]), _tensor(np.stack(lumas)))
    values: dict[Column, float] = {}
    problems = []
    for name, convention in columns:
        pair = _colours(fused, sources) if METRICS[name].inputs == "colour" else grey
        try:
            with torch.no_grad():
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


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """PyTorch on one thread, so that every run of every number of processes gives the same sums."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)

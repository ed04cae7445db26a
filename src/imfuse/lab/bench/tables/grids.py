"""Tables as heads, cells and notes, before a format writes them: an evaluation's, task scores, speeds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from imfuse.lab.bench.evaluation import Evaluation
from imfuse.lab.bench.scores import TaskScores
from imfuse.lab.bench.speed.table import HEAD, cells
from imfuse.lab.bench.statistics import Summary
from imfuse.lab.bench.statistics.ranking import leaders, ranks
from imfuse.lab.bench.tables.rows import (
    NOISE_MARK,
    Cell,
    image_count,
    lacks_images,
    number,
    place_marks,
    table_notes,
    table_rows,
    tells_noise,
    time_texts,
)
from imfuse.lab.bench.timings import SpeedTable
from imfuse.lab.metrics.registry import METRICS


@dataclass(frozen=True)
class Grid:
    """A table in no format yet.

    Attributes:
        title: what it is of.
        head: names of the columns.
        texts: how many of the columns are texts, which are the first.
        groups: rows that stand together, each a cell a column.
        notes: what must be known to read it, one sentence each.
        remarks: what else is good to know, one sentence each.
    """

    title: str
    head: tuple[str, ...]
    texts: int
    groups: tuple[tuple[tuple[Cell, ...], ...], ...]
    notes: tuple[str, ...]
    remarks: tuple[str, ...] = ()


def main_grid(evaluation: Evaluation, summary: Summary) -> Grid:
    """Mean ranks, then the means; the references are the second group."""
    lacking = lacks_images(evaluation, summary)
    second = (f"mean rank without {NOISE_MARK} ↓",) if tells_noise(summary) else ()
    times = time_texts(evaluation)
    last = (*(("ms",) if times else ()), *(("images",) if lacking else ()))
    head = ("method", "mean rank ↓", *second, *map(_metric_head, evaluation.metrics), *last)
    groups = tuple(
        tuple(
            (
                Cell(row.name),
                *row.all_cells,
                *((Cell(times[row.name]),) if times else ()),
                *((Cell(str(row.images)),) if lacking else ()),
            )
            for row in table_rows(evaluation, summary)
            if row.is_reference is kind
        )
        for kind in (False, True)
    )
    timed = ("ms: median time of the fusions of this run on one thread, without files.",) if times else ()
    return Grid(evaluation.title, head, 1, groups, (*table_notes(evaluation, summary), *timed))


def task_grid(scores: TaskScores) -> Grid:
    """A row each of a task's scores with their intervals."""
    columns = []
    for column in range(len(scores.columns)):
        values = np.array([row.values[column] for row in scores.rows])
        marks = place_marks(*leaders(ranks(values)[:, None])) if len(values) else []
        columns.append(
            [
                Cell(number(row.values[column], 3), mark, _interval(row.lower[column], row.upper[column]))
                for row, mark in zip(scores.rows, marks, strict=True)
            ]
        )
    rows = tuple((Cell(row.name), *(column[i] for column in columns)) for i, row in enumerate(scores.rows))
    notes = (f"Over {image_count(scores.images)}; in parentheses 95 % bootstrap intervals over images.",)
    return Grid(scores.title, ("method", *(f"{name} ↑" for name in scores.columns)), 1, (rows,), notes, scores.remarks)


def speed_grid(speed: SpeedTable) -> Grid:
    """The speeds as `imfuse bench` writes them."""
    notes = [f"Median of the whole call and its range from the tenth to the ninetieth percentile, on {speed.machine}."]
    if math.isfinite(speed.yardstick):
        yardstick = f"{speed.yardstick:.0f} ms"
        notes.append(f"Y is a convolution 64 to 64, 3 x 3, on 640 x 480 pixels on one thread: {yardstick}.")
    rows = tuple(tuple(map(Cell, cells(row))) for row in speed.rows)
    return Grid("Speed", HEAD, 3, (rows,), tuple(notes))


def all_grids(
    evaluation: Evaluation, summary: Summary, tasks: Sequence[TaskScores], speed: SpeedTable | None
) -> tuple[Grid, ...]:
    """The main table, then those beside it."""
    return (main_grid(evaluation, summary), *map(task_grid, tasks), *([speed_grid(speed)] if speed else []))


def _metric_head(name: str) -> str:
    metric = METRICS[name]
    return f"{name}{NOISE_MARK if metric.rewards_noise else ''} {'↑' if metric.higher_is_better else '↓'}"


def _interval(low: float, high: float) -> str:
    return "" if np.isnan(low) or np.isnan(high) else f" ({number(low, 3)} to {number(high, 3)})"

"""Quality beside time: which method is how fast, and which are beaten by none in both."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from imfuse.lab.bench.evaluation import REFERENCES, Evaluation, Method
from imfuse.lab.bench.statistics import Summary
from imfuse.lab.bench.timings import SpeedRow, SpeedTable


@dataclass(frozen=True)
class Timing:
    """A method on the plane of quality and time.

    Attributes:
        method: index in the evaluation.
        label: its name, as the speed table knows it.
        milliseconds: an image.
        mean_rank: of the method.
    """

    method: int
    label: str
    milliseconds: float
    mean_rank: float


def timings(evaluation: Evaluation, summary: Summary, speed: SpeedTable | None) -> tuple[list[Timing], str]:
    """The methods whose time and mean rank are known, and where the times come from in words.

    Of a speed table the size and number of threads is taken at which most rows belong to methods of the evaluation,
    and of several engines the fastest; without one, the median of the times that models took when they fused.
    """
    known = [i for i, rank in enumerate(summary.mean_ranks) if np.isfinite(rank)]
    measured = _from_table(evaluation, known, speed) if speed else None
    if measured is None:
        times = {i: [t for t in evaluation.methods[i].milliseconds.values() if t > 0] for i in known}
        rows = [(i, evaluation.methods[i].name, median(each)) for i, each in times.items() if each]
        source = "median time of a fusion, taken when the images were fused; reading and writing left out"
    else:
        rows, source = measured
    return [Timing(i, label, ms, float(summary.mean_ranks[i])) for i, label, ms in rows], source


def pareto_front(points: Sequence[Timing]) -> list[int]:
    """Indices, fastest first, of the points that no other beats in time without being worse in rank, or reversed."""
    order = sorted(range(len(points)), key=lambda i: (points[i].milliseconds, points[i].mean_rank))
    front: list[int] = []
    best = math.inf
    for i in order:
        if points[i].mean_rank < best:
            front.append(i)
            best = points[i].mean_rank
    return front


def _from_table(
    evaluation: Evaluation, known: list[int], speed: SpeedTable
) -> tuple[list[tuple[int, str, float]], str] | None:
    """Index, label and milliseconds of each row that is a method's, all of one size and number of threads."""
    methods = {name: i for i in known for name in _names(evaluation.methods[i])}
    rows = [row for row in speed.rows if row.model in methods and row.milliseconds > 0]
    if not rows:
        return None
    setting, _ = Counter(map(_setting, rows)).most_common(1)[0]
    rows = [row for row in rows if _setting(row) == setting]
    fastest = {methods[row.model]: row for row in sorted(rows, key=lambda row: -row.milliseconds)}
    labels = [(i, row.model, row.milliseconds) for i, row in sorted(fastest.items())]
    width, height, threads = setting
    words = [f"{width} x {height} pixels", f"{threads} thread{'' if threads == 1 else 's'}"]
    if len({row.engine for row in rows}) > 1:
        words.append("each method on its fastest engine")
    return labels, f"{', '.join(words)}; {speed.machine}"


def _setting(row: SpeedRow) -> tuple[int, int, int]:
    return row.width, row.height, row.threads


def _names(method: Method) -> tuple[str, ...]:
    """Names by which a speed table may know a method: references are classical methods in small letters there."""
    return (REFERENCES[method.name], method.name) if method.kind == "reference" else (method.name,)

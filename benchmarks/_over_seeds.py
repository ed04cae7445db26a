"""Runs of several seeds in a table: means, 95 % intervals of Student's t over the seeds, and what a network costs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from _crop_times import Times, ratio
from rich.console import Console
from rich.table import Table
from scipy.stats import t

Runs = dict[tuple[str, int], dict[str, float]]
"""What was measured of each variant and seed."""

BASELINE = "add"
CONFIDENCE = 0.95
HEADINGS = (
    "join",
    "seeds",
    "accuracy %",
    "day %",
    "night %",
    "balanced %",
    f"accuracy less {BASELINE}, same seeds",
    "parameters",
    "MACs, million",
    "ms a crop",
    f"time / {BASELINE}",
)


class Estimate(NamedTuple):
    """A mean and the half width of its interval, NaN where one seed alone says nothing of the spread."""

    mean: float
    half_width: float

    def in_percent(self, sign: str = "") -> str:
        spread = "" if math.isnan(self.half_width) else f" ± {self.half_width * 100:.1f}"
        return f"{self.mean * 100:{sign}.1f}{spread}"


def estimate(values: Sequence[float]) -> Estimate:
    """Mean over seeds with its interval by Student's t.

    >>> estimate([0.5, 0.75])  # of two values: half their distance x 12.706
    Estimate(mean=0.625, half_width=1.5882...)
    """
    count = len(values)
    if count < 2:
        return Estimate(float(np.mean(values)), math.nan)
    error = float(np.std(values, ddof=1)) / math.sqrt(count)
    return Estimate(float(np.mean(values)), float(t.ppf((1 + CONFIDENCE) / 2, count - 1)) * error)


def less_baseline(runs: Runs, variant: str, value: str = "accuracy") -> Estimate | None:
    """Difference to the baseline in the seeds that both have; None without such seeds, and for the baseline itself."""
    of_both = [seed for name, seed in runs if name == variant and (BASELINE, seed) in runs]
    if variant == BASELINE or not of_both:
        return None
    return estimate([runs[variant, seed][value] - runs[BASELINE, seed][value] for seed in of_both])


def table_rows(runs: Runs, variants: Sequence[str], times: Times) -> Iterator[list[str]]:
    """The cells under `HEADINGS` of every variant that has a run, in their order; "-" for what was not measured."""
    for variant in variants:
        own = [record for (name, _), record in runs.items() if name == variant]
        if own:
            difference = less_baseline(runs, variant)
            yield [variant, str(len(own)), *_accuracy_cells(own, difference), *_cost_cells(own[0], variant, times)]


def _accuracy_cells(own: list[dict[str, float]], difference: Estimate | None) -> Iterator[str]:
    for name in ("accuracy", "day", "night", "balanced"):
        yield estimate([record[name] for record in own]).in_percent()
    yield difference.in_percent("+") if difference else "-"


def _cost_cells(record: dict[str, float], variant: str, times: Times) -> Iterator[str]:
    yield f"{record['parameters']:,}"
    yield f"{record['macs'] / 1e6:.2f}"
    yield f"{np.median(times[variant]):.2f}" if variant in times else "-"
    yield f"{ratio(times, variant, BASELINE):.2f}" if variant in times else "-"


def markdown(rows: Sequence[Sequence[str]]) -> str:
    lines = (HEADINGS, ["---"] * len(HEADINGS), *rows)
    return "\n".join(f"|{'|'.join(line)}|" for line in lines)


def terminal(rows: Sequence[Sequence[str]], console: Console) -> None:
    table = Table()
    for number, heading in enumerate(HEADINGS):
        table.add_column(heading, justify="right" if number else "left")
    for row in rows:
        table.add_row(*row)
    console.print(table)

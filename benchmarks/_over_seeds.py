"""Runs of several seeds in a table: means, and 95 % intervals of Student's t over the seeds."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
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
    "training s",
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


def table_rows(runs: Runs, variants: Sequence[str]) -> Iterator[list[str]]:
    """The cells under `HEADINGS` of every variant that has a run, in their order."""
    for variant in variants:
        own = [record for (name, _), record in runs.items() if name == variant]
        if own:
            yield [variant, str(len(own)), *_cells(own, less_baseline(runs, variant))]


def _cells(own: list[dict[str, float]], difference: Estimate | None) -> Iterator[str]:
    for name in ("accuracy", "day", "night", "balanced"):
        yield estimate([record[name] for record in own]).in_percent()
    yield difference.in_percent("+") if difference else "-"
    yield f"{own[0]['parameters']:,}"
    yield f"{own[0]['macs'] / 1e6:.2f}"
    yield f"{_median(own, 'crop_ms'):.2f}"
    yield f"{_median(own, 'training_seconds'):.0f}"


def _median(own: list[dict[str, float]], name: str) -> float:
    return float(np.median([record[name] for record in own]))


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

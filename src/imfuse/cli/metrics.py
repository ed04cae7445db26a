"""`imfuse metrics`: what can be measured of fused images, as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser, Namespace

    from imfuse.lab.metrics.registry import Metric

MEASURED_OF = {"fused": "fused", "sources": "fused, sources", "colour": "fused, source in colour"}
"""What a metric looks at."""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--json", action="store_true", help="print the metrics as one JSON list")


def run(arguments: Namespace) -> int:
    """Show what `--metrics` of other subcommands takes."""
    from imfuse.lab.metrics.registry import COMMON, METRICS, RANKED

    if arguments.json:
        from imfuse.cli._report import print_json

        print_json([_record(metric, metric.name in COMMON, metric.name in RANKED) for metric in METRICS.values()])
        return 0
    _print_table(list(METRICS.values()))
    print(f"Measured unless others are asked for: {', '.join(COMMON)}.")
    print(f"The mean rank is over: {', '.join(RANKED)}.")
    return 0


def _record(metric: Metric, common: bool, ranked: bool) -> dict[str, Any]:
    return {
        "name": metric.name,
        "title": metric.title,
        "better": _better(metric),
        "measured_of": metric.inputs,
        "conventions": list(metric.conventions),
        "rewards_noise": metric.rewards_noise,
        "differentiable": metric.is_differentiable,
        "common": common,
        "ranked": ranked,
        "paper": metric.paper,
    }


def _better(metric: Metric) -> str:
    return "up" if metric.higher_is_better else "down"


def _print_table(metrics: list[Metric]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table("metric", "in words", "better", "measured of", "conventions", "paper", box=box.SIMPLE)
    for column in table.columns:
        column.overflow = "fold"  # a narrow terminal breaks long words, and loses no letter
    for column in (table.columns[0], table.columns[2]):
        column.no_wrap = True
    for metric in metrics:
        better = _better(metric) + (" *" if metric.rewards_noise else "")
        conventions = ", ".join(metric.conventions)
        table.add_row(metric.name, metric.title, better, MEASURED_OF[metric.inputs], conventions, metric.paper)
    Console().print(table)
    print("* noise in the fused image makes it better too")

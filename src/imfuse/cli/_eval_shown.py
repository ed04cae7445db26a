"""What `imfuse eval` says at its end: the table, what stands out, what is missing, and where the report lies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from imfuse.cli._report import warn

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from imfuse.lab.bench.evaluation import Evaluation
    from imfuse.lab.bench.report import Report
    from imfuse.lab.bench.scores import TaskScores

MOST_PROBLEMS = 10
"""Lines on single files that people are shown; all are in the report."""

STYLES = {"best": "bold green", "second": "green", "": ""}


def what_to_show(evaluation: Evaluation, report: Report, tasks: tuple[TaskScores, ...], failed: bool) -> dict[str, Any]:
    """All that is shown, as JSON holds it, so that a run that finds its report standing can show it again."""
    from imfuse.lab.bench.tables.rows import images_note, lacks_images, table_rows, time_texts

    rows = table_rows(evaluation, report.summary)
    times = time_texts(evaluation)
    lacking = lacks_images(evaluation, report.summary)
    last = [*(["ms"] if times else []), *(["images"] if lacking else [])]
    return {
        "head": ["method", "mean rank", *evaluation.metrics, *last],
        "rows": [
            [
                [row.name, ""],
                *([cell.text, cell.mark] for cell in row.cells),
                *([[times[row.name], ""]] if times else []),
                *([[str(row.images), ""]] if lacking else []),
            ]
            for row in rows
        ],
        "notes": [images_note(evaluation, report.summary)] if lacking else [],
        "speed": [_speed(row) for row in (report.record["speed"] or {"rows": []})["rows"]],
        "scenes": len(evaluation.scenes),
        "tasks": [_task(scores) for scores in tasks],
        "remarks": list(report.remarks),
        "problems": list(evaluation.problems),
        "failed": failed,
    }


def show(shown: dict[str, Any], report: Path, *, quiet: bool) -> int:
    """Print what `what_to_show` gave; returns the exit status."""
    problems = shown["problems"]
    for problem in problems[:MOST_PROBLEMS]:
        warn(problem)
    if len(problems) > MOST_PROBLEMS:
        warn(f"and {len(problems) - MOST_PROBLEMS} more, listed in {report / 'report.html'}")
    if not quiet:
        _print(shown, report)
    return 1 if shown["failed"] else 0


def _print(shown: dict[str, Any], report: Path) -> None:
    from rich.console import Console

    console = Console()
    _print_fitting(console, shown, report)
    for note in shown["notes"]:
        console.print(note, highlight=False, markup=False)
    for task in shown["tasks"]:
        console.print(f"{task['title']}, {_count(task['images'], 'image')}", highlight=False, markup=False)
        _print_fitting(console, task, report)
    for speed in shown["speed"]:
        console.print(speed, highlight=False, markup=False)
    for remark in shown["remarks"]:
        console.print(f"- {remark}", highlight=False, markup=False)
    where = f"report  {report / 'report.html'} ({_count(shown['scenes'], 'scene')})"
    console.print(where, highlight=False, markup=False, soft_wrap=True)


def _print_fitting(console: Console, grid: dict[str, Any], report: Path) -> None:
    table, left_out = _fitting(grid["head"], grid["rows"], console.width)
    console.print(table)
    if left_out:
        console.print(f"{', '.join(left_out)}: in {report / 'table.md'}", highlight=False, markup=False)


def _fitting(head: list[str], rows: list[list[list[str]]], width: int) -> tuple[Table, list[str]]:
    """The table with as many columns as the terminal holds, and the names of the others."""
    widths = [2 + max(len(row[i][0]) for row in [*rows, [[name] for name in head]]) for i in range(len(head))]
    count = len(head)
    while sum(widths[:count]) > width and count > 2:
        count -= 1
    return _table(head[:count], [row[:count] for row in rows]), head[count:]


def _table(head: list[str], rows: list[list[list[str]]]) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(*head, box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    for number, column in enumerate(table.columns):
        column.justify, column.no_wrap = "right" if number else "left", True
    for row in rows:
        table.add_row(*(Text(text, STYLES[mark]) for text, mark in row))
    return table


def _task(scores: TaskScores) -> dict[str, Any]:
    """The scores with their intervals, those over all classes first."""
    head = ["method", *scores.columns]
    ends = ((row.name, zip(row.values, row.lower, row.upper, strict=True)) for row in scores.rows)
    cells = ((name, [f"{value:.3f} ({low:.3f} to {high:.3f})" for value, low, high in row]) for name, row in ends)
    rows = [[[name, ""], *([text, ""] for text in texts)] for name, texts in cells]
    return {"title": scores.title, "head": head, "rows": rows, "images": scores.images}


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _speed(row: dict[str, Any]) -> str:
    """One model at one size on one engine."""
    setting = f"{row['engine']}, {row['width']} x {row['height']}, {_count(row['threads'], 'thread')}"
    return f"speed  {row['model']}: {row['milliseconds']:.1f} ms, {1e3 / row['milliseconds']:.1f} fps ({setting})"

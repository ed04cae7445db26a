"""`imfuse bench`: speed of models x sizes x engines x threads, and quality beside it where pairs are given."""

from __future__ import annotations

import math
import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from imfuse.cli._options import add_report_options, check_positive
from imfuse.cli._usage import UsageError, check_output

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser, Namespace

    from imfuse.lab.bench.evaluation import Evaluation
    from imfuse.lab.bench.timings import SpeedTable

SIZES = ["640x480"]
MODELS = ["ivif", "laplacian"]
SHOWN = 9
"""Columns that a terminal of 80 characters holds."""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    from imfuse.lab.bench.speed.measure import ENGINES

    parser.add_argument(
        "--model", nargs="+", metavar="NAME", help=f"names or model folders; {' '.join(MODELS)} if none"
    )
    parser.add_argument("--size", nargs="+", metavar="WIDTHxHEIGHT", default=SIZES, help="sizes of the sources")
    parser.add_argument("--engine", nargs="+", choices=ENGINES, default=[ENGINES[0]], help="what runs the networks")
    parser.add_argument("--threads", nargs="+", type=int, metavar="N", help="1 and all cores if not given")
    parser.add_argument("--repeat", type=int, default=50, metavar="N", help="timed calls of each row")
    parser.add_argument(
        "--no-yardstick", action="store_true", help="leave out the convolution that machines compare by"
    )
    parser.add_argument(
        "--sources", nargs="+", metavar="DIR", help="measure quality on these pairs too, one folder a source"
    )
    parser.add_argument(
        "-o", "--output", metavar="FOLDER", help="gets speed.csv and speed.md, with --sources the report"
    )
    add_report_options(parser)


def run(arguments: Namespace) -> int:
    """Measure, show, and write what was asked for.

    Raises:
        UsageError: a size, a number or an engine that cannot be.
        ModelError: no such model.
    """
    from imfuse.cli._report import print_json, progress
    from imfuse.lab.bench.speed.measure import measure_speed, speed_jobs
    from imfuse.lab.bench.speed.table import records
    from imfuse.runtime.cores import usable_cores

    _check_output(arguments)
    threads = arguments.threads or sorted({1, usable_cores()})
    for count in (arguments.repeat, *threads):
        check_positive(repeat=arguments.repeat, threads=count)
    sizes = [_size(text) for text in arguments.size]
    rows = {"sizes": sizes, "engines": arguments.engine, "threads": threads, "repeat": arguments.repeat}
    models = arguments.model or MODELS
    _check_models(models)
    evaluation = _evaluate(arguments, models) if arguments.sources else None
    with progress("timing", len(speed_jobs(models, **rows)), quiet=arguments.quiet or arguments.json) as advance:
        table = measure_speed(models, **rows, yardstick=not arguments.no_yardstick, advance=advance)
    if arguments.json:
        print_json(records(table))
    elif not arguments.quiet:
        _print(table)
    return _write(arguments, table, evaluation) if arguments.output else 0


def _check_output(arguments: Namespace) -> None:
    """Refuse an output that cannot be before anything is timed.

    Raises:
        UsageError: a report without a folder, one that is a file, or one that is a folder of sources.
    """
    if arguments.sources and not arguments.output:
        raise UsageError("--sources needs a folder for the report: -o FOLDER")
    if arguments.output:
        folder = check_output(Path(arguments.output), [Path(source) for source in arguments.sources or ()])
        if folder.exists() and not folder.is_dir():
            raise UsageError(f"-o {folder}: a file; what is measured needs a folder")


def _size(text: str) -> tuple[int, int]:
    """Width and height.

    Raises:
        UsageError: not two whole numbers from 1 up with an x between them.
    """
    match = re.fullmatch(r"([1-9]\d*)x([1-9]\d*)", text)
    if not match:
        raise UsageError(f"--size {text}: expected WIDTHxHEIGHT in pixels, as 640x480")
    return int(match.group(1)), int(match.group(2))


def _check_models(models: list[str]) -> None:
    """Refuse an unknown model before anything is timed."""
    from imfuse.cli._options import load_fuser

    for model in models:
        load_fuser(model, threads=1, memory=None)


def _print(table: SpeedTable) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from imfuse.lab.bench.speed.table import HEAD, cells

    shown = Table(*HEAD[:SHOWN], box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for number, column in enumerate(shown.columns):
        column.no_wrap = True
        column.justify = "left" if number < 2 else "right"
    for row in table.rows:
        shown.add_row(*cells(row)[:SHOWN])
    yardstick = "" if math.isnan(table.yardstick) else f"; yardstick Y: {table.yardstick:.0f} ms"
    console = Console()
    console.print(shown)
    console.print(f"{table.machine}{yardstick}", highlight=False)


def _evaluate(arguments: Namespace, models: list[str]) -> Evaluation:
    """Quality of the models on the pairs of `--sources`."""
    from imfuse.cli._eval_request import models_by_name
    from imfuse.cli._report import progress
    from imfuse.lab.bench.evaluate import evaluate
    from imfuse.runtime.cores import usable_cores

    return evaluate(
        arguments.sources,
        {},
        arguments.output,
        models=models_by_name(models),
        jobs=usable_cores(),
        progress=partial(progress, quiet=arguments.quiet or arguments.json),
    )


def _write(arguments: Namespace, table: SpeedTable, evaluation: Evaluation | None) -> int:
    from imfuse.images.storage import write_file
    from imfuse.lab.bench.speed.table import comma_separated, markdown

    folder = Path(arguments.output)
    write_file(folder / "speed.csv", comma_separated(table).encode())
    write_file(folder / "speed.md", markdown(table).encode())
    if evaluation is None:
        return 0
    from imfuse.cli._eval_shown import show, what_to_show
    from imfuse.lab.bench.evaluate import has_failed
    from imfuse.lab.bench.report import write_report

    written = write_report(folder, evaluation, (), table)
    shown = what_to_show(evaluation, written, (), has_failed(evaluation))
    return show(shown, folder, quiet=arguments.quiet or arguments.json)

"""Blocks that join features: which classifies crops of infrared and visible pictures best, and is the order real.

    python benchmarks/feature_fusion.py FOLDER [--seeds 5] [--variants add aff late] [--output results.jsonl]
    python benchmarks/feature_fusion.py FOLDER --output results.jsonl --markdown

FOLDER holds `train/` and `test/`, each with `ir/`, `vis/` and `labels.csv` (columns stem, light, class), whose pictures
are registered crops of one object each, `<anything>_<frame>_<object>`. A small residual network with a stream for each
modality is trained anew for every variant and seed; nothing but the block that joins the streams differs. All blocks
of a seed begin with the same streams, and all variants see the same crops in the same order.

Every run adds a line to the output as soon as it is done. A second call goes on where the first one stopped, and only
prints the table when there is nothing left to do. Runs of other settings in the file are left alone; after a change of
the code, take a new file. `--part held-out` trains on four fifths of the training crops and measures on the rest, whose
frames are no neighbours of theirs: that is where epochs and rate were chosen, with `add`.

The intervals are over seeds: they say what another start of the training would give on this one test set, not what
another test set would give. Each stands for itself: of many differences that are none, one in twenty leaves 0 outside.

The time of a crop is measured anew for every table, on one thread: all variants take turns for some `--rounds`, and
the ratio is the median of those within a round. Times of different tables do not compare.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from _classification import Settings, run
from _crop_times import Times, crop_times
from _crops import Crops, CropSet, hold_out, read_crops
from _over_seeds import BASELINE, Runs, markdown, table_rows, terminal
from _two_streams import VARIANTS
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from imfuse.errors import EvaluationError, ImfuseError
from imfuse.images.journal import end_torn_line, read_lines
from imfuse.lab.bench.measuring.threads import one_thread

PARTS = ("test", "held-out")


def main() -> int:
    arguments = parse()
    try:
        return benchmark(arguments)
    except ImfuseError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="folder with train/ and test/")
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=VARIANTS, metavar="NAME", help="which joins")
    parser.add_argument("--seeds", type=positive, default=5, help="trainings of each variant")
    parser.add_argument("--epochs", type=positive, default=12)
    parser.add_argument("--batch", type=positive, default=64, help="crops a step, about")
    parser.add_argument("--rate", type=float, default=6e-3, help="highest learning rate")
    parser.add_argument("--side", type=positive, default=32, help="of the square that each crop becomes, in pixels")
    parser.add_argument("--part", choices=PARTS, default="test", help="what is measured on")
    parser.add_argument("--output", type=Path, default=Path("results.jsonl"), help="journal of the runs")
    parser.add_argument("--rounds", type=int, default=30, help="of timing; 0 leaves the times out")
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    return parser.parse_args()


def positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of 1 or more")
    return int(text)


def benchmark(arguments: argparse.Namespace) -> int:
    crops = read_crops(arguments.folder, arguments.side)
    settings = Settings(
        arguments.epochs, arguments.batch, arguments.rate, arguments.side, arguments.part, crops.fingerprint
    )
    wanted = [(variant, seed) for seed in range(arguments.seeds) for variant in arguments.variants]
    code, times = 0, {}
    try:
        with one_thread():
            work(wanted, settings, crops, arguments.output)
            times = measured_times(arguments, crops)
    except KeyboardInterrupt:
        print(f"stopped; {arguments.output} keeps what is done, and the same command goes on", file=sys.stderr)
        code = 130
    done = known_runs(arguments.output, settings)
    show({key: done[key] for key in wanted if key in done}, times, arguments)
    return code


def measured_times(arguments: argparse.Namespace, crops: CropSet) -> Times:
    """Those of the variants and of the baseline; of none where no round is wanted."""
    if arguments.rounds < 1:
        return {}
    variants = list(dict.fromkeys((BASELINE, *arguments.variants)))
    return crop_times(variants, crops.train, len(crops.classes), arguments.rounds)


def work(wanted: list[tuple[str, int]], settings: Settings, crops: CropSet, output: Path) -> None:
    """Make the runs that are not there yet, all variants of a seed before the next seed."""
    train, test = parts(crops, settings.part)
    open_journal(output)
    done = known_runs(output, settings)
    console = Console(stderr=True)
    with progress(console) as bar:
        task = bar.add_task("", total=len(wanted) * settings.epochs)
        for variant, seed in wanted:
            bar.update(task, description=f"{variant}, seed {seed}")
            if (variant, seed) in done:
                bar.advance(task, settings.epochs)
                continue
            record = run(variant, seed, settings, train, test, advance=lambda: bar.advance(task))
            add_run(output, variant, seed, settings, record)
            console.print(f"{variant}, seed {seed}: accuracy {record['accuracy']:.1%}")


def parts(crops: CropSet, part: str) -> tuple[Crops, Crops]:
    """What is trained on and what is measured on.

    Raises:
        EvaluationError: nothing is left to train on or to measure on.
    """
    train, test = hold_out(crops.train) if part == "held-out" else (crops.train, crops.test)
    if len(train) < 2 or not len(test):
        raise EvaluationError(
            f"{len(train)} crops to train on and {len(test)} to measure on ({part}): two and one are needed at least; "
            "add crops of other frames"
        )
    return train, test


def progress(console: Console) -> Progress:
    columns = BarColumn(), MofNCompleteColumn(), TextColumn("epochs"), TimeElapsedColumn(), TimeRemainingColumn()
    return Progress(TextColumn("{task.description:24}"), *columns, console=console)


def open_journal(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        end_torn_line(path)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise EvaluationError(f"{path}: cannot be written to ({reason}); choose another --output") from error


def add_run(path: Path, variant: str, seed: int, settings: Settings, record: dict[str, float]) -> None:
    line = {"variant": variant, "seed": seed, "settings": asdict(settings), **record}
    with path.open("ab", buffering=0) as file:
        file.write(json.dumps(line).encode("ascii") + b"\n")


def known_runs(path: Path, settings: Settings) -> Runs:
    """The runs of these settings that a journal holds."""
    return dict(_runs(path, asdict(settings)))


def _runs(path: Path, settings: dict[str, object]) -> Iterator[tuple[tuple[str, int], dict[str, float]]]:
    for line in read_lines(path):
        match line:
            case {"variant": str(variant), "seed": int(seed), "settings": found, **record} if found == settings:
                yield (variant, seed), record


def show(runs: Runs, times: Times, arguments: argparse.Namespace) -> None:
    rows = list(table_rows(runs, arguments.variants, times))
    if arguments.markdown:
        print(markdown(rows))
    else:
        terminal(rows, Console())


if __name__ == "__main__":
    sys.exit(main())

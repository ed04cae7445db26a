"""`imfuse fuse`: two files or more into one, or folders of them."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imfuse.cli._options import MOTIONS, add_run_options, check_positive, load_fuser, size_rule, windows_rule
from imfuse.cli._usage import UsageError

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser, Namespace

    from imfuse.batch.job import FuseOptions, Outcome
    from imfuse.cli._plan import Plan
    from imfuse.runtime.fuser import Fuser

FORMAT_NAMES = ("png", "jpg", "tif", "bmp", "webp")
RANGES = ("dtype", "minmax", "percentile")


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options; nothing heavy is imported for that."""
    parser.add_argument(
        "sources",
        nargs="*",
        metavar="SOURCE",
        help="files or folders of the same scene, in the order that `imfuse models` shows for the model: "
        "infrared then visible, CT | PET | SPECT then MRI",
    )
    parser.add_argument("-o", "--output", metavar="OUT", help="a file, or a folder, which is made if need be")
    parser.add_argument(
        "--pattern", nargs="+", metavar="NAME", help="names in one folder, one a source: {id}_ir.png {id}_vis.png"
    )
    add_run_options(parser)
    parser.add_argument("--range", metavar="RANGE", help="dtype, minmax or percentile; or one a source, with commas")
    parser.add_argument(
        "--window",
        metavar="CENTRE,WIDTH",
        help="of medical files, one a source with slashes, `file` for what the file says: 40,400/file",
    )
    parser.add_argument(
        "--depth", choices=["8", "16", "float"], help="bits of the result; otherwise those of the deepest source"
    )
    parser.add_argument(
        "--resize", metavar="TO", help="larger, smaller, or the source whose size all take: its name or number"
    )
    parser.add_argument(
        "--align", nargs="?", const="euclidean", choices=MOTIONS, help="register the sources onto the second one"
    )
    parser.add_argument(
        "--format", choices=FORMAT_NAMES, help="of the results in a folder; otherwise that of the second source"
    )
    parser.add_argument(
        "--sheet", action="store_true", help="write contact sheets too, into the folder `sheets` beside the result"
    )
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="in folders, fuse again what is done, and replace files that imfuse did not write",
    )
    parser.add_argument(
        "-j", "--jobs", type=int, metavar="N", help="pictures at a time; otherwise one a core, and one volume"
    )


def run(arguments: Namespace) -> int:
    """Fuse, report, and give the exit status.

    Raises:
        ImfuseError: what stops the whole run; what stops one picture is reported.
    """
    from imfuse.batch.local import threads_of
    from imfuse.cli._order import order_warning
    from imfuse.cli._plan import make_plan
    from imfuse.cli._report import warn
    from imfuse.cli._summary import Summary, report

    start = time.perf_counter()
    check_positive(threads=arguments.threads, memory=arguments.memory, jobs=arguments.jobs)
    output = Path(arguments.output) if arguments.output else None
    sources = [Path(source) for source in arguments.sources]
    suffix = f".{arguments.format}" if arguments.format else None
    plan = make_plan(sources, output, pattern=arguments.pattern, suffix=suffix)
    workers = _workers(arguments.jobs, plan)
    # Several pictures at a time share the cores and the memory.
    fuser = load_fuser(arguments.model, arguments.threads or threads_of(workers), arguments.memory, share=workers)
    paths = plan.jobs[0].stack.paths
    if (warning := order_warning(fuser.source_names(len(paths)), paths)) is not None:
        warn(warning)
    if len(paths) > len(fuser.sources) and not fuser.symmetric:
        warn(
            f"{fuser.name} takes {' and '.join(fuser.sources)}; what comes after is fused with the result of those. "
            "Stacks of one kind are for `--model focus` or `--model exposure`"
        )
    options = _options(arguments, fuser, len(paths))
    outcomes = _run_plan(arguments, fuser, plan, options, workers)
    summary = Summary(fuser.name, fuser.source_names(len(paths)), plan, outcomes, time.perf_counter() - start)
    return report(summary, as_json=arguments.json, quiet=arguments.quiet)


def _workers(jobs: int | None, plan: Plan) -> int:
    """Jobs at a time; volumes one after the other, for each may fill the memory."""
    from imfuse.batch.local import default_workers
    from imfuse.images.medical import is_volume

    has_volumes = any(is_volume(path) for job in plan.jobs for path in job.stack.paths)
    return min(jobs or (1 if has_volumes else default_workers()), len(plan.jobs))


def _options(arguments: Namespace, fuser: Fuser, count: int) -> FuseOptions:
    from imfuse.batch.job import FuseOptions

    return FuseOptions(
        value_range=_ranges(arguments.range, count),
        depth=arguments.depth,
        resize=size_rule(arguments.resize, fuser.source_names(count)),
        align=arguments.align,
        sheet=arguments.sheet,
        windows=windows_rule(arguments.window, count),
    )


def _ranges(text: str | None, count: int) -> Any:
    if text is None:
        return None
    ranges = tuple(text.split(","))
    if not set(ranges) <= set(RANGES) or len(ranges) not in (1, count):
        raise UsageError(f"--range {text}: expected one of {', '.join(RANGES)}, or {count} of them with commas")
    return ranges * count if len(ranges) == 1 else ranges


def _run_plan(arguments: Namespace, fuser: Fuser, plan: Plan, options: FuseOptions, workers: int) -> list[Outcome]:
    """All outcomes, in the order of the jobs."""
    from imfuse.batch.local import run_folder, run_one
    from imfuse.cli._report import progress

    if plan.folder is None:
        return [run_one(fuser, job, options) for job in plan.jobs]
    running = run_folder(fuser, plan.jobs, plan.folder, options, workers=workers, overwrite=arguments.overwrite)
    with progress("fusing", len(plan.jobs), quiet=arguments.quiet) as advance:
        outcomes = {outcome.job.stack.name: outcome for outcome in _advancing(running, advance)}
    return [outcomes[job.stack.name] for job in plan.jobs]


def _advancing(outcomes: Iterable[Outcome], advance: Any) -> Iterable[Outcome]:
    for outcome in outcomes:
        advance()
        yield outcome

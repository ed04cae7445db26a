"""`imfuse eval`: measure fused images of any number of methods side by side, and write a report."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imfuse.cli._options import add_report_options, check_positive
from imfuse.cli._usage import UsageError

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser, Namespace

    from imfuse.cli._eval_request import Request
    from imfuse.lab.bench.evaluate import Progress
    from imfuse.lab.bench.evaluation import Evaluation
    from imfuse.lab.bench.measuring.hashing import FileHashes
    from imfuse.lab.bench.measuring.store import Cache
    from imfuse.lab.bench.timings import SpeedTable


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options; nothing heavy is imported for that."""
    parser.usage = "imfuse eval --sources DIR DIR [--fused NAME=DIR ...] [--model NAME ...] -o REPORT [options]"
    parser.add_argument(
        "--sources",
        nargs="+",
        required=True,
        metavar="DIR",
        help="folders, one a source, in the order of the models: infrared then visible, CT | PET | SPECT then MRI; "
        "files of equal name before the suffix are one scene",
    )
    parser.add_argument(
        "--fused", nargs="+", metavar="NAME=DIR", help="fused images of other methods, named like the scenes"
    )
    parser.add_argument(
        "--model",
        nargs="+",
        metavar="NAME",
        help="models that fuse the scenes here, timed on one thread: names that `imfuse models` shows, model "
        "folders, or OTHER_NAME=MODEL",
    )
    parser.add_argument("-o", "--output", metavar="REPORT", help="folder of the report; an older report is replaced")
    parser.add_argument(
        "--metrics",
        nargs="+",
        metavar="NAME",
        help="names that `imfuse metrics` shows, in any case, common or all; otherwise common",
    )
    parser.add_argument(
        "--convention", nargs="+", metavar="METRIC=NAME", help="measure a metric as another code does, as MI=nats"
    )
    parser.add_argument("--rank", nargs="+", metavar="METRIC", help="metrics of the mean rank; otherwise the usual ten")
    parser.add_argument("--title", help="of the report")
    parser.add_argument("-j", "--jobs", type=int, metavar="N", help="scenes measured at a time; otherwise one a core")
    parser.add_argument("--speed", action="store_true", help="time the models of --model at 640x480 too")
    _add_task_options(parser)
    add_report_options(parser)


def _add_task_options(parser: ArgumentParser) -> None:
    parser.add_argument("--detector", metavar="ONNX", help="score what this detector finds; needs --boxes")
    parser.add_argument("--boxes", metavar="DIR", help="its labels: STEM.txt in the YOLO form")
    parser.add_argument(
        "--box-classes",
        nargs="+",
        metavar="CLASS",
        help="names of the class numbers in --boxes; otherwise in classes.txt beside them, or the detector's",
    )
    parser.add_argument(
        "--layout",
        default="auto",
        help="of the detector's output: yolox (either form of its export), yolox-decoded (boxes in pixels) or "
        "fastestdet; otherwise told by the output",
    )
    parser.add_argument("--detector-classes", nargs="+", metavar="CLASS", help="its classes in order; otherwise COCO's")
    parser.add_argument(
        "--segmenter",
        metavar="ONNX",
        help="score how this network labels pixels; or a name of torchvision's; needs --masks",
    )
    parser.add_argument(
        "--segmenter-classes",
        nargs="+",
        metavar="CLASS",
        help="classes of an ONNX network in order; otherwise those of the masks",
    )
    parser.add_argument("--masks", metavar="DIR", help="its labels: STEM.png of class numbers")
    parser.add_argument(
        "--mask-classes",
        nargs="+",
        metavar="CLASS",
        help="names of the class numbers in --masks; otherwise in classes.txt beside them, or the network's",
    )


def run(arguments: Namespace) -> int:
    """Evaluate, write the report, show its main lines, and give the exit status.

    Raises:
        ImfuseError: what stops the whole run; what stops one picture is reported.
    """
    from imfuse.cli._eval_request import read_request, report_folder
    from imfuse.cli._eval_shown import show
    from imfuse.cli._report import print_json
    from imfuse.lab.bench.measuring.standing import standing, state_of
    from imfuse.lab.bench.measuring.store import known_hashes

    check_positive(jobs=arguments.jobs)
    request = read_request(arguments)
    report = report_folder(arguments, request)
    _warn_of_order(request)
    hashes = known_hashes(report)
    state = state_of(request.as_record(), request.places(), hashes)
    shown = standing(report, state, hashes)
    if shown is None:
        shown = _make(arguments, request, report, state, hashes)
    else:
        hashes.keep()
    if arguments.json:
        import json

        print_json(json.loads((report / "summary.json").read_bytes()))
    return show(shown, report, quiet=arguments.quiet or arguments.json)


def _make(arguments: Namespace, request: Request, report: Path, state: str, hashes: FileHashes) -> dict[str, Any]:
    """Measure and write everything, while other runs are kept out of the report; what `show` shows."""
    from imfuse.cli._eval_shown import what_to_show
    from imfuse.cli._eval_tasks import doubts_of, task_scores
    from imfuse.cli._report import progress
    from imfuse.lab.bench.evaluate import has_failed
    from imfuse.lab.bench.measuring.standing import keep_standing
    from imfuse.lab.bench.measuring.store import opened
    from imfuse.lab.bench.report import FILES, write_report
    from imfuse.runtime.cores import usable_cores

    shown = partial(progress, quiet=arguments.quiet or arguments.json)
    columns = _columns(request)
    with opened(report, hashes) as cache:
        evaluation = _evaluate(request, columns, arguments.jobs or usable_cores(), cache, shown)
        tasks = task_scores(request, evaluation, report, shown)
        speed = _speed(request, shown) if request.speed else None
        with shown("writing the report", None):
            written = write_report(report, evaluation, tasks, speed)
        fused = (path for method in evaluation.methods if method.kind == "model" for path in method.files.values())
        kept = what_to_show(evaluation, written, tasks, has_failed(evaluation))
        kept["problems"] = [*doubts_of(tasks), *kept["problems"]]
        keep_standing(report, state, [*(report / name for name in FILES), *fused], kept, hashes)
    return kept


def _columns(request: Request) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The metrics, and those of the mean rank.

    Raises:
        UsageError: names that cannot be meant, of metrics or methods.
    """
    from imfuse.errors import EvaluationError
    from imfuse.lab.bench.measuring.columns import check_conventions, choose_metrics, choose_ranked
    from imfuse.lab.bench.measuring.methods import check_folder_names, check_names

    try:
        metrics = choose_metrics(request.metrics)
        check_conventions(metrics, request.conventions)
        check_names([*request.fused, *request.models])
        check_folder_names(request.models)
        return metrics, choose_ranked(metrics, request.ranked)
    except EvaluationError as error:
        raise UsageError(str(error)) from error


def _evaluate(
    request: Request, columns: tuple[tuple[str, ...], tuple[str, ...]], jobs: int, cache: Cache, progress: Progress
) -> Evaluation:
    from imfuse.lab.bench.evaluate import evaluate
    from imfuse.lab.bench.measuring.columns import left_out

    metrics, ranked = columns
    evaluation = evaluate(
        request.sources,
        request.fused,
        cache.report,
        models=request.models,
        metrics=metrics,
        conventions=request.conventions,
        ranked=ranked,
        title=request.title,
        jobs=jobs,
        cache=cache,
        progress=progress,
    )
    note = left_out(request.metrics)
    return replace(evaluation, problems=(note, *evaluation.problems)) if note else evaluation


def _speed(request: Request, progress: Progress) -> SpeedTable:
    from imfuse.lab.bench.speed.measure import measure_speed

    models = list(request.models.values())
    with progress("timing", len(models)) as advance:
        return measure_speed(models, advance=advance)


def _warn_of_order(request: Request) -> None:
    """Warn when a source is named as another one of a model is."""
    from imfuse.classical import METHODS
    from imfuse.cli._order import order_warning
    from imfuse.cli._report import warn
    from imfuse.runtime.card import ModelCard
    from imfuse.runtime.models import model_folder

    paths = [Path(source) for source in request.sources]
    for model in request.models.values():
        if model in METHODS:
            continue
        names = [*ModelCard.read(model_folder(model)).sources, *[""] * len(paths)]
        warning = order_warning(names[: len(paths)], paths)
        if warning is not None:
            warn(f"{model}: {warning}")

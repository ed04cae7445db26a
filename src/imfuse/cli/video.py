"""`imfuse video`: two videos or more of one scene into one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from imfuse.cli._options import MOTIONS, add_run_options, check_positive, load_fuser, size_rule
from imfuse.cli._usage import UsageError, check_output

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser, Namespace

    from imfuse.batch.videos import VideoReport
    from imfuse.runtime.fuser import Fuser


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options; nothing heavy is imported for that."""
    parser.add_argument(
        "sources", nargs="*", metavar="SOURCE", help="videos, in the order that `imfuse models` shows for the model"
    )
    parser.add_argument("-o", "--output", metavar="OUT", help="the fused video: .mp4 .m4v .mov .avi or .mkv; no sound")
    add_run_options(parser)
    parser.add_argument("--resize", metavar="TO", help="larger, smaller, or the source whose size all take")
    parser.add_argument(
        "--align",
        nargs="?",
        const="euclidean",
        choices=MOTIONS,
        help="register the videos onto the second one, once, on the first frames",
    )
    parser.add_argument(
        "--codec", metavar="CODE", help="four letters, such as mp4v, MJPG, or FFV1 (lossless, .mkv .avi)"
    )


def run(arguments: Namespace) -> int:
    """Fuse, report, and give the exit status: 1 when a stream broke off.

    Raises:
        ImfuseError: what cannot be read, fused or written.
    """
    from imfuse.batch.videos import fuse_videos
    from imfuse.cli._order import order_warning
    from imfuse.cli._report import progress, warn
    from imfuse.images.video import VideoReader

    check_positive(threads=arguments.threads, memory=arguments.memory)
    sources = [Path(source) for source in arguments.sources]
    if len(sources) < 2:
        raise UsageError(f"{len(sources)} video given; give two or more")
    output = check_output(Path(arguments.output) if arguments.output else None, sources)
    fuser = load_fuser(arguments.model, arguments.threads, arguments.memory)
    names = fuser.source_names(len(sources))
    if (warning := order_warning(names, sources)) is not None:
        warn(warning)
    resize = size_rule(arguments.resize, names)
    with VideoReader(sources[0]) as first:
        total = first.info.frames or None
    with progress("fusing", total, quiet=arguments.quiet) as advance:
        report = fuse_videos(
            fuser,
            sources,
            output,
            names,
            resize=resize,
            motion=arguments.align,
            codec=arguments.codec,
            advance=advance,
        )
    _report(arguments, fuser, dict(zip(names, map(str, sources), strict=True)), output, report)
    return 1 if report.damage else 0


def _report(arguments: Namespace, fuser: Fuser, sources: dict[str, str], output: Path, report: VideoReport) -> None:
    from imfuse.cli._report import print_json, say, versions, warn

    for damage in report.damage:
        warn(damage)
    speed = report.frames / report.seconds
    if arguments.json:
        record: dict[str, Any] = {"output": str(output), "sources": sources, "model": fuser.name}
        record |= {"frames": report.frames, "rate": report.rate, "fps": round(speed, 2)}
        record |= {"seconds": round(report.seconds, 4), "remarks": report.remarks, "damage": report.damage}
        print_json({**record, "versions": versions()})
        return
    width = max(map(len, [*sources, "fused"]))
    lines = [f"{name:{width}}  {path}" for name, path in sources.items()]
    lines += [f"{'fused':{width}}  {output}", *report.remarks]
    lines += [f"{report.frames} frames by {fuser.name} in {report.seconds:.2f} s: {speed:.1f} frames a second"]
    say("\n".join(lines), quiet=arguments.quiet)

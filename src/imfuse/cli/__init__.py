"""The command `imfuse`: one module a subcommand, imported only when it is called.

Each module has `add_arguments(parser)` and `run(arguments) -> int`, which returns the exit status: 0 when all is
well, 1 when something failed. Mistakes on the command line give 2, an interrupt 130.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from imfuse.errors import ImfuseError, MissingExtraError

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser, Namespace


@dataclass(frozen=True)
class Command:
    """A subcommand as the list of them shows it.

    Attributes:
        summary: one line.
        interrupted: what to say of the state in which an interrupt leaves the work.
        extra: the extra of the package without which it cannot run.
    """

    summary: str
    interrupted: str = "nothing half-written is left"
    extra: str | None = None


COMMANDS = {
    "fuse": Command(
        "Fuse pictures: two files or more, or folders of them.",
        "what is done is kept; the same command goes on from there",
    ),
    "video": Command("Fuse videos of the same scene into one.", "the unfinished video is removed"),
    "models": Command("Show the models that can be used."),
    "demo": Command("Make a pair of pictures, fuse it and show what comes out."),
    "train": Command(
        "Train a model from a recipe.",
        "the last checkpoint is kept; the same command resumes from it",
        extra="train",
    ),
    "search": Command(
        "Search for a fusion network under a budget of time.",
        "what the folder of the search holds is kept; the same command goes on from there",
        extra="train",
    ),
    "export": Command("Export a trained model, ready to be used by `imfuse fuse`.", extra="train"),
    "metrics": Command("Show the metrics by which fused images can be measured.", extra="eval"),
    "eval": Command(
        "Measure fused images of any number of methods side by side, and write a report.",
        "what is measured is kept; the same command goes on from there",
        extra="eval",
    ),
    "bench": Command("Measure the speed of models, and their quality beside it.", extra="eval"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: the words after `imfuse`; those of the process if None.

    Returns:
        Exit status: 0, 1 (something failed), 2 (usage), 130 (interrupted), 141 (nobody reads the output).
    """
    words = list(sys.argv[1:] if argv is None else argv)
    _print_all_names()
    try:
        status = _run(words)
        sys.stdout.flush()
    except SystemExit as stop:
        status = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except KeyboardInterrupt:
        command = COMMANDS.get(words[0]) if words else None
        status = _fail(f"interrupted: {(command or Command('')).interrupted}", 130)
    except BrokenPipeError:
        # Python flushes standard output once more at its end, which would fail loudly.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 141
    except ImfuseError as error:
        status = _fail(str(error), _status(error))
    except MemoryError:
        status = _fail("out of memory; use fewer --jobs, a smaller --memory, or smaller pictures", 1)
    except OSError as error:
        status = _fail(str(error), 1)
    return status


def _print_all_names() -> None:
    """File names may hold what the terminal's encoding does not; show it escaped rather than fail."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _run(words: list[str]) -> int:
    """Parse the words, call the subcommand and give its status."""
    name = words[0] if words else ""
    extra = COMMANDS[name].extra if name in COMMANDS else None
    try:
        arguments = _parser(name).parse_args(words)[name]
        return _run_reporting(name, arguments)
    except ModuleNotFoundError as error:
        if extra is None or (error.name or "imfuse").split(".")[0] == "imfuse":
            raise
        raise MissingExtraError(
            f"`imfuse {name}` needs {error.name}, which is not installed: pip install 'imfuse[{extra}]'"
        ) from error


def _run_reporting(name: str, arguments: Namespace) -> int:
    """Call the subcommand; with `--json`, an error is printed as JSON too."""
    try:
        return import_module(f"imfuse.cli.{name}").run(arguments)
    except ImfuseError as error:
        if arguments.get("json"):
            from imfuse.cli._report import print_json

            print_json({"error": str(error)})
        raise


def _parser(chosen: str) -> ArgumentParser:
    """The parser, with the options of the chosen subcommand only, so that the others cost nothing."""
    from jsonargparse import ArgumentParser

    from imfuse import __version__
    from imfuse.cli._usage import HelpFormatter

    parser = ArgumentParser(
        prog="imfuse",
        version=__version__,
        description="One image out of several of the same scene.",
        formatter_class=HelpFormatter,
        allow_abbrev=False,
    )
    subcommands = parser.add_subcommands(title="commands", description="See `imfuse COMMAND --help` for each.")
    for name, command in COMMANDS.items():
        subparser = ArgumentParser(description=command.summary, formatter_class=HelpFormatter, allow_abbrev=False)
        if name == chosen:
            import_module(f"imfuse.cli.{name}").add_arguments(subparser)
        subcommands.add_subcommand(name, subparser, help=command.summary)
    return parser


def _fail(text: str, status: int) -> int:
    print(f"imfuse: {text}", file=sys.stderr)
    return status


def _status(error: ImfuseError) -> int:
    from imfuse.cli._usage import UsageError

    return 2 if isinstance(error, UsageError) else 1

"""What the subcommands share to read their command line: the usage error and the text of the help."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from jsonargparse import DefaultHelpFormatter

from imfuse.errors import ImfuseError

if TYPE_CHECKING:
    from argparse import Action
    from pathlib import Path

    from jsonargparse import ArgumentParser

_EMPTY_DEFAULT = re.compile(r"\s*\((default: (null|False))\)|, default: (null|False)(?=\))|\(required\)")


class UsageError(ImfuseError):
    """A command line that cannot be meant: exit status 2 instead of 1."""


class HelpFormatter(DefaultHelpFormatter):
    """Help that names a default only where there is one."""

    def _get_help_string(self, action: Action) -> str:
        return _EMPTY_DEFAULT.sub("", super()._get_help_string(action) or "")


def add_run_options(parser: ArgumentParser) -> None:
    """Options of every subcommand that runs a model."""
    parser.add_argument("--model", default="ivif", help="a name that `imfuse models` shows, or a model folder")
    parser.add_argument("--threads", type=int, metavar="N", help="threads of one inference; all cores if not given")
    parser.add_argument("--memory", type=int, metavar="MB", help="working memory of a run, which decides the tiles")
    add_report_options(parser)


def add_report_options(parser: ArgumentParser) -> None:
    """Options that say how a subcommand reports."""
    parser.add_argument("--json", action="store_true", help="print one JSON object on standard output")
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")


def check_positive(**values: int | None) -> None:
    """Refuse options that count something and are below one.

    Raises:
        UsageError: naming the option.
    """
    for name, value in values.items():
        if value is not None and value < 1:
            raise UsageError(f"--{name} {value}: expected a whole number from 1 up")


def check_output(output: Path | None, sources: list[Path]) -> Path:
    """The output path, when it is given and is none of the sources.

    Raises:
        UsageError: no output, or one that would overwrite a source.
    """
    if output is None:
        raise UsageError("no output given; say where to write with -o OUT")
    for source in sources:
        if is_same(output, source):
            raise UsageError(f"-o {output}: this is a source; choose another name, sources are never overwritten")
    return output


def is_same(first: Path, second: Path) -> bool:
    """Whether two paths mean the same file or folder, through links and letter case too."""
    try:
        return first.samefile(second)
    except OSError:
        return first.resolve() == second.resolve()

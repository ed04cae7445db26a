"""What the command line refuses, and how its help reads."""

from __future__ import annotations

from argparse import SUPPRESS
from pathlib import Path
from typing import TYPE_CHECKING

from jsonargparse import DefaultHelpFormatter

from imfuse.errors import ImfuseError

if TYPE_CHECKING:
    from argparse import Action


class UsageError(ImfuseError):
    """A command line that cannot be meant: exit status 2 instead of 1."""


class HelpFormatter(DefaultHelpFormatter):
    """Help that names a default only where there is one."""

    def _get_help_string(self, action: Action) -> str:
        text = action.help or ""
        stated = action.default not in (None, False, SUPPRESS)
        return f"{text} (default: {action.default})" if stated else text


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

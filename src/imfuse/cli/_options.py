"""Options that several subcommands share, and what they mean."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from imfuse.cli._usage import UsageError
from imfuse.errors import ModelError

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser

    from imfuse.batch.job import Window
    from imfuse.runtime.fuser import Fuser

MOTIONS = ("translation", "euclidean", "affine", "homography")
RULES: tuple[Literal["larger", "smaller"], ...] = ("larger", "smaller")


def add_run_options(parser: ArgumentParser) -> None:
    """Options of every subcommand that runs a model."""
    parser.add_argument("--model", default="ivif", help="a name that `imfuse models` shows, or a model folder")
    parser.add_argument("--threads", type=int, metavar="N", help="threads of one inference; all cores if not given")
    parser.add_argument("--memory", type=int, metavar="MB", help="working memory of all inferences together")
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


def load_fuser(model: str, threads: int | None, memory: int | None, share: int = 1) -> Fuser:
    """The model of `--model`.

    Args:
        model: a name or a folder.
        threads: of one inference.
        memory: working memory of the whole run in MB; None takes the usual amount.
        share: inferences at a time, which share the memory.

    Raises:
        UsageError: no such model.
        ModelError: its files are damaged.
    """
    from imfuse.runtime.fuser import MEMORY_MB, Fuser
    from imfuse.runtime.models import list_models

    try:
        return Fuser.load(model, threads=threads, memory_mb=(memory or MEMORY_MB) / share)
    except ModelError as error:
        if model in list_models() or Path(model).is_dir():
            raise
        raise UsageError(f"--model {model}: {error}") from error


def size_rule(text: str | None, names: list[str]) -> Literal["larger", "smaller"] | int | None:
    """The value of `--resize` as `match_sizes` takes it.

    Raises:
        UsageError: neither a rule nor the name or number of a source.
    """
    if text is None:
        return None
    for rule in RULES:
        if text == rule:
            return rule
    if text in names:
        return names.index(text)
    if text.isdecimal() and 1 <= int(text) <= len(names):
        return int(text) - 1
    raise UsageError(
        f"--resize {text}: expected larger, smaller, {', '.join(names)}, or a number from 1 to {len(names)}"
    )


def windows_rule(text: str | None, count: int) -> tuple[Window | None, ...] | None:
    """The value of `--window`, one window a source, since CT and MRI hold values of different units.

    >>> windows_rule("40,400/file", 2)
    ((40.0, 400.0), None)

    Raises:
        UsageError: not one window a source, or one without two numbers and a width above 0.
    """
    if text is None:
        return None
    try:
        windows = tuple(None if part == "file" else _window(part) for part in text.split("/"))
    except ValueError:
        windows = ()
    if len(windows) != count:
        example = "/".join(["40,400", *["file"] * (count - 1)])
        raise UsageError(
            f"--window {text}: expected CENTRE,WIDTH for each of the {count} sources with slashes between, and `file` "
            f"where the file is to decide, as {example}"
        )
    return windows


def _window(text: str) -> Window:
    centre, width = map(float, text.split(","))
    if not (math.isfinite(centre) and 0 < width < math.inf):
        raise ValueError(text)
    return centre, width

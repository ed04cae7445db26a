"""How subcommands speak: lines for people, one JSON object for machines, a progress bar on a terminal."""

from __future__ import annotations

import contextlib
import json
import platform
import sys
from collections.abc import Callable, Iterator
from typing import Any

Advance = Callable[[], None]


def say(text: str, *, quiet: bool) -> None:
    """A line on standard output, for a person."""
    if not quiet:
        print(text)


def warn(text: str) -> None:
    """A line on standard error, which `--quiet` does not silence."""
    print(f"imfuse: {text}", file=sys.stderr)


def print_json(value: dict[str, Any] | list[Any]) -> None:
    """The machine's summary on standard output."""
    print(json.dumps(value, indent=2))  # in ASCII, which every terminal and every file name allows


def versions() -> dict[str, str]:
    """Versions of what the result depends on."""
    from importlib.metadata import PackageNotFoundError, version

    from imfuse import __version__

    found = {"imfuse": __version__, "python": platform.python_version()}
    for package in ("numpy", "opencv-python-headless", "onnxruntime"):
        # OpenCV comes under several names; one that is not the headless wheel is no reason to fail.
        with contextlib.suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


@contextlib.contextmanager
def progress(label: str, total: int | None, *, quiet: bool) -> Iterator[Advance]:
    """A progress bar on standard error, where that is a terminal.

    Args:
        label: what is under way.
        total: steps, or None where unknown.
        quiet: show nothing.
    """
    if quiet or total == 1 or not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(label), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=total)
        yield lambda: bar.advance(task)

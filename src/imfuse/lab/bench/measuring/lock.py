"""One run at a time in a report folder."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from imfuse.errors import EvaluationError

FILE_NAME = "lock"


@contextlib.contextmanager
def locked(folder: Path, report: Path) -> Iterator[None]:
    """Keep other runs out of a report until the end; a killed run leaves no lock behind.

    Where files cannot be locked, on Windows and in some network folders, nobody is kept out.

    Args:
        folder: that exists and gets the file of the lock.
        report: what the message names.

    Raises:
        EvaluationError: another run is at work.
        OSError: the file of the lock cannot be made.
    """
    with (folder / FILE_NAME).open("ab") as file:
        _lock(file.fileno(), report)
        yield


def _lock(descriptor: int, report: Path) -> None:
    try:
        import fcntl
    except ImportError:  # Windows
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise EvaluationError(f"{report}: another imfuse is at work in this folder; wait for its end") from error
    except OSError:  # ENOLCK, EOPNOTSUPP and their like: the folder knows no locks
        return

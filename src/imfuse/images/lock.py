"""One process at a time in a folder."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from imfuse.errors import ImfuseError


@contextlib.contextmanager
def locked(path: Path, refusal: ImfuseError) -> Iterator[None]:
    """Keep other processes out until the end; a killed one leaves no lock behind.

    Where files cannot be locked, on Windows and in some network folders, nobody is kept out.

    Args:
        path: file of the lock, which is made in a folder that exists, and stays.
        refusal: what is raised where another process has the lock.

    Raises:
        OSError: the file of the lock cannot be made.
    """
    with path.open("ab") as file:
        if not _lock(file.fileno()):
            raise refusal
        yield


def _lock(descriptor: int) -> bool:
    """Whether nobody else has it."""
    try:
        import fcntl
    except ImportError:  # Windows
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # ENOLCK, EOPNOTSUPP and their like: the folder knows no locks
        return True
    return True

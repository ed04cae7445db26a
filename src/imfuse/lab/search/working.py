"""Work in the folder of a search: by one process at a time, and with words where it cannot be written in."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from imfuse.errors import SearchError
from imfuse.images.lock import locked

LOCK = ".lock"
"""File by which a process that searches or trains in a folder keeps others out."""


@contextlib.contextmanager
def only_process(folder: Path, *, first: bool) -> Iterator[None]:
    """Make the folder, and keep other searches and trainings out of it until the end.

    Args:
        folder: of a search.
        first: whether this is the first of the processes of a search, which stands for all of them.

    Raises:
        SearchError: another process works in the folder, or it cannot be made or written in.
    """
    with contextlib.ExitStack() as stack:
        if first:
            refusal = SearchError(
                f"{folder}: another process works in this folder; wait for its end, or choose another folder by -o"
            )
            try:
                folder.mkdir(parents=True, exist_ok=True)
                stack.enter_context(locked(folder / LOCK, refusal))
            except OSError as error:
                raise unusable(folder, error) from error
        yield


@contextlib.contextmanager
def writing_in(folder: Path) -> Iterator[None]:
    """Say of files that the system does not let be written, where they are and what to do.

    Raises:
        SearchError: a file cannot be written.
    """
    try:
        yield
    except OSError as error:
        if not isinstance(error.filename, (str, os.PathLike)) or folder not in Path(error.filename).parents:
            raise
        raise SearchError(
            f"{error.filename}: cannot be written ({_reason(error)}); see that {folder} can be written in and has "
            "room, or choose another folder by -o"
        ) from error


def unusable(folder: Path, error: Exception) -> SearchError:
    """The error of a folder that cannot be made, or in which nothing can be written."""
    reason = "it is a file" if folder.is_file() else _reason(error)
    return SearchError(f"{folder}: no folder to search in ({reason}); choose another one by -o")


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).lower()

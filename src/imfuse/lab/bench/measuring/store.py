"""What earlier runs computed, by the content of what it was computed from.

`cache.jsonl` gets one line a result as soon as it is there. Lines are only ever added, each in one write, so that a
killed run leaves at most one torn line, which is passed over on reading, and the next run goes on from there.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from imfuse.errors import EvaluationError
from imfuse.images.journal import end_torn_line, read_lines
from imfuse.images.lock import locked
from imfuse.lab.bench.measuring import hashing
from imfuse.lab.bench.measuring.hashing import FileHashes

FOLDER = ".cache"
FILE_NAME = "cache.jsonl"
LOCK = "lock"


class Cache:
    """Results by key, kept in a file, with the hashes of the files that they come from.

    Args:
        path: of the file, whose folder exists.
        hashes: of files, as far as they are known already; None reads those beside `path`.

    Attributes:
        report: folder that the cache lies in.
    """

    def __init__(self, path: Path, hashes: FileHashes | None = None) -> None:
        self.path, self.report = path, path.parents[1]
        self.hashes = hashes or known_hashes(self.report)
        end_torn_line(path)
        self._records = dict(_read(path))

    def get(self, key: str) -> dict[str, Any]:
        """What is known under a key; nothing is an empty record."""
        return self._records.get(key, {})

    def put(self, key: str, record: dict[str, Any]) -> None:
        """Keep a record in the place of what was known."""
        self._records[key] = record
        with self.path.open("ab", buffering=0) as file:
            # ASCII with escapes holds every file name.
            file.write(json.dumps([key, record]).encode("ascii") + b"\n")


def known_hashes(report: Path) -> FileHashes:
    """The hashes of files that are kept in a report folder, which need not exist."""
    return FileHashes(report / FOLDER / hashing.FILE_NAME)


@contextlib.contextmanager
def opened(report: Path, hashes: FileHashes | None = None) -> Iterator[Cache]:
    """The cache of a report folder, which is made where it is missing; a second run is kept out meanwhile.

    Args:
        report: the folder.
        hashes: of files, as far as they are known already.

    Raises:
        EvaluationError: the folder cannot be made or written to, or another run is at work in it.
    """
    folder = report / FOLDER
    refusal = EvaluationError(f"{report}: another imfuse is at work in this folder; wait for its end")
    with contextlib.ExitStack() as stack:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            stack.enter_context(locked(folder / LOCK, refusal))
            cache = Cache(folder / FILE_NAME, hashes)  # read when nobody adds to it any more
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise EvaluationError(f"{report}: cannot be written to ({reason}); choose another folder") from error
        try:
            yield cache
        finally:
            cache.hashes.keep()


def _read(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The records of the file."""
    for line in read_lines(path):
        match line:
            case [str(key), dict(record)]:
                yield key, record

"""What earlier runs computed, by the content of what it was computed from.

`cache.jsonl` gets one line a result as soon as it is there. Lines are only ever added, each in one write, so that a
killed run leaves at most one torn line, which is passed over on reading, and the next run goes on from there.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import imfuse
from imfuse.errors import EvaluationError

FOLDER = ".cache"
FILE_NAME = "cache.jsonl"


class Cache:
    """Results by key, kept in a file.

    Args:
        path: of the file, whose folder exists.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        _end_torn_line(path)
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


@contextlib.contextmanager
def opened(report: Path) -> Iterator[Cache]:
    """The cache of a report folder, which is made where it is missing; a second run is kept out meanwhile.

    Raises:
        EvaluationError: the folder cannot be made or written to, or another run is at work in it.
    """
    path = report / FOLDER / FILE_NAME
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        cache = Cache(path)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise EvaluationError(f"{report}: cannot be written to ({reason}); choose another folder") from error
    with _locked(path, report):
        yield cache


@contextlib.contextmanager
def _locked(path: Path, report: Path) -> Iterator[None]:
    try:
        import fcntl
    except ImportError:  # where the system cannot lock files
        yield
        return
    with path.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise EvaluationError(f"{report}: another imfuse is at work in this folder; wait for its end") from error
        yield


def _read(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The whole lines of the file."""
    for line in path.read_bytes().splitlines():
        with contextlib.suppress(ValueError):
            match json.loads(line):
                case [str(key), dict(record)]:
                    yield key, record


def _end_torn_line(path: Path) -> None:
    """Make sure that the next line begins on a line of its own; this also shows whether the file can be written."""
    with path.open("ab+") as file:
        if file.tell() > 0:
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                file.write(b"\n")


def key_of(*parts: object) -> str:
    """A key that differs whenever a part does; parts are what JSON holds."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode("ascii")).hexdigest()


def content_hashes(paths: Iterable[Path]) -> dict[Path, str | None]:
    """SHA-256 of each file's bytes, several at a time; None where a file cannot be read."""
    paths = list(paths)
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        return dict(zip(paths, pool.map(content_hash, paths), strict=True))


def content_hash(path: Path) -> str | None:
    """SHA-256 of a file's bytes; None where it cannot be read."""
    try:
        status = path.stat()
        return _hash(path, (status.st_ino, status.st_size, status.st_mtime_ns))
    except OSError:
        return None


@cache
def _hash(path: Path, state: tuple[int, int, int]) -> str:  # noqa: ARG001 (a part of the key)
    return hashlib.sha256(path.read_bytes()).hexdigest()


@cache
def code_hash(*places: str) -> str:
    """What decides the results of code: the files at places inside the package, and the version of PyTorch.

    >>> code_hash("lab/metrics") != code_hash("lab/metrics", "images/colour.py")
    True
    """
    package = Path(imfuse.__file__).parent
    digest = hashlib.sha256(_torch_version().encode())
    for place in places:
        for file in _files(package / place):
            digest.update(str(file.relative_to(package)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def _files(place: Path) -> list[Path]:
    if place.is_file():
        return [place]
    return sorted(file for file in place.rglob("*") if file.is_file() and "__pycache__" not in file.parts)


def _torch_version() -> str:
    """Asked of the package's metadata, since the import takes longer than all else of a rerun."""
    try:
        return version("torch")
    except PackageNotFoundError:
        return "none"

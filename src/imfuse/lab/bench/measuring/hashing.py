"""Hashes of files and of code, by which it is known whether a result still stands.

Large sets are not read again for that: `FileHashes` keeps what it has read, and trusts it as long as size, time of
change and inode of a file are the same.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import imfuse
from imfuse.errors import ImageWriteError
from imfuse.images.storage import write_file
from imfuse.runtime.card import file_sha256

FILE_NAME = "hashes.json"

UNSETTLED = 2_000_000_000
"""Nanoseconds after a change in which another one may get the same time: file systems count in steps of up to 2 s."""

State = tuple[int, int, int]
"""Size, time of change in nanoseconds, and inode of a file."""


class FileHashes:
    """SHA-256 of files, read once and kept in a file of its own.

    Args:
        path: of the file that keeps them; it need not exist. None keeps them for this run alone.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self._known = _read(path) if path else {}
        self._settled = dict(self._known)

    def of(self, path: Path) -> str | None:
        """The hash of a file's bytes; None where it cannot be read."""
        place = str(path.absolute())
        try:
            status = path.stat()
            state = (status.st_size, status.st_mtime_ns, status.st_ino)
            known = self._known.get(place)
            if known and known[0] == state:
                return known[1]
            settled = time.time_ns() - status.st_mtime_ns > UNSETTLED
            digest = file_sha256(path)
        except OSError:
            return None
        self._known[place] = state, digest
        if settled:
            self._settled[place] = state, digest
        return digest

    def all_of(self, paths: Iterable[Path]) -> dict[Path, str | None]:
        """The hash of each file, several at a time."""
        paths = list(paths)
        with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
            return dict(zip(paths, pool.map(self.of, paths), strict=True))

    def keep(self) -> None:
        """Write them for the next run, if there are new ones and the folder can be written to."""
        if self.path and self._settled != _read(self.path):
            records = {place: [*state, digest] for place, (state, digest) in self._settled.items()}
            with contextlib.suppress(ImageWriteError):  # they only save time
                write_file(self.path, json.dumps(records).encode("ascii"))


def _read(path: Path) -> dict[str, tuple[State, str]]:
    try:
        records = json.loads(path.read_bytes())
        return {
            str(p): ((int(size), int(changed), int(node)), str(digest))
            for p, (size, changed, node, digest) in records.items()
        }
    except (OSError, ValueError, TypeError, AttributeError):  # none yet, or a damaged one
        return {}


def key_of(*parts: object) -> str:
    """A key that differs whenever a part does; parts are what JSON holds."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode("ascii")).hexdigest()


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

"""What earlier runs wrote into a folder, so that a rerun skips what is done and overwrites nothing of others.

The file `.imfuse.jsonl` gets one line before an output is written (`begun`: the name is ours from now on, even if the
run is killed before the next line) and one after (`done`, with the settings, the state that the sources had before
they were read, and the size of the output). Lines are only ever added, each in one write, so that a kill leaves at
most one torn line, which is passed over on reading.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from imfuse.batch.job import Job
from imfuse.errors import ImageWriteError
from imfuse.images.journal import end_torn_line, read_lines
from imfuse.images.lock import locked

FILE_NAME = ".imfuse.jsonl"

State = list[list[Any]]
"""Path, size and time of every source, which change when it does."""


class Manifest:
    """The record of an output folder.

    Args:
        folder: it is made where it is missing.
        settings: the model and the options of this run; what was done with others is done again.

    Raises:
        ImageWriteError: the folder cannot be made or written to.
    """

    def __init__(self, folder: Path, settings: dict[str, Any]) -> None:
        self.path = folder / FILE_NAME
        self._settings = json.loads(json.dumps(settings))
        self._lock = threading.Lock()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            records = list(_read(self.path))
            end_torn_line(self.path)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise ImageWriteError(f"{folder}: cannot be written to ({reason}); choose another folder") from error
        self._owned = {record["output"] for record in records}
        self._done = {record["name"]: record for record in records if record["state"] == "done"}

    def finished(self, job: Job, sources: State) -> Path | None:
        """The output of a job that was done with these settings from these very sources, if it is there in full."""
        record = self._done.get(job.stack.name)
        wanted = {"settings": self._settings, "format": job.target.suffix, "sources": sources}
        if record is None or any(record.get(key) != value for key, value in wanted.items()):
            return None
        output = self.path.parent / record["output"]
        return output if output.is_file() and output.stat().st_size == record.get("size") else None

    def owns(self, output: Path) -> bool:
        """Whether a run of imfuse began to write this file, so that it may be replaced."""
        return output.name in self._owned

    def begin(self, job: Job, output: Path) -> None:
        """Note that `output` is about to be written."""
        self._append({"state": "begun", "name": job.stack.name, "output": output.name})
        self._owned.add(output.name)

    def finish(self, job: Job, output: Path, sources: State) -> None:
        """Note that `output` is complete, made of sources whose state was taken before they were read."""
        record = {"state": "done", "name": job.stack.name, "output": output.name, "size": output.stat().st_size}
        record |= {"settings": self._settings, "format": job.target.suffix, "sources": sources}
        self._append(record)
        self._done[job.stack.name] = record

    def _append(self, record: dict[str, Any]) -> None:
        with self._lock, self.path.open("ab", buffering=0) as file:
            # Names need not be UTF-8; ASCII with escapes holds them all.
            file.write(json.dumps(record).encode("ascii") + b"\n")

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep a second run out of the folder, where the system can lock files; a kill lets go of the lock.

        Raises:
            ImageWriteError: another run is at work in the folder.
        """
        folder = self.path.parent
        refusal = ImageWriteError(f"{folder}: another imfuse is writing into this folder; wait for its end")
        with locked(self.path, refusal):
            yield


def remove_stale_partials(folder: Path) -> int:
    """Delete what a killed run left half-written; returns how many files. To be called under the folder's lock."""
    stale = list(folder.glob(".imfuse-*.partial*"))
    for path in stale:
        path.unlink(missing_ok=True)
    return len(stale)


def _read(path: Path) -> Iterator[dict[str, Any]]:
    """The records of the file."""
    for record in read_lines(path):
        if isinstance(record, dict) and {"state", "name", "output"} <= record.keys():
            yield record


def source_state(job: Job) -> State | None:
    """The state of the sources, or None where one cannot even be asked for it; reading it fails with words."""
    try:
        status = [(path.resolve(), path.stat()) for path in job.stack.paths]
    except OSError:
        return None
    return [[str(path), found.st_size, found.st_mtime_ns] for path, found in status]

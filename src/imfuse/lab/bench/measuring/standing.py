"""Whether a report still stands: the same request of the same files, answered by the same code, with all that it wrote.

This imports nothing heavy, so that a second run that finds its report standing takes no longer than looking whether the
files have changed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from imfuse.images.storage import write_file
from imfuse.lab.bench.measuring.hashing import FileHashes, code_hash, key_of
from imfuse.lab.bench.measuring.store import FOLDER

FILE_NAME = "standing.json"


def state_of(request: Any, places: Iterable[Path], hashes: FileHashes) -> str:
    """A hash of what decides a report.

    Args:
        request: what was asked for, as JSON holds it.
        places: files, and folders whose files count; what is not there counts as that.
        hashes: of files.
    """
    files = [file for place in places for file in _files(place)]
    digests = hashes.all_of(files)
    return key_of("report", request, code_hash(""), [(str(file), digests[file]) for file in files])


def standing(report: Path, state: str, hashes: FileHashes) -> dict[str, Any] | None:
    """What was kept of the report of this state, if it was written and its files are still what they were."""
    try:
        record = json.loads((report / FOLDER / FILE_NAME).read_bytes())
        written = {report / name: digest for name, digest in record["files"].items()}
        stands = record["state"] == state and hashes.all_of(written) == written
        return record["kept"] if stands else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def keep_standing(report: Path, state: str, files: Iterable[Path], kept: dict[str, Any], hashes: FileHashes) -> None:
    """Note that a report is complete.

    Args:
        report: its folder.
        state: from `state_of`, taken before the work began.
        files: that were written, inside the folder.
        kept: what a later run needs to show.
        hashes: of files.

    Raises:
        ImageWriteError: the note cannot be written.
    """
    digests = {str(path.relative_to(report)): digest for path, digest in hashes.all_of(files).items()}
    write_file(report / FOLDER / FILE_NAME, json.dumps({"state": state, "files": digests, "kept": kept}).encode())


def _files(place: Path) -> Iterator[Path]:
    if not place.is_dir():
        yield place
        return
    try:
        yield from sorted(path for path in place.iterdir() if path.is_file())
    except OSError:
        yield place

"""Files of JSON lines that are only ever added, each in one write, so that a kill leaves at most one torn line."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def read_lines(path: Path) -> Iterator[Any]:
    """What the whole lines of a journal hold; a torn one is passed over. A missing file is an empty one."""
    if not path.exists():
        return
    for line in path.read_bytes().splitlines():
        with contextlib.suppress(ValueError):
            yield json.loads(line)


def end_torn_line(path: Path) -> None:
    """Make sure that the next line begins on a line of its own; this also shows whether the file can be written."""
    with path.open("ab+") as file:
        if file.tell() > 0:
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                file.write(b"\n")

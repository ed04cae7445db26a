"""Results that cost time, kept as JSON files, so that a score that was cut off goes on where it stopped."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imfuse.images.storage import write_file
from imfuse.lab.bench.measuring.hashing import code_hash, key_of


def fingerprint(array: NDArray[Any]) -> str:
    """SHA-256 of the shape, type and values of an array."""
    head = f"{array.shape} {array.dtype}".encode()
    return hashlib.sha256(head + np.ascontiguousarray(array).tobytes()).hexdigest()


def remembered(folder: Path | None, key: str, compute: Callable[[], Any]) -> Any:
    """A JSON value from the file of its key, or computed and kept there; a damaged file is written anew.

    Args:
        folder: of the files; None computes and keeps nothing.
        key: everything that the value depends on beside the code, in words.
        compute: gives the value.
    """
    if folder is None:
        return compute()
    path = folder / f"{key_of(key, code_hash('lab/bench/tasks'))}.json"
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        value = compute()
        write_file(path, json.dumps(value).encode())
        return value

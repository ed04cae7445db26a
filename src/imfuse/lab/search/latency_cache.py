"""A file of measured times, for one device, engine and size; several processes may write it."""

from __future__ import annotations

import json
import math
import os
import re
import warnings
from collections.abc import Mapping
from pathlib import Path

from imfuse import __version__
from imfuse.images.storage import write_file
from imfuse.lab.search.target import Target
from imfuse.runtime.cores import usable_cores

METHOD = 3
"""Of measuring; times of another method are not taken."""


class LatencyCache:
    """Milliseconds by name.

    Args:
        path: of the JSON file, which need not exist.
        conditions: under which the times hold, such as the processor; a file of others is measured anew.
    """

    def __init__(self, path: Path, conditions: Mapping[str, str]) -> None:
        self.path, self.conditions = path, dict(conditions)
        self.times = self._read()

    def put(self, times: Mapping[str, float]) -> None:
        """Keep some times, beside those that other processes have kept meanwhile.

        Raises:
            ImageWriteError: the file cannot be written.
        """
        self.times = {**self._read(), **self.times, **times}
        content = {"conditions": self.conditions, "milliseconds": dict(sorted(self.times.items()))}
        write_file(self.path, (json.dumps(content, indent=2) + "\n").encode())

    def _read(self) -> dict[str, float]:
        if not self.path.is_file():
            return {}
        try:
            content = json.loads(self.path.read_bytes())
            times = {str(name): float(time) for name, time in content["milliseconds"].items()}
            if not all(math.isfinite(time) and time >= 0 for time in times.values()):
                raise ValueError("a time that is not a number from 0 up")
            found = content["conditions"]
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            warnings.warn(f"{self.path}: damaged ({error}); its times are measured anew", stacklevel=2)
            return {}
        if found != self.conditions:
            warnings.warn(f"{self.path}: times of {found}, not of {self.conditions}; measured anew", stacklevel=2)
            return {}
        return times


def cache_path(conditions: Mapping[str, str]) -> Path:
    """The file of these conditions in the user's cache folder, `XDG_CACHE_HOME` or `~/.cache`."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    name = re.sub(r"[^A-Za-z0-9.]+", "-", " ".join(conditions.values())).strip("-").lower()
    return folder / "imfuse" / "latency" / f"{name}.json"


def conditions_of(target: Target, engine: str, device: str) -> dict[str, str]:
    """Everything that the times of parts depend on.

    Args:
        target: threads and size.
        engine: and its version.
        device: the processor's or the accelerator's name.
    """
    return {
        "device": device,
        "cores": f"{usable_cores()} cores",
        "engine": engine,
        "threads": f"{target.used_threads} threads",
        "size": f"{target.columns}x{target.rows}",
        "imfuse": f"imfuse {__version__}",
        "method": f"method {METHOD}",
    }

"""The machine that times are of."""

from __future__ import annotations

import platform
from functools import cache
from pathlib import Path

from imfuse.runtime.cores import usable_cores


@cache
def machine() -> str:
    """Processor and cores in words."""
    name = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.is_file():
        lines = information.read_text(encoding="utf-8", errors="replace").splitlines()
        name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), name)
    return f"{name}, {usable_cores()} cores"

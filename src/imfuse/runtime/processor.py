"""The name of the processor, for figures that depend on it."""

from __future__ import annotations

import platform
from pathlib import Path


def processor() -> str:
    """Name of the processor, as far as the system tells."""
    information = Path("/proc/cpuinfo")
    if information.is_file():
        lines = information.read_text(encoding="utf-8", errors="replace").splitlines()
        if name := next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), ""):
            return name
    return platform.processor() or platform.machine()

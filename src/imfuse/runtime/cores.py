"""How many cores there are to use; asked by engines and by folder runs."""

from __future__ import annotations

import os
from pathlib import Path


def usable_cores() -> int:
    """Cores that this process may use, which `taskset` or a container's quota can make fewer than the machine has."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        return max(min(allowed, round(int(quota) / int(period))), 1)
    except (OSError, ValueError):  # no such file, or "max": no quota
        return allowed

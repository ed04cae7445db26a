"""How many processes measure: as many as the work is worth, and as there is memory for."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

from imfuse.images.decoding import read_header
from imfuse.lab.bench.measuring.measure import Task

SECONDS_A_VALUE = 1e-7
"""Of one metric of one picture, by pixel: the mean of the common ones on one core."""

SECONDS_TO_BEGIN = 2.0
"""Until a process has imported PyTorch and measures."""

BYTES_A_PIXEL = 300
"""At the peak of one metric, in float64."""

BYTES_TO_BEGIN = 400_000_000
"""Of a process that has imported PyTorch."""

USUAL_PIXELS = 640 * 480
"""Of pictures whose size only their decoder tells, such as DICOM."""

MOST_READ = 16
"""Tasks whose sizes stand for those of all."""

MEMORY = Path("/proc/meminfo")


def count_workers(tasks: Sequence[Task], jobs: int) -> int:
    """Processes that measure tasks soonest, within the free memory; at least one.

    Args:
        tasks: one a scene.
        jobs: as many as are allowed.
    """
    sizes = [_pixels(task) for task in tasks[:: -(-len(tasks) // MOST_READ) or 1]]
    known = [size for size in sizes if size]
    pixels = sum(known) / len(known) if known else USUAL_PIXELS
    values = sum(len(columns) for task in tasks for _, columns in task.pictures)
    worth = values * pixels * SECONDS_A_VALUE / SECONDS_TO_BEGIN
    return max(min(jobs, len(tasks), int(worth), _fitting(max(known, default=0), jobs)), 1)


def _fitting(pixels: int, jobs: int) -> int:
    """How many processes the memory holds; all jobs where the system does not tell."""
    free = _free_memory()
    return jobs if free is None or not pixels else int(free // (BYTES_TO_BEGIN + BYTES_A_PIXEL * pixels))


def _free_memory() -> int | None:
    """Bytes that can be had without swapping, as Linux tells them."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in MEMORY.read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return None


def _pixels(task: Task) -> int:
    """Of the first source of a scene; 0 where its header does not tell."""
    try:
        header = read_header(task.scene.sources[0].read_bytes())
    except (OSError, ValueError):
        return 0
    return header.height * header.width

"""The machine that times are of."""

from __future__ import annotations

from functools import cache

from imfuse.runtime.cores import usable_cores
from imfuse.runtime.processor import processor


@cache
def machine() -> str:
    """Processor and cores in words."""
    return f"{processor()}, {usable_cores()} cores"

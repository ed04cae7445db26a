"""Rules that look at one pixel at a time: the average and the maximum of the sources."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from imfuse.classical.method import Plane


def fuse_average(sources: Sequence[Plane]) -> Plane:
    """Mean of the sources, pixel by pixel."""
    total = sources[0].astype(np.float32)
    for source in sources[1:]:
        total += source
    total /= np.float32(len(sources))
    return np.clip(total, 0, 1, out=total)


def fuse_maximum(sources: Sequence[Plane]) -> Plane:
    """Largest of the sources, pixel by pixel."""
    largest = sources[0].astype(np.float32)
    for source in sources[1:]:
        np.maximum(largest, source, out=largest)
    return np.clip(largest, 0, 1, out=largest)

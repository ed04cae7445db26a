"""Engines: what runs a network's graph. The Fuser knows them by one small protocol."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Engine(Protocol):
    """Anything that fuses single-channel sources whose size suits it."""

    def run(self, sources: NDArray[np.float32]) -> NDArray[np.float32]:
        """Fuse `(n, h, w)` sources in [0, 1] into `(h, w)`; the caller pads to the size rule and clips.

        Raises:
            MemoryError: there is not enough memory for this size.
        """
        ...

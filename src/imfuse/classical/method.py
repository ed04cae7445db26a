"""`Method`, a fusion rule without weights, and what a tiler has to know of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]
"""`(h, w)`, in [0, 1]."""

Rule = Callable[[Sequence[Plane]], Plane]
"""Two or more planes of equal size in, one of that size in [0, 1] out; the inputs are left as they are."""


@dataclass(frozen=True)
class Method:
    """A fusion rule with its name and its reach; call it with the sources.

    Attributes:
        name: the name by which `Fuser.load` finds it.
        task: what it does, in a few words.
        function: the rule itself.
        margin: pixels beyond which a fused pixel does not depend on the sources; None where each fused pixel
            depends on the whole picture, so that the method cannot be tiled.
        size_multiple: tiles must begin at multiples of this to give what the whole picture gives. The size of
            the picture itself is free.
    """

    name: str
    task: str
    function: Rule
    margin: int | None
    size_multiple: int = 1

    def __call__(self, sources: Sequence[Plane]) -> Plane:
        """Fuse the sources."""
        return self.function(sources)

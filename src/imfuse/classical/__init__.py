"""Fusion without weights: average, maximum, Laplacian pyramid, guided filter, exposure fusion.

Every method takes two or more planes `(h, w)` float32 in [0, 1] of equal size and gives one.

>>> import numpy as np
>>> dark, bright = np.full((4, 6), 0.25, np.float32), np.full((4, 6), 0.75, np.float32)
>>> float(METHODS["average"]([dark, bright])[0, 0])
0.5
"""

from __future__ import annotations

from imfuse.classical import guided, laplacian
from imfuse.classical.guided import fuse_guided
from imfuse.classical.laplacian import fuse_laplacian, fuse_laplacian_average
from imfuse.classical.mertens import fuse_mertens
from imfuse.classical.method import Method, Plane, Rule
from imfuse.classical.pixelwise import fuse_average, fuse_maximum

METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method("average", "pixel mean", fuse_average, margin=0),
        Method("maximum", "pixel maximum", fuse_maximum, margin=0),
        Method("laplacian", "pyramid, base by maximum", fuse_laplacian, laplacian.MARGIN, laplacian.SIZE_MULTIPLE),
        Method(
            "laplacian-average",
            "pyramid, base by mean",
            fuse_laplacian_average,
            laplacian.MARGIN,
            laplacian.SIZE_MULTIPLE,
        ),
        Method("guided", "guided filter (Li 2013)", fuse_guided, guided.MARGIN),
        Method("mertens", "exposures (Mertens 2007)", fuse_mertens, margin=None),
    )
}
"""The classical methods by name."""

__all__ = ["METHODS", "Method", "Plane", "Rule"]

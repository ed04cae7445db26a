"""Exposure fusion (Mertens, Kautz and Van Reeth 2007) as OpenCV does it.

Weights are contrast times well-exposedness (nearness to mid-grey); grey sources have no saturation to weigh.
They are blended in a pyramid that goes down to one pixel, hence every fused pixel depends on the whole
picture: the method cannot be tiled, and needs some 25 bytes a pixel and source. It fits pictures that differ
in exposure; of thermal images it prefers what is mid-grey, not what is hot.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from imfuse.classical.method import Plane


def fuse_mertens(sources: Sequence[Plane]) -> Plane:
    """Exposure fusion of grey sources with OpenCV's default exponents (all 1)."""
    # OpenCV divides by 255 whatever the type.
    scaled = [np.multiply(source, 255, dtype=np.float32) for source in sources]
    fused = cv2.createMergeMertens(contrast_weight=1, saturation_weight=1, exposure_weight=1).process(scaled)
    return np.clip(np.asarray(fused, np.float32), 0, 1)

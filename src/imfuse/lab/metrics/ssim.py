"""Classes of the metrics of structural similarity."""

from __future__ import annotations

from imfuse.lab.metrics import functional
from imfuse.lab.metrics.base import FusionMetric


class StructuralSimilarity(FusionMetric):
    """Structural similarity (SSIM) of the fused image and its sources."""

    name = "SSIM"
    function = staticmethod(functional.structural_similarity)
    plot_upper_bound = 1.0

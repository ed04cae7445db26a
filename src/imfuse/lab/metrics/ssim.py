"""Classes of the metrics of structural similarity."""

from __future__ import annotations

from imfuse.lab.metrics import functional
from imfuse.lab.metrics.base import FusionMetric
from imfuse.lab.metrics.registry import IMFUSE


class StructuralSimilarity(FusionMetric):
    """Structural similarity (SSIM) of the fused image and its sources."""

    name = "SSIM"
    function = staticmethod(functional.structural_similarity)
    conventions = (IMFUSE, "sum", "unit_range")
    plot_upper_bound = 1.0


class MultiscaleStructuralSimilarity(FusionMetric):
    """Structural similarity at five scales (MS_SSIM) of the fused image and its sources."""

    name = "MS_SSIM"
    function = staticmethod(functional.multiscale_structural_similarity)
    conventions = (IMFUSE, "sum")
    plot_lower_bound = 0.0

"""Classes of the metrics of the fused image alone."""

from __future__ import annotations

from imfuse.lab.metrics import functional
from imfuse.lab.metrics.base import FusionMetric
from imfuse.lab.metrics.registry import IMFUSE


class StandardDeviation(FusionMetric):
    """Standard deviation (SD) of the fused image, on the 0..255 scale."""

    name = "SD"
    function = staticmethod(functional.standard_deviation)
    inputs = "fused"
    plot_lower_bound = 0.0


class SpatialFrequency(FusionMetric):
    """Spatial frequency (SF) of the fused image, on the 0..255 scale."""

    name = "SF"
    function = staticmethod(functional.spatial_frequency)
    inputs = "fused"
    conventions = (IMFUSE, "over_hw")
    plot_lower_bound = 0.0


class AverageGradient(FusionMetric):
    """Average gradient (AG) of the fused image, on the 0..255 scale."""

    name = "AG"
    function = staticmethod(functional.average_gradient)
    inputs = "fused"
    conventions = (IMFUSE, "over_hw")
    plot_lower_bound = 0.0

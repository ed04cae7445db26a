"""Class of the metric of Chen and Varshney."""

from __future__ import annotations

from imfuse.lab.metrics import functional
from imfuse.lab.metrics.base import FusionMetric
from imfuse.lab.metrics.registry import IMFUSE


class VisibleRegionalError(FusionMetric):
    """Visible regional error (Qcv) of the fused image to its sources."""

    name = "Qcv"
    function = staticmethod(functional.regional_error)
    conventions = (IMFUSE, "toolbox")
    higher_is_better = False
    plot_lower_bound = 0.0

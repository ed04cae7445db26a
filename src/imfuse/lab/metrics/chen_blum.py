"""Class of the metric of Chen and Blum."""

from __future__ import annotations

from imfuse.lab.metrics import functional
from imfuse.lab.metrics.base import FusionMetric
from imfuse.lab.metrics.registry import IMFUSE


class ContrastPreservation(FusionMetric):
    """Contrast preservation (Qcb): visible contrast of the sources that the fused image has."""

    name = "Qcb"
    function = staticmethod(functional.contrast_preservation)
    conventions = (IMFUSE, "toolbox")
    plot_lower_bound, plot_upper_bound = 0.0, 1.0

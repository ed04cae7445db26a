"""Classes of the metrics of visual information fidelity."""

from __future__ import annotations

from imfuse.lab.metrics import functional
from imfuse.lab.metrics.base import FusionMetric


class VisualInformationFidelity(FusionMetric):
    """Visual information fidelity (VIF), summed over the sources."""

    name = "VIF"
    function = staticmethod(functional.visual_information_fidelity)
    plot_lower_bound = 0.0

"""Classes of the metrics of visual information fidelity."""

from __future__ import annotations

from imfuse.lab.metrics import functional
from imfuse.lab.metrics.base import FusionMetric
from imfuse.lab.metrics.registry import IMFUSE


class VisualInformationFidelity(FusionMetric):
    """Visual information fidelity (VIF), summed over the sources."""

    name = "VIF"
    function = staticmethod(functional.visual_information_fidelity)
    conventions = (IMFUSE, "off_centre")
    plot_lower_bound = 0.0

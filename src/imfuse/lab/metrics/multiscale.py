"""Class of multi-scale quality."""

from __future__ import annotations

from imfuse.lab.metrics import functional
from imfuse.lab.metrics.base import FusionMetric


class MultiscaleQuality(FusionMetric):
    """Details of the sources kept at two scales of the Haar transform (Qm)."""

    name = "Qm"
    function = staticmethod(functional.multiscale_quality)
    plot_lower_bound, plot_upper_bound = 0.0, 3.0

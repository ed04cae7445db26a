"""Classes of the metrics of gradient transfer."""

from __future__ import annotations

from imfuse.lab.metrics import functional
from imfuse.lab.metrics.base import FusionMetric


class EdgeTransfer(FusionMetric):
    """Edge transfer (Qabf) from the sources into the fused image."""

    name = "Qabf"
    function = staticmethod(functional.edge_transfer)
    plot_lower_bound, plot_upper_bound = 0.0, 1.0

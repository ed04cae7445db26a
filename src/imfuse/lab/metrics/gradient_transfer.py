"""Classes of the metrics of gradient transfer."""

from __future__ import annotations

from imfuse.lab.metrics import functional
from imfuse.lab.metrics.base import FusionMetric
from imfuse.lab.metrics.registry import IMFUSE


class EdgeTransfer(FusionMetric):
    """Edge transfer (Qabf) from the sources into the fused image."""

    name = "Qabf"
    function = staticmethod(functional.edge_transfer)
    conventions = (IMFUSE, "atan2")
    plot_lower_bound, plot_upper_bound = 0.0, 1.0


class EdgeLoss(FusionMetric):
    """Edges of the sources that the fused image lost (LABF)."""

    name = "LABF"
    function = staticmethod(functional.edge_loss)
    conventions = (IMFUSE, "kumar")
    higher_is_better = False
    plot_lower_bound, plot_upper_bound = 0.0, 1.0


class EdgeArtefacts(FusionMetric):
    """Edges of the fused image that no source has (Nabf)."""

    name = "Nabf"
    function = staticmethod(functional.edge_artefacts)
    conventions = (IMFUSE, "petrovic", "kumar")
    higher_is_better = False
    plot_lower_bound = 0.0

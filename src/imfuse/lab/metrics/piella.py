"""Classes of the quality indices of Piella and Heijmans."""

from __future__ import annotations

from imfuse.lab.metrics import functional
from imfuse.lab.metrics.base import FusionMetric
from imfuse.lab.metrics.registry import IMFUSE


class QualityIndex(FusionMetric):
    """Quality index (Qs), averaged over windows."""

    name = "Qs"
    function = staticmethod(functional.quality_index)
    conventions = (IMFUSE, "toolbox")
    plot_lower_bound, plot_upper_bound = -1.0, 1.0


class WeightedQualityIndex(FusionMetric):
    """Weighted quality index (Qw): windows weigh by the variance of their sources."""

    name = "Qw"
    function = staticmethod(functional.weighted_quality_index)
    conventions = (IMFUSE, "toolbox")
    plot_lower_bound, plot_upper_bound = -1.0, 1.0


class EdgeQualityIndex(FusionMetric):
    """Edge-dependent quality index (Qe): the weighted one of the images times that of their edges."""

    name = "Qe"
    function = staticmethod(functional.edge_quality_index)
    plot_lower_bound, plot_upper_bound = -1.0, 1.0

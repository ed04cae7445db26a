"""Classes of the correlation metrics."""

from __future__ import annotations

from imfuse.lab.metrics import functional
from imfuse.lab.metrics.base import FusionMetric


class SumOfCorrelationDifferences(FusionMetric):
    """Sum of the correlations of differences (SCD)."""

    name = "SCD"
    function = staticmethod(functional.sum_of_correlation_differences)
    plot_lower_bound, plot_upper_bound = -2.0, 2.0


class CorrelationCoefficient(FusionMetric):
    """Correlation coefficient (CC) of the fused image and its sources."""

    name = "CC"
    function = staticmethod(functional.correlation_coefficient)
    plot_lower_bound, plot_upper_bound = -1.0, 1.0

"""Class of nonlinear correlation."""

from __future__ import annotations

from imfuse.lab.metrics import functional
from imfuse.lab.metrics.base import FusionMetric


class NonlinearCorrelation(FusionMetric):
    """Nonlinear correlation information entropy of the sources and the fused image (Qncie)."""

    name = "Qncie"
    function = staticmethod(functional.nonlinear_correlation)
    is_differentiable = False
    plot_upper_bound = 1.0

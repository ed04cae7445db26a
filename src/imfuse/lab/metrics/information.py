"""Classes of the histogram metrics."""

from __future__ import annotations

from imfuse.lab.metrics import functional
from imfuse.lab.metrics.base import FusionMetric


class Entropy(FusionMetric):
    """Entropy (EN) of the fused image, in bits."""

    name = "EN"
    function = staticmethod(functional.entropy)
    inputs = "fused"
    is_differentiable = False
    plot_lower_bound, plot_upper_bound = 0.0, 8.0


class MutualInformation(FusionMetric):
    """Mutual information (MI) of the fused image and its sources."""

    name = "MI"
    function = staticmethod(functional.mutual_information)
    is_differentiable = False
    plot_lower_bound = 0.0

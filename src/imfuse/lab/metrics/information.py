"""Classes of the histogram metrics."""

from __future__ import annotations

from imfuse.lab.metrics import functional
from imfuse.lab.metrics.base import FusionMetric
from imfuse.lab.metrics.registry import IMFUSE


class Entropy(FusionMetric):
    """Entropy (EN) of the fused image, in bits."""

    name = "EN"
    function = staticmethod(functional.entropy)
    inputs = "fused"
    conventions = (IMFUSE, "clamped")
    is_differentiable = False
    plot_lower_bound, plot_upper_bound = 0.0, 8.0


class CrossEntropy(FusionMetric):
    """Cross entropy (CE) between the histograms of the sources and of the fused image, in bits."""

    name = "CE"
    function = staticmethod(functional.cross_entropy)
    higher_is_better = False
    is_differentiable = False


class MutualInformation(FusionMetric):
    """Mutual information (MI) of the fused image and its sources."""

    name = "MI"
    function = staticmethod(functional.mutual_information)
    conventions = (IMFUSE, "nats")
    is_differentiable = False
    plot_lower_bound = 0.0


class NormalisedMutualInformation(FusionMetric):
    """Normalised mutual information (NMI) of the fused image and its sources."""

    name = "NMI"
    function = staticmethod(functional.normalized_mutual_information)
    is_differentiable = False
    plot_lower_bound = 0.0

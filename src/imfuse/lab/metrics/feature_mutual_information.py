"""Classes of feature mutual information."""

from __future__ import annotations

from imfuse.lab.metrics import functional
from imfuse.lab.metrics.base import FusionMetric


class PixelMutualInformation(FusionMetric):
    """Feature mutual information of pixels (FMI_pixel)."""

    name = "FMI_pixel"
    function = staticmethod(functional.pixel_mutual_information)
    is_differentiable = False
    plot_lower_bound, plot_upper_bound = 0.0, 1.0


class GradientMutualInformation(FusionMetric):
    """Feature mutual information of horizontal gradients (FMI_gradient)."""

    name = "FMI_gradient"
    function = staticmethod(functional.gradient_mutual_information)
    is_differentiable = False
    plot_lower_bound, plot_upper_bound = 0.0, 1.0


class WaveletMutualInformation(FusionMetric):
    """Feature mutual information of wavelet bands (FMI_wavelet)."""

    name = "FMI_wavelet"
    function = staticmethod(functional.wavelet_mutual_information)
    is_differentiable = False
    plot_lower_bound, plot_upper_bound = 0.0, 1.0


class CosineMutualInformation(FusionMetric):
    """Feature mutual information of the cosine transform (FMI_DCT)."""

    name = "FMI_DCT"
    function = staticmethod(functional.cosine_mutual_information)
    is_differentiable = False
    plot_lower_bound, plot_upper_bound = 0.0, 1.0

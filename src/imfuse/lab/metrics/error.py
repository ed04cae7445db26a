"""Classes of the error metrics."""

from __future__ import annotations

from imfuse.lab.metrics import functional
from imfuse.lab.metrics.base import FusionMetric
from imfuse.lab.metrics.registry import IMFUSE


class MeanSquaredError(FusionMetric):
    """Mean squared error (MSE) to the sources, on the scale [0, 1]."""

    name = "MSE"
    function = staticmethod(functional.mean_squared_error)
    higher_is_better = False
    plot_lower_bound, plot_upper_bound = 0.0, 1.0


class PeakSignalNoiseRatio(FusionMetric):
    """Peak signal-to-noise ratio (PSNR) in dB, averaged over images in dB.

    An image that equals all its sources has an infinite PSNR, and so has the mean of every set that holds one.
    """

    name = "PSNR"
    function = staticmethod(functional.peak_signal_noise_ratio)
    conventions = (IMFUSE, "peak_255")
    plot_lower_bound = 0.0

"""Class of MEF-SSIM."""

from __future__ import annotations

from imfuse.lab.metrics.base import FusionMetric
from imfuse.lab.metrics.functional.mef_ssim import mef_ssim


class ExposureFusionSimilarity(FusionMetric):
    """Structural similarity of exposure fusion (MEF-SSIM)."""

    name = "MEF-SSIM"
    function = staticmethod(mef_ssim)
    plot_lower_bound, plot_upper_bound = 0.0, 1.0

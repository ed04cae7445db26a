"""Class of the error of hue."""

from __future__ import annotations

from imfuse.lab.metrics import functional
from imfuse.lab.metrics.base import FusionMetric


class HueError(FusionMetric):
    """Difference of hue to the colour source in degrees (hue error); call it with (fused, colour), both RGB."""

    name = "hue error"
    function = staticmethod(functional.hue_error)
    inputs = "colour"
    higher_is_better = False
    plot_lower_bound, plot_upper_bound = 0.0, 180.0

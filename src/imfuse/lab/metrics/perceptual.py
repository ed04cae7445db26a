"""Class of LPIPS."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from imfuse.lab.metrics import functional
from imfuse.lab.metrics.base import FusionMetric
from imfuse.lab.metrics.registry import IMFUSE


class PerceptualDistance(FusionMetric):
    """Learned perceptual distance (LPIPS) of the fused image to its sources.

    Args:
        convention: as for every metric.
        weights: file of torchvision's AlexNet; by default where torch.hub keeps it.
        options: keywords of `torchmetrics.Metric`.
    """

    name = "LPIPS"
    function = staticmethod(functional.perceptual_distance)
    higher_is_better = False
    plot_lower_bound = 0.0

    def __init__(self, convention: str = IMFUSE, weights: Path | str | None = None, **options: Any) -> None:
        super().__init__(convention, **options)
        self.weights = weights

    def _options(self) -> dict[str, Any]:
        return {"weights": self.weights}

"""Fusion metrics: pure functions in `functional`, torchmetrics classes here, all by name in `registry.METRICS`."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from imfuse.lab.metrics.base import FusionMetric
    from imfuse.lab.metrics.collection import fusion_metrics
    from imfuse.lab.metrics.correlation import CorrelationCoefficient, SumOfCorrelationDifferences
    from imfuse.lab.metrics.error import MeanSquaredError, PeakSignalNoiseRatio
    from imfuse.lab.metrics.gradient_transfer import EdgeTransfer
    from imfuse.lab.metrics.information import Entropy, MutualInformation
    from imfuse.lab.metrics.mef_ssim import ExposureFusionSimilarity
    from imfuse.lab.metrics.sharpness import AverageGradient, SpatialFrequency, StandardDeviation
    from imfuse.lab.metrics.ssim import StructuralSimilarity
    from imfuse.lab.metrics.vif import VisualInformationFidelity

__all__ = [
    "AverageGradient",
    "CorrelationCoefficient",
    "EdgeTransfer",
    "Entropy",
    "ExposureFusionSimilarity",
    "FusionMetric",
    "MeanSquaredError",
    "MutualInformation",
    "PeakSignalNoiseRatio",
    "SpatialFrequency",
    "StandardDeviation",
    "StructuralSimilarity",
    "SumOfCorrelationDifferences",
    "VisualInformationFidelity",
    "fusion_metrics",
]


def __getattr__(name: str) -> Any:
    """Import the classes when one is first used: torchmetrics takes seconds, and functions and losses do without."""
    if name in __all__:
        return getattr(import_module("imfuse.lab.metrics.collection"), name)
    raise AttributeError(f"module 'imfuse.lab.metrics' has no attribute {name!r}")

"""Fusion metrics: pure functions in `functional`, torchmetrics classes here, all by name in `registry.METRICS`."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from imfuse.lab.metrics.base import FusionMetric
    from imfuse.lab.metrics.chen_blum import ContrastPreservation
    from imfuse.lab.metrics.chen_varshney import VisibleRegionalError
    from imfuse.lab.metrics.collection import fusion_metrics
    from imfuse.lab.metrics.colour import HueError
    from imfuse.lab.metrics.correlation import CorrelationCoefficient, SumOfCorrelationDifferences
    from imfuse.lab.metrics.error import MeanSquaredError, PeakSignalNoiseRatio
    from imfuse.lab.metrics.feature_mutual_information import (
        CosineMutualInformation,
        GradientMutualInformation,
        PixelMutualInformation,
        WaveletMutualInformation,
    )
    from imfuse.lab.metrics.gradient_transfer import EdgeArtefacts, EdgeLoss, EdgeTransfer
    from imfuse.lab.metrics.information import (
        CrossEntropy,
        Entropy,
        MutualInformation,
        NormalisedMutualInformation,
    )
    from imfuse.lab.metrics.mef_ssim import ExposureFusionSimilarity
    from imfuse.lab.metrics.multiscale import MultiscaleQuality
    from imfuse.lab.metrics.nonlinear_correlation import NonlinearCorrelation
    from imfuse.lab.metrics.perceptual import PerceptualDistance
    from imfuse.lab.metrics.piella import EdgeQualityIndex, QualityIndex, WeightedQualityIndex
    from imfuse.lab.metrics.sharpness import AverageGradient, SpatialFrequency, StandardDeviation
    from imfuse.lab.metrics.ssim import MultiscaleStructuralSimilarity, StructuralSimilarity
    from imfuse.lab.metrics.vif import VisualInformationFidelity
    from imfuse.lab.metrics.viff import VisualInformationFidelityForFusion

__all__ = [
    "AverageGradient",
    "ContrastPreservation",
    "CorrelationCoefficient",
    "CosineMutualInformation",
    "CrossEntropy",
    "EdgeArtefacts",
    "EdgeLoss",
    "EdgeQualityIndex",
    "EdgeTransfer",
    "Entropy",
    "ExposureFusionSimilarity",
    "FusionMetric",
    "GradientMutualInformation",
    "HueError",
    "MeanSquaredError",
    "MultiscaleQuality",
    "MultiscaleStructuralSimilarity",
    "MutualInformation",
    "NonlinearCorrelation",
    "NormalisedMutualInformation",
    "PeakSignalNoiseRatio",
    "PerceptualDistance",
    "PixelMutualInformation",
    "QualityIndex",
    "SpatialFrequency",
    "StandardDeviation",
    "StructuralSimilarity",
    "SumOfCorrelationDifferences",
    "VisibleRegionalError",
    "VisualInformationFidelity",
    "VisualInformationFidelityForFusion",
    "WaveletMutualInformation",
    "WeightedQualityIndex",
    "fusion_metrics",
]


def __getattr__(name: str) -> Any:
    """Import the classes when one is first used: torchmetrics takes seconds, and functions and losses do without."""
    if name in __all__:
        return getattr(import_module("imfuse.lab.metrics.collection"), name)
    raise AttributeError(f"module 'imfuse.lab.metrics' has no attribute {name!r}")

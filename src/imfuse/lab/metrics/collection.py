"""The class of every metric, and several of them measured together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torchmetrics import MetricCollection

from imfuse.errors import MetricError
from imfuse.lab.metrics.base import FusionMetric
from imfuse.lab.metrics.chen_blum import ContrastPreservation
from imfuse.lab.metrics.chen_varshney import VisibleRegionalError
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
from imfuse.lab.metrics.registry import COMMON, IMFUSE
from imfuse.lab.metrics.sharpness import AverageGradient, SpatialFrequency, StandardDeviation
from imfuse.lab.metrics.ssim import MultiscaleStructuralSimilarity, StructuralSimilarity
from imfuse.lab.metrics.vif import VisualInformationFidelity
from imfuse.lab.metrics.viff import VisualInformationFidelityForFusion

_ALL: tuple[type[FusionMetric], ...] = (
    Entropy,
    StandardDeviation,
    SpatialFrequency,
    AverageGradient,
    CrossEntropy,
    MutualInformation,
    NormalisedMutualInformation,
    SumOfCorrelationDifferences,
    CorrelationCoefficient,
    VisualInformationFidelity,
    EdgeTransfer,
    EdgeLoss,
    EdgeArtefacts,
    StructuralSimilarity,
    MultiscaleStructuralSimilarity,
    MeanSquaredError,
    PeakSignalNoiseRatio,
    ExposureFusionSimilarity,
    PixelMutualInformation,
    GradientMutualInformation,
    WaveletMutualInformation,
    CosineMutualInformation,
    ContrastPreservation,
    VisibleRegionalError,
    QualityIndex,
    WeightedQualityIndex,
    EdgeQualityIndex,
    NonlinearCorrelation,
    MultiscaleQuality,
    VisualInformationFidelityForFusion,
    PerceptualDistance,
    HueError,
)
CLASSES: dict[str, type[FusionMetric]] = {kind.name: kind for kind in _ALL}
"""The class of each name of `METRICS`."""


def fusion_metrics(names: Sequence[str] = COMMON, conventions: Mapping[str, str] | None = None) -> MetricCollection:
    """Metrics that are updated together and give a dict of means, by the names of the tables.

    Args:
        names: of `METRICS`. Metrics of colour are measured on other images and cannot stand beside the others.
        conventions: the convention of each metric that is not to be measured by `imfuse`'s own.

    Raises:
        MetricError: an unknown name or convention, a convention of a metric that is not among the names, or metrics
            of luma and of colour together.

    Example:
        >>> import torch
        >>> metrics = fusion_metrics(["EN", "SSIM"])
        >>> sources = torch.full((3, 2, 16, 16), 0.5)
        >>> metrics.update(sources[:, :1], sources)
        >>> {name: round(float(value), 4) for name, value in metrics.compute().items()}
        {'EN': 0.0, 'SSIM': 1.0}
    """
    conventions = conventions or {}
    _check_names(names, conventions)
    metrics = {name: CLASSES[name](conventions.get(name, IMFUSE)) for name in names}
    # Each has its own function, so that there is nothing to share between them and no need to look for it.
    return MetricCollection(dict(metrics), compute_groups=False)


def _check_names(names: Sequence[str], conventions: Mapping[str, str]) -> None:
    for name in [*names, *conventions]:
        if name not in CLASSES:
            raise MetricError(f"no metric {name!r}; expected some of {', '.join(CLASSES)}")
    if strangers := [name for name in conventions if name not in names]:
        raise MetricError(f"a convention is given for {', '.join(strangers)}, which is not among the metrics asked for")
    colour = [name for name in names if CLASSES[name].inputs == "colour"]
    if colour and len(colour) < len(names):
        raise MetricError(f"{', '.join(colour)}: measured on colour images; make a collection of its own for them")

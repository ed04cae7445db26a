"""Fusion metrics as pure functions on batches of grey images; one family a file."""

from imfuse.lab.metrics.functional.chen_blum import contrast_preservation
from imfuse.lab.metrics.functional.chen_varshney import regional_error
from imfuse.lab.metrics.functional.colour import hue_error
from imfuse.lab.metrics.functional.correlation import correlation_coefficient, sum_of_correlation_differences
from imfuse.lab.metrics.functional.error import mean_squared_error, peak_signal_noise_ratio
from imfuse.lab.metrics.functional.gradient_transfer import (
    EdgeFates,
    edge_artefacts,
    edge_fates,
    edge_loss,
    edge_transfer,
)
from imfuse.lab.metrics.functional.information import (
    cross_entropy,
    entropy,
    mutual_information,
    normalized_mutual_information,
)
from imfuse.lab.metrics.functional.perceptual import lpips_available, perceptual_distance
from imfuse.lab.metrics.functional.piella import edge_quality_index, quality_index, weighted_quality_index
from imfuse.lab.metrics.functional.sharpness import average_gradient, spatial_frequency, standard_deviation
from imfuse.lab.metrics.functional.ssim import multiscale_structural_similarity, structural_similarity
from imfuse.lab.metrics.functional.vif import visual_information_fidelity

__all__ = [
    "EdgeFates",
    "average_gradient",
    "contrast_preservation",
    "correlation_coefficient",
    "cross_entropy",
    "edge_artefacts",
    "edge_fates",
    "edge_loss",
    "edge_quality_index",
    "edge_transfer",
    "entropy",
    "hue_error",
    "lpips_available",
    "mean_squared_error",
    "multiscale_structural_similarity",
    "mutual_information",
    "normalized_mutual_information",
    "peak_signal_noise_ratio",
    "perceptual_distance",
    "quality_index",
    "regional_error",
    "spatial_frequency",
    "standard_deviation",
    "structural_similarity",
    "sum_of_correlation_differences",
    "visual_information_fidelity",
    "weighted_quality_index",
]

"""Fusion metrics as pure functions on batches of grey images; one family a file."""

from imfuse.lab.metrics.functional._sharing import shared_work
from imfuse.lab.metrics.functional.chen_blum import contrast_preservation
from imfuse.lab.metrics.functional.chen_varshney import regional_error
from imfuse.lab.metrics.functional.colour import hue_error
from imfuse.lab.metrics.functional.correlation import correlation_coefficient, sum_of_correlation_differences
from imfuse.lab.metrics.functional.error import mean_squared_error, peak_signal_noise_ratio
from imfuse.lab.metrics.functional.feature_mutual_information import (
    cosine_mutual_information,
    feature_mutual_information,
    gradient_mutual_information,
    pixel_mutual_information,
    wavelet_mutual_information,
)
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
from imfuse.lab.metrics.functional.multiscale import multiscale_quality
from imfuse.lab.metrics.functional.nonlinear_correlation import nonlinear_correlation
from imfuse.lab.metrics.functional.perceptual import lpips_available, perceptual_distance
from imfuse.lab.metrics.functional.piella import edge_quality_index, quality_index, weighted_quality_index
from imfuse.lab.metrics.functional.sharpness import average_gradient, spatial_frequency, standard_deviation
from imfuse.lab.metrics.functional.ssim import multiscale_structural_similarity, structural_similarity
from imfuse.lab.metrics.functional.vif import visual_information_fidelity
from imfuse.lab.metrics.functional.viff import visual_information_fidelity_for_fusion

__all__ = [
    "EdgeFates",
    "average_gradient",
    "contrast_preservation",
    "correlation_coefficient",
    "cosine_mutual_information",
    "cross_entropy",
    "edge_artefacts",
    "edge_fates",
    "edge_loss",
    "edge_quality_index",
    "edge_transfer",
    "entropy",
    "feature_mutual_information",
    "gradient_mutual_information",
    "hue_error",
    "lpips_available",
    "mean_squared_error",
    "multiscale_quality",
    "multiscale_structural_similarity",
    "mutual_information",
    "nonlinear_correlation",
    "normalized_mutual_information",
    "peak_signal_noise_ratio",
    "perceptual_distance",
    "pixel_mutual_information",
    "quality_index",
    "regional_error",
    "shared_work",
    "spatial_frequency",
    "standard_deviation",
    "structural_similarity",
    "sum_of_correlation_differences",
    "visual_information_fidelity",
    "visual_information_fidelity_for_fusion",
    "wavelet_mutual_information",
    "weighted_quality_index",
]

"""Fusion metrics as pure functions on batches of grey images; one family a file."""

from imfuse.lab.metrics.functional.correlation import correlation_coefficient, sum_of_correlation_differences
from imfuse.lab.metrics.functional.error import mean_squared_error, peak_signal_noise_ratio
from imfuse.lab.metrics.functional.gradient_transfer import edge_transfer
from imfuse.lab.metrics.functional.information import entropy, mutual_information
from imfuse.lab.metrics.functional.sharpness import average_gradient, spatial_frequency, standard_deviation
from imfuse.lab.metrics.functional.ssim import structural_similarity
from imfuse.lab.metrics.functional.vif import visual_information_fidelity

__all__ = [
    "average_gradient",
    "correlation_coefficient",
    "edge_transfer",
    "entropy",
    "mean_squared_error",
    "mutual_information",
    "peak_signal_noise_ratio",
    "spatial_frequency",
    "standard_deviation",
    "structural_similarity",
    "sum_of_correlation_differences",
    "visual_information_fidelity",
]

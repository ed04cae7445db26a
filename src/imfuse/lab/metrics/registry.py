"""Every metric by the name that tables give it, called alike: `METRICS[name](fused, sources)`."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from imfuse.lab.metrics import functional
from imfuse.lab.metrics.functional.mef_ssim import mef_ssim

Metric = Callable[[Tensor, Tensor], Tensor]
"""From fused `(b, 1, h, w)` and sources `(b, n, h, w)`, both in [0, 1], to one value an image."""

METRICS: dict[str, Metric] = {
    "EN": lambda fused, _: functional.entropy(fused),
    "SD": lambda fused, _: functional.standard_deviation(fused),
    "SF": lambda fused, _: functional.spatial_frequency(fused),
    "AG": lambda fused, _: functional.average_gradient(fused),
    "MI": functional.mutual_information,
    "SCD": functional.sum_of_correlation_differences,
    "VIF": functional.visual_information_fidelity,
    "Qabf": functional.edge_transfer,
    "SSIM": functional.structural_similarity,
    "CC": functional.correlation_coefficient,
    "MSE": functional.mean_squared_error,
    "PSNR": functional.peak_signal_noise_ratio,
    "MEF-SSIM": mef_ssim,
}
"""The usual names; all but MSE are better when higher."""

"""SSIM to each source, by the metric of that name."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from imfuse.lab.losses._precision import precise
from imfuse.lab.metrics.functional.ssim import ssim_map


def mean_similarity(fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"]) -> Float[Tensor, "b n"]:
    """Mean SSIM over the pixels, of the fused image to each source.

    In single precision at least: a variance is a small difference of large numbers, in half precision it is noise.
    """
    return ssim_map(precise(fused), precise(sources)).mean((2, 3))

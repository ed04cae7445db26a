"""SSIM to each source, by the metric of that name."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from imfuse.lab.metrics.functional.ssim import ssim_map


def mean_similarity(fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"]) -> Float[Tensor, "b n"]:
    """Mean SSIM over the pixels, of the fused image to each source.

    In single precision at least: a variance is a small difference of large numbers, in half precision it is noise.
    """
    dtype = torch.promote_types(torch.promote_types(fused.dtype, sources.dtype), torch.float32)
    return ssim_map(fused.to(dtype), sources.to(dtype)).mean((2, 3))

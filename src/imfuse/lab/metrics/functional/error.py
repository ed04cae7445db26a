"""Error metrics: MSE and PSNR against the sources."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def mean_squared_error(fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"]) -> Float[Tensor, " b"]:
    """Mean over the sources of the mean squared error, on the scale [0, 1] (MSE)."""
    return ((fused - sources) ** 2).mean(dim=(1, 2, 3))


def peak_signal_noise_ratio(fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"]) -> Float[Tensor, " b"]:
    """PSNR in dB of the mean MSE over the sources, peak 1; infinite where fused and sources are equal."""
    return -10 * torch.log10(mean_squared_error(fused, sources))

"""Error metrics: MSE and PSNR against the sources."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from imfuse.lab.metrics.functional._images import PEAK, as_images, check_convention


def mean_squared_error(fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"]) -> Float[Tensor, " b"]:
    """Mean over the sources of the mean squared error, on the scale [0, 1] (MSE); 0 where all are equal."""
    fused, sources = as_images(fused, sources)
    return (fused - sources).square().mean(dim=(1, 2, 3))


def peak_signal_noise_ratio(
    fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"], *, convention: str = "imfuse"
) -> Float[Tensor, " b"]:
    """PSNR in dB of the mean MSE over the sources; infinite where fused and sources are equal.

    Args:
        fused: images in [0, 1].
        sources: images in [0, 1].
        convention: `imfuse` has the peak 1 of the data; `peak_255` sets 255 against errors on the scale [0, 1], as
            some public codes do, and is 48.13 dB too high.
    """
    check_convention(convention, "imfuse", "peak_255")
    excess = 20 * math.log10(PEAK) if convention == "peak_255" else 0.0
    return excess - 10 * torch.log10(mean_squared_error(fused, sources))

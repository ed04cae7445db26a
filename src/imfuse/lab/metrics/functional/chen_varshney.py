"""Visible regional error Qcv (Chen and Varshney 2007): what the eye sees of the differences to the sources."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from imfuse.lab.metrics.functional._images import as_images, check_convention, to_peak
from imfuse.lab.metrics.functional._sensitivity import filter_radially, stretch

WINDOW = 16
SALIENCY_EXPONENT = 5
DEGREES = 4.0
"""What each side of the picture spans: the toolbox multiplies MATLAB's frequencies, 1 at Nyquist, by side / 8."""
FAINT = 1e-20
"""Weight of a region without an edge; that of one step of one level is 1e5 times as large."""


def regional_error(
    fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"], *, convention: str = "imfuse"
) -> Float[Tensor, " b"]:
    """Qcv from 0 (F = A = B) up, lower is better: squared visible error of 16 x 16 regions, weighted by their edges.

    As in the MATLAB toolbox of Liu et al. 2012: each image is stretched to 0..255; the difference of each source to
    the fused image is filtered in the frequency domain by Mannos and Sakrison's contrast sensitivity
    2.6 (0.0192 + 0.144 r) exp(-(0.144 r)^1.1), where the side of a picture spans 4 degrees at any size (0.144 is the
    toolbox's; Mannos and Sakrison 1974 is quoted with 0.114); a region's error is the mean of its squares, and its
    weight the sum of (Sobel strength of the source)^5; Qcv is the weighted mean over regions and sources.

    Unlike there nothing is rounded; the border is replicated before Sobel, because to the power of five the edge
    between a bright picture and a border of zeros would outweigh the picture; regions that the picture cuts are
    averaged over the pixels that they have, which also defines pictures below one region; and without an edge in any
    source all regions weigh alike.

    Args:
        fused: uint8, or floats in [0, 1].
        sources: as `fused`.
        convention: `imfuse`, or `toolbox` for its zero border, its regions completed by zeros and its rounding to 256
            levels after the stretch, which has no gradient.

    Raises:
        MetricError: images that cannot be measured, or no such convention.
    """
    check_convention(convention, "imfuse", "toolbox")
    fused, sources = as_images(fused, sources)
    toolbox = convention == "toolbox"
    images = stretch(torch.cat([fused, sources], dim=1), rounded=toolbox)
    fused, sources = images[:, :1], images[:, 1:]
    weight = _regions(_edge_energy(sources, "constant" if toolbox else "replicate") ** (SALIENCY_EXPONENT / 2)) + FAINT
    error = _regions(filter_radially(to_peak(sources - fused), _sensitivity, DEGREES).square())
    if not toolbox:
        error = error / _regions(torch.ones_like(fused[:1]))
    return (weight * error).sum(dim=(1, 2, 3)) / weight.sum(dim=(1, 2, 3))


def _sensitivity(frequency: Tensor) -> Tensor:
    scaled = 0.144 * frequency
    return 2.6 * (0.0192 + scaled) * torch.exp(-(scaled**1.1))


def _edge_energy(images: Tensor, border: str) -> Tensor:
    """Squared strength of the Sobel gradient."""
    padded = F.pad(images, [1] * 4, mode=border)
    across = padded[..., 2:] - padded[..., :-2]
    down = padded[..., 2:, :] - padded[..., :-2, :]
    gx = across[..., :-2, :] + 2 * across[..., 1:-1, :] + across[..., 2:, :]
    gy = down[..., :-2] + 2 * down[..., 1:-1] + down[..., 2:]
    return gx.square() + gy.square()


def _regions(values: Tensor) -> Tensor:
    """Sum of each region as a share of a whole region's area, the picture completed by zeros."""
    height, width = values.shape[2:]
    return F.avg_pool2d(F.pad(values, [0, -width % WINDOW, 0, -height % WINDOW]), WINDOW)

"""Contrast preservation Qcb (Chen and Blum 2009): how much of the sources' visible contrast the fused image has."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from imfuse.lab.metrics.functional._images import as_images, check_convention, filter_separable
from imfuse.lab.metrics.functional._sensitivity import filter_radially, stretch

CENTRE, SURROUND, SURROUND_GAIN = 15.3870, 1.3456, 0.7622
"""f0 and f1 in cycles per degree, and a, of the difference of Gaussians."""
DEGREES = 15.0
"""What each side of the picture spans: the toolbox multiplies MATLAB's frequencies, 1 at Nyquist, by side / 30."""
RADIUS, SIGMAS = 15, (2.0, 4.0)
MASKING = 1e-4
FAINT = 1e-12
"""Far below the masked contrast of one level of 255, and above the rounding of float32 in flat areas."""
SMALLEST = 1e-9


def contrast_preservation(
    fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"], *, convention: str = "imfuse"
) -> Float[Tensor, " b"]:
    """Qcb in [0, 1]: masked local contrast kept, weighted by the sources' contrast; 1 for F = A = B.

    As in the MATLAB toolbox of Liu et al. 2012: each image is stretched to its full range and filtered in the
    frequency domain by a difference of Gaussians (the side of a picture spans 15 degrees, at any size); its contrast
    is |G2 * I / G4 * I - 1| with Gaussians of sigma 2 and 4 cut at 31 x 31, unnormalised, over a zero border, masked
    as C^3 / (C^2 + 0.0001). A pixel's quality for a source is the smaller contrast over the larger, weighted by the
    square of the source's contrast; Qcb is the mean over pixels. Unlike there nothing is rounded, and 0 / 0 is
    avoided: two contrasts of 0 are equal, sources without contrast weigh alike, and a constant image has no contrast.
    The zero border is kept although it lends all images the same contrast there (0.006 to 0.014 on RoadScene). Any
    size is measured, from one pixel up, and any number of sources.

    Ports to other languages often differ: some take half the frequencies (-0.5 to 0.5) or swap the axes of the picture.

    Args:
        fused: uint8, or floats in [0, 1].
        sources: as `fused`.
        convention: `imfuse`, or `toolbox` for the rounding to 256 levels after the stretch, which has no gradient.

    Raises:
        MetricError: images that cannot be measured, or no such convention.
    """
    check_convention(convention, "imfuse", "toolbox")
    fused, sources = as_images(fused, sources)
    images = stretch(torch.cat([fused, sources], dim=1), rounded=convention == "toolbox")
    contrast = _masked_contrast(filter_radially(images, _sensitivity, DEGREES))
    of_fused, of_sources = contrast[:, :1], contrast[:, 1:]
    kept = (torch.minimum(of_fused, of_sources) + FAINT) / (torch.maximum(of_fused, of_sources) + FAINT)
    weight = of_sources.square() + FAINT**2
    return ((kept * weight).sum(1) / weight.sum(1)).mean(dim=(1, 2))


def _sensitivity(frequency: Tensor) -> Tensor:
    centre, surround = frequency / CENTRE, frequency / SURROUND
    return torch.exp(-centre.square()) - SURROUND_GAIN * torch.exp(-surround.square())


def _masked_contrast(images: Tensor) -> Tensor:
    """C' of each pixel, from the ratio of two Gaussians (Peli's contrast)."""
    bordered = F.pad(images, [RADIUS] * 4)
    fine, coarse = (filter_separable(bordered, _gaussian(sigma, images)) for sigma in SIGMAS)
    contrast = (fine - coarse).abs() / coarse.abs().clamp_min(SMALLEST)
    power = contrast.square()
    return contrast * (power / (power + MASKING))


def _gaussian(sigma: float, like: Tensor) -> Tensor:
    position = torch.arange(-RADIUS, RADIUS + 1, dtype=like.dtype, device=like.device)
    return torch.exp(-position.square() / (2 * sigma**2)) / (math.sqrt(2 * math.pi) * sigma)

"""Fusion quality indices Qs, Qw and Qe (Piella and Heijmans 2003), from Wang and Bovik's index in sliding windows.

Here s is the variance of a window, lambda_k = s_k / sum s the share of source k, Q0 the index of Wang and Bovik 2002:
Qs = mean over windows of sum_k lambda_k Q0(source k, fused); Qw weighs the windows by max_k s_k; Qe is the product of
Qw of the images and Qw of their edge images. Windows are 8 x 8 at every position inside the image, as Wang and Bovik
take them; an image below 8 pixels in a direction has one window in that direction. All three are in [-1, 1], up is
better, 1 for F = A = B. Where variances vanish Q0 is its limit: of two constant windows the luminance term alone, of
two black ones 1; sources that are constant in a window have equal shares, and images without any variance weigh all
windows alike. Any number of sources.

Convention `toolbox` of Qs and Qw is the MATLAB toolbox of Liu et al. 2012: SSIM (Gaussian 11 / 1.5, inside the image,
K 0.01 and 0.03) and its local variances take the place of Q0 and the plain windows. Its Qe has none here: the
published code stops at an undefined variable, and its repairs differ.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from imfuse.lab.metrics.functional._images import PEAK, as_images, check_convention
from imfuse.lab.metrics.functional._moments import Moments, box_moments, gaussian_moments

WINDOW_DOUBLINGS = 3
VANISHING = 1e-12
"""Variance, on [0, 1], that counts as none."""
GAUSSIAN, SIGMA, SSIM_CONSTANTS = 11, 1.5, (0.01**2, 0.03**2)
HALF_LEVEL = 0.5 / PEAK**2
"""Variance that the toolbox gives to windows where no source has any."""
NOISE = 1e-8
"""Rounding of a variance from Gaussian moments in float32, which must not decide between sources."""


def quality_index(
    fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"], *, convention: str = "imfuse"
) -> Float[Tensor, " b"]:
    """Qs: the index of each window, averaged over windows; see the head of this file.

    Args:
        fused: uint8, or floats in [0, 1].
        sources: as `fused`.
        convention: `imfuse` or `toolbox`.

    Raises:
        MetricError: images that cannot be measured, or no such convention.
    """
    check_convention(convention, "imfuse", "toolbox")
    quality, _ = _windows(*as_images(fused, sources), toolbox=convention == "toolbox")
    return quality.mean(dim=(1, 2))


def weighted_quality_index(
    fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"], *, convention: str = "imfuse"
) -> Float[Tensor, " b"]:
    """Qw: the index of each window, weighted by the larger variance of the sources; see the head of this file.

    Args:
        fused: uint8, or floats in [0, 1].
        sources: as `fused`.
        convention: `imfuse` or `toolbox`.

    Raises:
        MetricError: images that cannot be measured, or no such convention.
    """
    check_convention(convention, "imfuse", "toolbox")
    return _weighted(*as_images(fused, sources), toolbox=convention == "toolbox")


def edge_quality_index(fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"]) -> Float[Tensor, " b"]:
    """Qe: Qw of the images times Qw of their edge images (exponent 1); see the head of this file.

    An edge image is the strength of the Prewitt gradient, the border replicated.

    Raises:
        MetricError: images that cannot be measured.
    """
    fused, sources = as_images(fused, sources)
    edges = _weighted(_edge_strength(fused), _edge_strength(sources), toolbox=False)
    return _weighted(fused, sources, toolbox=False) * edges


def _weighted(fused: Tensor, sources: Tensor, *, toolbox: bool) -> Tensor:
    quality, weight = _windows(fused, sources, toolbox=toolbox)
    return (quality * weight).sum(dim=(1, 2)) / weight.sum(dim=(1, 2))


def _windows(fused: Tensor, sources: Tensor, *, toolbox: bool) -> tuple[Tensor, Tensor]:
    """Quality of each window, and its saliency: the largest variance of the sources."""
    if toolbox:
        moments, constants = gaussian_moments(fused, sources, GAUSSIAN, SIGMA), SSIM_CONSTANTS
    else:
        moments, constants = box_moments(fused, sources, WINDOW_DOUBLINGS), (VANISHING, VANISHING)
    saliency = torch.stack(moments.variances[1:])
    if toolbox:
        saliency = saliency + HALF_LEVEL * (saliency.sum(0) == 0)
    share = saliency + (NOISE if toolbox else VANISHING)
    quality = torch.stack(_similarity(moments, constants))
    return (share * quality).sum(0) / share.sum(0), saliency.amax(0) + VANISHING


def _similarity(moments: Moments, constants: tuple[float, float]) -> list[Tensor]:
    """SSIM of the fused image with each source in each window; with vanishing constants Wang and Bovik's index."""
    c1, c2 = constants
    mean_f, variance_f = moments.means[0], moments.variances[0]
    return [
        (2 * covariance + c2)
        * (2 * mean_f * mean + c1)
        / ((variance_f + variance + c2) * (mean_f.square() + mean.square() + c1))
        for mean, variance, covariance in zip(
            moments.means[1:], moments.variances[1:], moments.covariances, strict=True
        )
    ]


def _edge_strength(images: Tensor) -> Tensor:
    padded = F.pad(images, [1] * 4, mode="replicate")
    across = padded[..., 2:] - padded[..., :-2]
    down = padded[..., 2:, :] - padded[..., :-2, :]
    gx = across[..., :-2, :] + across[..., 1:-1, :] + across[..., 2:, :]
    gy = down[..., :-2] + down[..., 1:-1] + down[..., 2:]
    return torch.sqrt(gx.square() + gy.square() + VANISHING)

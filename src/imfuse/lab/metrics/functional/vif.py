"""Visual information fidelity in the pixel domain (Sheikh and Bovik 2006, 'vifp'), summed over the sources."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from imfuse.lab.metrics.functional._images import filter_separable, gaussian_window, to_peak

SCALES = (1, 2, 3, 4)
NOISE_VARIANCE = 2.0
EPSILON = 1e-10


def visual_information_fidelity(
    fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"]
) -> Float[Tensor, " b"]:
    """Sum over the sources of vifp(source, fused) (VIF): four scales, centred 'valid' Gaussian windows.

    Window N = 2^(5 - s) + 1 with sigma N / 5, noise variance 2. Needs sides of at least 41 pixels for all four
    scales; the scales that do not fit are left out, and 0 is returned when none fits.
    """
    count = sources.shape[1]
    images = to_peak(torch.cat([fused, sources], dim=1))
    numerator = denominator = images.new_zeros(len(images), count)
    for scale in SCALES:
        size = 2 ** (5 - scale) + 1
        window = gaussian_window(size, size / 5, images)
        if scale > 1:
            if min(images.shape[2:]) < size:
                break
            images = filter_separable(images, window)[..., ::2, ::2]
        if min(images.shape[2:]) < size:
            break
        gained, held = _information(images, window, count)
        numerator, denominator = numerator + gained, denominator + held
    return ((numerator + EPSILON) / (denominator + EPSILON)).sum(1) if denominator.any() else numerator.sum(1)


def _information(images: Tensor, window: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Information that the fused image keeps of each source, and that each source holds, at one scale."""
    fused, sources = images[:, :1], images[:, 1:]
    moments = filter_separable(torch.cat([images, images**2, fused * sources], dim=1), window)
    mean_f, mean_s, square_f, square_s, product = moments.split([1, count, 1, count, count], dim=1)
    variance_f = (square_f - mean_f**2).clamp_min(0)
    variance_s = (square_s - mean_s**2).clamp_min(0)
    covariance = product - mean_f * mean_s
    gain = covariance / (variance_s + EPSILON)
    noise = variance_f - gain * covariance
    flat_s, flat_f = variance_s < EPSILON, variance_f < EPSILON
    gain = gain.masked_fill(flat_s | flat_f, 0)
    noise = torch.where(flat_s, variance_f, noise).masked_fill(flat_f, 0)
    variance_s = variance_s.masked_fill(flat_s, 0)
    noise = torch.where(gain < 0, variance_f, noise).clamp_min(EPSILON)
    gain = gain.clamp_min(0)
    gained = torch.log10(1 + gain**2 * variance_s / (noise + NOISE_VARIANCE)).sum(dim=(2, 3))
    held = torch.log10(1 + variance_s / NOISE_VARIANCE).sum(dim=(2, 3))
    return gained, held

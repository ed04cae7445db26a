"""Visual information fidelity for fusion, VIFF (Han, Cai, Cao and Xu 2013), a metric of its own beside VIF."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from imfuse.lab.metrics.functional._images import as_images, filter_separable, gaussian_window, to_peak

SCALE_WEIGHTS = (1 / 2.15, 0, 0.15 / 2.15, 1 / 2.15)
NOISE_VARIANCE = 0.005 * 255**2
FLAT = 1e-10
"""Variance that counts as none."""
LEAST = 1e-7 * math.log(10)
"""What each place adds to the information, in nats, so that there is some in flat images."""


def visual_information_fidelity_for_fusion(
    fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"]
) -> Float[Tensor, " b"]:
    """VIFF: information kept over information held at four scales; higher is better.

    At each place of each scale that source counts which the fused image follows with the smallest gain, the last one of
    equals: sum log(1 + g^2 s / (v + N)) / sum log(1 + s / N) over all places, s the variance of the source, g the gain,
    v the variance of the fused image beyond g times the source, N = 0.005 * 255^2. Scales weigh 1, 0, 0.15 and 1 over
    2.15. Windows and scales are those of VIF: centred Gaussians of 2^(5 - scale) + 1 pixels, sigma a fifth of that,
    inside the image.

    1 for F = A = B, and of constant sources; more where the fused image has more contrast than the sources. Because of
    equal gains, which are common where the fused image follows neither source, the order of the sources matters a
    little. Scales that do not fit are left out (all fit from 41 pixels), and sides below 17 pixels are continued by
    their border to 17.

    Raises:
        MetricError: images that cannot be measured.
    """
    fused, sources = as_images(fused, sources)
    planes = [_prepared(image) for image in (fused, *sources.split(1, dim=1))]
    fidelity, total = planes[0].new_zeros(len(fused)), 0.0
    for scale, weight in enumerate(SCALE_WEIGHTS):
        size = 2 ** (4 - scale) + 1
        window = gaussian_window(size, size / 5, planes[0])
        if scale and min(planes[0].shape[2:]) >= size:
            planes = [filter_separable(plane, window)[..., ::2, ::2] for plane in planes]
        if min(planes[0].shape[2:]) < size:
            break
        if weight:
            fidelity = fidelity + weight * _fidelity(planes, window)
            total += weight
    return (fidelity / total).to(fused.dtype)


def _prepared(image: Tensor) -> Tensor:
    """On the 0..255 scale, without its mean, and not smaller than a window.

    In double precision where there is one: the rounding of a variance in float32 is more than a saturated sky has, and
    would decide between the sources there.
    """
    image = image if image.device.type == "mps" else image.double()
    height, width = (max(2**4 + 1 - side, 0) for side in image.shape[2:])
    padding = [width // 2, width - width // 2, height // 2, height - height // 2]
    return F.pad(to_peak(image - image.mean(dim=(2, 3), keepdim=True)), padding, mode="replicate")


def _fidelity(planes: list[Tensor], window: Tensor) -> Tensor:
    """Of one scale."""
    fused, *sources = planes
    mean_f, variance_f = _moments(fused, window)
    gain = signal = held = torch.empty(0)
    for number, source in enumerate(sources):
        mean, variance = _moments(source, window)
        covariance = filter_separable(fused * source, window).addcmul_(mean_f, mean, value=-1)
        covariance = covariance.clamp_min(0) * (variance_f > FLAT)  # what is reversed counts as noise alone
        of_source = covariance / F.threshold(variance, FLAT, torch.inf)
        power = torch.minimum(of_source * covariance, variance_f)
        if not number:
            gain, signal, held = of_source, power, variance
            continue
        smaller = of_source <= gain
        gain, signal, held = (
            torch.where(smaller, ours, others)
            for ours, others in ((of_source, gain), (power, signal), (variance, held))
        )
    kept = torch.log1p(signal / (variance_f - signal + NOISE_VARIANCE)).sum(dim=(1, 2, 3))
    information = torch.log1p(held / NOISE_VARIANCE).sum(dim=(1, 2, 3))
    least = LEAST * held[0].numel()
    return (kept + least) / (information + least)


def _moments(plane: Tensor, window: Tensor) -> tuple[Tensor, Tensor]:
    mean = filter_separable(plane, window)
    return mean, filter_separable(plane.square(), window).addcmul_(mean, mean, value=-1).clamp_min_(0)

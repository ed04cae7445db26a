"""Visual information fidelity in the pixel domain (Sheikh and Bovik 2006, 'vifp'), summed over the sources."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from imfuse.lab.metrics.functional._fast import logarithm
from imfuse.lab.metrics.functional._images import (
    as_images,
    check_convention,
    filter_separable,
    gaussian_window,
    to_peak,
)

SCALES = (1, 2, 3, 4)
NOISE_VARIANCE = 2.0
EPSILON = 1e-10


def visual_information_fidelity(
    fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"], *, convention: str = "imfuse"
) -> Float[Tensor, " b"]:
    """Sum over the sources of vifp(source, fused) (VIF): four scales, noise variance 2 on the 0..255 scale.

    For F = A = B it is the number of sources; a constant source adds 1, because nothing of it can be lost. A contrast
    above that of a source can add more than 1.

    Args:
        fused: images in [0, 1].
        sources: images in [0, 1].
        convention: `imfuse`: centred Gaussian windows of N = 2^(5 - s) + 1 pixels with sigma N / 5 inside the image
            ('valid'). It needs sides of at least 41 pixels for all four scales; those that do not fit are left out,
            and the value is 0 when none does (sides below 17). `off_centre`: the N samples of the window lie from
            -(N + 1) / 2 to (N - 1) / 2, half a pixel off and wider, and the images are continued by zeros, as in the
            toolbox IVIF_ZOO; the edge of the image then counts as content, and the value is up to 40 % higher on
            images of 500 x 350 pixels, most where the border is bright.
    """
    check_convention(convention, "imfuse", "off_centre")
    fused, sources = as_images(fused, sources)
    centred = convention == "imfuse"
    planes = [_prepared(image, centred) for image in (fused, *sources.split(1, dim=1))]
    gained, held = [], []
    for scale in SCALES:
        size = 2 ** (5 - scale) + 1
        window = gaussian_window(size, size / 5, fused) if centred else _off_centre_window(size, fused)
        if scale > SCALES[0] and _fits(planes[0], size, centred):
            planes = [_smooth(plane, window, centred)[..., ::2, ::2] for plane in planes]
        if not _fits(planes[0], size, centred):
            break
        of_scale = _information(planes, window, centred)
        gained.append(of_scale[0])
        held.append(of_scale[1])
    if not held:
        return fused.flatten(1)[:, :0].sum(1)  # 0 that training can take a gradient of
    gained, held = torch.stack(gained).sum(0), torch.stack(held).sum(0)
    return ((gained + EPSILON) / (held + EPSILON)).sum(1)


def _prepared(image: Tensor, centred: bool) -> Tensor:
    # Variances inside the image do not depend on the mean, and lose digits to it.
    return to_peak(image - image.mean(dim=(2, 3), keepdim=True) if centred else image)


def _fits(images: Tensor, size: int, centred: bool) -> bool:
    return not centred or min(images.shape[2:]) >= size


def _off_centre_window(size: int, like: Tensor) -> Tensor:
    position = torch.linspace(-(size + 1) / 2, (size - 1) / 2, size, device=like.device, dtype=like.dtype)
    window = torch.exp(-position.square() / (2 * (size / 5) ** 2))
    return window / window.sum()


def _smooth(images: Tensor, window: Tensor, centred: bool) -> Tensor:
    return filter_separable(images if centred else F.pad(images, [len(window) // 2] * 4), window)


def _information(planes: list[Tensor], window: Tensor, centred: bool) -> tuple[Tensor, Tensor]:
    """Information that the fused image keeps of each source, and that each source holds, `(b, n)`, at one scale."""
    means, variances, gained, held = [], [], [], []
    for plane in planes:
        mean = _smooth(plane, window, centred)
        variances.append(_smooth(plane.square(), window, centred).addcmul_(mean, mean, value=-1).clamp_min_(0))
        means.append(mean)
    for plane, mean, variance in zip(planes[1:], means[1:], variances[1:], strict=True):
        covariance = _smooth(planes[0] * plane, window, centred).addcmul_(means[0], mean, value=-1)
        covariance.clamp_min_(0)  # what is reversed counts as noise alone
        # Fused = gain * source + noise, with the gain covariance / variance; none from a flat source.
        signal = torch.minimum(covariance.square_() / F.threshold(variance, EPSILON, torch.inf), variances[0])
        noise = (variances[0] - signal).add_(NOISE_VARIANCE)
        gained.append(logarithm(signal.div_(noise).add_(1)).sum(dim=(2, 3)))
        held.append(logarithm((variance / NOISE_VARIANCE).add_(1)).sum(dim=(2, 3)))
    return torch.cat(gained, dim=1), torch.cat(held, dim=1)

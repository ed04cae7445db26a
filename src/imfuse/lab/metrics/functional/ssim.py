"""Structural similarity of the fused image to the sources, at one scale (Wang et al. 2004) and at five (2003)."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from imfuse.lab.metrics.functional._images import PEAK, as_images, check_convention, filter_separable, gaussian_window

K1, K2 = 0.01, 0.03
RADIUS, SIGMA = 5, 1.5
SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


def structural_similarity(
    fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"], *, convention: str = "imfuse"
) -> Float[Tensor, " b"]:
    """Mean over sources and pixels of SSIM(source, fused), in [-1, 1]; 1 where all are equal, also if constant.

    Args:
        fused: images in [0, 1].
        sources: images in [0, 1].
        convention: `imfuse`: Gaussian window 11 / 1.5, replicated border, all pixels, L = the peak of the data.
            `sum`: the sum over the sources. `unit_range`: L = 1 beside data in 0..255, as the community's MATLAB code
            computes; much lower, because flat regions are then judged by their noise.
    """
    check_convention(convention, "imfuse", "sum", "unit_range")
    fused, sources = as_images(fused, sources)
    if convention == "unit_range":
        # The constants are then smaller than the rounding of variances in single precision.
        return ssim_map(fused.double(), sources.double(), 1 / PEAK).mean(dim=(1, 2, 3)).to(fused.dtype)
    values = ssim_map(fused, sources).mean(dim=(2, 3))
    return values.sum(1) if convention == "sum" else values.mean(1)


def ssim_map(
    fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"], peak: float = 1.0
) -> Float[Tensor, "b n h w"]:
    """SSIM of each pixel's window in the fused image and in each source, with L = `peak` for images in [0, 1]."""
    fused, sources = (F.pad(images, [RADIUS] * 4, mode="replicate") for images in (fused, sources))
    terms = _similarity(fused, sources, 2 * RADIUS + 1, peak)
    return torch.cat([luminance.mul_(structure) for luminance, structure in terms], dim=1)


def multiscale_structural_similarity(
    fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"], *, convention: str = "imfuse"
) -> Float[Tensor, " b"]:
    """Mean over the sources of MS-SSIM (MS_SSIM; Wang, Simoncelli and Bovik 2003), in [0, 1].

    Five scales, each half of the last by means of 2 x 2 pixels; Gaussian window 11 / 1.5 inside the image ('valid');
    a scale whose mean is negative makes the value, and its gradient, 0. Scales on which the window does not fit
    (sides below 176 for the fifth) are left out, and the weights of the others raised to a sum of 1; below 11 pixels
    the window shrinks with the image.

    Args:
        fused: images in [0, 1].
        sources: images in [0, 1].
        convention: `imfuse`, or `sum`: the sum over the sources.
    """
    check_convention(convention, "imfuse", "sum")
    fused, sources = as_images(fused, sources)
    side = min(fused.shape[2:])
    window = min(2 * RADIUS + 1, side - 1 + side % 2)
    count = max(1, sum(side >> scale > 2 * RADIUS for scale in range(len(SCALE_WEIGHTS))))
    means = []
    for scale in range(count):
        terms = _similarity(fused, sources, window)
        maps = [luminance.mul_(structure) if scale == count - 1 else structure for luminance, structure in terms]
        means.append(torch.cat([similarity.mean(dim=(2, 3)) for similarity in maps], dim=1))
        if scale < count - 1:
            fused, sources = F.avg_pool2d(fused, 2), F.avg_pool2d(sources, 2)
    values = _weighted_product(torch.stack(means))
    return values.sum(1) if convention == "sum" else values.mean(1)


def _similarity(
    fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"], size: int, peak: float = 1.0
) -> Iterator[tuple[Tensor, Tensor]]:
    """Luminance, and contrast with structure, of each window that lies inside, `(b, 1, h2, w2)`; for each source."""
    c1, c2, window = (K1 * peak) ** 2, (K2 * peak) ** 2, gaussian_window(size, SIGMA, fused)
    square_f, mean_f = fused.square(), filter_separable(fused, window)
    for source in sources.split(1, dim=1):
        mean_s = filter_separable(source, window)
        squares = filter_separable(source.square().add_(square_f), window)
        product = filter_separable(fused * source, window)
        mean_squares, mean_product = mean_s.square().addcmul_(mean_f, mean_f), mean_s * mean_f
        structure = product.sub_(mean_product).mul_(2).add_(c2).div_(squares.sub_(mean_squares).add_(c2))
        yield mean_product.mul_(2).add_(c1).div_(mean_squares.add_(c1)), structure


def _weighted_product(means: Float[Tensor, "scales b n"]) -> Float[Tensor, "b n"]:
    weights = means.new_tensor(SCALE_WEIGHTS[: len(means)]).view(-1, 1, 1)
    is_positive = (means > 0).all(dim=0)
    # Powers of what is not positive have no finite gradient.
    powers = torch.where(is_positive, means, 1) ** (weights / weights.sum())
    return torch.where(is_positive, powers.prod(dim=0), 0)

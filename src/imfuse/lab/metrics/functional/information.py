"""Histogram metrics over 256 grey levels: EN, CE, MI and NMI."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from imfuse.lab.metrics.functional._images import as_fused, as_images, check_convention, grey_levels
from imfuse.lab.metrics.functional._sharing import shared

LEVELS = 256


def entropy(fused: Float[Tensor, "b 1 h w"], *, convention: str = "imfuse") -> Float[Tensor, " b"]:
    """Entropy (EN; Roberts et al. 2008) of the histogram, in bits: 0 for a constant image, at most 8.

    Args:
        fused: images in [0, 1].
        convention: `imfuse`, or `clamped`: level 0 is counted as level 1, as public codes do whose arrays begin at 1.
    """
    check_convention(convention, "imfuse", "clamped")
    fused = as_fused(fused)
    levels = grey_levels(fused, torch.int32)
    return _entropy(_histogram(levels.clamp_min(1) if convention == "clamped" else levels, LEVELS, fused.dtype))


def cross_entropy(fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"]) -> Float[Tensor, " b"]:
    """Cross entropy (CE; Bulanon, Burks and Alchanatis 2009) in bits, mean over the sources; lower is better.

    sum p_S log2(p_S / p_F) of the histograms, which is 0 where they are equal. Levels that the source or the fused
    image does not have are left out, as public codes do, so that it is finite; it can then be negative, and it is 0
    where the two have no level in common.
    """
    fused, sources = as_images(fused, sources)
    of_fused = _histogram(grey_levels(fused, torch.int32), LEVELS, fused.dtype)
    terms = []
    for source in sources.split(1, dim=1):
        of_source = _histogram(grey_levels(source, torch.int32), LEVELS, fused.dtype)
        ratio = torch.where((of_source > 0) & (of_fused > 0), of_source / of_fused, 1)
        terms.append((of_source * torch.log2(ratio)).sum(1))
    return torch.stack(terms).mean(0)


def mutual_information(
    fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"], *, convention: str = "imfuse"
) -> Float[Tensor, " b"]:
    """Mutual information (MI; Qu, Zhang and Yan 2002): sum over the sources of I(source; fused), 0 for a constant.

    Args:
        fused: images in [0, 1].
        sources: images in [0, 1].
        convention: `imfuse` is in bits, `nats` in natural units.
    """
    check_convention(convention, "imfuse", "nats")
    information, _, _ = _information(*as_images(fused, sources))
    return information.sum(1) * (math.log(2) if convention == "nats" else 1)


def normalized_mutual_information(
    fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"]
) -> Float[Tensor, " b"]:
    """Normalised mutual information (NMI; Hossny, Nahavandi and Creighton 2008): sum of 2 I(S; F) / (H(S) + H(F)).

    In [0, number of sources], the most for F = A = B; a source adds 0 where it and the fused image are constant.
    """
    information, of_sources, of_fused = _information(*as_images(fused, sources))
    both = of_sources + of_fused
    return torch.where(both > 0, 2 * information / both, 0).sum(1)


@shared
def _information(fused: Tensor, sources: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """I(source; fused) and H(source) `(b, n)`, and H(fused) `(b, 1)`, in bits."""
    fused_levels = grey_levels(fused, torch.int32)
    joints = []
    for source in sources.split(1, dim=1):
        pairs = grey_levels(source, torch.int32).mul_(LEVELS).add_(fused_levels)
        joints.append(_histogram(pairs, LEVELS**2, fused.dtype))
    joint = torch.stack(joints, dim=1).unflatten(2, (LEVELS, LEVELS))
    of_sources, of_fused = _entropy(joint.sum(3)), _entropy(joint[:, :1].sum(2))
    return (of_sources + of_fused - _entropy(joint.flatten(2))).clamp_min(0), of_sources, of_fused


def _histogram(values: Tensor, bins: int, dtype: torch.dtype) -> Tensor:
    """Share of each value, `(b, bins)`."""
    if len(values) > 1:  # a batch may have more bins than 32 bits count
        values = values.long() + torch.arange(len(values), device=values.device).unsqueeze(1) * bins
    counts = torch.bincount(values.flatten(), minlength=bins * len(values))
    return counts.view(-1, bins).to(dtype) / values.shape[1]


def _entropy(probability: Tensor) -> Tensor:
    """In bits, over the last dimension."""
    return -torch.special.xlogy(probability, probability).sum(-1) / math.log(2)

"""Edges kept (Qabf), lost (LABF) and added (Nabf): Xydeas and Petrovic 2000, Petrovic and Xydeas 2005."""

from __future__ import annotations

import math
from functools import reduce
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from imfuse.lab.metrics.functional._fast import logistic, square_root
from imfuse.lab.metrics.functional._images import as_images, check_convention, filter_separable, to_peak
from imfuse.lab.metrics.functional._sharing import shared

STRENGTH = (0.9994, -15.0, 0.5)
ORIENTATION = (0.9879, -22.0, 0.8)
KUMAR_STRENGTH = (0.9999, -19.0, 0.5)
KUMAR_ORIENTATION = (0.9995, -22.0, 0.5)
KUMAR_FLOOR, KUMAR_THRESHOLD, KUMAR_EXPONENT = 0.001, 2.0, 1.5
UPRIGHT = 1e-4
FAINT = 1e-9
"""Strength of no edge, on a scale on which the least edge of 8 bits has 1."""
EPSILON = 1e-12


class EdgeFates(NamedTuple):
    """Shares of the weight of the sources' edges, `(b,)` each; together 1, or 0 where no source has an edge.

    Attributes:
        kept: Qabf.
        lost: LABF.
        added: Nabf.
    """

    kept: Tensor
    lost: Tensor
    added: Tensor


def edge_transfer(
    fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"], *, convention: str = "imfuse"
) -> Float[Tensor, " b"]:
    """Qabf in [0, 1]: edge strength and orientation kept, weighted by the sources' edge strength.

    0.975 for F = A = B by its constants; 0 where no source has an edge.

    Args:
        fused: images in [0, 1].
        sources: images in [0, 1].
        convention: `imfuse`: Sobel with zero border, exponent 1 on the weights, orientation by atan in
            (-pi / 2, pi / 2] with the rows counted upwards, so that a horizontal edge has pi / 2 and its close
            neighbours lie on both sides, as in the reference. `atan2`: orientation in (-pi, pi], so that reversed
            edges count as lost.
    """
    check_convention(convention, "imfuse", "atan2")
    return _fates(*as_images(fused, sources), convention).kept


def edge_loss(
    fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"], *, convention: str = "imfuse"
) -> Float[Tensor, " b"]:
    """LABF in [0, 1], lower is better: what Qabf lacks where an edge of a source is at least as strong as the fused.

    0 where no source has an edge.

    Args:
        fused: images in [0, 1].
        sources: images in [0, 1].
        convention: `imfuse`, or `kumar` as for `edge_artefacts`.
    """
    check_convention(convention, "imfuse", "kumar")
    return edge_fates(fused, sources, convention=convention).lost


def edge_artefacts(
    fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"], *, convention: str = "imfuse"
) -> Float[Tensor, " b"]:
    """Nabf in [0, 1], lower is better: what Qabf lacks where the fused edge is stronger than that of every source.

    0 where no source has an edge, and for F = A = B. As modified by Shreyamsha Kumar (2013), so that Qabf, LABF and
    Nabf have the sum 1.

    Args:
        fused: images in [0, 1].
        sources: images in [0, 1].
        convention: `imfuse`: from the maps of Qabf. `petrovic`: before the modification, where what each source lacks
            is weighted by the weights of all; up to the number of sources. `kumar`: from the maps of his code, which
            most tables quote: Sobel / 8 with mirrored border, orientation without direction, other constants, the root
            of the two preservations, and as weight the strength^1.5 from 2 up and 0.001 below.
    """
    check_convention(convention, "imfuse", "petrovic", "kumar")
    return edge_fates(fused, sources, convention=convention).added


def edge_fates(
    fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"], *, convention: str = "imfuse"
) -> EdgeFates:
    """Qabf, LABF and Nabf at once, for the price of one; conventions of `edge_artefacts`."""
    check_convention(convention, "imfuse", "petrovic", "kumar")
    return _fates(*as_images(fused, sources), convention)


@shared
def _fates(fused: Tensor, sources: Tensor, convention: str) -> EdgeFates:
    strength_f, angle_f = _edges(fused, convention)
    preservation = _kumar_preservation if convention == "kumar" else _preservation
    strengths, qualities, weights = [], [], []
    # One source after the other, because temporaries of one size are taken from the memory of the last.
    for source in sources.split(1, dim=1):
        strength, angle = _edges(source, convention)
        quality, weight = preservation(strength_f, strength, (angle - angle_f).abs_())
        strengths.append(strength)
        qualities.append(quality)
        weights.append(weight)
    return _shares(strength_f, strengths, qualities, weights, as_petrovic=convention == "petrovic")


def _shares(
    strength_f: Tensor, strengths: list[Tensor], qualities: list[Tensor], weights: list[Tensor], as_petrovic: bool
) -> EdgeFates:
    weight, kept = reduce(torch.add, weights), reduce(torch.add, map(torch.mul, qualities, weights))
    total, lack = _sum(weight).clamp_min(EPSILON), weight - kept
    # One where the fused edge is stronger than that of every source, and else zero.
    is_added = (strength_f - reduce(torch.maximum, strengths)).detach().clamp_min_(0).sign_()
    added = _sum(lack * is_added)
    lost = _sum(lack) - added
    if as_petrovic:
        added = _sum((len(qualities) - reduce(torch.add, qualities)) * weight * is_added)
    return EdgeFates(_sum(kept) / total, lost / total, added / total)


def _edges(image: Tensor, convention: str) -> tuple[Tensor, Tensor]:
    """Strength and angle at each pixel."""
    mode = "constant"
    if convention == "kumar":
        mode = "reflect" if min(image.shape[2:]) > 1 else "replicate"
    gx, gy = _sobel(image, mode)
    return _strength(gx, gy), _full_angle(gx, gy) if convention == "atan2" else _half_angle(gx, gy)


def _preservation(strength_f: Tensor, strength_s: Tensor, turn: Tensor) -> tuple[Tensor, Tensor]:
    """Preservation of a source's edges, and their weights; `turn` is the difference of the angles, and given up."""
    alignment = turn.mul_(-2 / math.pi).add_(1)
    quality = logistic(_ratio(strength_f, strength_s), *STRENGTH).mul_(logistic(alignment, *ORIENTATION))
    return quality, F.threshold(strength_s, FAINT, 0.0)


def _kumar_preservation(strength_f: Tensor, strength_s: Tensor, turn: Tensor) -> tuple[Tensor, Tensor]:
    alignment = turn.mul_(2 / math.pi).sub_(1).abs_()
    ratio = _ratio(strength_f, strength_s)
    quality = logistic(ratio, *KUMAR_STRENGTH).mul_(logistic(alignment, *KUMAR_ORIENTATION))
    strength = strength_s / 8
    weight = torch.where(strength >= KUMAR_THRESHOLD, strength**KUMAR_EXPONENT, KUMAR_FLOOR)
    return square_root(quality), weight


def _sum(plane: Tensor) -> Float[Tensor, " b"]:
    return plane.sum(dim=(1, 2, 3))


def _sobel(images: Tensor, mode: str) -> tuple[Tensor, Tensor]:
    """Derivatives on the 0..255 scale, along the rows and up the columns."""
    padded = F.pad(to_peak(images), [1] * 4, mode=mode)
    difference, mean = images.new_tensor([-1.0, 0.0, 1.0]), images.new_tensor([1.0, 2.0, 1.0])
    return filter_separable(padded, mean, difference), filter_separable(padded, -difference, mean)


def _strength(gx: Tensor, gy: Tensor) -> Tensor:
    return square_root(gx.square().addcmul_(gy, gy).clamp_min_(EPSILON**2))


def _half_angle(gx: Tensor, gy: Tensor) -> Tensor:
    """Atan(gy / gx) in (-pi / 2, pi / 2]; pi / 2 where there is no edge."""
    # As the angle of (|gx|, gy sign(gx)), which takes half the time; (0, 1) where the slope would overflow.
    across = F.hardshrink(gx, UPRIGHT)
    sign = across.detach().sign()
    return torch.atan2((gy - sign).mul_(sign).add_(1), across.abs_())


def _full_angle(gx: Tensor, gy: Tensor) -> Tensor:
    """Atan2(gy, gx) in (-pi, pi]; 0 where there is no edge."""
    return torch.atan2(gy, torch.where((gx.abs() < UPRIGHT) & (gy.abs() < UPRIGHT), 1, gx))


def _ratio(first: Tensor, second: Tensor) -> Tensor:
    """Of the weaker to the stronger edge; 0 where there is none."""
    stronger = F.threshold(torch.maximum(first, second), FAINT, torch.inf, inplace=True)
    return torch.minimum(first, second).div_(stronger)

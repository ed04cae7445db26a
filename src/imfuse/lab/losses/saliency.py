"""Saliency by histogram contrast (Zhai and Shah 2006, as TIM takes it, Liu et al. 2024): what differs in grey, matters.

Everything is a table of 256 grey levels: O(h w + 256), not O(256 h w). Levels are rounded, so nothing here has a
gradient; the maps are weights that a loss takes as given.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from imfuse.lab.losses._precision import precise
from imfuse.lab.metrics.functional._fast import is_plain
from imfuse.lab.metrics.functional._images import grey_levels

LEVELS = 256


def saliency_map(images: Float[Tensor, "b n h w"]) -> Float[Tensor, "b n h w"]:
    """S(v) / max S of each pixel's grey level v, S(v) = sum_j hist(j) |v - j|: its mean distance to all other pixels.

    Args:
        images: in [0, 1]; each of the n is looked at by itself.

    Returns:
        In [0, 1], of the type of the images and without gradient. The maximum is over the levels that occur, so that
        it is 1 somewhere (**reading**; the paper does not say); 0 throughout where an image is constant.

    Example:
        >>> saliency_map(torch.tensor([[[[0.0, 0.0, 0.2, 1.0]]]]))
        tensor([[[[0.4286, 0.4286, 0.4286, 1.0000]]]])
    """
    planes = precise(images.detach()).flatten(0, 1)[:, None]  # bfloat16 cannot tell 256 levels apart
    levels = grey_levels(planes, torch.uint8)
    if is_plain(planes):
        tables = _contrast(_histogram_by_opencv(levels)).to(planes.dtype)
        maps = np.stack([cv2.LUT(plane, table) for plane, table in zip(levels.numpy(), tables.numpy(), strict=True)])
        return torch.from_numpy(maps).view(images.shape).to(images.dtype)
    tables = _contrast(_histogram(levels)).to(images.dtype)
    return tables.gather(1, levels.long()).view(images.shape)


def saliency_weights(sources: Float[Tensor, "b n h w"]) -> Float[Tensor, "b n h w"]:
    """Softmax of the saliency maps over the sources: M_A = exp(S_A) / (exp(S_A) + exp(S_B)) where there are two.

    Args:
        sources: in [0, 1].

    Returns:
        In (0, 1), with a sum of 1 over the sources at each pixel, and without gradient. As S is in [0, 1], a pixel
        of two sources weighs from 0.27 to 0.73. Equal where all sources are constant.
    """
    return torch.softmax(saliency_map(sources), dim=1)


def _contrast(histogram: Int[Tensor, "k 256"]) -> Float[Tensor, "k 256"]:
    """S / max S of each level: S rises from one level to the next by the pixels below it less those above it."""
    pixels = histogram.sum(1, keepdim=True)
    first = (histogram * torch.arange(LEVELS, device=histogram.device)).sum(1, keepdim=True)
    rises = 2 * histogram[:, :-1].cumsum(1) - pixels
    contrast = torch.cat([first, first + rises.cumsum(1)], dim=1)
    largest = torch.where(histogram > 0, contrast, 0).amax(1, keepdim=True)
    return contrast / largest.clamp_min(1)


def _histogram(levels: Int[Tensor, "k p"]) -> Int[Tensor, "k 256"]:
    images = len(levels)
    bins = levels.long() + LEVELS * torch.arange(images, device=levels.device)[:, None]
    counts = torch.zeros(images * LEVELS, dtype=torch.int64, device=levels.device)
    # In one dimension, because that is deterministic on a GPU too.
    return counts.scatter_add(0, bins.flatten(), torch.ones_like(bins).flatten()).view(images, LEVELS)


def _histogram_by_opencv(levels: Int[Tensor, "k p"]) -> Int[Tensor, "k 256"]:
    counts = [cv2.calcHist([plane], [0], None, [LEVELS], [0, LEVELS]).ravel() for plane in levels.numpy()]
    return torch.from_numpy(np.stack(counts)).long()

"""Losses against the flatness of averaged pictures: contrast, sharpness, and a base that follows one source.

They compare the fused image with what the sources have, and cost nothing where it has as much, so that they give no
reason to go beyond.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

SHARPNESS_AIM = 1.08
BASE_CELL = 8
EPSILON = 1e-3


def contrast_loss(fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"]) -> Float[Tensor, ""]:
    """Share of the largest standard deviation among the sources that the fused image lacks; in [0, 1]."""
    wanted = sources.std(dim=(2, 3)).amax(1)
    return F.relu(1 - fused.std(dim=(1, 2, 3)) / (wanted + EPSILON)).mean()


def sharpness_loss(fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"]) -> Float[Tensor, ""]:
    """Share of the wanted mean gradient that the fused image lacks; in [0, 1].

    Wanted is 1.08 times the mean over the pixels of the largest gradient magnitude among the sources: the choice
    between sources by smooth weights loses a little of it everywhere.
    """
    wanted = SHARPNESS_AIM * _gradient(sources).amax(1).mean(dim=(1, 2))
    return F.relu(1 - _gradient(fused)[:, 0].mean(dim=(1, 2)) / wanted).mean()


def nearest_intensity_loss(fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"]) -> Float[Tensor, ""]:
    """Mean distance, over cells of 8 x 8 pixels, of the fused brightness to that of the nearest source; in [0, 1].

    It asks the base to follow one source at each place rather than the mean of all, and leaves open which.
    """
    cells = F.avg_pool2d(torch.cat([fused, sources], dim=1), BASE_CELL)
    return (cells[:, :1] - cells[:, 1:]).abs().amin(1).mean()


def _gradient(images: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h2 w2"]:
    """Magnitude of the backward differences."""
    inner = images[..., 1:, 1:]
    across, down = inner - images[..., 1:, :-1], inner - images[..., :-1, 1:]
    return torch.sqrt(across**2 + down**2 + EPSILON**2)

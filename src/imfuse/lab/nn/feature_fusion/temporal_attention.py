"""Attention over time: the features of the frames so far, weighted by how well they answer the last one."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from imfuse.lab.nn.feature_fusion.attention import REDUCTION
from imfuse.lab.nn.feature_fusion.squeeze_excitation import hidden_channels


class TemporalAttention(nn.Module):
    """Z(p) = sum over t of a_t(p) X_t(p), with a_t(p) = softmax over t of q(X_T(p)) . k(X_t(p)) / sqrt(d).

    The last frame T asks, at each position p; it and all earlier frames answer, so that where nothing earlier fits the
    present remains. q and k are 1x1 convolutions C -> d = C/r; the features themselves are what is averaged (scaled
    dot products of Vaswani et al. 2017, along time only). Frames must be aligned: a position asks itself alone.
    Any number of frames will do, and their order before the last does not matter.

    Args:
        channels: of every frame, C.
        reduction: r; d is at least 4.

    Example:
        >>> from imfuse.lab.nn.feature_fusion.cost import cost
        >>> print(cost(TemporalAttention(64), (1, 5, 64, 32, 32)))
        2,080 parameters, 6,291,456 MACs
    """

    def __init__(self, channels: int, *, reduction: int = REDUCTION) -> None:
        super().__init__()
        self.channels = channels
        hidden = hidden_channels(channels, reduction)
        self.query = nn.Conv2d(channels, hidden, 1)
        self.key = nn.Conv2d(channels, hidden, 1)

    def weights(self, frames: Float[Tensor, "b t c h w"]) -> Float[Tensor, "b t h w"]:
        """Share of each frame at each position; they sum to 1 over the frames."""
        query = self.query(frames[:, -1])
        keys = self.key(frames.flatten(0, 1)).unflatten(0, frames.shape[:2])
        wide = torch.promote_types(query.dtype, torch.float32)  # products of half-precision features overflow
        answers = (query.to(wide)[:, None] * keys.to(wide)).sum(2)
        return (answers / math.sqrt(query.shape[1])).softmax(1).to(frames.dtype)

    def forward(self, frames: Float[Tensor, "b t c h w"]) -> Float[Tensor, "b c h w"]:
        """The weighted mean of the frames.

        Args:
            frames: oldest first, one or more.

        Raises:
            ValueError: no frame, other channels, or no axis of time.
        """
        if frames.ndim != 5 or frames.shape[2] != self.channels or not frames.shape[1]:
            raise ValueError(
                f"frames of shape {tuple(frames.shape)}: expected (batch, time, {self.channels}, height, width), with "
                "one frame or more"
            )
        return (self.weights(frames)[:, :, None] * frames).sum(1)

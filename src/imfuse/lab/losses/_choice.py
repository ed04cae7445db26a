"""The choice of a source at each pixel."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def share_of_largest(activity: Float[Tensor, "b n h w"]) -> Float[Tensor, "b n h w"]:
    """1 for the source with the largest activity at a pixel and 0 for the others; equal shares where several are.

    Shares rather than the first of them, so that the order of the sources does not matter. Without gradient.
    """
    with torch.no_grad():
        is_largest = (activity == activity.amax(1, keepdim=True)).to(activity.dtype)
        return is_largest / is_largest.sum(1, keepdim=True).clamp_min(1)

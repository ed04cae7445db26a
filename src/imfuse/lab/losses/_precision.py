"""The precision that losses are computed in."""

from __future__ import annotations

import torch
from torch import Tensor


def precise(values: Tensor) -> Tensor:
    """In float32 at least: sums over an image, and the squares of small numbers, leave the range of half precision."""
    return values.to(torch.promote_types(values.dtype, torch.float32))

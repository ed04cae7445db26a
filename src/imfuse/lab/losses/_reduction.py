"""How a loss becomes a number: the mean, the sum, or not at all."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

Reduction = Literal["mean", "sum", "none"]


def reduced(values: Tensor, reduction: Reduction) -> Tensor:
    """Values as they are (`none`), their mean or their sum.

    Raises:
        ValueError: no such reduction.
    """
    if reduction == "mean":
        return values.mean()
    if reduction == "sum":
        return values.sum()
    if reduction == "none":
        return values
    raise ValueError(f"reduction {reduction!r}: expected mean, sum or none")

"""What is compared value by value must have one shape: PyTorch would repeat the smaller one, and say nothing."""

from __future__ import annotations

from torch import Tensor


def check_equal_shapes(**pair: Tensor) -> None:
    """Of two tensors, by the names that the caller knows them by.

    Raises:
        ValueError: unequal shapes.
    """
    (first, values), (second, others) = pair.items()
    if values.shape != others.shape:
        raise ValueError(f"{first} {tuple(values.shape)} and {second} {tuple(others.shape)}: expected equal shapes")

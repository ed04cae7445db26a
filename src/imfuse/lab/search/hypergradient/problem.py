"""The bilevel problem of an architecture search, whose gradient all methods of this package estimate.

    min over alpha of  L_a(theta*(alpha), alpha)   with   theta*(alpha) = argmin over theta of L(theta, alpha)

At the inner optimum the implicit function theorem gives, with H = d2L / dtheta2,

    dF / dalpha = grad_alpha L_a - v^T d2L / dtheta dalpha,   H v = grad_theta L_a
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

Tensors = tuple[Tensor, ...]
Loss = Callable[[Tensors, Tensors], Tensor]
"""From the weights theta and the architecture alpha to a scalar; it can be differentiated twice."""


@dataclass(frozen=True)
class Bilevel:
    """Two losses at one point.

    The losses are called with detached tensors, so that no `.grad` and no graph of the caller is touched.

    Attributes:
        inner: L, the training loss on a training batch.
        outer: L_a, the search loss on a validation batch.
        weights: theta, at or near the minimum of `inner`.
        architecture: alpha.
        reduce: mean of a vector over processes, such as `partial(fabric.all_reduce, reduce_op="mean")`, for losses that
            are means over each process's share of the batches. It is applied to every gradient and every product with
            second derivatives before these are multiplied, because the mean of hypergradients is not the hypergradient
            of the mean: with it, many processes find what one finds on all shares together, but where a batch norm sees
            the share of its process. None: one process.

    Raises:
        ValueError: no weights or no architecture.
    """

    inner: Loss
    outer: Loss
    weights: Tensors
    architecture: Tensors
    reduce: Callable[[Tensor], Tensor] | None = None

    def __post_init__(self) -> None:
        for name in ("weights", "architecture"):
            if not getattr(self, name):
                raise ValueError(f"{name} of a bilevel problem: there are none, expected one tensor or more")

    def average(self, tensors: Tensors) -> Tensors:
        """The mean of each tensor over the processes, by one call for all."""
        if self.reduce is None:
            return tensors
        mean = self.reduce(torch.cat([tensor.reshape(-1) for tensor in tensors]))
        parts = mean.split([tensor.numel() for tensor in tensors])
        return tuple(part.view_as(tensor).to(tensor.dtype) for part, tensor in zip(parts, tensors, strict=True))


class HyperGradient(NamedTuple):
    """What a method finds.

    Attributes:
        architecture: the estimate of dF / dalpha, one for each tensor of the architecture; zeros where the losses do
            not depend on it.
        outer: value of the search loss, detached.
        inner: value of the training loss, detached.
    """

    architecture: Tensors
    outer: Tensor
    inner: Tensor


def inner_product(left: Tensors, right: Tensors) -> Tensor:
    """<left, right> over all their elements.

    >>> inner_product((torch.ones(2), torch.tensor(3.0)), (torch.ones(2), torch.tensor(2.0))).item()
    8.0
    """
    return torch.stack([(a * b).sum() for a, b in zip(left, right, strict=True)]).sum()


def add_scaled(tensors: Tensors, factor: Tensor | float, others: Tensors) -> Tensors:
    """Tensors + factor * others, one by one.

    >>> add_scaled((torch.tensor(1.0),), -2.0, (torch.tensor(3.0),))
    (tensor(-5.),)
    """
    return tuple(tensor + factor * other for tensor, other in zip(tensors, others, strict=True))

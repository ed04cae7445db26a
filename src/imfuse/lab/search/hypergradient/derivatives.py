"""First derivatives of the losses, and products of vectors with the second derivatives of the inner loss."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from imfuse.lab.search.hypergradient.problem import Bilevel, Loss, Tensors, inner_product


class FirstDerivatives(NamedTuple):
    """A loss and its gradients, averaged over the processes and detached.

    Attributes:
        value: the loss.
        weights: grad_theta; empty where it was not asked for.
        architecture: grad_alpha.
    """

    value: Tensor
    weights: Tensors
    architecture: Tensors


def first_derivatives(
    problem: Bilevel, loss: Loss, *, weights: Tensors | None = None, of_weights: bool = True
) -> FirstDerivatives:
    """A loss and its gradients by one backward pass.

    Args:
        problem: gives the point.
        loss: its inner or outer loss.
        weights: the point theta, if it is not that of the problem.
        of_weights: whether grad_theta is needed.
    """
    theta = leaves(problem.weights if weights is None else weights, of_weights)
    alpha = leaves(problem.architecture)
    wanted = (*theta, *alpha) if of_weights else alpha
    value = loss(theta, alpha)
    value, *found = problem.average((value.detach(), *gradients(value, wanted)))
    split = len(theta) if of_weights else 0
    return FirstDerivatives(value, tuple(found[:split]), tuple(found[split:]))


class SecondDerivatives:
    """Products of vectors with second derivatives of the inner loss at one point, averaged over the processes.

    The graph of the gradient is built once and kept; each product is a backward pass through it.

    Args:
        problem: gives the loss and the point.
        weights: the point theta, if it is not that of the problem.
    """

    def __init__(self, problem: Bilevel, weights: Tensors | None = None) -> None:
        self._problem = problem
        self._theta = leaves(problem.weights if weights is None else weights)
        self._alpha = leaves(problem.architecture)
        value = problem.inner(self._theta, self._alpha)
        self._gradient = gradients(value, self._theta, create_graph=True)
        self._value = value.detach()

    def value(self) -> Tensor:
        """L, detached."""
        return self._problem.average((self._value,))[0]

    def gradient(self) -> Tensors:
        """grad_theta L, detached."""
        return self._problem.average(tuple(part.detach() for part in self._gradient))

    def with_weights(self, vector: Tensors) -> Tensors:
        """The Hessian-vector product H v, one tensor for each of the weights."""
        return self._product(vector, self._theta)

    def with_architecture(self, vector: Tensors) -> Tensors:
        """The mixed product v^T d2L / dtheta dalpha, one tensor for each of the architecture."""
        return self._product(vector, self._alpha)

    def with_both(self, vector: Tensors) -> tuple[Tensors, Tensors]:
        """Both products by one backward pass."""
        found = self._product(vector, (*self._theta, *self._alpha))
        return found[: len(self._theta)], found[len(self._theta) :]

    def _product(self, vector: Tensors, tensors: Tensors) -> Tensors:
        found = gradients(inner_product(self._gradient, vector), tensors, retain_graph=True)
        return self._problem.average(found)


def leaves(tensors: Tensors, requires_grad: bool = True) -> Tensors:
    """The same values as new leaves of a graph."""
    return tuple(tensor.detach().requires_grad_(requires_grad) for tensor in tensors)


def gradients(
    value: Tensor, tensors: Tensors, *, create_graph: bool = False, retain_graph: bool | None = None
) -> Tensors:
    """Gradient of a scalar with respect to each tensor, zeros where it does not depend on it.

    >>> point = (torch.tensor(3.0, requires_grad=True), torch.tensor(5.0, requires_grad=True))
    >>> gradients(point[0] ** 2, point)
    (tensor(6.), tensor(0.))
    """
    if not value.requires_grad:  # a constant, or the second derivative of something linear
        return tuple(torch.zeros_like(tensor) for tensor in tensors)
    return torch.autograd.grad(
        value, tensors, create_graph=create_graph, retain_graph=retain_graph, allow_unused=True, materialize_grads=True
    )

"""The implicit function theorem, for any way of solving its linear system."""

from __future__ import annotations

from collections.abc import Callable

from imfuse.lab.search.hypergradient.derivatives import SecondDerivatives, first_derivatives
from imfuse.lab.search.hypergradient.problem import Bilevel, HyperGradient, Tensors, add_scaled

Product = Callable[[Tensors], Tensors]
"""From v to H v."""


def implicit(problem: Bilevel, solve: Callable[[Product, Tensors], Tensors]) -> HyperGradient:
    """G = grad_alpha L_a - v^T d2L / dtheta dalpha, where `solve(product, grad_theta L_a)` returns v."""
    outer = first_derivatives(problem, problem.outer)
    second = SecondDerivatives(problem)
    vector = solve(second.with_weights, outer.weights)
    indirect = second.with_architecture(vector)
    return HyperGradient(add_scaled(outer.architecture, -1.0, indirect), outer.value, second.value())

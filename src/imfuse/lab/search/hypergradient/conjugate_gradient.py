"""Conjugate gradients for the linear system of the implicit gradient (Hestenes and Stiefel 1952; Pedregosa 2016)."""

from __future__ import annotations

import torch
from torch import Tensor

from imfuse.lab.search.hypergradient.implicit import Product, implicit
from imfuse.lab.search.hypergradient.options import check_count, check_number
from imfuse.lab.search.hypergradient.problem import Bilevel, HyperGradient, Tensors, add_scaled, inner_product


def conjugate_gradient(
    problem: Bilevel, *, iterations: int = 10, damping: float = 0.0, tolerance: float = 1e-6
) -> HyperGradient:
    """The implicit gradient with v from (H + damping I) v = grad_theta L_a.

    One product with the Hessian an iteration. The Hessian of a network is not positive definite away from a minimum:
    at a direction of no or negative curvature the iteration stops with what it has reached, which is the first order if
    it is the first direction; more damping gets past it.

    Args:
        problem: the two losses and the point.
        iterations: at most so many; as many as there are weights solve the system but for rounding.
        damping: added to all curvatures; it also limits how far flat directions correct.
        tolerance: stops when the residual is so small a part of grad_theta L_a.

    Raises:
        RecipeError: no iterations, or a negative damping or tolerance.

    Source: F. Pedregosa, Hyperparameter optimization with approximate gradient, ICML 2016.
    """
    check_count("iterations", iterations)
    check_number("damping", damping, zero=True)
    check_number("tolerance", tolerance, zero=True)

    def agreed(left: Tensors, right: Tensors) -> Tensor:
        # Processes whose rounding differs would stop at different iterations and wait for each other for ever.
        return problem.average((inner_product(left, right),))[0]

    def solve(product: Product, right: Tensors) -> Tensors:
        solution = tuple(torch.zeros_like(part) for part in right)
        residual = direction = right
        squared = agreed(residual, residual)
        enough = tolerance**2 * squared
        for _ in range(iterations):
            if squared <= enough:
                break
            image = add_scaled(product(direction), damping, direction)
            curvature = agreed(direction, image)
            if not curvature > 0:
                break
            solution = add_scaled(solution, squared / curvature, direction)
            residual = add_scaled(residual, -squared / curvature, image)
            before, squared = squared, agreed(residual, residual)
            direction = add_scaled(residual, squared / before, direction)
        return solution

    return implicit(problem, solve)

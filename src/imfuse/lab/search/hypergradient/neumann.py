"""Neumann series for the inverse of the Hessian (Lorraine, Vicol and Duvenaud 2020)."""

from __future__ import annotations

from imfuse.lab.search.hypergradient.implicit import Product, implicit
from imfuse.lab.search.hypergradient.options import check_count, check_number
from imfuse.lab.search.hypergradient.problem import Bilevel, HyperGradient, Tensors, add_scaled


def neumann(problem: Bilevel, *, rate: float, terms: int = 10) -> HyperGradient:
    """The implicit gradient with v = rate * sum over i < terms of (I - rate H)^i grad_theta L_a.

    One product with the Hessian for each term after the first. At the inner optimum it equals `unrolled` of as many
    steps and the same rate.

    Args:
        problem: the two losses and the point.
        rate: below 2 / the largest eigenvalue of H, such as a learning rate by which gradient descent on L converges;
            above it the terms grow without bound.
        terms: number of terms. Directions of curvature far below 1 / (rate * terms) are hardly corrected for.

    Raises:
        RecipeError: the rate is not above zero, or there are no terms.

    Source: J. Lorraine, P. Vicol, D. Duvenaud, Optimizing Millions of Hyperparameters by Implicit Differentiation,
    AISTATS 2020, algorithm 3.
    """
    check_number("rate", rate, zero=False)
    check_count("terms", terms)

    def solve(product: Product, right: Tensors) -> Tensors:
        term = total = right
        for _ in range(terms - 1):
            term = add_scaled(term, -rate, product(term))
            total = add_scaled(total, 1.0, term)
        return tuple(rate * part for part in total)

    return implicit(problem, solve)

"""Gauss-Newton: the second derivatives replaced by outer products of first ones (Liu et al. 2024, TIM)."""

from __future__ import annotations

from imfuse.lab.search.hypergradient.derivatives import first_derivatives
from imfuse.lab.search.hypergradient.options import check_number
from imfuse.lab.search.hypergradient.problem import Bilevel, HyperGradient, add_scaled, inner_product


def gauss_newton(problem: Bilevel, *, eps: float = 1e-12) -> HyperGradient:
    """G = grad_alpha L_a - <grad_theta L, grad_theta L_a> / (<grad_theta L, grad_theta L> + eps) * grad_alpha L.

    Two gradients of the weights and one more of the architecture, no second derivative. One outer product stands for
    the whole Hessian, so the direction is right where one direction of the weights matters, and the length is only
    bounded by |grad_theta L_a| / |grad_theta L|: nearer the inner optimum than the noise of a batch it can exceed the
    true gradient a hundredfold, up to the point itself, where grad_theta L is zero and the first order is left. Clip
    it, or raise eps.

    Args:
        problem: the two losses and the point.
        eps: in the unit of a squared gradient. A squared gradient far below it corrects nothing, and the factor of
            grad_alpha L never exceeds |grad_theta L_a| / (2 sqrt(eps)).

    Raises:
        RecipeError: eps is not a number above zero.

    Source: R. Liu, Z. Liu, J. Liu, X. Fan, Z. Luo, A Task-guided, Implicitly-searched and Meta-initialized Deep Model
    for Image Fusion, 2024, arXiv 2305.15862.
    """
    check_number("eps", eps, zero=False)
    # Trap: the published program adds the correction, scales it by the learning rate of the weights, and multiplies
    # gradients of another step. The formula subtracts it unscaled, with all gradients at one point, as here.
    inner = first_derivatives(problem, problem.inner)
    outer = first_derivatives(problem, problem.outer)
    share = inner_product(inner.weights, outer.weights) / (inner_product(inner.weights, inner.weights) + eps)
    return HyperGradient(add_scaled(outer.architecture, -share, inner.architecture), outer.value, inner.value)

"""Unrolled differentiation: through steps of gradient descent on the inner loss (Maclaurin et al. 2015; DARTS)."""

from __future__ import annotations

from imfuse.lab.search.hypergradient.derivatives import SecondDerivatives, first_derivatives
from imfuse.lab.search.hypergradient.options import check_count, check_number
from imfuse.lab.search.hypergradient.problem import Bilevel, HyperGradient, add_scaled


def unrolled(problem: Bilevel, *, rate: float, steps: int = 1) -> HyperGradient:
    """Exact derivative of L_a(theta_K, alpha), theta_(k+1) = theta_k - rate * grad_theta L(theta_k, alpha).

    Begins from the weights of the problem, which stay as they are. A backward pass each way a step; the graphs of all
    steps are held at once. The value `outer` is that after the steps, `inner` that before them.

    Args:
        problem: the two losses and the point.
        rate: learning rate of the inner steps.
        steps: K, their number.

    Raises:
        RecipeError: the rate is not above zero, or there are no steps.

    Source: H. Liu, K. Simonyan, Y. Yang, DARTS: Differentiable Architecture Search, ICLR 2019, equation 6, for any
    number of steps and without its finite difference.
    """
    check_number("rate", rate, zero=False)
    check_count("steps", steps)
    weights, passed = problem.weights, []
    for _ in range(steps):
        passed.append(SecondDerivatives(problem, weights))
        weights = add_scaled(weights, -rate, passed[-1].gradient())
    inner = passed[0].value()
    outer = first_derivatives(problem, problem.outer, weights=weights)
    adjoint, architecture = outer.weights, outer.architecture
    while passed:  # the chain rule by hand, because autograd does not pass through the averages over processes
        of_weights, of_architecture = passed.pop().with_both(adjoint)
        adjoint = add_scaled(adjoint, -rate, of_weights)
        architecture = add_scaled(architecture, -rate, of_architecture)
    return HyperGradient(architecture, outer.value, inner)
